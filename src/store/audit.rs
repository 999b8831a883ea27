use bytes::Bytes;

use crate::domain::Time;
use crate::store::calls::Arg;
use crate::store::sql;

/// Which entries of the audit, from where.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Recorded at or after.
    pub from: Option<Time>,
    /// Recorded before.
    pub to: Option<Time>,
    /// About these subjects, by number; empty: about anything. Changes of the register are about no one subject.
    pub subjects: Vec<i64>,
    /// Go on after this entry of the page before; 0: from the first.
    pub after: i64,
    /// At most so many.
    pub limit: u32,
}

/// An entry of the audit. Nothing changes or removes it, and retention leaves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its number: later entries have greater ones, not without gaps.
    pub sequence: i64,
    /// When it was recorded.
    pub recorded: Time,
    /// The subject it is about; none for a change of the register.
    pub subject: Option<i64>,
    /// The last event of what it is about; 0 when that made no event.
    pub position: i64,
    /// Encoded entry.
    pub entry: Bytes,
}

impl AuditQuery {
    /// The statement that takes the best way to what is asked for, and its parameters. `of_subjects` is the engine's.
    pub(super) fn call(&self, of_subjects: &'static str) -> (&'static str, Vec<Arg>) {
        let mut args = vec![Arg::Int(self.after), Arg::Int(self.limit.into())];
        let in_time = self.from.is_some() || self.to.is_some();
        if self.subjects.is_empty() && !in_time {
            return (sql::LIST_AUDIT, args);
        }
        args.push(Arg::Int(self.from.map_or(i64::MIN, Time::as_micros)));
        args.push(Arg::Int(self.to.map_or(i64::MAX, Time::as_micros)));
        if self.subjects.is_empty() {
            return (sql::LIST_AUDIT_IN_TIME, args);
        }
        args.push(Arg::Ints(self.subjects.clone()));
        (of_subjects, args)
    }
}
