//! Traces: who called, as W3C Trace Context says it, and one span for each call or batch of reports. Spans are exported only
//! when OTEL_EXPORTER_OTLP_ENDPOINT names a receiver; without it a span is made only for a call that came with a trace,
//! whose id then stands in the log lines of the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Status, TraceContextExt as _, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::SpanExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt as _};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use crate::telemetry::TelemetryError;

/// Names the receiver; nothing is sent without it.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// What the exporter takes its spans from, and nothing else: log lines and other crates' spans do not leave.
const TARGET: &str = "wardwatch::trace";
/// How long the last spans may take to leave at the end.
const FLUSH: Duration = Duration::from_secs(3);

/// Whether spans are exported.
static EXPORTING: AtomicBool = AtomicBool::new(false);

/// The trace that a call came with.
#[derive(Clone, Debug)]
pub struct Caller(Context);

/// The way out for spans.
#[derive(Debug)]
pub struct Exporter(SdkTracerProvider);

/// Reads headers for the propagator.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }
    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

impl Caller {
    /// What `traceparent` and `tracestate` say; none when there is no such header, or it is malformed.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        // Most callers send none, and this is asked for every call.
        headers.get("traceparent")?;
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
        context.span().span_context().is_valid().then_some(Self(context))
    }
    fn trace_id(&self) -> String {
        self.0.span().span_context().trace_id().to_string()
    }
}

impl Exporter {
    /// An exporter, if a receiver is named. Must be called on the runtime that will run its connection.
    pub(super) fn from_env() -> Result<Option<Self>, TelemetryError> {
        if std::env::var(ENDPOINT).unwrap_or_default().is_empty() {
            return Ok(None);
        }
        let exporter = SpanExporter::builder().with_tonic().build();
        let exporter =
            exporter.map_err(|e| TelemetryError(format!("{ENDPOINT}: {e}; name a receiver as http://HOST:4317")))?;
        let resource = Resource::builder().with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")));
        let named = std::env::var_os("OTEL_SERVICE_NAME").is_some();
        let resource = if named { resource } else { resource.with_service_name("wardwatch") };
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource.build()).build();
        EXPORTING.store(true, Ordering::Relaxed);
        Ok(Some(Self(provider)))
    }
    /// Takes this program's spans of calls and batches, and nothing else.
    pub(super) fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: tracing::Subscriber + for<'s> LookupSpan<'s>,
    {
        let layer: OpenTelemetryLayer<S, SdkTracer> = tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("wardwatch"))
            .with_location(false)
            .with_threads(false)
            .with_level(false)
            .with_target(false)
            .with_tracked_inactivity(false);
        layer.with_filter(filter_fn(|meta| meta.is_span() && meta.target() == TARGET))
    }
    /// Sends what is left, and no longer than a moment.
    pub async fn finish(self) {
        let flushed = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH)).await;
        if let Ok(Err(error)) = flushed {
            tracing::warn!(%error, "the last spans could not be sent");
        }
    }
}

/// The span of one unary call. At the level of errors, so that no filter of the log takes the trace's id from a line.
pub fn call(path: &str, caller: Option<&Caller>) -> Span {
    if !wanted(caller) {
        return Span::none();
    }
    let name = path.trim_start_matches('/');
    let span = tracing::error_span!(
        target: TARGET, parent: None, "call", otel.name = name, otel.kind = "server", trace_id = tracing::field::Empty
    );
    follow(&span, caller);
    span.set_attribute("rpc.system.name", "grpc");
    span.set_attribute("rpc.method", name.to_owned());
    span
}

/// The span of one message of reports on a stream, until all of it is receipted.
pub fn batch(reports: usize, caller: Option<&Caller>) -> Span {
    // Nothing is logged inside it, so it would be of no use to the log.
    if !EXPORTING.load(Ordering::Relaxed) {
        return Span::none();
    }
    let span = tracing::error_span!(
        target: TARGET, parent: None, "batch", otel.name = "reports", otel.kind = "server", reports,
        trace_id = tracing::field::Empty
    );
    follow(&span, caller);
    span
}

/// A call ended with a code.
pub fn ended(span: &Span, code: Option<i32>) {
    if span.is_disabled() {
        return;
    }
    span.set_attribute("rpc.response.status_code", i64::from(code.unwrap_or(2)));
    // Of a server's span the semantic conventions call these errors: Unknown, DeadlineExceeded, Unimplemented, Internal,
    // Unavailable, DataLoss. The others are the caller's.
    if matches!(code, None | Some(2 | 4 | 12 | 13 | 14 | 15)) {
        span.set_status(Status::error(""));
    }
}

fn wanted(caller: Option<&Caller>) -> bool {
    caller.is_some() || EXPORTING.load(Ordering::Relaxed)
}

/// Puts a span into its caller's trace, or begins one. Before it is entered: after that its parent stands.
fn follow(span: &Span, caller: Option<&Caller>) {
    let exporting = EXPORTING.load(Ordering::Relaxed);
    let id = match caller {
        Some(caller) => {
            if exporting && let Err(error) = span.set_parent(caller.0.clone()) {
                tracing::debug!(%error, "a span could not join its caller's trace");
            }
            caller.trace_id()
        }
        None => span.context().span().span_context().trace_id().to_string(),
    };
    span.record("trace_id", id);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(traceparent: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), traceparent.parse().unwrap())])
    }

    #[test]
    fn a_caller_is_known_by_its_traceparent_and_a_malformed_one_is_nobody() {
        let caller = Caller::of(&headers("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")).unwrap();
        assert_eq!(caller.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        for malformed in ["", "00-0-0-01", "00-00000000000000000000000000000000-00f067aa0ba902b7-01", "x"] {
            assert!(Caller::of(&headers(malformed)).is_none(), "{malformed}");
        }
        assert!(Caller::of(&HeaderMap::new()).is_none());
    }

    #[test]
    fn nobody_pays_for_spans_that_nobody_wants() {
        assert!(call("/wardwatch.v1.AlertService/ListAlerts", None).is_none());
        assert!(batch(7, None).is_none());
    }
}
