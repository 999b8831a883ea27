//! The demo's subscriber: prints what it receives, and can be cut and resumed.

use std::io::Write;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::{Failure, shown};
use crate::client::{Client, ItemKind, Start, Subscription, instant, pb};
use crate::domain::{Time, Zone};

/// How long the demo waits for something that takes milliseconds before it says that it failed.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What a subscriber has seen so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    /// Resume after this.
    pub(super) cursor: Bytes,
    /// Positions, in the order they came.
    pub(super) positions: Vec<i64>,
    /// Alerts raised, and resolved.
    pub(super) raised: usize,
    pub(super) resolved: usize,
}

/// A subscriber that runs.
pub(super) struct Listener {
    seen: watch::Receiver<Seen>,
    task: JoinHandle<()>,
}

impl Listener {
    /// Subscribes from `start` on, adding to what was seen before.
    pub(super) fn begin(client: &Client, start: Start, before: Seen) -> Self {
        let mut subscriber =
            client.subscribe(Subscription { start, subscriber: "demo".to_owned(), ..Subscription::default() });
        let (sender, seen) = watch::channel(before);
        let task = tokio::spawn(async move {
            while let Ok(item) = subscriber.next().await {
                if let ItemKind::Events(events) = &item.kind {
                    events.iter().filter(|e| worth_a_line(e)).for_each(print);
                }
                sender.send_modify(|seen| seen.take(&item.kind, item.cursor));
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

    /// Cuts it off, as a broken network would; what it had seen remains.
    pub(super) fn cut(self) -> Seen {
        self.task.abort();
        self.seen.borrow().clone()
    }

    /// What it has seen.
    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }
}

impl Seen {
    fn take(&mut self, kind: &ItemKind, cursor: Bytes) {
        self.cursor = cursor;
        if let ItemKind::Events(events) = kind {
            self.positions.extend(events.iter().map(|e| e.position));
            let count = |wanted| events.iter().filter(|e| e.r#type() == wanted).count();
            self.raised += count(pb::AlertEventType::Raised);
            self.resolved += count(pb::AlertEventType::Resolved);
        }
    }

    /// Positions that never came, and those that came again: an unfiltered subscriber sees each once.
    pub(super) fn missed_and_twice(&self) -> (usize, usize) {
        let mut positions = self.positions.clone();
        positions.sort_unstable();
        positions.dedup();
        let whole = positions.last().zip(positions.first()).map_or(0, |(last, first)| last - first + 1);
        let missed = usize::try_from(whole).unwrap_or(0) - positions.len();
        (missed, self.positions.len() - positions.len())
    }
}

/// Figures that merely moved are received, but would drown the story.
fn worth_a_line(event: &pb::AlertEvent) -> bool {
    let clearing = event.alert.as_ref().is_some_and(|a| a.condition() == pb::AlertCondition::Clearing);
    event.r#type() != pb::AlertEventType::Updated || clearing
}

fn print(event: &pb::AlertEvent) {
    let at = instant(event.event_time).map_or(Time::default(), |t| Time::from_micros(t.as_microsecond()));
    say(&format!("{}  {}", at.local_hhmm(&Zone::london()), shown::brief(event)));
}

/// One line on stdout. A reader who has gone is no reason to fail.
pub(super) fn say(line: &str) {
    let _ = writeln!(anstream::stdout(), "{line}");
}
