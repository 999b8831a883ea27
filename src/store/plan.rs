use std::collections::HashMap;

use bytes::Bytes;

use crate::domain::AlertId;
use crate::store::{AlertRow, InputRows, ReportRow, SubjectWrite};

/// What some writes do, flattened into the rows of each table. Both engines write from this.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    /// Subjects and their new hot bytes.
    pub hot: Vec<(i64, Option<&'a Bytes>)>,
    /// Those of them with something cold to write.
    pub cold: Vec<&'a SubjectWrite>,
    /// Subjects and reports.
    pub reports: Vec<(i64, &'a ReportRow)>,
    /// Events in the order of their positions.
    pub events: Vec<EventLine<'a>>,
    /// Alerts, ended ones first, so that an episode may end and its successor rise in one commit.
    pub alerts: Vec<AlertLine<'a>>,
    /// Audit entries in order.
    pub audits: Vec<AuditLine<'a>>,
    /// Who touches whom.
    pub touches: Vec<(i64, i64)>,
}

/// An event to append.
#[derive(Debug)]
pub(super) struct EventLine<'a> {
    pub subject: i64,
    pub ends_input: bool,
    pub alert: AlertId,
    pub payload: &'a Bytes,
}

/// An alert to write. `last`: the number of its last event in `Plan::events`, from 1; 0: none there.
#[derive(Debug)]
pub(super) struct AlertLine<'a> {
    pub subject: i64,
    pub last: i64,
    pub row: &'a AlertRow,
}

/// An audit entry to append. `last`: as of an alert, the last event of its input.
#[derive(Debug)]
pub(super) struct AuditLine<'a> {
    pub subject: i64,
    pub last: i64,
    pub entry: &'a Bytes,
}

impl<'a> Plan<'a> {
    /// The rows of all `writes` that are not mere checks.
    pub(super) fn of(writes: impl Iterator<Item = &'a SubjectWrite>) -> Self {
        let mut plan = Self::default();
        let mut last_of = HashMap::new();
        for write in writes.filter(|w| !w.is_check()) {
            plan.hot.push((write.subject, write.hot.as_ref()));
            if write.cold.is_some() || write.summary.is_some() || write.next_check.is_some() {
                plan.cold.push(write);
            }
            plan.reports.extend(write.reports.iter().map(|r| (write.subject, r)));
            plan.touches.extend(write.touches.iter().map(|t| (write.subject, *t)));
            for input in &write.inputs {
                plan.input(write.subject, input, &mut last_of);
            }
            for row in &write.alerts {
                let last = last_of.get(&row.id).copied().unwrap_or(0);
                plan.alerts.push(AlertLine { subject: write.subject, last, row });
            }
        }
        plan.alerts.sort_by_key(|a| a.row.state != AlertRow::RESOLVED);
        plan
    }

    fn input(&mut self, subject: i64, input: &'a InputRows, last_of: &mut HashMap<AlertId, i64>) {
        for (i, event) in input.events.iter().enumerate() {
            let ends_input = i + 1 == input.events.len();
            self.events.push(EventLine { subject, ends_input, alert: event.alert, payload: &event.payload });
            last_of.insert(event.alert, count(&self.events));
        }
        if let Some(entry) = &input.audit {
            let last = if input.events.is_empty() { 0 } else { count(&self.events) };
            self.audits.push(AuditLine { subject, last, entry });
        }
    }

    /// Whether it stores a report or an event.
    pub(super) fn tells(&self) -> bool {
        !self.reports.is_empty() || !self.events.is_empty()
    }

    /// How many events.
    pub(super) fn event_count(&self) -> i64 {
        count(&self.events)
    }
}

fn count<T>(rows: &[T]) -> i64 {
    i64::try_from(rows.len()).unwrap_or(i64::MAX)
}
