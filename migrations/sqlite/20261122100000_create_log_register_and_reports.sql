-- Times are microseconds since the epoch, UTC; payloads are protobuf messages of wardwatch.stored.v1 and wardwatch.v1.

-- The one row every write takes first. log_id names the log: 63 random bits, never zero.
CREATE TABLE head (
  one              INTEGER PRIMARY KEY CHECK (one = 1),
  log_id           INTEGER NOT NULL,
  position         INTEGER NOT NULL,
  tag              INTEGER NOT NULL,
  log_time         INTEGER NOT NULL,
  generation       INTEGER NOT NULL,
  trimmed_position INTEGER NOT NULL,
  trimmed_tag      INTEGER NOT NULL,
  trimmed_time     INTEGER NOT NULL
) STRICT;
INSERT INTO head VALUES (1, (random() & 9223372036854775807) | 1, 0, 0, 0, 0, 0, 0, 0);

-- What reports and alerts are about. kind: 0 organisation, 1 ward, 2 cover group.
CREATE TABLE subject (
  number       INTEGER PRIMARY KEY,
  organisation INTEGER NOT NULL,
  kind         INTEGER NOT NULL,
  name         TEXT    NOT NULL UNIQUE,
  etag         INTEGER NOT NULL,
  generation   INTEGER NOT NULL,
  hot          BLOB    NOT NULL
) STRICT;
CREATE INDEX subject_of_organisation ON subject (organisation, kind);

-- Written only when it changes, so that a report rewrites one small row.
CREATE TABLE subject_cold (
  number     INTEGER PRIMARY KEY,
  next_check INTEGER,
  cold       BLOB NOT NULL,
  summary    BLOB NOT NULL
) STRICT;
CREATE INDEX subject_due ON subject_cold (next_check) WHERE next_check IS NOT NULL;

-- The register. kind: 0 organisation, 1 ward.
CREATE TABLE config (
  number     INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  payload    BLOB    NOT NULL,
  PRIMARY KEY (number, kind)
) STRICT, WITHOUT ROWID;
CREATE INDEX config_newer ON config (generation);

-- No other index: one by subject costs four times as much a write, a unique one on random ids five times.
CREATE TABLE report (
  observed  INTEGER NOT NULL,
  subject   INTEGER NOT NULL,
  report_id BLOB    NOT NULL,
  digest    INTEGER NOT NULL,
  received  INTEGER NOT NULL,
  payload   BLOB    NOT NULL,
  PRIMARY KEY (observed, subject, report_id)
) STRICT, WITHOUT ROWID;

-- The alert log: positions without gaps. Every event carries the tag of the commit that wrote it.
CREATE TABLE event (
  position   INTEGER PRIMARY KEY,
  tag        INTEGER NOT NULL,
  log_time   INTEGER NOT NULL,
  ends_input INTEGER NOT NULL,
  alert      BLOB    NOT NULL,
  payload    BLOB    NOT NULL
) STRICT;
CREATE INDEX event_of_alert ON event (alert, position);

-- The newest state of each alert, with what lists filter by. state 3: resolved.
CREATE TABLE alert (
  id            BLOB    PRIMARY KEY,
  subject       INTEGER NOT NULL,
  subject_name  TEXT    NOT NULL,
  organisation  TEXT    NOT NULL,
  site          TEXT    NOT NULL,
  region        TEXT    NOT NULL,
  rule          TEXT    NOT NULL,
  instance      TEXT    NOT NULL,
  state         INTEGER NOT NULL,
  condition     INTEGER NOT NULL,
  peak_severity INTEGER NOT NULL,
  raised        INTEGER NOT NULL,
  last_position INTEGER NOT NULL,
  payload       BLOB    NOT NULL
) STRICT;
-- At most one open episode per subject, rule and instance.
CREATE UNIQUE INDEX alert_one_open ON alert (subject, rule, instance) WHERE state <> 3;
CREATE INDEX alert_in_order ON alert (raised, id);
CREATE INDEX alert_ended ON alert (last_position) WHERE state = 3;

-- Who or what changed anything. position: the last event of the input; 0: a change of the register.
CREATE TABLE audit (
  sequence INTEGER PRIMARY KEY,
  recorded INTEGER NOT NULL,
  tag      INTEGER NOT NULL,
  subject  INTEGER,
  position INTEGER NOT NULL,
  entry    BLOB    NOT NULL
) STRICT;
CREATE TRIGGER audit_never_changes BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;
CREATE TRIGGER audit_never_shrinks BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END;

-- For people with a database shell.
CREATE VIEW event_for_people AS
  SELECT position, strftime('%Y-%m-%dT%H:%M:%fZ', log_time / 1e6, 'unixepoch') AS log_time, lower(hex(alert)) AS alert
  FROM event;
CREATE VIEW alert_for_people AS
  SELECT lower(hex(id)) AS id, subject_name, rule, instance,
    CASE state WHEN 1 THEN 'OPEN' WHEN 2 THEN 'ACKNOWLEDGED' WHEN 3 THEN 'RESOLVED' END AS state,
    strftime('%Y-%m-%dT%H:%M:%fZ', raised / 1e6, 'unixepoch') AS raised
  FROM alert;
CREATE VIEW report_for_people AS
  SELECT s.name AS subject, strftime('%Y-%m-%dT%H:%M:%fZ', r.observed / 1e6, 'unixepoch') AS observed,
    strftime('%Y-%m-%dT%H:%M:%fZ', r.received / 1e6, 'unixepoch') AS received, lower(hex(r.report_id)) AS report_id
  FROM report r JOIN subject s ON s.number = r.subject;
