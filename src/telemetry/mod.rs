//! Logs: lines for people or JSON, on stderr, times in RFC 3339 UTC.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::Layer as _;
use tracing_subscriber::fmt::time::SystemTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};

/// Logging was set up before, or the filter cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up logging: {0}")]
pub struct TelemetryError(String);

/// Sets up the service's log.
pub fn init(log: &Log) -> Result<(), TelemetryError> {
    let filter = log.filter().map_err(TelemetryError)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr).with_timer(SystemTime);
    let heard = tracing_subscriber::registry().with(crate::store::warnings_heard());
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !stderr().is_terminal(),
    };
    let done = if json {
        let lines = lines.json().flatten_event(true).with_current_span(false).with_span_list(false);
        heard.with(lines.with_filter(filter)).try_init()
    } else {
        heard.with(lines.with_ansi(colour()).with_filter(filter)).try_init()
    };
    done.map_err(|e| TelemetryError(e.to_string()))
}

/// Sets up what a client command says beside its results: warnings, without times.
pub fn init_client() -> Result<(), TelemetryError> {
    let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::WARN).with_writer(stderr);
    let done = lines.with_ansi(colour()).with_target(false).without_time().try_init();
    done.map_err(|e| TelemetryError(e.to_string()))
}

fn colour() -> bool {
    stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}
