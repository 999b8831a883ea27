//! Following and resuming the alert log. A tail reads the log into a window of encoded events shared by all streams; a
//! stream is a cursor and a filter, not a queue, so that a slow reader costs its place and nothing more.

mod audience;
pub mod cursor;
mod filter;
mod hearing;
mod snapshot;
mod stream;
mod subscription;
mod tail;
mod window;

use std::future::Future;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::access::{Caller, Refused};
use crate::clock::SharedClock;
use crate::domain::Time;
use crate::store::{Head, LogPoint, LogRead, Store, StoreError};

pub use audience::{Audience, Listener};
pub use filter::Filter;
pub use hearing::heard;
pub use stream::Stream;

use snapshot::Snapshots;
use window::{Bounds, Place, Window};

/// How the feed behaves. The defaults are those of architecture.md section 3.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Between two looks at the head row.
    pub poll: Duration,
    /// Heartbeat interval of a subscriber that names none.
    pub heartbeat: Duration,
    /// Heartbeat intervals a subscriber may ask for.
    pub heartbeats: RangeInclusive<Duration>,
    /// A stream ends at this age, give or take a fifth.
    pub max_age: Duration,
    /// When a client sent away may come back, give or take a half.
    pub retry_after: Duration,
    /// Bytes of encoded events in the window.
    pub window_bytes: usize,
    /// Inputs in the window.
    pub window_inputs: usize,
    /// Most bytes of events in one message, unless one input is larger. What a reader that stops costs at most, beside its
    /// send buffer: docs/reliability.md.
    pub message_bytes: usize,
    /// Subscriptions at once.
    pub subscriptions: usize,
    /// Streams that read from the store at the same time; the others wait their turn.
    pub catch_up_reads: usize,
    /// For so long those who ask share one snapshot.
    pub snapshot_shared: Duration,
    /// How long a start waits for storage.
    pub patience: Duration,
}

/// Why a stream is not opened, or ends.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The cursor is not one of ours, or damaged.
    #[error("the cursor is malformed")]
    Malformed,
    /// The place is gone; the oldest cursor to resume after.
    #[error("the place is older than retention")]
    Expired(Bytes),
    /// The log has another history there.
    #[error("the log has another history")]
    OtherHistory,
    /// Storage did not answer in time, or refused.
    #[error(transparent)]
    Storage(#[from] StoreError),
    /// The service is going down; when to come back.
    #[error("the service is going down")]
    Draining(Duration),
    /// There are as many subscriptions as there may be; when to come back.
    #[error("there are too many subscriptions")]
    Full(Duration),
    /// The stream reached its greatest age; when to come back.
    #[error("the stream reached its greatest age")]
    StreamAge(Duration),
    /// The subscriber's credential expired, or its permission was taken.
    #[error(transparent)]
    Refused(Refused),
}

/// Where a subscriber starts.
#[derive(Clone, Debug)]
pub enum Start {
    /// From now.
    Now,
    /// After a cursor.
    After(Bytes),
    /// At the first event at or after a time.
    Since(Time),
    /// With the open alerts.
    Snapshot,
}

/// What a subscriber asks for.
#[derive(Debug)]
pub struct Wish {
    /// Where to start.
    pub start: Start,
    /// A start older than the log becomes a snapshot.
    pub snapshot_if_expired: bool,
    /// Which events.
    pub filter: Filter,
    /// Longest silence.
    pub heartbeat: Duration,
    /// Who is listening, by its own word.
    pub subscriber: String,
    /// Who is listening, and what it may hear; looked at again at every message.
    pub caller: Caller,
}

/// Where a stream begins, once it is checked.
#[derive(Clone, Copy, Debug)]
enum Begin {
    At(LogPoint),
    Snapshot,
}

/// The feed of one replica.
#[derive(Debug)]
pub struct Feed {
    store: Arc<dyn Store>,
    clock: SharedClock,
    settings: Settings,
    soft: CancellationToken,
    window: watch::Sender<Window>,
    snapshots: Arc<Snapshots>,
    reads: Arc<Semaphore>,
    room: Arc<Semaphore>,
    audience: Arc<Audience>,
    /// How often the log was found to have another history.
    histories: watch::Sender<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            poll: Duration::from_millis(100),
            heartbeat: Duration::from_secs(15),
            heartbeats: Duration::from_secs(5)..=Duration::from_mins(1),
            max_age: Duration::from_mins(30),
            retry_after: Duration::from_secs(1),
            window_bytes: 64 << 20,
            window_inputs: 100_000,
            message_bytes: 32 << 10,
            subscriptions: 20_000,
            catch_up_reads: 4,
            snapshot_shared: Duration::from_secs(1),
            patience: Duration::from_secs(10),
        }
    }
}

impl Feed {
    /// A feed that knows nothing until it is followed. `soft` tells its streams to say goodbye.
    pub fn new(store: Arc<dyn Store>, clock: SharedClock, settings: Settings, soft: CancellationToken) -> Arc<Self> {
        let bounds = Bounds { bytes: settings.window_bytes, inputs: settings.window_inputs };
        Arc::new(Self {
            window: watch::Sender::new(Window::new(bounds)),
            snapshots: Arc::new(Snapshots::new(settings.snapshot_shared)),
            reads: Arc::new(Semaphore::new(settings.catch_up_reads)),
            room: Arc::new(Semaphore::new(settings.subscriptions)),
            audience: Arc::default(),
            histories: watch::Sender::default(),
            store,
            clock,
            settings,
            soft,
        })
    }
    /// Follows the log until dropped: give it to an owned task. `committed` wakes it after each commit of this process
    /// (its value is not used); `on_head` hears of every head that was read.
    pub async fn follow(
        self: Arc<Self>,
        committed: watch::Receiver<i64>,
        on_head: impl Fn(&Head) + Send + Sync + 'static,
    ) {
        tail::follow(&self, committed, &on_head).await;
    }
    /// Changes each time the log is found to have another history: what else was read of the store may be of the lost one.
    pub fn histories(&self) -> watch::Receiver<u64> {
        self.histories.subscribe()
    }
    /// How it behaves.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }
    /// Who is listening.
    pub fn audience(&self) -> &Audience {
        &self.audience
    }
    /// The newest event that was read; none before the first look.
    pub fn head(&self) -> Option<LogPoint> {
        self.window.borrow().place.map(|place| place.point)
    }
    /// The cursor of a place that was read from the store just now.
    pub async fn cursor(&self, point: LogPoint) -> Result<Bytes, Refusal> {
        Ok(cursor::encode(self.ready().await?.log_id, point))
    }
    /// Where the tail stands, once it stands anywhere.
    async fn ready(&self) -> Result<Place, Refusal> {
        let mut window = self.window.subscribe();
        let known = timeout(self.settings.patience, window.wait_for(|w| w.place.is_some())).await;
        let place = known.ok().and_then(Result::ok).and_then(|w| w.place);
        place.ok_or_else(|| StoreError::Unavailable("the log's head has not been read yet".into()).into())
    }
    /// Room for one more subscription, of whatever kind; given back when dropped.
    pub fn admit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        // Places come free slowly, and whoever is refused should rather try another replica than this one again at once.
        Arc::clone(&self.room).try_acquire_owned().map_err(|_| Refusal::Full(self.retry_after() * 10))
    }
    /// Opens a stream.
    pub async fn subscribe(self: &Arc<Self>, wish: Wish) -> Result<Stream, Refusal> {
        if self.soft.is_cancelled() {
            return Err(Refusal::Draining(self.retry_after()));
        }
        let room = self.admit()?;
        // Before anything is checked: what is checked later belongs to this history or to a newer one, which ends it.
        let place = self.ready().await?;
        let begin = match &wish.start {
            Start::Now => Ok(Begin::At(place.point)),
            Start::After(cursor) => self.resume(place, cursor).await.map(Begin::At),
            Start::Since(time) => self.since(place, *time).await.map(Begin::At),
            Start::Snapshot => Ok(Begin::Snapshot),
        };
        let begin = match begin {
            Err(Refusal::Expired(_)) if wish.snapshot_if_expired => Begin::Snapshot,
            other => other?,
        };
        Ok(Stream::new(Arc::clone(self), place, begin, wish, room))
    }
    /// Checks a cursor; what memory does not know, the store does.
    async fn resume(&self, place: Place, cursor: &[u8]) -> Result<LogPoint, Refusal> {
        let (log_id, point) = cursor::decode(cursor).ok_or(Refusal::Malformed)?;
        if log_id != place.log_id {
            return Err(Refusal::OtherHistory);
        }
        if self.window.borrow().knows(point) {
            return Ok(point);
        }
        match self.patiently(|store| async move { store.read_log(point, 1).await }).await? {
            LogRead::Entries(_) => Ok(point),
            LogRead::Expired(oldest) => Err(Refusal::Expired(cursor::encode(log_id, oldest))),
            LogRead::OtherHistory => Err(Refusal::OtherHistory),
        }
    }
    async fn since(&self, place: Place, time: Time) -> Result<LogPoint, Refusal> {
        let point = self.patiently(|store| async move { store.point_at(time).await }).await?;
        point.map_err(|oldest| Refusal::Expired(cursor::encode(place.log_id, oldest)))
    }
    /// Asks the store again while it is unavailable, as long as patience lasts.
    async fn patiently<T, F>(&self, ask: impl Fn(Arc<dyn Store>) -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let until = Instant::now() + self.settings.patience;
        loop {
            match ask(Arc::clone(&self.store)).await {
                Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) if Instant::now() < until => {
                    sleep(self.settings.poll).await;
                }
                answer => return answer,
            }
        }
    }
    /// With jitter, so that those sent away together do not come back together.
    fn retry_after(&self) -> Duration {
        let after = self.settings.retry_after.mul_f64(0.5 + fastrand::f64());
        Duration::from_micros(u64::try_from(after.as_micros()).unwrap_or(u64::MAX))
    }
}
