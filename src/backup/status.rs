use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::domain::Time;

/// Stands for "never".
const NEVER: i64 = i64::MIN;

/// How the schedule goes. Plain numbers that are read at any time.
#[derive(Debug)]
pub struct Status {
    last: AtomicI64,
    bytes: AtomicU64,
    made: AtomicU64,
    failures: AtomicU64,
}

impl Status {
    /// Nothing done yet; `last` is the copy found at the start.
    pub(super) fn since(last: Option<Time>) -> Self {
        let last = AtomicI64::new(last.map_or(NEVER, Time::as_micros));
        Self { last, bytes: AtomicU64::new(0), made: AtomicU64::new(0), failures: AtomicU64::new(0) }
    }
    pub(super) fn made(&self, at: Time, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
        self.last.store(at.as_micros(), Ordering::Relaxed);
        self.made.fetch_add(1, Ordering::Relaxed);
    }
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
    /// When the newest copy was begun, by this process or one before it; `None` if there is none.
    pub fn last_success(&self) -> Option<Time> {
        Some(self.last.load(Ordering::Relaxed)).filter(|at| *at != NEVER).map(Time::from_micros)
    }
    /// The size of the newest copy made by this process; 0 before the first.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }
    /// Copies made by this process.
    pub fn copies(&self) -> u64 {
        self.made.load(Ordering::Relaxed)
    }
    /// Copies that this process could not make.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }
}
