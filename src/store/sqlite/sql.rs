use std::sync::LazyLock;

use crate::store::calls::Statements;
use crate::store::past::AsOf;
use crate::store::sqlite::bulk::Bulk;

/// What differs from PostgreSQL among the reads. Lists come as JSON arrays. Alerts are walked in their
/// order, which has their ids in its index; told nothing, SQLite would take any range of ids for a narrow one and sort.
pub(super) const READS: Statements = Statements {
    head: "SELECT log_id, position, tag, log_time, generation, trimmed_position, trimmed_tag, 0 FROM head",
    load_subjects: "
SELECT s.number, s.organisation, s.name, s.etag, s.generation, c.next_check, s.hot, c.cold, c.summary
FROM subject s JOIN subject_cold c ON c.number = s.number
WHERE s.number IN (SELECT value FROM json_each($1))",
    subject_summaries: "
SELECT s.organisation, s.name, c.summary
FROM subject s JOIN subject_cold c ON c.number = s.number
WHERE s.organisation IN (SELECT value FROM json_each($1)) AND s.kind IN (1, 2)",
    summaries_of: "
SELECT s.number, s.name, c.summary
FROM subject s JOIN subject_cold c ON c.number = s.number
WHERE s.number IN (SELECT value FROM json_each($1))",
    survey: "
SELECT h.log_id, h.position, h.tag, h.log_time, h.generation, h.trimmed_position, h.trimmed_tag, 0,
  r.number, r.organisation, r.name, r.etag, r.generation, r.next_check, r.hot, r.cold, r.summary
FROM head h LEFT JOIN (
  SELECT s.*, c.next_check, c.cold, c.summary
  FROM subject s JOIN subject_cold c ON c.number = s.number
  WHERE s.organisation IN (
    SELECT value FROM json_each($1) UNION ALL SELECT number FROM subject WHERE kind = 0 AND $1 = '[]')
) r ON TRUE
ORDER BY r.number",
    find_reports: "
SELECT r.observed, r.subject, r.report_id, r.digest
FROM json_each($1) k CROSS JOIN report r
  ON r.observed = k.value ->> 0 AND r.subject = k.value ->> 1 AND r.report_id = unhex(k.value ->> 2)",
    list_alerts: "
SELECT h.position, h.tag, a.raised, a.id, a.payload
FROM head h LEFT JOIN (
  SELECT raised, id, payload FROM alert
  WHERE ($1 = '[]' OR organisation IN (SELECT value FROM json_each($1)))
    AND ($2 = '[]' OR site IN (SELECT value FROM json_each($2)))
    AND ($3 = '[]' OR region IN (SELECT value FROM json_each($3)))
    AND ($4 = '[]' OR subject_name IN (SELECT value FROM json_each($4)))
    AND ($5 = '[]' OR rule IN (SELECT value FROM json_each($5)))
    AND ($6 = '[]' OR state IN (SELECT value FROM json_each($6)))
    AND ($14 = '[]' OR strike IN (SELECT value FROM json_each($14))) AND NOT (forecast AND $15)
    AND ($7 = 0 OR condition = $7) AND peak_severity >= $8 AND likely(id BETWEEN $9 AND $10)
    AND (raised, id) > ($11, $12)
  ORDER BY raised, id LIMIT $13
) a ON TRUE
ORDER BY a.raised, a.id",
    list_alerts_newest_first: "
SELECT h.position, h.tag, a.raised, a.id, a.payload
FROM head h LEFT JOIN (
  SELECT raised, id, payload FROM alert
  WHERE ($1 = '[]' OR organisation IN (SELECT value FROM json_each($1)))
    AND ($2 = '[]' OR site IN (SELECT value FROM json_each($2)))
    AND ($3 = '[]' OR region IN (SELECT value FROM json_each($3)))
    AND ($4 = '[]' OR subject_name IN (SELECT value FROM json_each($4)))
    AND ($5 = '[]' OR rule IN (SELECT value FROM json_each($5)))
    AND ($6 = '[]' OR state IN (SELECT value FROM json_each($6)))
    AND ($14 = '[]' OR strike IN (SELECT value FROM json_each($14))) AND NOT (forecast AND $15)
    AND ($7 = 0 OR condition = $7) AND peak_severity >= $8 AND likely(id BETWEEN $9 AND $10)
    AND (raised, id) < ($11, $12)
  ORDER BY raised DESC, id DESC LIMIT $13
) a ON TRUE
ORDER BY a.raised DESC, a.id DESC",
    alerts_as_of: &ALERTS_AS_OF,
    // Without the write-ahead log, which is moved into the file by and by.
    size: "SELECT p.page_count * s.page_size FROM pragma_page_count p, pragma_page_size s",
    activity: "
SELECT organisation, day, category, planned, delivered, postponed, source, received FROM activity
WHERE ($1 = '[]' OR organisation IN (SELECT value FROM json_each($1))) AND day BETWEEN $2 AND $3
ORDER BY organisation, day, category",
    // A plus keeps the order by time out of it.
    list_audit_of_subjects: "
SELECT sequence, recorded, subject, position, entry FROM audit
WHERE subject IN (SELECT value FROM json_each($5)) AND sequence > $1 AND +recorded >= $3 AND +recorded < $4
ORDER BY sequence LIMIT $2",
};

static ALERTS_AS_OF: LazyLock<AsOf> = LazyLock::new(|| {
    AsOf::new(
        "($1 = '[]' OR organisation IN (SELECT value FROM json_each($1)))
    AND ($2 = '[]' OR site IN (SELECT value FROM json_each($2)))
    AND ($3 = '[]' OR region IN (SELECT value FROM json_each($3)))
    AND ($4 = '[]' OR subject_name IN (SELECT value FROM json_each($4)))
    AND ($5 = '[]' OR rule IN (SELECT value FROM json_each($5)))
    AND ($14 = '[]' OR strike IN (SELECT value FROM json_each($14))) AND NOT (forecast AND $15)",
    )
});

/// Takes the write lock, reads the head, and the indices of those pairs [subject, etag] in $1 that do not stand.
pub(super) const BEGIN: &str = "
BEGIN IMMEDIATE;
SELECT h.position, h.tag, h.log_time, w.key
FROM head h LEFT JOIN json_each($1) w
  ON NOT EXISTS (SELECT 1 FROM subject s WHERE s.number = w.value ->> 0 AND s.etag = w.value ->> 1)";

/// New etag and hot bytes.
pub(super) static WRITE_HOT: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "UPDATE subject SET etag = ?, hot = coalesce(w.column2, hot) FROM (",
        2,
        ") w WHERE subject.number = w.column1",
    )
});

/// Number, cold, summary, whether the next check changes, next check.
pub(super) static WRITE_COLD: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "UPDATE subject_cold SET cold = coalesce(w.column2, cold), summary = coalesce(w.column3, summary), \
         next_check = CASE WHEN w.column4 THEN w.column5 ELSE next_check END FROM (",
        5,
        ") w WHERE subject_cold.number = w.column1",
    )
});

pub(super) static WRITE_REPORTS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO report (observed, subject, report_id, digest, received, payload)", 6, ""));

pub(super) static WRITE_EVENTS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO event (position, tag, log_time, ends_input, alert, payload)", 6, ""));

pub(super) static WRITE_ALERTS: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO alert (id, subject, subject_name, organisation, site, region, rule, instance, \
         state, condition, peak_severity, raised, last_position, payload, strike, forecast)",
        16,
        "ON CONFLICT (id) DO UPDATE SET site = excluded.site, region = excluded.region, state = excluded.state, \
         condition = excluded.condition, peak_severity = excluded.peak_severity, strike = excluded.strike, \
         last_position = max(last_position, excluded.last_position), payload = excluded.payload",
    )
});

pub(super) static WRITE_AUDIT: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO audit (recorded, tag, subject, position, entry)", 5, ""));

/// Subjects in $1: etag $2, due at $3 at the latest.
pub(super) const TOUCH: &str = "
UPDATE subject SET etag = $2 WHERE number IN (SELECT value FROM json_each($1));
UPDATE subject_cold SET next_check = min(coalesce(next_check, $3), $3)
WHERE number IN (SELECT value FROM json_each($1))";

pub(super) const COMMIT: &str = "COMMIT";

/// Writes what is there already, and syncs it. There and back, because SQLite does not write what does not change.
pub(super) const BARRIER: &str = "
BEGIN IMMEDIATE; UPDATE head SET log_time = log_time + 1; UPDATE head SET log_time = log_time - 1; COMMIT";

pub(super) const ROLLBACK: &str = "ROLLBACK";

/// Moves the head on and commits.
pub(super) const COMMIT_EVENTS: &str = "UPDATE head SET position = $1, tag = $2, log_time = $3; COMMIT";

/// Takes the write lock and reads the generation, the log's time and the greatest subject's number.
pub(super) const BEGIN_CHANGE: &str = "
BEGIN IMMEDIATE;
SELECT generation, (SELECT coalesce(max(number), 0) FROM subject) FROM head";

/// Which of the names in $1 have subjects.
pub(super) const SUBJECTS_NAMED: &str =
    "SELECT name, number FROM subject WHERE name IN (SELECT value FROM json_each($1))";

pub(super) static ADD_SUBJECTS: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO subject (number, organisation, kind, name, etag, generation, hot)", 7, ""));

pub(super) static ADD_COLD: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO subject_cold (number, next_check, cold, summary)", 4, ""));

pub(super) static WRITE_CONFIG: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO config (number, kind, generation, payload)",
        4,
        "ON CONFLICT (number, kind) DO UPDATE SET generation = excluded.generation, payload = excluded.payload",
    )
});

pub(super) static WRITE_CONTEXT: LazyLock<Bulk> =
    LazyLock::new(|| Bulk::new("INSERT INTO context (name, version, kind, generation, recorded, payload)", 6, ""));

/// Subjects in $1: etag $2, due at $3 at the latest, of generation $4.
pub(super) const TOUCH_REGISTERED: &str = "
UPDATE subject SET etag = $2, generation = $4 WHERE number IN (SELECT value FROM json_each($1));
UPDATE subject_cold SET next_check = min(coalesce(next_check, $3), $3)
WHERE number IN (SELECT value FROM json_each($1))";

/// The new generation, and commits.
pub(super) const COMMIT_CHANGE: &str = "UPDATE head SET generation = $1; COMMIT";

/// Organisation, day, category, planned, delivered, postponed, source, received.
pub(super) static WRITE_ACTIVITY: LazyLock<Bulk> = LazyLock::new(|| {
    Bulk::new(
        "INSERT INTO activity (organisation, day, category, planned, delivered, postponed, source, received)",
        8,
        "ON CONFLICT (organisation, day, category) DO UPDATE SET planned = excluded.planned, \
         delivered = excluded.delivered, postponed = excluded.postponed, source = excluded.source, \
         received = excluded.received WHERE activity.received <= excluded.received",
    )
});

/// Takes the write lock.
pub(super) const BEGIN_WRITE: &str = "BEGIN IMMEDIATE";

/// Removes at most $2 reports observed before $1.
pub(super) const TRIM_REPORTS: &str = "
DELETE FROM report WHERE (observed, subject, report_id) IN (
  SELECT observed, subject, report_id FROM report WHERE observed < $1 ORDER BY observed, subject, report_id LIMIT $2)";

/// The event up to which the log goes: the end of an input, before $1 and before the newest event; at most $2 events on,
/// or the first input if that alone is longer.
pub(super) const TRIM_EDGE: &str = "
SELECT e.position, e.tag, e.log_time
FROM head h JOIN event e ON e.position = coalesce(
  (SELECT position FROM event WHERE position > h.trimmed_position AND position <= h.trimmed_position + $2
     AND ends_input AND log_time < $1 AND position < h.position ORDER BY position DESC LIMIT 1),
  (SELECT position FROM event WHERE position > h.trimmed_position AND ends_input ORDER BY position LIMIT 1))
WHERE e.log_time < $1 AND e.position < h.position";

/// Removes the log up to position $1, whose event has tag $2 and time $3.
pub(super) const TRIM_EVENTS: &str = "
UPDATE head SET trimmed_position = $1, trimmed_tag = $2, trimmed_time = $3;
DELETE FROM event WHERE position <= $1";

/// Removes at most $1 ended alerts whose last event is gone.
pub(super) const TRIM_ALERTS: &str = "
DELETE FROM alert WHERE id IN (
  SELECT a.id FROM head h JOIN alert a ON a.state = 3 AND a.last_position <= h.trimmed_position
  ORDER BY a.last_position LIMIT $1)";

#[cfg(test)]
mod tests {
    use sqlx::{Connection, Executor, SqlSafeStr, SqliteConnection};

    use super::*;
    use crate::store::migrations;

    /// The suite runs every statement, but not every size of those over many rows.
    #[tokio::test]
    async fn every_size_of_every_statement_can_be_prepared() {
        let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        migrations::migrate(&mut conn, migrations::SQLITE).await.unwrap();
        let sized: [&'static LazyLock<Bulk>; 11] = [
            &WRITE_HOT,
            &WRITE_COLD,
            &WRITE_REPORTS,
            &WRITE_EVENTS,
            &WRITE_ALERTS,
            &WRITE_AUDIT,
            &ADD_SUBJECTS,
            &ADD_COLD,
            &WRITE_CONFIG,
            &WRITE_CONTEXT,
            &WRITE_ACTIVITY,
        ];
        for text in sized.into_iter().flat_map(|bulk| bulk.texts()) {
            conn.prepare(text.into_sql_str()).await.unwrap_or_else(|e| panic!("{e}: {}", &text[..80]));
        }
    }
}
