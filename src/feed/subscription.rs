//! A place in the log and a filter: all that the service keeps of a subscriber.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::faults::{self, Point};
use crate::feed::window::{Gathered, History, Input, Place, Window, gather};
use crate::feed::{Feed, Filter, Refusal, cursor};
use crate::store::{LogPoint, LogRead, Result, StoreError};

/// Follows the log for one subscriber: from the window, or from the store while it is behind the window.
#[derive(Debug)]
pub struct Subscription {
    feed: Arc<Feed>,
    window: watch::Receiver<Window>,
    filter: Arc<Filter>,
    /// The history it belongs to.
    place: Place,
    /// Everything up to here that matches has been handed out.
    point: LogPoint,
    /// A read of the store under way; it outlives an interruption by a heartbeat.
    reading: Option<JoinHandle<Result<Behind>>>,
    /// Tells that read, should it still be waiting its turn, that nobody wants it any more.
    gone: CancellationToken,
    _leaving: DropGuard,
}

/// What the store says of the log after a place.
#[derive(Debug)]
enum Behind {
    Inputs(Vec<Arc<Input>>),
    Expired(LogPoint),
    OtherHistory,
}

/// What to do next, as the window shows.
enum Step {
    Take(Gathered),
    CatchUp,
    Wait,
    End,
}

impl Subscription {
    /// Begins after `point`.
    pub fn new(feed: Arc<Feed>, place: Place, point: LogPoint, filter: Arc<Filter>) -> Self {
        let (window, gone) = (feed.window.subscribe(), CancellationToken::new());
        let reading = None;
        Self { feed, window, filter, place, point, reading, _leaving: gone.clone().drop_guard(), gone }
    }
    /// The filter.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }
    /// Everything up to here that matches has been handed out.
    pub fn position(&self) -> i64 {
        self.point.position
    }
    /// The log it follows.
    pub fn log_id(&self) -> i64 {
        self.place.log_id
    }
    /// The history it belongs to.
    pub fn history(&self) -> History {
        self.place.history()
    }
    /// Goes on after another place.
    pub fn jump(&mut self, point: LogPoint) {
        self.point = point;
    }
    /// The cursor of its place.
    pub fn cursor(&self) -> Bytes {
        cursor::encode(self.place.log_id, self.point)
    }
    /// Waits until there is more of the log, and reads as much of it as one message holds: the events that match, perhaps
    /// none. May be dropped while it waits, and called again, without loss.
    pub async fn next(&mut self) -> std::result::Result<Vec<Bytes>, Refusal> {
        loop {
            let gathered = match self.step() {
                Step::Take(gathered) => Some(gathered),
                Step::CatchUp => self.catch_up().await?,
                Step::End => return Err(Refusal::OtherHistory),
                Step::Wait => {
                    // The feed holds the sender and this holds the feed, so it never closes.
                    let _ = self.window.changed().await;
                    None
                }
            };
            if let Some(Gathered { point, items }) = gathered {
                self.point = point;
                return Ok(items);
            }
        }
    }
    fn step(&mut self) -> Step {
        let window = self.window.borrow_and_update();
        if window.place.is_none_or(|p| p.history() != self.place.history()) {
            return Step::End;
        }
        match window.after(self.point.position) {
            None => Step::CatchUp,
            Some(inputs) => {
                gather(inputs, &self.filter, self.feed.settings.message_bytes).map_or(Step::Wait, Step::Take)
            }
        }
    }
    /// Reads on from the store. What does not fit into one message is read again: nothing is kept for a reader that
    /// may never come.
    async fn catch_up(&mut self) -> std::result::Result<Option<Gathered>, Refusal> {
        let started = self.reading.take().unwrap_or_else(|| self.read_behind());
        let read = self.reading.insert(started).await.unwrap_or_else(|e| Err(StoreError::Refused(e.to_string())));
        self.reading = None;
        match read {
            Ok(Behind::Expired(oldest)) => Err(Refusal::Expired(cursor::encode(self.place.log_id, oldest))),
            Ok(Behind::OtherHistory) => Err(Refusal::OtherHistory),
            Err(refused @ StoreError::Refused(_)) => Err(refused.into()),
            Ok(Behind::Inputs(inputs)) if !inputs.is_empty() => {
                Ok(gather(inputs.iter(), &self.filter, self.feed.settings.message_bytes))
            }
            // Storage is down, or has nothing yet of what the tail has read: the stream stays and looks again.
            Ok(Behind::Inputs(_)) | Err(StoreError::Unavailable(_) | StoreError::Unknown(_)) => {
                sleep(self.feed.settings.poll).await;
                Ok(None)
            }
        }
    }
    fn read_behind(&self) -> JoinHandle<Result<Behind>> {
        let (feed, gone, point) = (Arc::clone(&self.feed), self.gone.clone(), self.point);
        tokio::spawn(async move {
            let turn = gone.run_until_cancelled(feed.reads.acquire()).await;
            if turn.is_none() {
                return Ok(Behind::Inputs(Vec::new()));
            }
            Ok(match feed.store.read_log(point, feed.settings.message_bytes).await? {
                LogRead::Entries(entries) => {
                    if !entries.is_empty() {
                        faults::point(Point::InCatchUp).await;
                    }
                    Behind::Inputs(Input::group(&entries))
                }
                LogRead::Expired(oldest) => Behind::Expired(oldest),
                LogRead::OtherHistory => Behind::OtherHistory,
            })
        })
    }
}
