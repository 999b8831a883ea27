use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use clap::{Args, Subcommand};
use tracing::warn;

use super::filter::organisation;
use super::stop::Stop;
use super::{Failure, Session};
use crate::bridge::{self, BridgeError, Options};
use crate::client::Client;
use crate::clock::SystemClock;

/// Hand alerts on to other systems.
#[derive(Debug, Subcommand)]
pub(super) enum Bridge {
    /// To Prometheus' Alertmanager: alerts of severity critical and warning while they are open, and their end.
    ///
    /// Runs until it is ended. Open alerts are then left as they are: they end by themselves after four times --resend-every
    /// unless a bridge runs again, and so does WardwatchBridgeWatchdog, an alert that always fires while a bridge runs and hears
    /// the service.
    Alertmanager(Alertmanager),
}

/// What to send to which Alertmanagers.
#[derive(Debug, Args)]
pub(super) struct Alertmanager {
    /// Base URL of an Alertmanager, such as http://127.0.0.1:9093; repeat it for each member of a cluster.
    #[arg(long, required = true, value_name = "URL")]
    url: Vec<String>,
    /// A file with a bearer token for Alertmanager, or for what stands before it. Read anew for each request.
    #[arg(long = "alertmanager-token-file", value_name = "FILE")]
    its_token_file: Option<PathBuf>,
    /// PEM certificates to trust for Alertmanager instead of the system's.
    #[arg(long = "alertmanager-ca-file", value_name = "FILE")]
    its_ca_file: Option<PathBuf>,
    /// How often open alerts are sent again, 1 to 600 s. What is not sent again ends in Alertmanager after four times that.
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=600))]
    resend_every: u64,
    /// Send alerts on plans too, with the label forecast="true".
    #[arg(long)]
    include_forecasts: bool,
    /// Only alerts of this organisation, by ODS code; repeatable.
    #[arg(long, value_name = "CODE", value_parser = organisation)]
    organisation: Vec<String>,
    /// The label service of all alerts, by which a bridge knows its own. Bridges that send different alerts to the same
    /// Alertmanager need different ones: each ends what is not among its own.
    #[arg(long, value_name = "NAME", default_value = "wardwatch")]
    service_label: String,
}

impl Bridge {
    pub(super) async fn run(self, session: Session) -> Result<(), Failure> {
        match self {
            Self::Alertmanager(alertmanager) => alertmanager.run(session).await,
        }
    }
}

impl Alertmanager {
    async fn run(self, session: Session) -> Result<(), Failure> {
        let bridge = bridge::Bridge::new(self.options(), Arc::new(SystemClock::default()))?;
        let mut stop = Stop::new()?;
        let client = tokio::select! {
            client = connected(&session) => client?,
            () = stop.asked() => return Ok(()),
        };
        Ok(bridge.run(client, stop.asked()).await?)
    }

    fn options(self) -> Options {
        Options {
            urls: self.url,
            token_file: self.its_token_file,
            ca_file: self.its_ca_file,
            resend_every: Duration::from_secs(self.resend_every),
            include_forecasts: self.include_forecasts,
            organisations: self.organisation,
            service: self.service_label,
        }
    }
}

/// Waits for the service: a supervisor that starts both, and slows down what ends again and again, must not keep alerts
/// from a pager.
async fn connected(session: &Session) -> Result<Client, Failure> {
    let delays = ExponentialBuilder::new().with_min_delay(Duration::from_millis(200)).with_jitter();
    (|| session.connect())
        .retry(delays.with_max_delay(Duration::from_secs(5)).without_max_times())
        .when(Failure::may_pass)
        .notify(|failure, delay| warn!("{}; trying again in {} ms", failure.message(), delay.as_millis()))
        .await
}

impl From<BridgeError> for Failure {
    fn from(error: BridgeError) -> Self {
        match error {
            BridgeError::Client(error) => error.into(),
            BridgeError::Url { .. } | BridgeError::Service(_) => Self::usage(error.to_string()),
            BridgeError::File { .. } => Self::configuration(error.to_string()),
            BridgeError::Http(_) | BridgeError::Environment { .. } | BridgeError::Failed(_) => {
                Self::failed(error.to_string())
            }
        }
    }
}
