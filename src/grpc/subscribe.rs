//! Subscribe, served by hand: its messages come encoded from the feed, so each event is encoded once and not once for
//! every subscriber.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{BufMut, Bytes};
use futures_util::future::BoxFuture;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use tonic::body::Body;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::server::{Grpc, NamedService, ServerStreamingService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstDecoder;

use crate::feed::Stream;
use crate::grpc::alerts::Alerts;
use crate::grpc::status::{MAX_INBOUND_BYTES, Problem};
use crate::wire::pb::SubscribeRequest;
use crate::wire::pb::alert_service_server::{AlertServiceServer, SERVICE_NAME};

/// Its path on the wire.
const PATH: &str = "/wardwatch.v1.AlertService/Subscribe";

/// Encoded messages of a subscription.
pub type Frames = BoxStream<'static, Result<Bytes, Status>>;

/// AlertService as it is served: the generated service, with Subscribe taken out and served from encoded messages.
#[derive(Clone, Debug)]
pub struct AlertApi {
    alerts: Arc<Alerts>,
    others: AlertServiceServer<Alerts>,
}

/// Takes messages that are encoded already.
#[derive(Clone, Copy, Debug, Default)]
struct Encoded;

/// The method, as tonic wants it.
struct Subscribe(Arc<Alerts>);

impl AlertApi {
    /// Serves `alerts`.
    pub fn new(alerts: Alerts) -> Self {
        let alerts = Arc::new(alerts);
        let others = AlertServiceServer::from_arc(Arc::clone(&alerts)).max_decoding_message_size(MAX_INBOUND_BYTES);
        Self { alerts, others }
    }
}

/// The messages of a stream, and the status it ends with.
pub fn frames(stream: Stream) -> Frames {
    let frames = unfold(stream, |mut stream| async move {
        let next = stream.next().await?;
        Some((next.map_err(|refusal| Problem::from(refusal).into()), stream))
    });
    frames.boxed()
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
        let method = Subscribe(Arc::clone(&self.alerts));
        Box::pin(async move {
            let mut grpc = Grpc::new(Encoded).max_decoding_message_size(MAX_INBOUND_BYTES);
            Ok(grpc.server_streaming(method, request).await)
        })
    }
}

impl ServerStreamingService<SubscribeRequest> for Subscribe {
    type Response = Bytes;
    type ResponseStream = Frames;
    type Future = BoxFuture<'static, Result<Response<Frames>, Status>>;

    fn call(&mut self, request: Request<SubscribeRequest>) -> Self::Future {
        let alerts = Arc::clone(&self.0);
        Box::pin(async move { Ok(Response::new(frames(alerts.open(request.into_inner()).await?))) })
    }
}

impl Codec for Encoded {
    type Encode = Bytes;
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

impl Encoder for Encoded {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, message: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(message.len());
        out.put(message);
        Ok(())
    }
}
