//! Subscribe, served by hand: its messages come encoded from the feed, so each event is encoded once and not once for
//! every subscriber; and its body takes the next message only when the one before is gone.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, Empty, StreamExt, empty, unfold};
use http::HeaderMap;
use http_body::Frame;
use tokio::sync::oneshot;
use tonic::body::Body;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstDecoder;

use crate::feed::Stream;
use crate::grpc::alerts::Alerts;
use crate::grpc::guard::caller;
use crate::grpc::status::{MAX_INBOUND_BYTES, Problem};
use crate::wire::pb::SubscribeRequest;
use crate::wire::pb::alert_service_server::{AlertServiceServer, SERVICE_NAME};

/// Its path on the wire.
const PATH: &str = "/wardwatch.v1.AlertService/Subscribe";

/// Bytes handed to the connection at a time: HTTP/2's smallest largest frame (RFC 9113 section 6.5.2). hyper keeps one such
/// piece beside the send buffer, however long the reader takes.
const PIECE: usize = 16 << 10;

/// Encoded messages of a subscription, each in parts.
pub type Messages = BoxStream<'static, Result<Vec<Bytes>, Status>>;

/// AlertService as it is served: the generated service, with Subscribe taken out and served from encoded messages.
#[derive(Clone, Debug)]
pub struct AlertApi {
    alerts: Arc<Alerts>,
    others: AlertServiceServer<Alerts>,
}

/// Reads the request. The answer's messages pass it by.
#[derive(Clone, Copy, Debug, Default)]
struct Asked;

/// The method, as tonic wants it: it opens the stream and hands it over, beside tonic's own answer.
struct Subscribe {
    alerts: Arc<Alerts>,
    opened: Option<oneshot::Sender<Stream>>,
}

/// The body of an answer: message after message, cut into pieces.
struct Pieces {
    messages: Messages,
    /// What is not yet sent of the message under way. Its events are shared with the window; only a piece is copied.
    parts: VecDeque<Bytes>,
    left: usize,
    over: bool,
}

impl AlertApi {
    /// Serves `alerts`.
    pub fn new(alerts: Alerts) -> Self {
        let alerts = Arc::new(alerts);
        let others = AlertServiceServer::from_arc(Arc::clone(&alerts)).max_decoding_message_size(MAX_INBOUND_BYTES);
        Self { alerts, others }
    }
}

/// The messages of a stream, and the status it ends with.
pub fn messages(stream: Stream) -> Messages {
    let messages = unfold(stream, |mut stream| async move {
        let next = stream.next().await?;
        Some((next.map_err(|refusal| Problem::from(refusal).into()), stream))
    });
    messages.boxed()
}

impl NamedService for AlertApi {
    const NAME: &'static str = SERVICE_NAME;
}

impl Service<http::Request<Body>> for AlertApi {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != PATH {
            return self.others.call(request);
        }
        let (opened, mut stream) = oneshot::channel();
        let method = Subscribe { alerts: Arc::clone(&self.alerts), opened: Some(opened) };
        Box::pin(async move {
            let mut grpc = Grpc::new(Asked).max_decoding_message_size(MAX_INBOUND_BYTES);
            let response = grpc.server_streaming(method, request).await;
            Ok(match stream.try_recv() {
                Ok(stream) => response.map(|_| Body::new(Pieces::of(messages(stream)))),
                Err(_) => response,
            })
        })
    }
}

impl ServerStreamingService<SubscribeRequest> for Subscribe {
    type Response = ();
    type ResponseStream = Empty<Result<(), Status>>;
    type Future = BoxFuture<'static, Result<Response<Self::ResponseStream>, Status>>;

    fn call(&mut self, request: Request<SubscribeRequest>) -> Self::Future {
        let (alerts, opened) = (Arc::clone(&self.alerts), self.opened.take());
        Box::pin(async move {
            let caller = caller(&request)?;
            let stream = alerts.open(request.into_inner(), caller).await?;
            if let Some(opened) = opened {
                // Nobody receives it when the caller has gone: then it ends here.
                drop(opened.send(stream));
            }
            Ok(Response::new(empty()))
        })
    }
}

impl Codec for Asked {
    type Encode = ();
    type Decode = SubscribeRequest;
    type Encoder = Self;
    type Decoder = ProstDecoder<SubscribeRequest>;

    fn encoder(&mut self) -> Self {
        *self
    }
    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::default()
    }
}

impl Encoder for Asked {
    type Item = ();
    type Error = Status;

    fn encode(&mut self, (): (), _: &mut EncodeBuf<'_>) -> Result<(), Status> {
        Ok(())
    }
}

impl Pieces {
    fn of(messages: Messages) -> Self {
        Self { messages, parts: VecDeque::new(), left: 0, over: false }
    }
    /// Takes a message: gRPC puts a flag (not compressed) and its length before it.
    fn take(&mut self, message: Vec<Bytes>) -> Result<(), Status> {
        let length = message.iter().map(Bytes::len).sum::<usize>();
        let told = u32::try_from(length).map_err(|_| Problem::Internal("a message of 4 GiB".into()))?;
        let mut head = BytesMut::with_capacity(5);
        head.put_u8(0);
        head.put_u32(told);
        self.left = head.len() + length;
        self.parts = message.into();
        self.parts.push_front(head.freeze());
        Ok(())
    }
    /// The next piece, in memory of its own, so that it holds nothing but itself while it waits for its reader.
    fn cut(&mut self) -> Bytes {
        let mut piece = BytesMut::with_capacity(self.left.min(PIECE));
        while let Some(part) = self.parts.front_mut().filter(|_| piece.len() < PIECE) {
            let some = part.len().min(PIECE - piece.len());
            piece.put_slice(&part[..some]);
            part.advance(some);
            if part.is_empty() {
                self.parts.pop_front();
            }
        }
        self.left -= piece.len();
        piece.freeze()
    }
    fn end(&mut self, status: &Status) -> Result<Frame<Bytes>, Status> {
        self.over = true;
        let mut trailers = HeaderMap::new();
        status.add_header(&mut trailers)?;
        Ok(Frame::trailers(trailers))
    }
}

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if self.left == 0 {
            let next = ready!(self.messages.poll_next_unpin(cx)).unwrap_or_else(|| Err(Status::ok("")));
            if let Err(status) = next.and_then(|message| self.take(message)) {
                return Poll::Ready(Some(self.end(&status)));
            }
        }
        Poll::Ready(Some(Ok(Frame::data(self.cut()))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_together_a_messages_flag_its_length_and_its_bytes() {
        for sizes in [vec![0], vec![1], vec![PIECE - 5], vec![PIECE - 4], vec![3, 40_000, 0, 7, 2 * PIECE]] {
            let message: Vec<_> = (1..).zip(&sizes).map(|(n, size)| Bytes::from(vec![n; *size])).collect();
            let whole = message.concat();
            let mut pieces = Pieces::of(futures_util::stream::empty().boxed());
            pieces.take(message).unwrap();
            let mut sent = Vec::new();
            while pieces.left > 0 {
                let piece = pieces.cut();
                assert!(piece.len() == PIECE || pieces.left == 0, "{} bytes of {sizes:?}", piece.len());
                sent.extend_from_slice(&piece);
            }
            let length = u32::try_from(whole.len()).unwrap().to_be_bytes();
            assert_eq!(sent, [&[0][..], &length, &whole].concat());
        }
    }
}
