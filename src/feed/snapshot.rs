//! The open alerts, read once and shared by all who ask within a second; and few of them in memory, however slowly they are
//! read.

use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::feed::Filter;
use crate::feed::window::History;
use crate::store::{LogPoint, Result, Store};
use crate::wire::log::{Keys, alert_item, alert_keys};

/// Snapshots in memory at most. Each holds every open alert as long as someone still reads it, so readers that stop inside
/// one would fill the memory; whoever asks while there are so many gets the newest of them, which with the log after it
/// says the same.
const MOST: usize = 4;

/// The open alerts in raise time then id, and the place in the log they stood at.
#[derive(Debug)]
pub struct Snapshot {
    /// The place.
    pub point: LogPoint,
    alerts: Vec<(Keys, Bytes)>,
    read: Instant,
    /// Of this history.
    history: History,
}

/// The newest snapshot while it is fresh, and those that are still read.
#[derive(Debug)]
pub struct Snapshots {
    fresh: Duration,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    newest: Option<Arc<Snapshot>>,
    /// In the order they were read; the newest may be among them.
    alive: Vec<Weak<Snapshot>>,
}

impl Kept {
    /// One to share: the newest if it is fresh, or if there are as many as there may be.
    fn shared(&mut self, fresh: Duration, history: History) -> Option<Arc<Snapshot>> {
        self.alive.retain(|s| s.strong_count() > 0);
        let full = self.alive.len() >= MOST;
        let mut alive = self.alive.iter().rev().filter_map(Weak::upgrade);
        alive.find(|s| s.history == history && (full || s.read.elapsed() < fresh))
    }
}

impl Snapshot {
    async fn read(store: &dyn Store, history: History) -> Result<Self> {
        let (point, listed) = store.open_alerts().await?;
        let alerts = listed.iter().filter_map(|alert| {
            let keys = alert_keys(&alert.payload)
                .inspect_err(|error| tracing::error!(id = %alert.id, %error, "an alert is left out of a snapshot"))
                .ok()?;
            Some((keys, alert_item(&alert.payload)))
        });
        Ok(Self { point, alerts: alerts.collect(), read: Instant::now(), history })
    }
    /// What one message takes of the alerts from the `from`th on, and where the next one goes on; `None` at the end.
    pub fn gather(&self, from: usize, filter: &Filter, max_bytes: usize) -> Option<(Vec<Bytes>, usize)> {
        let (mut items, mut bytes, mut next) = (Vec::<Bytes>::new(), 0, from);
        for (keys, item) in self.alerts.get(from..)? {
            if filter.wants_alert(keys) {
                if bytes > 0 && bytes + item.len() > max_bytes {
                    break;
                }
                bytes += item.len();
                items.push(item.clone());
            }
            next += 1;
        }
        (!items.is_empty()).then_some((items, next))
    }
}

impl Snapshots {
    /// Shares a snapshot for `fresh`.
    pub fn new(fresh: Duration) -> Self {
        Self { fresh, kept: Mutex::default() }
    }
    /// A snapshot of this history to share, else a new one, read in a task of its own: a stream that stops waiting, for a
    /// heartbeat, waits for the same task again. Another one each time would be many while storage is away.
    pub fn take(self: Arc<Self>, store: Arc<dyn Store>, history: History) -> JoinHandle<Result<Arc<Snapshot>>> {
        tokio::spawn(self.read(store, history))
    }
    async fn read(self: Arc<Self>, store: Arc<dyn Store>, history: History) -> Result<Arc<Snapshot>> {
        let mut kept = self.kept.lock().await;
        if let Some(snapshot) = kept.shared(self.fresh, history) {
            return Ok(snapshot);
        }
        let snapshot = Arc::new(Snapshot::read(&*store, history).await?);
        kept.newest = Some(Arc::clone(&snapshot));
        kept.alive.push(Arc::downgrade(&snapshot));
        drop(kept);
        tokio::spawn(Arc::clone(&self).forget(Arc::downgrade(&snapshot)));
        Ok(snapshot)
    }
    /// Nobody's memory is held once it is not fresh.
    async fn forget(self: Arc<Self>, snapshot: Weak<Snapshot>) {
        sleep(self.fresh).await;
        self.kept.lock().await.newest.take_if(|s| std::ptr::eq(Arc::as_ptr(s), snapshot.as_ptr()));
    }
}
