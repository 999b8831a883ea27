//! Calls of the API, under the names that dashboards for gRPC servers know.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::metrics::labels::CODES;
use crate::metrics::registered;

/// The code of a call whose caller went away.
const CANCELED: usize = 1;
/// The code of an answer that named none.
const UNKNOWN: usize = 2;

/// The conventional limits of `grpc_server_handling_seconds`, in seconds.
const SECONDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Which sides of a call stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Neither.
    Unary,
    /// The caller.
    ClientStream,
    /// The service.
    ServerStream,
    /// Both.
    BidiStream,
}

/// A method that is served.
#[derive(Clone, Debug)]
pub struct Method {
    /// Full name of its service.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Which sides stream.
    pub kind: Kind,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Labels {
    grpc_type: &'static str,
    grpc_service: String,
    grpc_method: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct HandledLabels {
    grpc_type: &'static str,
    grpc_service: String,
    grpc_method: String,
    grpc_code: &'static str,
}

type Histograms = Family<Labels, Histogram, fn() -> Histogram>;

/// The series that are made when they are first needed.
#[derive(Clone, Debug)]
struct Later {
    handled: Family<HandledLabels, Counter>,
    seconds: Histograms,
}

/// Every method, by its path on the wire.
#[derive(Debug)]
pub struct Calls {
    methods: HashMap<String, Arc<Call>>,
    unknown: Arc<Call>,
}

/// One method's series, looked up once.
#[derive(Debug)]
pub struct Call {
    labels: Labels,
    path: String,
    kind: Kind,
    started: Counter,
    received: Counter,
    sent: Counter,
    open: Gauge,
    handled: [OnceLock<Counter>; CODES.len()],
    seconds: OnceLock<Histogram>,
    later: Later,
}

/// A call under way. Dropped without an end, its caller has gone: it counts as Canceled.
#[derive(Debug)]
pub struct Open {
    call: Arc<Call>,
    began: Instant,
    ended: bool,
}

impl Kind {
    /// By which sides stream.
    pub fn of(client: bool, server: bool) -> Self {
        match (client, server) {
            (false, false) => Self::Unary,
            (true, false) => Self::ClientStream,
            (false, true) => Self::ServerStream,
            (true, true) => Self::BidiStream,
        }
    }
    fn label(self) -> &'static str {
        match self {
            Self::Unary => "unary",
            Self::ClientStream => "client_stream",
            Self::ServerStream => "server_stream",
            Self::BidiStream => "bidi_stream",
        }
    }
}

impl Calls {
    pub(super) fn new(registry: &mut Registry, methods: &[Method]) -> Self {
        let started: Family<Labels, Counter> =
            registered(registry, "grpc_server_started", "Calls that began on the server");
        let received = registered(registry, "grpc_server_msg_received", "Messages received from callers");
        let sent = registered(registry, "grpc_server_msg_sent", "Messages sent to callers");
        let open = registered(registry, "wardwatch_open_streams", "Streams that are open now");
        let later = Later {
            handled: registered(registry, "grpc_server_handled", "Calls that ended on the server, by their code"),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
        };
        let help = "Time that unary calls took on the server; streams are not in it";
        registry.register("grpc_server_handling_seconds", help, later.seconds.clone());
        let call = |service: &str, name: &str, kind: Kind| {
            Arc::new(Call::new(service, name, kind, [&started, &received, &sent], &open, &later))
        };
        let methods = methods.iter().map(|m| call(&m.service, &m.name, m.kind)).map(|c| (c.path.clone(), c)).collect();
        Self { methods, unknown: call("unknown", "unknown", Kind::Unary) }
    }
    /// The method with a path, or the one that stands for all others: a stranger must not make new series.
    pub fn of(&self, path: &str) -> &Arc<Call> {
        self.methods.get(path).unwrap_or(&self.unknown)
    }
}

impl Call {
    fn new(
        service: &str,
        name: &str,
        kind: Kind,
        counters: [&Family<Labels, Counter>; 3],
        open: &Family<Labels, Gauge>,
        later: &Later,
    ) -> Self {
        let labels = Labels { grpc_type: kind.label(), grpc_service: service.to_owned(), grpc_method: name.to_owned() };
        let [started, received, sent] = counters.map(|family| family.get_or_create_owned(&labels));
        let open = if kind == Kind::Unary { Gauge::default() } else { open.get_or_create_owned(&labels) };
        let path = format!("/{service}/{name}");
        let (handled, seconds, later) = ([const { OnceLock::new() }; CODES.len()], OnceLock::new(), later.clone());
        Self { labels, path, kind, started, received, sent, open, handled, seconds, later }
    }
    /// Its path on the wire.
    pub fn path(&self) -> &str {
        &self.path
    }
    /// Whether neither side streams.
    pub fn is_unary(&self) -> bool {
        self.kind == Kind::Unary
    }
    /// A call begins.
    pub fn begin(self: &Arc<Self>) -> Open {
        self.started.inc();
        self.open.inc();
        Open { call: Arc::clone(self), began: Instant::now(), ended: false }
    }
    /// Messages came in.
    pub fn received(&self, messages: u64) {
        self.received.inc_by(messages);
    }
    /// Messages went out.
    pub fn sent(&self, messages: u64) {
        self.sent.inc_by(messages);
    }
    fn handled(&self, code: usize) -> &Counter {
        let code = if code < CODES.len() { code } else { UNKNOWN };
        self.handled[code].get_or_init(|| {
            let Labels { grpc_type, grpc_service, grpc_method } = self.labels.clone();
            let labels = HandledLabels { grpc_type, grpc_service, grpc_method, grpc_code: CODES[code] };
            self.later.handled.get_or_create_owned(&labels)
        })
    }
    fn took(&self, seconds: f64) {
        self.seconds.get_or_init(|| self.later.seconds.get_or_create_owned(&self.labels)).observe(seconds);
    }
}

impl Open {
    /// Its method.
    pub fn call(&self) -> &Arc<Call> {
        &self.call
    }
    /// It ended with a code, by gRPC's number; none was given: Unknown. Only the first end counts.
    pub fn end(&mut self, code: Option<usize>) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.call.handled(code.unwrap_or(UNKNOWN)).inc();
        self.call.open.dec();
        if self.call.is_unary() {
            self.call.took(self.began.elapsed().as_secs_f64());
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.end(Some(CANCELED));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{Build, Format, Metrics};

    fn metrics() -> Metrics {
        let method = |name: &str, kind| Method { service: "w.v1.S".into(), name: name.into(), kind };
        Metrics::new(&[method("Get", Kind::Unary), method("Watch", Kind::ServerStream)], &Build::default())
    }

    #[track_caller]
    fn shown(metrics: &Metrics, line: &str) {
        let text = metrics.text(Format::Text);
        assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
    }

    #[test]
    fn a_call_that_is_dropped_was_cancelled_and_one_that_ended_was_not() {
        let metrics = metrics();
        let mut whole = metrics.calls.of("/w.v1.S/Get").begin();
        whole.end(Some(0));
        drop(whole);
        drop(metrics.calls.of("/w.v1.S/Watch").begin());
        let of = |code: &str, method: &str, kind: &str| {
            format!(
                "grpc_server_handled_total{{grpc_type=\"{kind}\",grpc_service=\"w.v1.S\",grpc_method=\"{method}\",grpc_code=\"{code}\"}} 1"
            )
        };
        shown(&metrics, &of("OK", "Get", "unary"));
        shown(&metrics, &of("Canceled", "Watch", "server_stream"));
    }

    #[test]
    fn strangers_methods_share_one_series() {
        let metrics = metrics();
        for n in 0..1_000 {
            metrics.calls.of(&format!("/nothing/{n}")).begin().end(Some(12));
        }
        let line =
            "grpc_server_started_total{grpc_type=\"unary\",grpc_service=\"unknown\",grpc_method=\"unknown\"} 1000";
        shown(&metrics, line);
        assert!(metrics.text(Format::Text).lines().count() < 400);
    }

    #[test]
    fn an_open_stream_is_counted_and_is_not_in_the_latency() {
        let metrics = metrics();
        let stream = metrics.calls.of("/w.v1.S/Watch").begin();
        let open = "wardwatch_open_streams{grpc_type=\"server_stream\",grpc_service=\"w.v1.S\",grpc_method=\"Watch\"}";
        shown(&metrics, &format!("{open} 1"));
        drop(stream);
        shown(&metrics, &format!("{open} 0"));
        assert!(!metrics.text(Format::Text).contains("grpc_server_handling_seconds_count"));
    }
}
