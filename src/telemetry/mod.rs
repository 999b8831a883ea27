//! Logs: lines for people or JSON, on stderr, times in RFC 3339 UTC; docs/logs.md lists them. Traces: `trace`.

pub mod trace;

use std::io::{IsTerminal, stderr};

use tracing_subscriber::Layer as _;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};

pub use trace::Exporter;

/// Logging was set up before, or the filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up logging: {0}")]
pub struct TelemetryError(String);

impl TelemetryError {
    fn of(error: &dyn std::fmt::Display) -> Self {
        Self(error.to_string())
    }
}

/// Sets up the service's log, and its traces if a receiver is named; give the exporter its end.
pub fn init(log: &Log) -> Result<Option<Exporter>, TelemetryError> {
    let filter = log.filter().map_err(TelemetryError)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr).with_timer(SystemTime);
    let exporter = Exporter::from_env()?;
    let heard = tracing_subscriber::registry().with(crate::store::warnings_heard());
    let heard = heard.with(exporter.as_ref().map(Exporter::layer));
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !stderr().is_terminal(),
    };
    let done = if json {
        let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
        heard.with(lines.with_filter(filter)).try_init()
    } else {
        heard.with(lines.with_ansi(colour()).with_filter(filter)).try_init()
    };
    done.map_err(|e| TelemetryError::of(&e))?;
    Ok(exporter)
}

/// Sets up what a client command says beside its results: warnings, without times.
pub fn init_client() -> Result<(), TelemetryError> {
    let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(stderr);
    let done = lines.with_ansi(colour()).with_target(false).without_time().try_init();
    done.map_err(|e| TelemetryError::of(&e))
}

fn colour() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
