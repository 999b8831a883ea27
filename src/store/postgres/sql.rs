use std::sync::LazyLock;

use crate::store::calls::Statements;
use crate::store::past::AsOf;

/// What differs from SQLite among the reads. Lists come as arrays.
pub(super) const READS: Statements = Statements {
    head: "
SELECT log_id, position, tag, log_time, generation, trimmed_position, trimmed_tag,
  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
FROM head",
    load_subjects: "
SELECT s.number, s.organisation, s.name, s.etag, s.generation, c.next_check, s.hot, c.cold, c.summary
FROM subject s JOIN subject_cold c ON c.number = s.number
WHERE s.number = ANY($1)",
    subject_summaries: "
SELECT s.organisation, s.name, c.summary
FROM subject s JOIN subject_cold c ON c.number = s.number
WHERE s.organisation = ANY($1) AND s.kind IN (1, 2)",
    summaries_of: "
SELECT s.number, s.name, c.summary
FROM subject s JOIN subject_cold c ON c.number = s.number
WHERE s.number = ANY($1)",
    survey: "
SELECT h.log_id, h.position, h.tag, h.log_time, h.generation, h.trimmed_position, h.trimmed_tag,
  (extract(epoch FROM clock_timestamp()) * 1000000)::bigint,
  r.number, r.organisation, r.name, r.etag, r.generation, r.next_check, r.hot, r.cold, r.summary
FROM head h LEFT JOIN (
  SELECT s.*, c.next_check, c.cold, c.summary
  FROM subject s JOIN subject_cold c ON c.number = s.number
  WHERE cardinality($1::bigint[]) = 0 OR s.organisation = ANY($1)
) r ON TRUE
ORDER BY r.number",
    find_reports: "
SELECT r.observed, r.subject, r.report_id, r.digest
FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS k (observed, subject, report_id)
JOIN report r ON r.observed = k.observed AND r.subject = k.subject AND r.report_id = k.report_id",
    list_alerts: "
SELECT h.position, h.tag, a.raised, a.id, a.payload
FROM head h LEFT JOIN (
  SELECT raised, id, payload FROM alert
  WHERE (cardinality($1::text[]) = 0 OR organisation = ANY($1))
    AND (cardinality($2::text[]) = 0 OR site = ANY($2))
    AND (cardinality($3::text[]) = 0 OR region = ANY($3))
    AND (cardinality($4::text[]) = 0 OR subject_name = ANY($4))
    AND (cardinality($5::text[]) = 0 OR rule = ANY($5))
    AND (cardinality($6::bigint[]) = 0 OR state = ANY($6))
    AND (cardinality($14::text[]) = 0 OR strike = ANY($14)) AND NOT (forecast AND $15 = 1)
    AND ($7 = 0 OR condition = $7) AND peak_severity >= $8 AND id BETWEEN $9 AND $10
    AND (raised, id) > ($11, $12)
  ORDER BY raised, id LIMIT $13
) a ON TRUE
ORDER BY a.raised, a.id",
    list_alerts_newest_first: "
SELECT h.position, h.tag, a.raised, a.id, a.payload
FROM head h LEFT JOIN (
  SELECT raised, id, payload FROM alert
  WHERE (cardinality($1::text[]) = 0 OR organisation = ANY($1))
    AND (cardinality($2::text[]) = 0 OR site = ANY($2))
    AND (cardinality($3::text[]) = 0 OR region = ANY($3))
    AND (cardinality($4::text[]) = 0 OR subject_name = ANY($4))
    AND (cardinality($5::text[]) = 0 OR rule = ANY($5))
    AND (cardinality($6::bigint[]) = 0 OR state = ANY($6))
    AND (cardinality($14::text[]) = 0 OR strike = ANY($14)) AND NOT (forecast AND $15 = 1)
    AND ($7 = 0 OR condition = $7) AND peak_severity >= $8 AND id BETWEEN $9 AND $10
    AND (raised, id) < ($11, $12)
  ORDER BY raised DESC, id DESC LIMIT $13
) a ON TRUE
ORDER BY a.raised DESC, a.id DESC",
    alerts_as_of: &ALERTS_AS_OF,
    size: "SELECT pg_database_size(current_database())",
    activity: "
SELECT organisation, day, category, planned, delivered, postponed, source, received FROM activity
WHERE (cardinality($1::bigint[]) = 0 OR organisation = ANY($1)) AND day BETWEEN $2 AND $3
ORDER BY organisation, day, category",
    list_audit_of_subjects: "
SELECT sequence, recorded, subject, position, entry FROM audit
WHERE subject = ANY($5) AND sequence > $1 AND recorded >= $3 AND recorded < $4
ORDER BY sequence LIMIT $2",
};

static ALERTS_AS_OF: LazyLock<AsOf> = LazyLock::new(|| {
    AsOf::new(
        "(cardinality($1::text[]) = 0 OR organisation = ANY($1))
    AND (cardinality($2::text[]) = 0 OR site = ANY($2))
    AND (cardinality($3::text[]) = 0 OR region = ANY($3))
    AND (cardinality($4::text[]) = 0 OR subject_name = ANY($4))
    AND (cardinality($5::text[]) = 0 OR rule = ANY($5))
    AND (cardinality($14::text[]) = 0 OR strike = ANY($14)) AND NOT (forecast AND $15 = 1)",
    )
});

/// A commit must be on disk before it is acknowledged, whatever the server's default.
pub(super) const DURABLE: &str = "
SELECT set_config('synchronous_commit', 'on', FALSE) WHERE current_setting('synchronous_commit') = 'off'";

/// The group commit: one statement, and so one transaction and one round trip.
///
/// - `h0` takes the head row first. Everything that writes reads it or `won`, and so waits for it: writes are serial
///   across replicas, and no two of them can wait for each other.
/// - Under READ COMMITTED a row that changed while we waited is compared again before it is written, so `won` holds
///   exactly those whose etag still stands. `held`, the mere checks, are as of the start of the statement: their etag
///   stood after they were judged, which is all that a receipt needs.
/// - A row can be written only once in a statement, so touches leave out winners (whose etag is new anyway), and
///   `chill` joins what is written and what is touched of the cold rows.
/// - Ended alerts come before new ones, for the unique index on open episodes.
pub(super) const COMMIT: &str = "
WITH h0 AS MATERIALIZED (SELECT position, tag, log_time FROM head WHERE one = 1 FOR UPDATE),
w AS MATERIALIZED (
  SELECT * FROM unnest($3::bigint[], $4::bigint[], $5::bytea[], $6::boolean[]) AS w (number, base, hot, mere)
),
won AS (
  UPDATE subject s SET etag = $1, hot = coalesce(w.hot, s.hot)
  FROM w CROSS JOIN h0
  WHERE s.number = ANY($3) AND s.number = w.number AND s.etag = w.base AND NOT w.mere
  RETURNING s.number
),
held AS (
  SELECT s.number FROM w JOIN subject s ON s.number = w.number AND s.etag = w.base
  WHERE s.number = ANY($3) AND w.mere
),
touched AS MATERIALIZED (
  SELECT DISTINCT t.number
  FROM unnest($39::bigint[], $40::bigint[]) AS t (by, number) JOIN won ON won.number = t.by
),
touch AS (
  UPDATE subject SET etag = $1
  WHERE number = ANY(ARRAY(SELECT number FROM touched EXCEPT SELECT number FROM won))
),
chill AS MATERIALIZED (
  SELECT coalesce(c.number, t.number) AS number, c.cold, c.summary, coalesce(c.sets, FALSE) AS sets, c.next_check,
    t.number IS NOT NULL AS touched
  FROM (
    SELECT c.* FROM unnest($7::bigint[], $8::bytea[], $9::bytea[], $10::boolean[], $11::bigint[])
      AS c (number, cold, summary, sets, next_check)
    JOIN won ON won.number = c.number
  ) c
  FULL JOIN touched t ON t.number = c.number
),
cold AS (
  UPDATE subject_cold s SET cold = coalesce(c.cold, s.cold), summary = coalesce(c.summary, s.summary),
    next_check = CASE
      WHEN c.touched THEN least(CASE WHEN c.sets THEN c.next_check ELSE s.next_check END, $2)
      WHEN c.sets THEN c.next_check
      ELSE s.next_check END
  FROM chill c
  WHERE s.number = ANY(ARRAY(SELECT number FROM chill)) AND s.number = c.number
),
rep AS (
  INSERT INTO report (observed, subject, report_id, digest, received, payload)
  SELECT r.observed, r.subject, r.report_id, r.digest, r.received, r.payload
  FROM unnest($12::bigint[], $13::bigint[], $14::bytea[], $15::bigint[], $16::bigint[], $17::bytea[])
    AS r (subject, observed, report_id, digest, received, payload)
  JOIN won ON won.number = r.subject
),
ev AS MATERIALIZED (
  SELECT e.*, row_number() OVER (ORDER BY e.ordinal) AS n
  FROM unnest($18::bigint[], $19::boolean[], $20::bytea[], $21::bytea[])
    WITH ORDINALITY AS e (subject, ends_input, alert, payload, ordinal)
  JOIN won ON won.number = e.subject
),
h AS (
  UPDATE head SET position = head.position + k.n, tag = $1, log_time = greatest(head.log_time, $2)
  FROM (SELECT count(*) AS n FROM ev) k CROSS JOIN h0
  WHERE head.one = 1 AND k.n > 0
  RETURNING head.position, head.position - k.n AS before, head.log_time
),
log AS (
  INSERT INTO event (position, tag, log_time, ends_input, alert, payload)
  SELECT h.before + ev.n, $1, h.log_time, ev.ends_input, ev.alert, ev.payload FROM ev CROSS JOIN h ORDER BY ev.n
),
al AS (
  INSERT INTO alert AS old (id, subject, subject_name, organisation, site, region, rule, instance,
    state, condition, peak_severity, raised, last_position, payload, strike, forecast)
  SELECT a.id, a.subject, a.subject_name, a.organisation, a.site, a.region, a.rule, a.instance,
    a.state, a.condition, a.peak_severity, a.raised, coalesce(h.before + ev.n, 0), a.payload, a.strike, a.forecast
  FROM unnest($22::bigint[], $23::bigint[], $24::bytea[], $25::text[], $26::text[], $27::text[], $28::text[],
      $29::text[], $30::text[], $31::integer[], $32::integer[], $33::integer[], $34::bigint[], $35::bytea[],
      $41::text[], $42::boolean[])
    AS a (subject, last, id, subject_name, organisation, site, region,
      rule, instance, state, condition, peak_severity, raised, payload, strike, forecast)
  JOIN won ON won.number = a.subject
  LEFT JOIN ev ON ev.ordinal = a.last
  LEFT JOIN h ON TRUE
  ORDER BY a.state = 3 DESC
  ON CONFLICT (id) DO UPDATE SET site = excluded.site, region = excluded.region, state = excluded.state,
    condition = excluded.condition, peak_severity = excluded.peak_severity, strike = excluded.strike,
    last_position = greatest(old.last_position, excluded.last_position), payload = excluded.payload
),
au AS (
  INSERT INTO audit (recorded, tag, subject, position, entry)
  SELECT greatest(coalesce(h.log_time, h0.log_time), $2), $1, a.subject, coalesce(h.before + ev.n, 0), a.entry
  FROM unnest($36::bigint[], $37::bigint[], $38::bytea[]) WITH ORDINALITY AS a (subject, last, entry, ordinal)
  JOIN won ON won.number = a.subject
  LEFT JOIN ev ON ev.ordinal = a.last
  CROSS JOIN h0
  LEFT JOIN h ON TRUE
  ORDER BY a.ordinal
)
SELECT coalesce(h.position, h0.position), CASE WHEN h.position IS NULL THEN h0.tag ELSE $1 END,
  coalesce(h.log_time, h0.log_time), ARRAY(SELECT number FROM won UNION ALL SELECT number FROM held)
FROM h0 LEFT JOIN h ON TRUE";

/// Writes what is there already: waits for whoever has the head row, and for the standby as every commit does.
pub(super) const BARRIER: &str = "UPDATE head SET log_time = log_time WHERE one = 1";

/// Changes the register: one statement, head row first. No row, when the generation is another than $1.
pub(super) const CHANGE_CONFIG: &str = "
WITH h0 AS MATERIALIZED (SELECT generation FROM head WHERE one = 1 FOR UPDATE),
ok AS MATERIALIZED (SELECT generation + 1 AS generation FROM h0 WHERE generation = $1),
entry AS MATERIALIZED (
  SELECT r.*, s.number AS known
  FROM unnest($6::text[], $7::text[], $8::integer[], $9::integer[], $10::bytea[], $11::bytea[], $12::bytea[],
      $13::bigint[])
    WITH ORDINALITY AS r (name, organisation, subject_kind, kind, payload, hot, cold, next_check, ordinal)
  CROSS JOIN ok
  LEFT JOIN (SELECT name, number FROM subject WHERE name = ANY($6)) s ON s.name = r.name
),
fresh AS MATERIALIZED (
  SELECT e.*, (SELECT coalesce(max(number), 0) FROM subject) + row_number() OVER (ORDER BY e.ordinal) AS number
  FROM entry e WHERE e.known IS NULL
),
parent AS (
  SELECT name, number FROM subject WHERE name = ANY($7)
  UNION ALL SELECT name, number FROM fresh WHERE subject_kind = 0
),
subjects AS (
  INSERT INTO subject (number, organisation, kind, name, etag, generation, hot)
  SELECT f.number, p.number, f.subject_kind, f.name, $2, ok.generation, f.hot
  FROM fresh f CROSS JOIN ok LEFT JOIN parent p ON p.name = f.organisation
),
colds AS (
  INSERT INTO subject_cold (number, next_check, cold, summary) SELECT number, next_check, cold, '' FROM fresh
),
touched AS MATERIALIZED (
  SELECT known AS number FROM entry WHERE known IS NOT NULL UNION SELECT unnest($5::bigint[]) FROM ok
),
touch AS (
  UPDATE subject SET etag = $2, generation = ok.generation
  FROM ok WHERE number = ANY(ARRAY(SELECT number FROM touched))
),
touch_cold AS (
  UPDATE subject_cold SET next_check = least(next_check, $3) WHERE number = ANY(ARRAY(SELECT number FROM touched))
),
written AS (
  INSERT INTO config (number, kind, generation, payload)
  SELECT coalesce(e.known, f.number), e.kind, ok.generation, e.payload
  FROM entry e CROSS JOIN ok LEFT JOIN fresh f ON f.ordinal = e.ordinal
  ON CONFLICT (number, kind) DO UPDATE SET generation = excluded.generation, payload = excluded.payload
),
versions AS (
  INSERT INTO context (name, version, kind, generation, recorded, payload)
  SELECT c.name, c.version, c.kind, ok.generation, $3, c.payload
  FROM unnest($14::text[], $15::bigint[], $16::integer[], $17::bytea[]) AS c (name, version, kind, payload)
  CROSS JOIN ok
),
au AS (
  INSERT INTO audit (recorded, tag, position, entry) SELECT $3, $2, 0, $4 FROM ok
),
h AS (
  UPDATE head SET generation = ok.generation FROM ok WHERE head.one = 1
)
SELECT generation FROM ok";

/// Stores activity: one statement, head row first. One that was given up may arrive after its successor.
pub(super) const PUT_ACTIVITY: &str = "
WITH h0 AS MATERIALIZED (SELECT position FROM head WHERE one = 1 FOR UPDATE),
put AS (
  INSERT INTO activity (organisation, day, category, planned, delivered, postponed, source, received)
  SELECT a.* FROM unnest($6::bigint[], $7::bigint[], $8::integer[], $9::bigint[], $10::bigint[], $11::bigint[],
      $12::text[], $13::bigint[]) AS a
  CROSS JOIN h0
  ON CONFLICT (organisation, day, category) DO UPDATE SET planned = excluded.planned, delivered = excluded.delivered,
    postponed = excluded.postponed, source = excluded.source, received = excluded.received
  WHERE activity.received <= excluded.received
),
touch AS (
  UPDATE subject SET etag = $1 FROM h0 WHERE number = ANY($3)
),
touch_cold AS (
  UPDATE subject_cold SET next_check = least(next_check, $2) FROM h0 WHERE number = ANY($3)
)
INSERT INTO audit (recorded, tag, subject, position, entry) SELECT $2, $1, $4, 0, $5 FROM h0";

/// Removes reports before $1, events before $2 and then ended alerts, at most $3 of each; head row first. The log goes
/// up to the end of an input, before the newest event; or up to the end of the first input if that alone is longer.
pub(super) const TRIM: &str = "
WITH h0 AS MATERIALIZED (SELECT position, trimmed_position FROM head WHERE one = 1 FOR UPDATE),
reports AS (
  DELETE FROM report WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM report WHERE observed < $1 AND EXISTS (SELECT 1 FROM h0)
    ORDER BY observed, subject, report_id LIMIT $3))
  RETURNING 1
),
edge AS MATERIALIZED (
  SELECT position, tag, log_time FROM event
  WHERE position = coalesce(
      (SELECT position FROM event
       WHERE position > (SELECT trimmed_position FROM h0) AND position <= (SELECT trimmed_position + $3 FROM h0)
         AND ends_input AND log_time < $2 AND position < (SELECT position FROM h0)
       ORDER BY position DESC LIMIT 1),
      (SELECT position FROM event WHERE position > (SELECT trimmed_position FROM h0) AND ends_input
       ORDER BY position LIMIT 1))
    AND log_time < $2 AND position < (SELECT position FROM h0)
),
events AS (
  DELETE FROM event
  WHERE position > (SELECT trimmed_position FROM h0) AND position <= (SELECT position FROM edge)
  RETURNING 1
),
h AS (
  UPDATE head SET trimmed_position = edge.position, trimmed_tag = edge.tag, trimmed_time = edge.log_time
  FROM edge WHERE head.one = 1
),
alerts AS (
  DELETE FROM alert WHERE state = 3 AND id = ANY(ARRAY(
    SELECT id FROM alert
    WHERE state = 3 AND last_position <= coalesce((SELECT position FROM edge), (SELECT trimmed_position FROM h0))
    ORDER BY last_position LIMIT $3))
  RETURNING 1
)
SELECT (SELECT count(*) FROM reports) + (SELECT count(*) FROM events) + (SELECT count(*) FROM alerts)";
