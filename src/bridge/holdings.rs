use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::board::Board;
use super::notice::{Labels, Notice, Wire};

/// Alerts in one request, beyond which a body would be large; an alert whose labels change is never cut in two.
const REQUEST: usize = 64;

/// What one Alertmanager has of this bridge, as far as is known.
#[derive(Debug)]
pub(super) struct Holdings {
    held: BTreeMap<Labels, Held>,
    /// How far ahead the end of an open alert is set.
    lifetime: Duration,
}

#[derive(Debug)]
struct Held {
    notice: Arc<Notice>,
    /// When it ends there by itself.
    ends_at: Timestamp,
}

/// One alert to send.
#[derive(Clone, Debug)]
pub(super) struct Sending {
    notice: Arc<Notice>,
    ends_at: Timestamp,
    open: bool,
}

impl Sending {
    /// As it is sent.
    pub(super) fn wire(&self) -> Wire {
        self.notice.until(self.ends_at)
    }

    /// Whether it is the alert that vouches for all others.
    pub(super) fn is_watchdog(&self) -> bool {
        self.notice.alert().is_empty()
    }
}

impl Holdings {
    pub(super) fn new(lifetime: Duration) -> Self {
        Self { held: BTreeMap::new(), lifetime }
    }

    /// What makes the Alertmanager as the board is: what is new or other, what has ended, and with `all` everything
    /// that is open. In requests.
    pub(super) fn due(&mut self, board: &Board, now: (Instant, Timestamp), all: bool) -> Vec<Vec<Sending>> {
        let time = now.1;
        let wanted: BTreeMap<Labels, Arc<Notice>> = board.wanted(now.0).map(|n| (n.labels.clone(), n)).collect();
        // What has run out there is gone, and nobody need end it.
        self.held.retain(|labels, held| wanted.contains_key(labels) || held.ends_at > time);
        let ends_at = time.checked_add(self.lifetime).unwrap_or(Timestamp::MAX);
        let has = |n: &Arc<Notice>| self.held.get(&n.labels).is_some_and(|held| held.notice == *n);
        let open = wanted.values().filter(|n| all || !has(n));
        let open = open.map(|n| Sending { notice: Arc::clone(n), ends_at, open: true });
        let over = self.held.iter().filter(|(labels, _)| !wanted.contains_key(*labels));
        let over = over.map(|(labels, held)| {
            // The service's clock may be ahead of this one, and an end in the future is none yet.
            let ends_at = board.end_of(labels).unwrap_or(time).min(time);
            Sending { notice: Arc::clone(&held.notice), ends_at, open: false }
        });
        // Ends first, so that who pages by severity sees the old one go as the new one comes.
        requests(over.chain(open).collect())
    }

    /// The Alertmanager took these.
    pub(super) fn took(&mut self, sent: Vec<Sending>) {
        for Sending { notice, ends_at, open } in sent {
            if open {
                self.held.insert(notice.labels.clone(), Held { notice, ends_at });
            } else {
                self.held.remove(&notice.labels);
            }
        }
    }

    /// The Alertmanager may or may not have taken these: what is open in them may have to be ended there one day.
    pub(super) fn may_have_taken(&mut self, sent: Vec<Sending>) {
        self.took(sent.into_iter().filter(|s| s.open).collect());
    }

    /// The Alertmanager has these, sent by a bridge before this one.
    pub(super) fn found(&mut self, found: Vec<(Notice, Timestamp)>) {
        for (notice, ends_at) in found {
            let held = || Held { notice: Arc::new(notice.clone()), ends_at };
            self.held.entry(notice.labels.clone()).or_insert_with(held);
        }
    }
}

/// Sets of at most [`REQUEST`], or of what belongs to one alert; last the watchdog, alone.
fn requests(mut due: Vec<Sending>) -> Vec<Vec<Sending>> {
    due.sort_by(|a, b| {
        let watchdog = a.is_watchdog().cmp(&b.is_watchdog());
        watchdog.then_with(|| a.notice.alert().cmp(b.notice.alert())).then(a.open.cmp(&b.open))
    });
    let mut requests: Vec<Vec<Sending>> = Vec::new();
    for one in due.chunk_by(|a, b| a.notice.alert() == b.notice.alert()) {
        match requests.last_mut().filter(|r| r.len() + one.len() <= REQUEST && !one[0].is_watchdog()) {
            Some(request) => request.extend_from_slice(one),
            None => requests.push(one.to_vec()),
        }
    }
    requests
}
