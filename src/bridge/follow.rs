use std::time::Duration;

use backon::{ExponentialBuilder, Retryable as _};
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use super::board::Board;
use super::{BridgeError, Options, now};
use crate::client::{self, Client, ItemKind, Start, Subscription, pb};
use crate::domain::Clock;

/// The service's name for this subscriber when it has no other.
const SUBSCRIBER: &str = "alertmanager-bridge";
/// Heartbeats asked of the service: the bounds that it takes, and no more often than its default without need.
const HEARTBEAT: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(15));

/// Keeps the board as the stream says, for ever; why it cannot any more.
pub(super) async fn follow(
    client: &Client,
    environment: &str,
    subscription: Subscription,
    board: &watch::Sender<Board>,
    clock: &dyn Clock,
) -> BridgeError {
    let mut subscriber = client.subscribe(subscription);
    loop {
        let item = match subscriber.next().await {
            Ok(item) => item,
            Err(error) => return error.into(),
        };
        match &item.kind {
            ItemKind::Opened(_) => {
                if let Err(error) = still(client, environment).await {
                    return error;
                }
            }
            ItemKind::SnapshotComplete(alerts) => info!(alerts, "a whole snapshot of open alerts"),
            _ => {}
        }
        board.send_if_modified(|board| board.take(item.kind, Instant::now(), now(clock)));
    }
}

/// After each break: a name that leads to another environment by now must not turn training into live.
async fn still(client: &Client, before: &str) -> Result<(), BridgeError> {
    let now = environment(client).await?;
    if now == before { Ok(()) } else { Err(BridgeError::Environment { before: before.to_owned(), now }) }
}

/// What the service is used for, however long it takes to answer.
pub(super) async fn environment(client: &Client) -> Result<String, client::Error> {
    let ask = || client.server_info();
    let delays = ExponentialBuilder::new().with_min_delay(Duration::from_millis(200)).with_jitter();
    let info = ask
        .retry(delays.with_max_delay(Duration::from_secs(5)).without_max_times())
        .when(client::Error::is_transient)
        .notify(|error, delay| warn!("{error}; asking again in {} ms", delay.as_millis()))
        .await?;
    Ok(info.environment)
}

pub(super) fn subscription(options: &Options) -> Subscription {
    Subscription {
        filter: pb::AlertFilter {
            organisations: options.organisations.clone(),
            // By the highest severity so far, so that a fall below it is seen too.
            min_severity: pb::Severity::Warning.into(),
            include_forecasts: options.include_forecasts,
            ..Default::default()
        },
        start: Start::Snapshot,
        heartbeat: Some(heartbeat(options)),
        snapshot_if_lost: true,
        subscriber: SUBSCRIBER.to_owned(),
        give_up_after: None,
    }
}

/// How long the service may be silent before it is not heard: three heartbeats, as for any subscriber.
pub(super) fn silence(options: &Options) -> Duration {
    heartbeat(options) * 3
}

fn heartbeat(options: &Options) -> Duration {
    options.resend_every.clamp(HEARTBEAT.0, HEARTBEAT.1)
}
