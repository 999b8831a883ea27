//! Who is listening, by the code each subscriber gave: nobody listening is a hazard that operators must see.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Streams open now, by subscriber code.
#[derive(Debug, Default)]
pub struct Audience(Mutex<BTreeMap<String, usize>>);

/// One open stream; left when dropped.
#[derive(Debug)]
pub struct Seat {
    audience: Arc<Audience>,
    code: String,
}

impl Audience {
    /// Counts a stream in.
    pub fn join(self: &Arc<Self>, code: String) -> Seat {
        let mut seats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let streams = seats.entry(code.clone()).or_default();
        *streams += 1;
        tracing::info!(subscriber = code, streams = *streams, "a subscriber joined");
        Seat { audience: Arc::clone(self), code }
    }
    /// Streams open now, by subscriber code.
    pub fn listening(&self) -> BTreeMap<String, usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.audience.0.lock().unwrap_or_else(PoisonError::into_inner);
        let left = seats.get(&self.code).map_or(0, |n| n.saturating_sub(1));
        if left == 0 {
            seats.remove(&self.code);
        } else {
            seats.insert(self.code.clone(), left);
        }
        tracing::info!(subscriber = self.code, streams = left, "a subscriber left");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subscriber_is_counted_while_it_listens() {
        let audience = Arc::new(Audience::default());
        let first = audience.join("WALL".into());
        let second = audience.join("WALL".into());
        assert_eq!(audience.listening()["WALL"], 2);
        drop(first);
        assert_eq!(audience.listening()["WALL"], 1);
        drop(second);
        assert!(audience.listening().is_empty());
    }
}
