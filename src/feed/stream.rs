//! One subscriber's stream, from `opened` to its end: one loop that sends, keeps time and says goodbye, so that nothing
//! can overtake anything.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::access::{Caller, Refused};
use crate::domain::Span;
use crate::feed::audience::Seat;
use crate::feed::snapshot::Snapshot;
use crate::feed::subscription::Subscription;
use crate::feed::window::Place;
use crate::feed::{Begin, Feed, Refusal, Wish, cursor};
use crate::store::StoreError;
use crate::wire::log::{Body, frame};

/// A subscriber's stream of encoded `SubscribeResponse` messages, each in parts.
#[derive(Debug)]
pub struct Stream {
    feed: Arc<Feed>,
    subscription: Subscription,
    phase: Phase,
    heartbeat: Duration,
    /// When silence has lasted for the interval.
    quiet_until: Instant,
    /// When it reaches its greatest age.
    ends: Instant,
    seat: Seat,
    caller: Caller,
    _room: OwnedSemaphorePermit,
    /// A snapshot that is being read for it.
    taking: Option<JoinHandle<crate::store::Result<Arc<Snapshot>>>>,
}

/// How far a stream has come.
#[derive(Debug)]
enum Phase {
    /// Nothing was sent; what follows.
    Opening(Begin),
    /// Sending a snapshot, once it is read; the next alert, and how many were sent.
    Snapshot { snapshot: Option<Arc<Snapshot>>, next: usize, sent: usize },
    /// Following the log.
    Following,
    /// Goodbye was said; the status to end with.
    Ending(Refusal),
    /// Ended.
    Over,
}

fn span(duration: Duration) -> Span {
    Span::micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

impl Stream {
    /// A stream that nobody has read from yet.
    pub(super) fn new(feed: Arc<Feed>, place: Place, begin: Begin, wish: Wish, room: OwnedSemaphorePermit) -> Self {
        let point = match begin {
            Begin::At(point) => point,
            Begin::Snapshot => place.point,
        };
        let filter = Arc::new(wish.filter);
        let (now, age) = (Instant::now(), feed.settings.max_age.mul_f64(0.8 + 0.4 * fastrand::f64()));
        Self {
            subscription: Subscription::new(Arc::clone(&feed), place, point, Arc::clone(&filter)),
            phase: Phase::Opening(begin),
            heartbeat: wish.heartbeat,
            quiet_until: now + wish.heartbeat,
            ends: now + age,
            seat: feed.audience.join(wish.subscriber, filter, point.position),
            caller: wish.caller,
            _room: room,
            taking: None,
            feed,
        }
    }
    /// The next message, or how the stream ends; then nothing more.
    pub async fn next(&mut self) -> Option<Result<Vec<Bytes>, Refusal>> {
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Opening(begin) => return Some(Ok(self.open(begin))),
            Phase::Ending(refusal) => return Some(Err(refusal)),
            Phase::Over => return None,
            going_on => self.phase = going_on,
        }
        let (soft, caller) = (self.feed.soft.clone(), self.caller.clone());
        loop {
            let message = tokio::select! {
                biased;
                // First, so that nothing is sent to one who may not hear it any more.
                why = caller.ended() => Ok(Some(self.dismiss(why))),
                () = soft.cancelled() => Ok(Some(self.goodbye("SERVER_DRAINING", Refusal::Draining))),
                () = sleep_until(self.ends) => Ok(Some(self.goodbye("STREAM_AGE", Refusal::StreamAge))),
                () = sleep_until(self.quiet_until) => Ok(Some(self.frame(Body::Heartbeat(self.feed.clock.now())))),
                message = self.work() => message,
            };
            self.seat.shown(self.subscription.position());
            match message {
                Ok(Some(message)) => {
                    self.quiet_until = Instant::now() + self.heartbeat;
                    return Some(Ok(message));
                }
                // A long stretch without a match: let others run, and look at the time again.
                Ok(None) => tokio::task::yield_now().await,
                Err(refusal) => {
                    self.phase = Phase::Over;
                    return Some(Err(refusal));
                }
            }
        }
    }
    fn open(&mut self, begin: Begin) -> Vec<Bytes> {
        self.phase = match begin {
            Begin::At(_) => Phase::Following,
            Begin::Snapshot => Phase::Snapshot { snapshot: None, next: 0, sent: 0 },
        };
        let (interval, now) = (span(self.heartbeat), self.feed.clock.now());
        let log = cursor::log_name(self.subscription.log_id());
        self.frame(Body::Opened { interval, log: &log, now })
    }
    fn dismiss(&mut self, why: Refused) -> Vec<Bytes> {
        self.caller.refuse(why, "Subscribe");
        let reason = if why == Refused::Expired { "TOKEN_EXPIRED" } else { "PERMISSION_WITHDRAWN" };
        self.goodbye(reason, |_| Refusal::Refused(why))
    }
    fn goodbye(&mut self, reason: &str, end: impl FnOnce(Duration) -> Refusal) -> Vec<Bytes> {
        let after = self.feed.retry_after();
        let message = self.frame(Body::Goodbye(reason, span(after)));
        self.phase = Phase::Ending(end(after));
        message
    }
    /// A message with the cursor to resume after it: none while a snapshot is under way, for half of one is nothing.
    fn frame(&self, body: Body<'_>) -> Vec<Bytes> {
        match self.phase {
            Phase::Snapshot { .. } => frame(&[], body),
            _ => frame(&self.subscription.cursor(), body),
        }
    }
    async fn work(&mut self) -> Result<Option<Vec<Bytes>>, Refusal> {
        if let Phase::Snapshot { .. } = self.phase {
            return self.send_snapshot().await;
        }
        let items = self.subscription.next().await?;
        Ok((!items.is_empty()).then(|| self.frame(Body::Events(&items))))
    }
    async fn send_snapshot(&mut self) -> Result<Option<Vec<Bytes>>, Refusal> {
        let Phase::Snapshot { snapshot, next, sent } = &mut self.phase else { return Ok(None) };
        let Some(snapshot) = snapshot else {
            let history = self.subscription.history();
            let take = || Arc::clone(&self.feed.snapshots).take(Arc::clone(&self.feed.store), history);
            let read = self.taking.get_or_insert_with(take).await;
            self.taking = None;
            match read.unwrap_or_else(|e| Err(StoreError::Refused(e.to_string()))) {
                Ok(read) => *snapshot = Some(read),
                Err(refused @ StoreError::Refused(_)) => return Err(refused.into()),
                // Storage is down: the stream stays open and asks again.
                Err(_) => sleep(self.feed.settings.poll).await,
            }
            return Ok(None);
        };
        let most = self.feed.settings.message_bytes;
        if let Some((items, after)) = snapshot.gather(*next, self.subscription.filter(), most) {
            (*next, *sent) = (after, *sent + items.len());
            return Ok(Some(frame(&[], Body::SnapshotAlerts(&items))));
        }
        let (point, count) = (snapshot.point, *sent);
        self.subscription.jump(point);
        self.phase = Phase::Following;
        Ok(Some(self.frame(Body::SnapshotComplete(count))))
    }
}
