//! Alerts as they stood at a time, from the log: what a subscriber had seen then.

use crate::domain::{AlertId, Span, Time};
use crate::grpc::alerts::Alerts;
use crate::grpc::status::Problem;
use crate::store::{AlertQuery, LogPoint, PastAlert, PastAlerts, Shown};
use crate::wire::log::{alert, event};
use crate::wire::pb;

/// Alerts read at once at least: the store does not know the states of then, so that some are read in vain.
const STEP: u32 = 500;

/// An alert with what the next page starts after.
pub type Listed = (Time, AlertId, pb::Alert);

impl Alerts {
    /// The place of the log after the last event at or before a time.
    pub(super) async fn place_at(&self, time: Time) -> Result<LogPoint, Problem> {
        // The time of the last event that retention took is refused: what stood then can no longer be shown.
        if let Err(oldest) = self.store.point_at(time).await? {
            return Err(self.expired(oldest).await?);
        }
        // Times are whole microseconds, so the next one begins what had not happened yet.
        match self.store.point_at(time + Span::micros(1)).await? {
            Ok(point) => Ok(point),
            Err(oldest) => Err(self.expired(oldest).await?),
        }
    }

    /// One page of alerts as they stood at a place, in the query's order.
    pub(super) async fn past(&self, query: &AlertQuery, at: LogPoint) -> Result<Vec<Listed>, Problem> {
        let mut found = Vec::new();
        let mut step = AlertQuery { limit: query.limit.max(STEP), ..query.clone() };
        loop {
            let read = match self.store.alerts_as_of(&step, at).await? {
                PastAlerts::Alerts(read) => read,
                PastAlerts::Expired(oldest) => return Err(self.expired(oldest).await?),
                PastAlerts::OtherHistory => return Err(Problem::CursorEpochChanged),
            };
            let full = read.len() >= step.limit as usize;
            step.after = read.last().map(|last| (last.raised, last.id));
            for past in read {
                let (raised, id) = (past.raised, past.id);
                let alert = shown(past)?;
                if stood(query, &alert) {
                    found.push((raised, id, alert));
                }
            }
            if !full || found.len() >= query.limit as usize {
                found.truncate(query.limit as usize);
                return Ok(found);
            }
        }
    }

    async fn expired(&self, oldest: LogPoint) -> Result<Problem, Problem> {
        Ok(Problem::TimeExpired(self.feed.cursor(oldest).await?.to_vec()))
    }
}

fn shown(past: PastAlert) -> Result<pb::Alert, Problem> {
    let read = match past.shown {
        Shown::Event { position, log_time, payload } => {
            event(position, log_time, &payload).map(|event| event.alert.unwrap_or_default())
        }
        Shown::Alert(payload) => alert(&payload),
    };
    read.map_err(|e| Problem::Internal(e.to_string()))
}

/// Whether an alert was what the query asks for: of state, condition and peak the store knows only today's.
fn stood(query: &AlertQuery, alert: &pb::Alert) -> bool {
    (query.states.is_empty() || query.states.contains(&alert.state))
        && (query.condition == 0 || query.condition == alert.condition)
        && alert.peak_severity >= query.min_severity
}
