//! Calls as they are counted: every message in and out, and every end, also that of a caller who just goes away.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prost_types::FileDescriptorSet;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Span;

use crate::grpc::whole::{Failure, Whole};
use crate::metrics::{Call, Calls, Kind, Method, Open};
use crate::telemetry::trace::{self, Origin};
use crate::wire;

/// A call under way, with its span.
pub(super) struct Measured {
    open: Open,
    span: Span,
}

/// Follows gRPC messages as their bytes pass: each is a flag, a length of four bytes, and so many bytes.
#[derive(Debug, Default)]
pub(super) struct Messages {
    /// Bytes that have come of the flag and the length.
    head: usize,
    length: u32,
    /// Bytes still to come of a message.
    left: usize,
    /// Bytes of the message that began last.
    size: usize,
}

/// A request's body.
pub(super) struct Inbound<B> {
    body: Whole<B>,
    call: Arc<Call>,
}

/// An answer's body.
struct Outbound {
    body: Body,
    messages: Messages,
    measured: Measured,
}

/// Bytes before each message: a flag and its length.
const HEAD: usize = 5;

/// The methods of these descriptors; what else is called counts as unknown.
pub fn methods() -> Vec<Method> {
    let sets = [
        wire::DESCRIPTORS,
        tonic_health::pb::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
    ];
    sets.into_iter().filter_map(wire::descriptors).flat_map(|set| of(&set)).collect()
}

fn of(set: &FileDescriptorSet) -> Vec<Method> {
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            methods.extend(service.method.iter().map(|method| Method {
                service: format!("{}.{}", file.package(), service.name()),
                name: method.name().to_owned(),
                kind: Kind::of(method.client_streaming(), method.server_streaming()),
            }));
        }
    }
    methods
}

impl Measured {
    /// A call begins. One that streams has no span of its own: its batches have.
    pub(super) fn begin(calls: &Calls, path: &str, headers: &HeaderMap) -> (Self, Option<Origin>) {
        let (call, origin) = (calls.of(path), Origin::of(headers));
        let span = if call.is_unary() { trace::call(call.path(), origin.as_ref()) } else { Span::none() };
        (Self { open: call.begin(), span }, origin)
    }
    /// The span that the call's work belongs to.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }
    /// Counts what comes in, and tells the method who called.
    pub(super) fn request<B>(
        &self,
        mut request: http::Request<Whole<B>>,
        origin: Option<Origin>,
    ) -> http::Request<Inbound<B>> {
        if let Some(origin) = origin {
            request.extensions_mut().insert(origin);
        }
        let call = Arc::clone(self.open.call());
        request.map(|body| Inbound { body, call })
    }
    /// Counts what goes out, and how it ends.
    pub(super) fn answer(mut self, response: http::Response<Body>) -> http::Response<Body> {
        if let Some(code) = code(response.headers()) {
            self.end(Some(code));
            return response;
        }
        if response.body().is_end_stream() {
            self.end(None);
            return response;
        }
        response.map(|body| Body::new(Outbound { body, messages: Messages::default(), measured: self }))
    }
    fn end(&mut self, code: Option<Code>) {
        // One line a call is for whoever asks: log.level = "info,wardwatch::grpc::measured=debug".
        tracing::debug!(parent: &self.span, method = self.open.call().path(), ?code, "call ended");
        trace::ended(&self.span, code.map(|code| code as i32));
        self.open.end(code.and_then(|code| usize::try_from(code as i32).ok()));
    }
}

/// The code in an answer's headers or trailers.
fn code(headers: &HeaderMap) -> Option<Code> {
    headers.get("grpc-status").map(|value| Code::from_bytes(value.as_bytes()))
}

impl Messages {
    /// How many messages begin in these bytes.
    pub(super) fn count(&mut self, mut bytes: &[u8]) -> u64 {
        let mut begun = 0;
        while !bytes.is_empty() {
            if self.left > 0 {
                let some = self.left.min(bytes.len());
                self.left -= some;
                bytes = &bytes[some..];
                continue;
            }
            if self.head > 0 {
                self.length = self.length << 8 | u32::from(bytes[0]);
            }
            self.head += 1;
            bytes = &bytes[1..];
            if self.head == HEAD {
                begun += 1;
                self.size = usize::try_from(self.length).unwrap_or(usize::MAX);
                self.left = self.size;
                (self.head, self.length) = (0, 0);
            }
        }
        begun
    }
    /// Bytes of the message that has begun and not come whole, if there is one.
    pub(super) fn unfinished(&self) -> Option<usize> {
        (self.left > 0).then_some(self.size)
    }
}

impl<B: HttpBody<Data = Bytes, Error: Into<Failure>> + Unpin> HttpBody for Inbound<B> {
    type Data = Bytes;
    type Error = Failure;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Failure>>> {
        let before = self.body.begun();
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        this.call.received(this.body.begun() - before);
        Poll::Ready(frame)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl HttpBody for Outbound {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = &mut *self;
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    this.measured.open.call().sent(this.messages.count(data));
                } else if let Some(trailers) = frame.trailers_ref() {
                    this.measured.end(code(trailers));
                }
            }
            Some(Err(status)) => this.measured.end(Some(status.code())),
            None => this.measured.end(None),
        }
        Poll::Ready(frame)
    }
    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_counted_however_their_bytes_are_cut() {
        let sizes = [0_usize, 1, 300, 70_000, 5];
        let whole: Vec<u8> = sizes
            .iter()
            .flat_map(|size| {
                let length = u32::try_from(*size).unwrap().to_be_bytes();
                [&[0][..], &length, &vec![7; *size]].concat()
            })
            .collect();
        for cut in [1, 2, 5, 6, 16_384, whole.len()] {
            let mut messages = Messages::default();
            let counted: u64 = whole.chunks(cut).map(|bytes| messages.count(bytes)).sum();
            assert_eq!(counted, 5, "in pieces of {cut}");
        }
    }

    #[test]
    fn every_method_that_is_served_is_known() {
        let methods = methods();
        let known = |service: &str, name: &str| methods.iter().find(|m| m.service == service && m.name == name);
        assert_eq!(known("wardwatch.v1.ReportingService", "StreamReports").unwrap().kind, Kind::BidiStream);
        assert_eq!(known("wardwatch.v1.AlertService", "Subscribe").unwrap().kind, Kind::ServerStream);
        assert_eq!(known("wardwatch.v1.AlertService", "ListAlerts").unwrap().kind, Kind::Unary);
        assert!(known("grpc.health.v1.Health", "Watch").is_some());
        assert!(known("grpc.reflection.v1.ServerReflection", "ServerReflectionInfo").is_some());
    }
}
