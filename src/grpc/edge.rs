//! The outermost service: what every call meets first and every answer last.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;

use crate::grpc::peer::Peer;
use crate::grpc::status::{Problem, inbound};

/// Our own services; their streams know how to end.
const OURS: &str = "/wardwatch.";
/// Asked by probes, also while the service goes down.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// Refuses what comes during a drain, ends streams that would outlast it, and maps what tonic itself answers.
#[derive(Clone, Debug)]
pub struct Edge {
    /// The services.
    pub routes: Routes,
    /// Asks everyone to finish.
    pub soft: CancellationToken,
    /// When a client refused during a drain may come back.
    pub retry_after: Duration,
    /// Who is at the other end, if it has a certificate.
    pub peer: Option<Peer>,
}

/// A body that ends when the service goes down: a watch of the health service would go on for ever.
struct Ending {
    body: Body,
    soft: Pin<Box<WaitForCancellationFutureOwned>>,
    retry_after: Duration,
    ended: bool,
}

impl hyper::service::Service<http::Request<Incoming>> for Edge {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn call(&self, mut request: http::Request<Incoming>) -> Self::Future {
        if let Some(peer) = &self.peer {
            request.extensions_mut().insert(peer.clone());
        }
        let path = request.uri().path();
        let (ours, draining) = (path.starts_with(OURS), self.soft.is_cancelled());
        if draining && !path.starts_with(HEALTH) {
            let refusal = Status::from(Problem::Draining(self.retry_after)).into_http();
            return Box::pin(std::future::ready(Ok(refusal)));
        }
        let edge = self.clone();
        Box::pin(async move {
            let response = mapped(edge.routes.clone().oneshot(request).await?);
            // A single answer during a drain is let out; it is streams that began before it which must end.
            Ok(if ours || draining { response } else { response.map(|body| edge.ending(body)) })
        })
    }
}

impl Edge {
    fn ending(&self, body: Body) -> Body {
        let soft = Box::pin(self.soft.clone().cancelled_owned());
        Body::new(Ending { body, soft, retry_after: self.retry_after, ended: false })
    }
}

/// tonic answers a request above the size limit before any of our code sees it.
fn mapped(response: http::Response<Body>) -> http::Response<Body> {
    match response.extensions().get::<Status>() {
        Some(status) if status.code() == tonic::Code::OutOfRange => inbound(status.clone()).into_http(),
        _ => response,
    }
}

impl http_body::Body for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        ready!(self.soft.as_mut().poll(cx));
        self.ended = true;
        let mut trailers = HeaderMap::new();
        let told = Status::from(Problem::Draining(self.retry_after)).add_header(&mut trailers);
        Poll::Ready(Some(told.map(|()| Frame::trailers(trailers))))
    }
    fn is_end_stream(&self) -> bool {
        self.ended || self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
