//! What is counted and measured, and its text for Prometheus. The only room that knows a metrics library: others hold a
//! handle and say what happened. Labels are bounded: never a ward, a report, an alert or a person.

mod calls;
mod events;
mod figures;
mod intake;
mod labels;
mod process;

use std::fmt::Write as _;

use prometheus_client::encoding::{EncodeLabelSet, prometheus_text, text};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};

pub use calls::{Call, Calls, Kind, Method, Open};
pub use events::Events;
pub use figures::{Figures, Live, Pool, SourceAge, SubscriberFigures};
pub use intake::IntakeMeter;
pub use process::Process;

/// In which form a scrape is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// OpenMetrics 1.0, Prometheus' own choice.
    OpenMetrics,
    /// Prometheus' text format 0.0.4, for older scrapers and `promtool check metrics`.
    Text,
}

impl Format {
    /// What the answer to an `Accept` header is: OpenMetrics, unless only plain text will do.
    pub fn asked(accept: Option<&str>) -> Self {
        match accept {
            Some(accept) if accept.contains("text/plain") && !accept.contains("openmetrics-text") => Self::Text,
            _ => Self::OpenMetrics,
        }
    }
    /// Its media type.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
            Self::Text => prometheus_text::CONTENT_TYPE,
        }
    }
}

/// What was built and how it runs.
#[derive(Clone, Debug, Default)]
pub struct Build {
    /// Of the binary.
    pub version: &'static str,
    /// "sqlite" or "postgres".
    pub store: &'static str,
    /// Such as "live".
    pub environment: String,
    /// When the process started, in seconds since 1970.
    pub started: i64,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BuildLabels {
    version: &'static str,
    store: &'static str,
    environment: String,
}

/// Everything that is measured in one process.
#[derive(Debug)]
pub struct Metrics {
    /// Calls of the API.
    pub calls: Calls,
    /// What the intake does.
    pub intake: IntakeMeter,
    /// What happens rarely, wherever it happens.
    pub events: Events,
    figures: figures::Families,
    process: process::Families,
    registry: Registry,
}

impl Default for Metrics {
    /// For tests and tools: no method is known.
    fn default() -> Self {
        Self::new(&[], &Build::default())
    }
}

impl Metrics {
    /// Nothing has happened yet. Calls of other methods than these count as "unknown".
    pub fn new(methods: &[Method], build: &Build) -> Self {
        let mut registry = Registry::default();
        let labels = BuildLabels { version: build.version, store: build.store, environment: build.environment.clone() };
        registry.register(
            "wardwatch_build",
            "What this process is: version, kind of store, environment",
            Info::new(labels),
        );
        Self {
            calls: Calls::new(&mut registry, methods),
            intake: IntakeMeter::new(&mut registry),
            events: Events::new(&mut registry),
            figures: figures::Families::new(&mut registry),
            process: process::Families::new(&mut registry, build.started),
            registry,
        }
    }
    /// Shows what a reading of the store found. Not while a text is made: whoever calls sees to that.
    pub fn show(&self, figures: &Figures) {
        self.figures.show(figures);
    }
    /// Shows how things are at this moment.
    pub fn show_live(&self, live: &Live) {
        self.figures.show_live(live);
        self.events.pass_time();
        self.intake.pass_time();
        self.process.show(&Process::read());
    }
    /// The answer to a scrape.
    pub fn text(&self, format: Format) -> String {
        let mut out = String::new();
        let written = match format {
            Format::OpenMetrics => text::encode(&mut out, &self.registry),
            Format::Text => prometheus_text::encode(&mut out, &self.registry),
        };
        if written.is_err() {
            // Writing to memory does not fail; if it ever did, half a text must not pass for a whole one.
            out.clear();
            let _ = out.write_str("# the metrics could not be written\n");
        }
        out
    }
}

/// Registers a metric that begins with its type's default.
fn registered<M: Metric + Clone + Default>(registry: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    registry.register(name, help, metric.clone());
    metric
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scraper_that_knows_only_plain_text_gets_it_and_everyone_else_openmetrics() {
        assert_eq!(Format::asked(None), Format::OpenMetrics);
        assert_eq!(Format::asked(Some("*/*")), Format::OpenMetrics);
        assert_eq!(Format::asked(Some("text/plain;version=0.0.4")), Format::Text);
        let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
        assert_eq!(Format::asked(Some(prometheus)), Format::OpenMetrics);
    }

    #[test]
    fn the_text_ends_as_openmetrics_wants_it() {
        let metrics = Metrics::default();
        assert!(metrics.text(Format::OpenMetrics).ends_with("# EOF\n"));
        assert!(!metrics.text(Format::Text).contains("# EOF"));
    }
}
