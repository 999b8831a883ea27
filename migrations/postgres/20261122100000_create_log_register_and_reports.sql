-- Times are microseconds since the epoch, UTC; payloads are protobuf messages of wardwatch.stored.v1 and wardwatch.v1.

-- Room is left on the pages of rows that change, so that an update need not touch an index.

-- The one row every write takes first. log_id names the log: 63 random bits, never zero.
CREATE TABLE head (
  one              integer PRIMARY KEY CHECK (one = 1),
  log_id           bigint NOT NULL,
  position         bigint NOT NULL,
  tag              bigint NOT NULL,
  log_time         bigint NOT NULL,
  generation       bigint NOT NULL,
  trimmed_position bigint NOT NULL,
  trimmed_tag      bigint NOT NULL,
  trimmed_time     bigint NOT NULL
) WITH (fillfactor = 10);
INSERT INTO head VALUES (1, ((random() * 2147483647)::bigint << 32) | (random() * 4294967295)::bigint | 1, 0, 0, 0, 0, 0, 0, 0);

-- What reports and alerts are about. kind: 0 organisation, 1 ward, 2 cover group.
CREATE TABLE subject (
  number       bigint PRIMARY KEY,
  organisation bigint NOT NULL,
  kind         integer NOT NULL,
  name         text NOT NULL UNIQUE,
  etag         bigint NOT NULL,
  generation   bigint NOT NULL,
  hot          bytea NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX subject_of_organisation ON subject (organisation, kind);

-- Written only when it changes, so that a report rewrites one small row.
CREATE TABLE subject_cold (
  number     bigint PRIMARY KEY,
  next_check bigint,
  cold       bytea NOT NULL,
  summary    bytea NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX subject_due ON subject_cold (next_check) WHERE next_check IS NOT NULL;

-- The register. kind: 0 organisation, 1 ward.
CREATE TABLE config (
  number     bigint NOT NULL,
  kind       integer NOT NULL,
  generation bigint NOT NULL,
  payload    bytea NOT NULL,
  PRIMARY KEY (number, kind)
);
CREATE INDEX config_newer ON config (generation);

-- No other index: one by subject costs four times as much a write, a unique one on random ids five times.
CREATE TABLE report (
  observed  bigint NOT NULL,
  subject   bigint NOT NULL,
  report_id bytea NOT NULL,
  digest    bigint NOT NULL,
  received  bigint NOT NULL,
  payload   bytea NOT NULL,
  PRIMARY KEY (observed, subject, report_id)
);

-- The alert log: positions without gaps. Every event carries the tag of the commit that wrote it.
CREATE TABLE event (
  position   bigint PRIMARY KEY,
  tag        bigint NOT NULL,
  log_time   bigint NOT NULL,
  ends_input boolean NOT NULL,
  alert      bytea NOT NULL,
  payload    bytea NOT NULL
);
CREATE INDEX event_of_alert ON event (alert, position);

-- The newest state of each alert, with what lists filter by. state 3: resolved.
CREATE TABLE alert (
  id            bytea    PRIMARY KEY,
  subject       bigint NOT NULL,
  subject_name  text NOT NULL,
  organisation  text NOT NULL,
  site          text NOT NULL,
  region        text NOT NULL,
  rule          text NOT NULL,
  instance      text NOT NULL,
  state         integer NOT NULL,
  condition     integer NOT NULL,
  peak_severity integer NOT NULL,
  raised        bigint NOT NULL,
  last_position bigint NOT NULL,
  payload       bytea NOT NULL
) WITH (fillfactor = 70);
-- At most one open episode per subject, rule and instance.
CREATE UNIQUE INDEX alert_one_open ON alert (subject, rule, instance) WHERE state <> 3;
CREATE INDEX alert_in_order ON alert (raised, id);
CREATE INDEX alert_ended ON alert (last_position) WHERE state = 3;

-- Who or what changed anything. position: the last event of the input; 0: a change of the register.
CREATE TABLE audit (
  sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  recorded bigint NOT NULL,
  tag      bigint NOT NULL,
  subject  bigint,
  position bigint NOT NULL,
  entry    bytea NOT NULL
);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER audit_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
  FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

-- For people with a database shell.
CREATE VIEW event_for_people AS
  SELECT position, to_timestamp(log_time / 1e6) AS log_time, encode(alert, 'hex') AS alert FROM event;
CREATE VIEW alert_for_people AS
  SELECT encode(id, 'hex') AS id, subject_name, rule, instance,
    CASE state WHEN 1 THEN 'OPEN' WHEN 2 THEN 'ACKNOWLEDGED' WHEN 3 THEN 'RESOLVED' END AS state,
    to_timestamp(raised / 1e6) AS raised
  FROM alert;
CREATE VIEW report_for_people AS
  SELECT s.name AS subject, to_timestamp(r.observed / 1e6) AS observed, to_timestamp(r.received / 1e6) AS received,
    encode(r.report_id, 'hex') AS report_id
  FROM report r JOIN subject s ON s.number = r.subject;
