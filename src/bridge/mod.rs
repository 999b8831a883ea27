//! Hands open alerts on to Prometheus' Alertmanager, as an ordinary client of the public API: a snapshot, then what happens,
//! resumed after every break.
//!
//! There is no queue. The stream keeps one [`Board`] of what is open; each Alertmanager is compared with it and sent the
//! difference, so one that was away is brought up to date whatever happened meanwhile.

mod alertmanager;
mod board;
mod follow;
mod holdings;
mod notice;
mod target;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::{info, warn};

use crate::client::{self, Client};
use crate::domain::Clock;
use alertmanager::Alertmanager;
use board::Board;
use notice::Sender;
use target::Target;

/// Sent again so many times before it would end by itself, as Prometheus does it: three sendings may fail.
const LIVES: u32 = 4;
/// How long what is under way may take at the end.
const FLUSH: Duration = Duration::from_secs(5);

/// What to hand on, to whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// Base URLs of Alertmanagers; each is sent everything.
    pub urls: Vec<String>,
    /// A file with the bearer token for them; read anew for each request.
    pub token_file: Option<PathBuf>,
    /// PEM certificates to trust for them instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// How often open alerts are sent again.
    pub resend_every: Duration,
    /// Whether alerts on plans are sent too.
    pub include_forecasts: bool,
    /// Only alerts of these organisations; empty: of all that this client may see.
    pub organisations: Vec<String>,
    /// The label `service`, by which a bridge knows its own alerts in an Alertmanager.
    pub service: String,
}

/// Why a bridge cannot begin, or cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum BridgeError {
    /// Not where an Alertmanager can be.
    #[error("--url {url}: {why}; write it as http://alertmanager:9093")]
    Url {
        /// As it was given, unless it holds a secret.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A file that cannot be used.
    #[error("{flag} {}: {why}", path.display())]
    File {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// HTTP cannot be spoken here.
    #[error("cannot set up HTTP: {0}")]
    Http(String),
    /// Not a label that this bridge can be known by.
    #[error("--service-label '{0}': write 1 to 32 letters, digits, '-' or '_', such as wardwatch")]
    Service(String),
    /// The service will not be subscribed to.
    #[error(transparent)]
    Client(#[from] client::Error),
    /// Behind the same name there is another environment now.
    #[error("the service is '{now}' now and was '{before}': its alerts are other ones, start the bridge anew")]
    Environment {
        /// What it was.
        before: String,
        /// What it is.
        now: String,
    },
    /// A fault of our own.
    #[error("a part of the bridge failed: {0}")]
    Failed(String),
}

/// A bridge that is ready to run.
#[derive(Debug)]
pub struct Bridge {
    alertmanagers: Vec<Alertmanager>,
    options: Options,
    clock: Arc<dyn Clock>,
}

impl Bridge {
    /// Checks what it was given; nothing is connected to yet.
    pub fn new(options: Options, clock: Arc<dyn Clock>) -> Result<Self, BridgeError> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if !(1..=32).contains(&options.service.len()) || !options.service.chars().all(fits) {
            return Err(BridgeError::Service(options.service));
        }
        let alertmanagers = alertmanager::all(&options)?;
        Ok(Self { alertmanagers, options, clock })
    }

    /// Runs until it is told to stop, or the service refuses it for good. At a stop open alerts are left as they are: a
    /// bridge that is started anew takes them over.
    pub async fn run(self, client: Client, stop: impl Future<Output = ()>) -> Result<(), BridgeError> {
        tokio::pin!(stop);
        let environment = tokio::select! {
            environment = follow::environment(&client) => environment?,
            () = &mut stop => return Ok(()),
        };
        info!(%environment, server = client.url(), alertmanagers = self.alertmanagers.len(), "bridging alerts");
        let (service, forecasts) = (self.options.service.clone(), self.options.include_forecasts);
        let sender = Sender { service, environment: environment.clone(), forecasts, since: now(&*self.clock) };
        let lifetime = self.options.resend_every * LIVES;
        let subscription = follow::subscription(&self.options);
        let (board, seen) = watch::channel(Board::new(sender, follow::silence(&self.options), lifetime));
        let mut targets = JoinSet::new();
        for alertmanager in self.alertmanagers {
            let clock = Arc::clone(&self.clock);
            let target = Target::new(alertmanager, seen.clone(), clock, self.options.resend_every, lifetime);
            targets.spawn(target.run());
        }
        let ended = tokio::select! {
            error = follow::follow(&client, &environment, subscription, &board, &*self.clock) => Err(error),
            // They end when the board does, and not before.
            Some(Err(failed)) = targets.join_next() => Err(BridgeError::Failed(failed.to_string())),
            () = &mut stop => Ok(()),
        };
        drop((board, seen));
        let flushed = timeout(FLUSH, async { while targets.join_next().await.is_some() {} }).await;
        if flushed.is_err() {
            warn!("an Alertmanager took nothing to the end; it is brought up to date when a bridge is started again");
        }
        ended
    }
}

/// The time as Alertmanager writes it.
fn now(clock: &dyn Clock) -> Timestamp {
    Timestamp::from_microsecond(clock.now().as_micros()).unwrap_or_default()
}

/// The text of the deepest cause: "connection refused" rather than "error sending request".
fn cause(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}
