use bytes::Bytes;

use crate::domain::Time;

/// A place in the log that also names its history: the position and the tag of the commit that wrote it.
/// Position 0 with tag 0 is before the first event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPoint {
    /// Position of an event.
    pub position: i64,
    /// Tag of the commit that wrote it.
    pub tag: i64,
}

/// The one row every write takes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Names the log; drawn when the database was made.
    pub log_id: i64,
    /// The newest event.
    pub point: LogPoint,
    /// Its time; the log's time never falls.
    pub log_time: Time,
    /// Counts changes of the register.
    pub generation: i64,
    /// The newest event that retention removed.
    pub trimmed: LogPoint,
    /// The database's clock (SQLite: the process's).
    pub now: Time,
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// Where and of which commit.
    pub point: LogPoint,
    /// Its time.
    pub time: Time,
    /// False: the next entry belongs to the same input.
    pub ends_input: bool,
    /// Encoded event without position and time.
    pub payload: Bytes,
}

/// An answer to reading the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRead {
    /// Whole inputs in position order; empty: nothing newer.
    Entries(Vec<LogEntry>),
    /// The place asked for is gone; this is the oldest to resume after.
    Expired(LogPoint),
    /// The log has another event there: a restored backup, or a lost tail.
    OtherHistory,
}

/// Left edges for retention, and how much to remove at most in one call.
#[derive(Clone, Copy, Debug)]
pub struct Trim {
    /// Reports observed before go.
    pub reports_before: Time,
    /// Events before go, but never the newest one.
    pub events_before: Time,
    /// Rows of each kind a call.
    pub limit: u32,
}
