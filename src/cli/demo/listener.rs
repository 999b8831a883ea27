//! The demo's subscriber: keeps what it receives, and can be cut and resumed.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::Failure;
use crate::client::{Client, ItemKind, Start, Subscription, pb};

/// How long the demo waits for something that takes milliseconds before it says that it failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What a subscriber has received so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Resume after this.
    pub(super) cursor: Bytes,
    /// Events, in the order they came.
    pub(super) events: Vec<pb::AlertEvent>,
}

/// A subscriber that runs.
#[derive(Debug)]
pub(super) struct Listener {
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Subscribes from `start` on to everything, forecasts among it, adding to what was seen before.
    pub(super) fn begin(client: &Client, start: Start, before: Seen) -> Self {
        let filter = pb::AlertFilter { include_forecasts: true, ..pb::AlertFilter::default() };
        let subscription = Subscription { filter, start, subscriber: "demo".to_owned(), ..Subscription::default() };
        let mut subscriber = client.subscribe(subscription);
        let (sender, seen) = watch::channel(before);
        let task = tokio::spawn(async move {
            while let Ok(item) = subscriber.next().await {
                sender.send_modify(|seen| {
                    seen.cursor = item.cursor;
                    if let ItemKind::Events(events) = item.kind {
                        seen.events.extend(events);
                    }
                });
            }
        });
        Self { seen, task }
    }

    /// Waits until it has received all that the service has published.
    pub(super) async fn caught_up(&mut self, client: &Client) -> Result<(), Failure> {
        let newest = client.server_info().await?.newest_cursor;
        let caught_up = tokio::time::timeout(PATIENCE, self.seen.wait_for(|seen| seen.cursor == newest)).await;
        match caught_up {
            Ok(Ok(_)) => Ok(()),
            _ => Err(Failure::failed("the demo's subscriber did not receive what was published")),
        }
    }

    /// The newest event of a kind, of a rule on a subject.
    pub(super) fn newest(&self, subject: &str, rule: &str, kind: pb::AlertEventType) -> Option<pb::AlertEvent> {
        let wanted = |e: &&pb::AlertEvent| {
            e.r#type() == kind && e.alert.as_ref().is_some_and(|a| a.subject == subject && a.rule == rule)
        };
        self.seen.borrow().events.iter().rev().find(wanted).cloned()
    }

    /// Cuts it off, as a broken network would; what it had seen remains.
    pub(super) fn cut(self) -> Seen {
        self.task.abort();
        self.seen()
    }

    /// What it has seen.
    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}
