//! The outermost service: what every call meets first and every answer last.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::ServiceExt;
use tracing::Instrument as _;

use crate::access::Gate;
use crate::grpc::door::Guest;
use crate::grpc::guard;
use crate::grpc::measured::Measured;
use crate::grpc::peer::Peer;
use crate::grpc::quota::{Place, Quotas, Seat};
use crate::grpc::status::{Problem, inbound};
use crate::grpc::whole::Whole;
use crate::metrics::Metrics;

/// Our own services; their streams know how to end.
const OURS: &str = "/wardwatch.";
/// Asked by probes, also while the service goes down.
const HEALTH: &str = "/grpc.health.v1.Health/";

/// How long a call may take until its answer begins, and a message of it until it has come whole: longer than any deadline
/// of ours. A stream's answer begins at once.
pub(super) const SLOWEST: Duration = Duration::from_mins(1);

/// What is served, and to whom.
#[derive(Clone, Debug)]
pub struct Api {
    /// The services.
    pub routes: Routes,
    /// Knows who may come in.
    pub gate: Arc<Gate>,
    /// How much each may ask for.
    pub quotas: Arc<Quotas>,
}

/// Looks who calls, refuses what comes during a drain, ends streams that would outlast it, and maps what tonic itself answers.
#[derive(Clone, Debug)]
pub struct Edge {
    api: Api,
    /// Asks everyone to finish.
    pub soft: CancellationToken,
    /// When a client refused during a drain, or with too many streams, may come back.
    retry_after: Duration,
    /// Counts every call.
    metrics: Arc<Metrics>,
    /// Who is at the other end, if it has a certificate.
    peer: Option<Peer>,
    /// Its address.
    from: Option<IpAddr>,
    /// The connection, which learns whether a call of it was let in.
    guest: Arc<Guest>,
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
        let (measured, origin) = Measured::begin(&self.metrics.calls, path, request.headers());
        let (ours, draining) = (path.starts_with(OURS), self.soft.is_cancelled());
        if draining && !path.starts_with(HEALTH) {
            let refusal = Status::from(Problem::Draining(self.retry_after)).into_http();
            return Box::pin(std::future::ready(Ok(measured.answer(refusal))));
        }
        let (edge, probe) = (self.clone(), path.starts_with(HEALTH));
        Box::pin(async move {
            let mut request = request;
            let Place { seat, unfinished, .. } = match edge.let_in(&mut request, probe).await {
                Ok(place) => place,
                Err(problem) => return Ok(measured.answer(Status::from(problem).into_http())),
            };
            let request = measured.request(request.map(|body| Whole::new(body, unfinished)), origin);
            let answered = edge.api.routes.clone().oneshot(request).instrument(measured.span());
            // A request that comes in drops would hold what is there of it for as long as its connection lives.
            let Ok(answered) = timeout(SLOWEST, answered).await else {
                return Ok(measured.answer(Status::from(Problem::TooSlow).into_http()));
            };
            let response = mapped(answered?).map(|body| seated(body, seat));
            // A single answer during a drain is let out; it is streams that began before it which must end.
            let response = if ours || draining { response } else { response.map(|body| edge.ending(body)) };
            Ok(measured.answer(response))
        })
    }
}

impl Edge {
    /// Serves an API until `soft` asks it to finish.
    pub fn new(api: Api, soft: CancellationToken, retry_after: Duration, metrics: Arc<Metrics>) -> Self {
        Self {
            api: Api { routes: api.routes.prepare(), ..api },
            soft,
            retry_after,
            metrics,
            peer: None,
            from: None,
            guest: Arc::default(),
        }
    }
    /// For a connection from an address, whose other end is `peer` if it showed a certificate.
    #[must_use]
    pub fn of(self, from: IpAddr, peer: Option<Peer>, guest: Arc<Guest>) -> Self {
        Self { peer, from: Some(from), guest, ..self }
    }
    /// Looks who calls, and whether they may; probes are not asked. The place it takes is kept until its answer is over.
    async fn let_in(&self, request: &mut http::Request<Incoming>, probe: bool) -> Result<Place, Problem> {
        if probe {
            self.guest.mark_asked();
            return Ok(Place::default());
        }
        let path = request.uri().path().to_owned();
        let shown = guard::shown(request.headers(), request.extensions().get::<Peer>(), self.from);
        let caller = guard::admit(&self.api.gate, &path, shown).await?;
        let place = self.api.quotas.seat(&caller, self.retry_after)?;
        request.extensions_mut().insert(place.allowance.clone());
        request.extensions_mut().insert(caller);
        self.guest.mark_let_in();
        Ok(place)
    }
    fn ending(&self, body: Body) -> Body {
        let soft = Box::pin(self.soft.clone().cancelled_owned());
        Body::new(Ending { body, soft, retry_after: self.retry_after, ended: false })
    }
}

/// A body that holds its caller's place.
struct Seated {
    body: Body,
    _seat: Seat,
}

fn seated(body: Body, seat: Option<Seat>) -> Body {
    match seat {
        Some(seat) => Body::new(Seated { body, _seat: seat }),
        None => body,
    }
}

/// tonic answers a request above the size limit before any of our code sees it.
fn mapped(response: http::Response<Body>) -> http::Response<Body> {
    match response.extensions().get::<Status>() {
        Some(status) if status.code() == tonic::Code::OutOfRange => inbound(status.clone()).into_http(),
        _ => response,
    }
}

impl http_body::Body for Seated {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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
