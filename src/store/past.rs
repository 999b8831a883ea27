use bytes::Bytes;

use crate::domain::{AlertId, Time};
use crate::store::calls::Arg;
use crate::store::{AlertQuery, AlertRow, LogPoint};

/// An alert as it stood at a place of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastAlert {
    /// When it was raised.
    pub raised: Time,
    /// Its id.
    pub id: AlertId,
    /// What is known of it as of then.
    pub shown: Shown,
}

/// What shows how an alert stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Its last event by then.
    Event {
        /// Position of the event.
        position: i64,
        /// The log's time of the event.
        log_time: Time,
        /// Encoded event without position and time. The alert in it is as it was.
        payload: Bytes,
    },
    /// Retention has let go of that event, and nothing has happened to the alert since: encoded alert, as it still is.
    Alert(Bytes),
}

/// The alerts as of a place of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PastAlerts {
    /// In raise time then id, or the other way about.
    Alerts(Vec<PastAlert>),
    /// The place asked for is gone; this is the oldest there is.
    Expired(LogPoint),
    /// The log has another event there: a restored backup, or a lost tail.
    OtherHistory,
}

/// The statements for alerts as of a place, in one dialect: those that may have been open then, or all; each upwards and
/// downwards.
#[derive(Debug)]
pub(super) struct AsOf([[String; 2]; 2]);

/// Any alert.
const ALL: &str = "alert";
/// Those that are open, or have ended since: few, and each half has an index.
const OPEN_THEN: &str = "(SELECT * FROM alert WHERE state <> 3 \
     UNION ALL SELECT * FROM alert WHERE state = 3 AND last_position > $12)";

impl AsOf {
    /// `filter` is the condition on $1 to $5 in this dialect; the rest is spelled alike in both.
    pub(super) fn new(filter: &str) -> Self {
        Self([ALL, OPEN_THEN].map(|from| [(">", ""), ("<", " DESC")].map(|(on, order)| text(filter, from, on, order))))
    }

    /// The statement for a query, and its parameters: $1 to $5 lists, $6 severity, $7 and $8 the ids from and to, $9 and
    /// $10 the alert to go on after, $11 the limit, $12 and $13 the place.
    pub(super) fn call(&'static self, query: &AlertQuery, at: LogPoint) -> (&'static str, Vec<Arg>) {
        let open_then = !query.states.is_empty() && !query.states.contains(&AlertRow::RESOLVED);
        let mut args = query.args();
        // State and condition as of then are in the payload alone.
        args.drain(5..7);
        args.extend([Arg::Int(at.position), Arg::Int(at.tag)]);
        (&self.0[usize::from(open_then)][usize::from(query.descending)], args)
    }
}

/// `verdict` is as in reading the log. An alert existed if the log has an event of it by then, or if all that ever
/// happened to it was by then. A peak never falls, so that what is too low today was so then.
fn text(filter: &str, from: &str, on: &str, order: &str) -> String {
    format!(
        "
SELECT v.verdict, v.trimmed_position, v.trimmed_tag, a.raised, a.id, e.position, e.log_time,
  coalesce(e.payload, a.payload)
FROM (
  SELECT trimmed_position, trimmed_tag, CAST(CASE
    WHEN $12 < trimmed_position THEN 1
    WHEN $12 = trimmed_position AND $13 = trimmed_tag THEN 0
    WHEN EXISTS (SELECT 1 FROM event WHERE position = $12 AND tag = $13) THEN 0
    ELSE 2 END AS bigint) AS verdict
  FROM head
) v
LEFT JOIN (
  SELECT was.raised, was.id, was.payload, was.position
  FROM (
    SELECT a.raised, a.id, a.payload, a.last_position,
      (SELECT max(e.position) FROM event e WHERE e.alert = a.id AND e.position <= $12) AS position
    FROM {from} a
    WHERE {filter} AND peak_severity >= $6 AND id BETWEEN $7 AND $8 AND (raised, id) {on} ($9, $10)
  ) was
  WHERE was.position IS NOT NULL OR was.last_position <= $12
  ORDER BY was.raised{order}, was.id{order} LIMIT $11
) a ON v.verdict = 0
LEFT JOIN event e ON e.position = a.position
ORDER BY a.raised{order}, a.id{order}"
    )
}
