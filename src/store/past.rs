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

/// The statements for alerts as of a place, in one dialect, by [`Form`].
#[derive(Debug)]
pub(super) struct AsOf(Vec<String>);

/// What decides on the way to the alerts: an index serves each of these alone.
#[derive(Clone, Copy, Debug)]
struct Form {
    /// Those that may have been open: they are open, or have ended since. Few, and each half has an index.
    open_then: bool,
    /// Those whose id begins so.
    prefix: bool,
    /// Newest first.
    descending: bool,
}

impl AsOf {
    /// `filter` is the condition on $1 to $5, $14 and $15 in this dialect; the rest is spelled alike in both.
    pub(super) fn new(filter: &str) -> Self {
        Self((0..8).map(|n| Form::numbered(n).text(filter)).collect())
    }

    /// The statement for a query, and its parameters: $1 to $5 lists, $6 severity, $7 and $8 the ids from and to, $9 and
    /// $10 the alert to go on after, $11 the limit, $12 and $13 the place, $14 strikes, $15 whether forecasts are left
    /// out.
    pub(super) fn call(&'static self, query: &AlertQuery, at: LogPoint) -> (&'static str, Vec<Arg>) {
        let open_then = !query.states.is_empty() && !query.states.contains(&AlertRow::RESOLVED);
        let form = Form { open_then, prefix: !query.id_prefix.is_empty(), descending: query.descending };
        let mut args = query.args();
        // State and condition as of then are in the payload alone.
        args.drain(5..7);
        args.splice(11..11, [Arg::Int(at.position), Arg::Int(at.tag)]);
        (&self.0[form.number()], args)
    }
}

impl Form {
    const fn numbered(n: usize) -> Self {
        Self { open_then: n & 4 != 0, prefix: n & 2 != 0, descending: n & 1 != 0 }
    }
    fn number(self) -> usize {
        usize::from(self.open_then) << 2 | usize::from(self.prefix) << 1 | usize::from(self.descending)
    }

    /// Whether the order, which has an index too, leads the search. A plus keeps it from doing so.
    const fn leads(self) -> bool {
        !self.open_then && !self.prefix
    }

    /// The alerts to look at.
    fn candidates(self, filter: &str) -> String {
        let prefix = if self.prefix { "AND id BETWEEN $7 AND $8" } else { "" };
        let raised = if self.leads() { "raised" } else { "+raised" };
        let beyond = if self.descending { "<" } else { ">" };
        let halves: &[&str] =
            if self.open_then { &["state <> 3 AND", "state = 3 AND last_position > $12 AND"] } else { &[""] };
        let half = |half: &&str| {
            format!(
                "SELECT * FROM alert WHERE {half} {filter} AND peak_severity >= $6 {prefix}
      AND ({raised}, id) {beyond} ($9, $10)"
            )
        };
        halves.iter().map(half).collect::<Vec<_>>().join("\n    UNION ALL ")
    }

    /// `verdict` is as in reading the log. An alert existed if the log has an event of it by then, or if all that ever
    /// happened to it was by then. A peak never falls, so that what is too low today was so then.
    fn text(self, filter: &str) -> String {
        let candidates = self.candidates(filter);
        let order = if self.descending { " DESC" } else { "" };
        let raised = if self.leads() { "was.raised" } else { "+was.raised" };
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
    FROM ({candidates}) a
  ) was
  WHERE was.position IS NOT NULL OR was.last_position <= $12
  ORDER BY {raised}{order}, was.id{order} LIMIT $11
) a ON v.verdict = 0
LEFT JOIN event e ON e.position = a.position
ORDER BY a.raised{order}, a.id{order}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_a_number_of_its_own() {
        assert_eq!((0..8).map(|n| Form::numbered(n).number()).collect::<Vec<_>>(), (0..8).collect::<Vec<_>>());
    }
}
