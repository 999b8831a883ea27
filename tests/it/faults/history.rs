//! What writers and subscribers recorded while things broke, and what is true at the end.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;

use wardwatch::clock::SystemClock;
use wardwatch::domain::{Clock as _, Time};
use wardwatch::wire::pb::{self, AlertEvent, ReportReceipt, StaffingReport};

/// The wall clock: what the service's clock follows too.
pub fn now() -> Time {
    SystemClock::default().now()
}

/// A stretch of time in which something was broken on purpose.
#[derive(Clone, Debug)]
pub struct Trouble {
    pub kind: &'static str,
    pub from: Time,
    pub to: Time,
    /// The replica that stood still or was gone; `None`: all of them, for storage was.
    pub replica: Option<usize>,
    /// When surely nothing could be stored.
    pub storage_down: Option<Range<Time>>,
}

/// One stream of reports, or one unary call.
#[derive(Clone, Debug, Default)]
pub struct Exchange {
    /// Ids in the order they were sent.
    pub sent: Vec<String>,
    /// Receipts in the order they came, and when.
    pub receipts: Vec<(Time, ReportReceipt)>,
}

/// Everything one writer sent and was answered.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// What was sent under each id. Sent again it is the same.
    pub reports: HashMap<String, StaffingReport>,
    /// Those that cannot be taken.
    pub wrong: HashSet<String>,
    pub exchanges: Vec<Exchange>,
}

/// One message of a subscription.
#[derive(Clone, Debug)]
pub struct Heard {
    pub at: Time,
    pub cursor: Vec<u8>,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq)]
pub enum What {
    Opened,
    /// Position and digest of each event.
    Events(Vec<(i64, u64)>),
    /// Name and etag of each alert.
    Snapshot(Vec<(String, String)>),
    SnapshotComplete,
    Heartbeat,
    Goodbye,
}

/// One stream of a subscriber.
#[derive(Clone, Debug)]
pub struct Stream {
    pub replica: usize,
    /// The cursor it was resumed after; `None`: from now, or with a snapshot.
    pub after: Option<Vec<u8>>,
    pub heard: Vec<Heard>,
    /// How it ended: the reason in the error's details, or its code; empty: it was broken off here.
    pub end: String,
    pub ended: Time,
}

/// Everything one subscriber received.
#[derive(Clone, Debug)]
pub struct Listened {
    /// The rules it asked for; none: all.
    pub rules: HashSet<String>,
    /// Its heartbeat interval in seconds.
    pub interval: i64,
    /// The greatest position of a cursor it was given.
    pub reached: i64,
    pub streams: Vec<Stream>,
}

/// One row of the alert log, as the database has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    pub position: i64,
    pub tag: i64,
    pub time: i64,
    pub ends_input: bool,
}

/// What is true when all has calmed down.
#[derive(Clone, Debug, Default)]
pub struct Truth {
    /// The log by SQL.
    pub rows: Vec<Row>,
    /// The log by a subscription from its beginning.
    pub events: Vec<AlertEvent>,
    /// Every stored report by id, with how often it is there.
    pub stored: HashMap<String, (StaffingReport, usize)>,
    /// Open and acknowledged alerts, and the position of the log they are as of: time goes on while all this is read.
    pub open: Vec<pb::Alert>,
    pub open_at: i64,
    pub audit: Vec<pb::AuditEntry>,
    /// The current blocks of each subject: report id by block.
    pub current: BTreeMap<String, BTreeMap<i32, String>>,
    /// When it was read.
    pub at: Time,
}

/// A run.
#[derive(Clone, Debug, Default)]
pub struct History {
    pub written: Vec<Written>,
    pub listened: Vec<Listened>,
    pub troubles: Vec<Trouble>,
    /// Drains: the replica, when SIGTERM was sent, and whether it ended well.
    pub drains: Vec<(usize, Time, bool)>,
    pub truth: Truth,
}

/// A digest of an event as it was received.
pub fn digest(event: &AlertEvent) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    prost::Message::encode_to_vec(event).hash(&mut hasher);
    hasher.finish()
}

impl History {
    /// Whether anything that concerns a replica was broken in a stretch of time, or just before it.
    pub fn troubled(&self, replica: Option<usize>, from: Time, to: Time) -> bool {
        self.troubles.iter().any(|t| {
            let concerned = replica.is_none() || t.replica.is_none() || t.replica == replica;
            concerned && t.from <= to && t.to >= from
        })
    }
}
