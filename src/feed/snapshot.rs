//! The open alerts, read once and shared by all who ask within a second.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep};

use crate::feed::Filter;
use crate::store::{LogPoint, Result, Store, StoreError};
use crate::wire::log::{Keys, alert_item, alert_keys};

/// The open alerts in raise time then id, and the place in the log they stood at.
#[derive(Debug)]
pub struct Snapshot {
    /// The place.
    pub point: LogPoint,
    alerts: Vec<(Keys, Bytes)>,
    read: Instant,
}

/// The newest snapshot while it is fresh.
#[derive(Debug)]
pub struct Snapshots {
    fresh: Duration,
    newest: Mutex<Option<Arc<Snapshot>>>,
}

impl Snapshot {
    async fn read(store: &dyn Store) -> Result<Self> {
        let (point, listed) = store.open_alerts().await?;
        let alerts = listed.iter().filter_map(|alert| {
            let keys = alert_keys(&alert.payload)
                .inspect_err(|error| tracing::error!(id = %alert.id, %error, "an alert is left out of a snapshot"))
                .ok()?;
            Some((keys, alert_item(&alert.payload)))
        });
        Ok(Self { point, alerts: alerts.collect(), read: Instant::now() })
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
        Self { fresh, newest: Mutex::default() }
    }
    /// The newest snapshot if it is fresh, else a new one, read in a task of its own: a stream that stops waiting, for a
    /// heartbeat, finds it there when it asks again.
    pub async fn take(self: Arc<Self>, store: Arc<dyn Store>) -> Result<Arc<Snapshot>> {
        tokio::spawn(self.read(store)).await.unwrap_or_else(|e| Err(StoreError::Refused(e.to_string())))
    }
    async fn read(self: Arc<Self>, store: Arc<dyn Store>) -> Result<Arc<Snapshot>> {
        let mut newest = self.newest.lock().await;
        if let Some(snapshot) = newest.as_ref().filter(|s| s.read.elapsed() < self.fresh) {
            return Ok(Arc::clone(snapshot));
        }
        let snapshot = Arc::new(Snapshot::read(&*store).await?);
        *newest = Some(Arc::clone(&snapshot));
        drop(newest);
        tokio::spawn(Arc::clone(&self).forget(Arc::clone(&snapshot)));
        Ok(snapshot)
    }
    /// Nobody's memory is held once it is not fresh.
    async fn forget(self: Arc<Self>, snapshot: Arc<Snapshot>) {
        sleep(self.fresh).await;
        let mut newest = self.newest.lock().await;
        newest.take_if(|s| Arc::ptr_eq(s, &snapshot));
    }
}
