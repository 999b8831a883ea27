use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use pb::subscribe_request::Start as WireStart;
use pb::subscribe_response::Response;
use tokio::time::{Instant, sleep_until, timeout};
use tonic::Streaming;
use tracing::{info, warn};

use super::retry::Retry;
use super::{Client, Error, pb};

/// The heartbeat interval when none is asked for (contract.md section 1).
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Where to begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Start {
    /// With what comes from now on.
    #[default]
    Now,
    /// After a cursor.
    After(Bytes),
    /// At the first event at or after a time.
    Since(Timestamp),
    /// With the open alerts.
    Snapshot,
}

/// What to follow, and how.
#[derive(Clone, Debug, Default)]
pub struct Subscription {
    /// Which events.
    pub filter: pb::AlertFilter,
    /// Where to begin.
    pub start: Start,
    /// Longest silence, 5 to 60 s; the service's default when `None`.
    pub heartbeat: Option<Duration>,
    /// Whether a lost history (an expired cursor, a restored backup) is answered by a snapshot instead of an error.
    pub snapshot_if_lost: bool,
    /// A code for who is listening; may be empty.
    pub subscriber: String,
    /// How long the service may stay away before the subscriber gives up; never when `None`.
    pub give_up_after: Option<Duration>,
}

/// Something received, and the cursor after it.
#[derive(Clone, Debug)]
pub struct Item {
    /// Resume after this. Empty inside a snapshot, which cannot be resumed.
    pub cursor: Bytes,
    /// What it is.
    pub kind: ItemKind,
}

/// What a subscriber receives.
#[derive(Clone, Debug)]
pub enum ItemKind {
    /// A stream is open: the first, or one after a break.
    Opened(pb::Opened),
    /// Events of whole inputs, in position order.
    Events(Vec<pb::AlertEvent>),
    /// A part of a snapshot.
    SnapshotAlerts(Vec<pb::Alert>),
    /// The snapshot is whole: forget what was not in it.
    SnapshotComplete(i32),
    /// Everything up to the cursor has been sent.
    Heartbeat,
    /// The service ends the stream; the subscriber comes back by itself.
    Goodbye(String),
    /// A snapshot broke off or the history is lost: forget what this one held, another follows.
    Restarted(String),
}

/// Follows the alert log over any number of connections: reconnects, resumes after the last cursor, takes three silent
/// heartbeats for a dead connection. Nothing is dropped, nothing comes twice.
#[derive(Debug)]
pub struct Subscriber {
    client: Client,
    subscription: Subscription,
    stream: Option<Streaming<pb::SubscribeResponse>>,
    retry: Retry,
    /// No attempt before this.
    not_before: Instant,
    /// What the last goodbye asked for.
    come_back_after: Option<Duration>,
    /// Longest silence believed.
    silence: Duration,
    /// Inside a snapshot that is not whole yet.
    in_snapshot: bool,
}

impl Subscriber {
    pub(super) fn new(client: Client, subscription: Subscription) -> Self {
        let retry = Retry::new(subscription.give_up_after);
        let silence = subscription.heartbeat.unwrap_or(HEARTBEAT) * 3;
        let not_before = Instant::now();
        Self {
            client,
            subscription,
            stream: None,
            retry,
            not_before,
            come_back_after: None,
            silence,
            in_snapshot: false,
        }
    }

    /// The next item, however long it takes and however often the connection breaks. May be dropped and called again.
    /// After an error there is nothing more to come.
    pub async fn next(&mut self) -> Result<Item, Error> {
        loop {
            match self.receive().await {
                Ok(response) => {
                    self.retry.succeeded();
                    if let Some(item) = self.read(response) {
                        return Ok(item);
                    }
                }
                Err(error) => {
                    if let Some(item) = self.recover(error)? {
                        return Ok(item);
                    }
                }
            }
        }
    }

    async fn receive(&mut self) -> Result<pb::SubscribeResponse, Error> {
        if self.stream.is_none() {
            self.stream = Some(self.open().await?);
        }
        let Some(stream) = &mut self.stream else { return Err(Error::Ended(self.client.url().to_owned())) };
        match timeout(self.silence, stream.message()).await {
            Ok(Ok(Some(response))) => Ok(response),
            Ok(Ok(None)) => Err(Error::Ended(self.client.url().to_owned())),
            Ok(Err(status)) => Err(self.client.error(&status)),
            Err(_) => Err(Error::Silent(self.silence)),
        }
    }

    async fn open(&self) -> Result<Streaming<pb::SubscribeResponse>, Error> {
        sleep_until(self.not_before).await;
        let mut alerts = self.client.alerts();
        let answer = timeout(self.silence, alerts.subscribe(self.request())).await;
        self.client.answer(answer.map_err(|_| Error::Silent(self.silence))?)
    }

    fn request(&self) -> pb::SubscribeRequest {
        let start = match &self.subscription.start {
            Start::Now => None,
            Start::After(cursor) => Some(WireStart::AfterCursor(cursor.clone())),
            Start::Since(time) => Some(WireStart::SinceTime(prost_types::Timestamp {
                seconds: time.as_second(),
                nanos: time.subsec_nanosecond(),
            })),
            Start::Snapshot => Some(WireStart::Snapshot(pb::Snapshot {})),
        };
        let on_expired = if self.subscription.snapshot_if_lost { pb::OnExpired::Snapshot } else { pb::OnExpired::Fail };
        pb::SubscribeRequest {
            filter: Some(self.subscription.filter.clone()),
            start,
            heartbeat_interval: self.subscription.heartbeat.and_then(|d| d.try_into().ok()),
            on_expired: on_expired.into(),
            subscriber: self.subscription.subscriber.clone(),
        }
    }

    fn read(&mut self, response: pb::SubscribeResponse) -> Option<Item> {
        let cursor = response.cursor;
        // A kind of message that this client does not know still moves its cursor.
        let kind = response.response.map(|r| self.kind(r, cursor.is_empty()));
        if !cursor.is_empty() {
            self.subscription.start = Start::After(cursor.clone());
        }
        kind.map(|kind| Item { cursor, kind })
    }

    fn kind(&mut self, response: Response, without_cursor: bool) -> ItemKind {
        match response {
            Response::Opened(opened) => {
                if let Some(interval) = opened.heartbeat_interval.and_then(|d| Duration::try_from(d).ok()) {
                    self.silence = interval * 3;
                }
                self.in_snapshot = without_cursor;
                ItemKind::Opened(opened)
            }
            Response::Events(events) => ItemKind::Events(events.events),
            Response::SnapshotAlerts(snapshot) => {
                self.in_snapshot = true;
                ItemKind::SnapshotAlerts(snapshot.alerts)
            }
            Response::SnapshotComplete(complete) => {
                self.in_snapshot = false;
                ItemKind::SnapshotComplete(complete.alert_count)
            }
            Response::Heartbeat(_) => ItemKind::Heartbeat,
            Response::Goodbye(goodbye) => {
                self.come_back_after = goodbye.retry_after.and_then(|d| Duration::try_from(d).ok());
                ItemKind::Goodbye(goodbye.reason)
            }
        }
    }

    /// Prepares the next attempt, or hands the error out when there is none to make.
    fn recover(&mut self, error: Error) -> Result<Option<Item>, Error> {
        self.stream = None;
        let asked = error.retry_after().max(self.come_back_after.take());
        let lost = matches!(error, Error::CursorExpired { .. } | Error::HistoryChanged);
        let again = self.retry.helps(&error) || (lost && self.subscription.snapshot_if_lost);
        let Some(delay) = again.then(|| self.retry.failed(asked)).flatten() else { return Err(error) };
        // Asked to come back later is no failure: the service said goodbye, or that it is going down.
        if asked.is_some() {
            info!("{error}; coming back in {} ms", delay.as_millis());
        } else {
            warn!("{error}; trying again in {} ms", delay.as_millis());
        }
        self.not_before = Instant::now() + delay;
        if std::mem::take(&mut self.in_snapshot) || lost {
            self.subscription.start = Start::Snapshot;
            return Ok(Some(Item { cursor: Bytes::new(), kind: ItemKind::Restarted(error.to_string()) }));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn subscriber(start: Start) -> Subscriber {
        let client = Client::lazy("http://127.0.0.1:1").unwrap();
        Subscriber::new(client, Subscription { start, ..Default::default() })
    }

    fn message(cursor: &'static [u8], response: Response) -> pb::SubscribeResponse {
        pb::SubscribeResponse { cursor: Bytes::from_static(cursor), response: Some(response) }
    }

    fn broken() -> Error {
        Error::Ended("http://127.0.0.1:1".into())
    }

    #[tokio::test]
    async fn after_a_break_it_resumes_after_the_last_cursor() {
        let mut s = subscriber(Start::Now);
        assert!(s.request().start.is_none());
        s.read(message(b"a", Response::Opened(pb::Opened::default())));
        s.read(message(b"b", Response::Heartbeat(pb::Heartbeat::default())));
        assert!(s.recover(broken()).unwrap().is_none());
        assert_eq!(s.request().start, Some(WireStart::AfterCursor(Bytes::from_static(b"b"))));
    }

    #[tokio::test]
    async fn a_snapshot_that_breaks_off_starts_again() {
        let mut s = subscriber(Start::Snapshot);
        s.read(message(b"", Response::Opened(pb::Opened::default())));
        s.read(message(b"", Response::SnapshotAlerts(pb::SnapshotAlerts::default())));
        let item = s.recover(broken()).unwrap().unwrap();
        assert!(matches!(item.kind, ItemKind::Restarted(_)));
        assert_eq!(s.request().start, Some(WireStart::Snapshot(pb::Snapshot {})));
        s.read(message(b"", Response::SnapshotAlerts(pb::SnapshotAlerts::default())));
        s.read(message(b"c", Response::SnapshotComplete(pb::SnapshotComplete::default())));
        assert!(s.recover(broken()).unwrap().is_none());
        assert_eq!(s.request().start, Some(WireStart::AfterCursor(Bytes::from_static(b"c"))));
    }

    #[tokio::test]
    async fn another_history_ends_it_unless_a_snapshot_is_asked_for() {
        let mut s = subscriber(Start::After(Bytes::from_static(b"old")));
        assert!(matches!(s.recover(Error::HistoryChanged), Err(Error::HistoryChanged)));
        s.subscription.snapshot_if_lost = true;
        assert!(s.recover(Error::HistoryChanged).unwrap().is_some());
        assert_eq!(s.request().start, Some(WireStart::Snapshot(pb::Snapshot {})));
    }

    #[tokio::test]
    async fn a_goodbye_says_when_to_come_back() {
        let mut s = subscriber(Start::Now);
        let retry_after = Some(prost_types::Duration { seconds: 40, nanos: 0 });
        s.read(message(b"z", Response::Goodbye(pb::Goodbye { reason: "STREAM_AGE".into(), retry_after })));
        let before = Instant::now();
        assert!(s.recover(broken()).unwrap().is_none());
        assert!(s.not_before >= before + Duration::from_secs(40));
    }

    #[tokio::test]
    async fn silence_for_three_heartbeats_is_a_dead_connection() {
        let mut s = subscriber(Start::Now);
        let heartbeat_interval = Some(prost_types::Duration { seconds: 5, nanos: 0 });
        s.read(message(b"a", Response::Opened(pb::Opened { heartbeat_interval, ..Default::default() })));
        assert_eq!(s.silence, Duration::from_secs(15));
        assert!(Error::Silent(s.silence).is_transient());
    }
}
