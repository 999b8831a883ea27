use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::notice::{Labels, Notice, Sender};
use crate::client::{ItemKind, instant, pb};

/// Notices by the alert's name.
type Notices = BTreeMap<String, Arc<Notice>>;

/// What is open by all that the stream has said.
#[derive(Debug)]
pub(super) struct Board {
    sender: Sender,
    open: Notices,
    /// A snapshot that is not whole yet.
    coming: Notices,
    /// When label sets ended, for those who may still have them.
    ended: HashMap<Labels, Ended>,
    /// Whether a whole snapshot was ever read: before that, what is not open is not known.
    whole: bool,
    /// When the service was heard last.
    heard: Instant,
    /// After that long without a word the service is not heard.
    silence: Duration,
    /// After that long an Alertmanager has ended by itself what was not sent again.
    lifetime: Duration,
}

#[derive(Debug)]
struct Ended {
    /// By the service's clock.
    at: Timestamp,
    noted: Instant,
}

impl Board {
    pub(super) fn new(sender: Sender, silence: Duration, lifetime: Duration) -> Self {
        let (open, coming, ended) = Default::default();
        Self { sender, open, coming, ended, whole: false, heard: Instant::now(), silence, lifetime }
    }

    /// Whether it says what is open, and so what is not.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// How many alerts are open.
    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    /// Everything that should stand in an Alertmanager.
    pub(super) fn wanted(&self, now: Instant) -> impl Iterator<Item = Arc<Notice>> {
        // A bridge that is deaf says so by its watchdog, and keeps what it knows: silence ends no alert.
        let hears = now.duration_since(self.heard) < self.silence;
        let watchdog = hears.then(|| Arc::new(self.sender.watchdog()));
        self.open.values().cloned().chain(watchdog)
    }

    /// When a label set ended, if the stream said so.
    pub(super) fn end_of(&self, labels: &Labels) -> Option<Timestamp> {
        self.ended.get(labels).map(|ended| ended.at)
    }

    /// How to ask for the alerts of this bridge, and of those before it.
    pub(super) fn own(&self) -> [(&'static str, &str); 2] {
        [("service", &self.sender.service), ("environment", &self.sender.environment)]
    }

    /// Takes in what the stream says; whether it is news for Alertmanagers.
    pub(super) fn take(&mut self, item: ItemKind, now: Instant, time: Timestamp) -> bool {
        let heard_before = now.duration_since(self.heard) < self.silence;
        if !matches!(item, ItemKind::Restarted(_)) {
            self.heard = now;
        }
        match item {
            ItemKind::Opened(_) | ItemKind::Restarted(_) => self.coming.clear(),
            ItemKind::SnapshotAlerts(alerts) => {
                let notices = alerts.into_iter().filter_map(|a| Some((a.name.clone(), self.sender.notice(&a)?)));
                self.coming.extend(notices.map(|(name, notice)| (name, Arc::new(notice))));
            }
            ItemKind::SnapshotComplete(_) => {
                // What is not in it ended unseen: when, nobody told.
                self.open = std::mem::take(&mut self.coming);
                self.whole = true;
                return true;
            }
            ItemKind::Events(events) => {
                self.ended.retain(|_, ended| now.duration_since(ended.noted) < self.lifetime);
                for event in events {
                    self.happened(event, now, time);
                }
                return true;
            }
            ItemKind::Heartbeat | ItemKind::Goodbye(_) => {}
        }
        !heard_before
    }

    fn happened(&mut self, event: pb::AlertEvent, now: Instant, time: Timestamp) {
        let at = instant(event.event_time).unwrap_or(time);
        let Some(alert) = event.alert else { return };
        let notice = self.sender.notice(&alert).map(Arc::new);
        let before = match &notice {
            Some(notice) => self.open.insert(alert.name, Arc::clone(notice)),
            None => self.open.remove(&alert.name),
        };
        if let Some(before) = before.filter(|b| notice.as_ref().is_none_or(|n| n.labels != b.labels)) {
            self.ended.insert(before.labels.clone(), Ended { at, noted: now });
        }
        if let Some(notice) = &notice {
            self.ended.remove(&notice.labels);
        }
    }
}
