//! Who is listening, by the code each subscriber gave: nobody listening is a hazard that operators must see.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::feed::Filter;

/// Streams open now.
#[derive(Debug, Default)]
pub struct Audience(Mutex<Seats>);

#[derive(Debug, Default)]
struct Seats {
    taken: HashMap<u64, Arc<Listener>>,
    by_code: BTreeMap<String, usize>,
    next: u64,
}

/// One who listens.
#[derive(Debug)]
pub struct Listener {
    /// The code it gave.
    pub code: String,
    /// What it asked to see.
    pub filter: Arc<Filter>,
    /// Tells filters apart.
    pub(super) fingerprint: u64,
    position: AtomicI64,
}

/// One open stream; left when dropped.
#[derive(Debug)]
pub struct Seat {
    audience: Arc<Audience>,
    number: u64,
    listener: Arc<Listener>,
}

impl Audience {
    /// Counts a stream in, that has been shown everything up to a position.
    pub fn join(self: &Arc<Self>, code: String, filter: Arc<Filter>, position: i64) -> Seat {
        let fingerprint = filter.fingerprint();
        let listener = Arc::new(Listener { code, filter, fingerprint, position: AtomicI64::new(position) });
        let mut seats = self.seats();
        let number = seats.next;
        seats.next += 1;
        seats.taken.insert(number, Arc::clone(&listener));
        let streams = seats.by_code.entry(listener.code.clone()).or_default();
        *streams += 1;
        tracing::info!(subscriber = listener.code, streams = *streams, "a subscriber joined");
        Seat { audience: Arc::clone(self), number, listener }
    }
    /// Streams open now, by subscriber code.
    pub fn listening(&self) -> BTreeMap<String, usize> {
        self.seats().by_code.clone()
    }
    /// Everyone who listens now.
    pub fn listeners(&self) -> Vec<Arc<Listener>> {
        self.seats().taken.values().cloned().collect()
    }
    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    /// Everything up to here that it asked for has been handed to its connection.
    pub fn position(&self) -> i64 {
        self.position.load(Ordering::Relaxed)
    }
}

impl Seat {
    /// Everything up to here has been handed out.
    pub fn shown(&self, position: i64) {
        self.listener.position.store(position, Ordering::Relaxed);
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.audience.seats();
        seats.taken.remove(&self.number);
        let code = &self.listener.code;
        let left = seats.by_code.get(code).map_or(0, |n| n.saturating_sub(1));
        if left == 0 {
            seats.by_code.remove(code);
        } else {
            seats.by_code.insert(code.clone(), left);
        }
        tracing::info!(subscriber = code, streams = left, "a subscriber left");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_counted_while_it_listens() {
        let audience = Arc::new(Audience::default());
        let join = |position| audience.join("WALL".into(), Arc::default(), position);
        let (first, second) = (join(3), join(4));
        assert_eq!(audience.listening()["WALL"], 2);
        first.shown(9);
        let mut places: Vec<i64> = audience.listeners().iter().map(|l| l.position()).collect();
        places.sort_unstable();
        assert_eq!(places, [4, 9]);
        drop(first);
        assert_eq!(audience.listening()["WALL"], 1);
        drop(second);
        assert!(audience.listening().is_empty() && audience.listeners().is_empty());
    }
}
