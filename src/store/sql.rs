//! Statements that both dialects read alike.

/// Register rows and context newer than $1, with the generation; one row of nulls when there is none.
pub(super) const LOAD_CONFIG: &str = "
SELECT h.generation, r.source, r.kind, r.number, r.name, r.generation, r.recorded, r.payload
FROM head h LEFT JOIN (
  SELECT 0 AS source, c.kind, c.number, s.name, c.generation, 0 AS recorded, c.payload
  FROM config c JOIN subject s ON s.number = c.number
  WHERE c.generation > $1
  UNION ALL
  SELECT 1, kind, version, name, generation, recorded, payload FROM context WHERE generation > $1
) r ON TRUE
ORDER BY r.source, r.number, r.kind";

/// Versions of $1 below $2.
pub(super) const CONTEXT_VERSIONS: &str = "
SELECT name, version, kind, generation, recorded, payload FROM context
WHERE name = $1 AND version < $2 ORDER BY version DESC LIMIT $3";

/// Subjects due at $1.
pub(super) const DUE_SUBJECTS: &str =
    "SELECT number FROM subject_cold WHERE next_check <= $1 ORDER BY next_check, number LIMIT $2";

/// The log after position $1 with tag $2: at most $3 rows and $4 bytes, but never less than the first whole input.
/// verdict 0: here it goes on; 1: expired; 2: another history.
pub(super) const READ_LOG: &str = "
SELECT v.verdict, v.trimmed_position, v.trimmed_tag, r.position, r.tag, r.log_time, r.ends_input, r.payload
FROM (
  SELECT trimmed_position, trimmed_tag, CAST(CASE
    WHEN $1 < trimmed_position THEN 1
    WHEN $1 = trimmed_position AND $2 = trimmed_tag THEN 0
    WHEN EXISTS (SELECT 1 FROM event WHERE position = $1 AND tag = $2) THEN 0
    ELSE 2 END AS bigint) AS verdict
  FROM head
) v
LEFT JOIN (
  SELECT e.*, SUM(octet_length(payload)) OVER (ORDER BY position) AS bytes,
    (SELECT position FROM event WHERE position > $1 AND ends_input ORDER BY position LIMIT 1) AS first_end
  FROM event e
  WHERE position > $1 AND position <= (
    SELECT CASE WHEN position > $1 + $3 THEN position ELSE $1 + $3 END
    FROM event WHERE position > $1 AND ends_input ORDER BY position LIMIT 1)
) r ON v.verdict = 0 AND (r.bytes <= $4 OR r.position <= r.first_end)
ORDER BY r.position";

/// Finds the last event before $1 by halving: its time is before $1 (`low`), the next one's is not (`high`).
pub(super) const POINT_AT: &str = "
WITH RECURSIVE halving (low, high) AS (
  SELECT trimmed_position, position + 1 FROM head
  UNION ALL
  SELECT CASE WHEN e.log_time < $1 THEN e.position ELSE h.low END,
         CASE WHEN e.log_time < $1 THEN h.high ELSE e.position END
  FROM halving h JOIN event e ON e.position = (h.low + h.high) / 2
  WHERE h.high - h.low > 1
),
found AS (SELECT low FROM halving WHERE high - low = 1)
SELECT h.trimmed_position, h.trimmed_tag, h.trimmed_time, f.low, e.tag
FROM head h
LEFT JOIN found f ON TRUE
LEFT JOIN event e ON e.position = f.low";

/// Open alerts, and where the log stood.
pub(super) const OPEN_ALERTS: &str = "
SELECT h.position, h.tag, a.raised, a.id, a.payload
FROM head h LEFT JOIN alert a ON a.state <> 3
ORDER BY a.raised, a.id";

/// Entries of the audit after $1.
pub(super) const LIST_AUDIT: &str =
    "SELECT sequence, recorded, subject, position, entry FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2";

/// Those recorded in [$3, $4): their numbers first, which the index has, because the order is another. A plus keeps the
/// order from leading the search: what is asked for is usually at the end.
pub(super) const LIST_AUDIT_IN_TIME: &str = "
SELECT sequence, recorded, subject, position, entry FROM audit
WHERE sequence IN (
  SELECT sequence FROM audit WHERE recorded >= $3 AND recorded < $4 AND +sequence > $1 ORDER BY sequence LIMIT $2)
ORDER BY sequence";

/// One alert.
pub(super) const GET_ALERT: &str = "SELECT payload FROM alert WHERE id = $1";

/// Events of alert $1 after position $2.
pub(super) const ALERT_EVENTS: &str = "
SELECT position, tag, log_time, ends_input, payload FROM event
WHERE alert = $1 AND position > $2 ORDER BY position LIMIT $3";

/// One report.
pub(super) const GET_REPORT: &str = "
SELECT observed, report_id, received, payload FROM report
WHERE observed = $1 AND subject = $2 AND report_id = $3";

/// Reports of subject $1 observed before $2 and after the key ($3, $4).
pub(super) const LIST_REPORTS: &str = "
SELECT observed, report_id, received, payload FROM report
WHERE subject = $1 AND observed < $2 AND observed >= $3 AND (observed > $3 OR report_id > $4)
ORDER BY observed, report_id LIMIT $5";
