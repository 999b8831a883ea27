use std::collections::BTreeMap;

use bytes::Bytes;

use crate::domain::Time;

/// What an organisation planned, did and postponed on one day in one category. Absolute figures; none: not reported.
/// Retention leaves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    /// Number of the organisation's subject.
    pub organisation: i64,
    /// Days since 1970-01-01, as the organisation counts days.
    pub day: i64,
    /// `wardwatch.v1.ActivityCategory` as a number.
    pub category: i32,
    /// Planned.
    pub planned: Option<i64>,
    /// Delivered.
    pub delivered: Option<i64>,
    /// Postponed.
    pub postponed: Option<i64>,
    /// Who sent it.
    pub source: String,
    /// When it was received.
    pub received: Time,
}

/// Activity to store: all of it or nothing.
#[derive(Clone, Debug)]
pub struct ActivityChange {
    /// Each replaces what there is of its organisation, day and category; the last of several here counts.
    pub rows: Vec<ActivityRow>,
    /// Subjects that read it, by number: new etag, due now.
    pub touched: Vec<i64>,
    /// Fresh 63-bit random number.
    pub tag: i64,
    /// The service's time.
    pub now: Time,
    /// Encoded audit entry. It stands under the subject touched, when that is one alone.
    pub audit: Bytes,
}

impl ActivityChange {
    /// One row for each organisation, day and category: a statement can write a row only once.
    pub(super) fn latest(&self) -> Vec<&ActivityRow> {
        let latest: BTreeMap<_, _> = self.rows.iter().map(|r| ((r.organisation, r.day, r.category), r)).collect();
        latest.into_values().collect()
    }
    /// The subject that the audit entry is about, if it is about one alone.
    pub(super) fn subject(&self) -> Option<i64> {
        let [only] = self.touched[..] else { return None };
        Some(only)
    }
}
