-- Strikes and policies: every version, the greatest is in force. kind: 0 strike, 1 policy. Append-only, as the audit.
CREATE TABLE context (
  name       text NOT NULL,
  version    bigint NOT NULL,
  kind       integer NOT NULL,
  generation bigint NOT NULL,
  recorded   bigint NOT NULL,
  payload    bytea NOT NULL,
  PRIMARY KEY (name, version)
);
CREATE INDEX context_newer ON context (generation);
CREATE FUNCTION context_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'strikes and policies are append-only' USING ERRCODE = 'restrict_violation'; END $$;
CREATE TRIGGER context_never_changes BEFORE UPDATE OR DELETE OR TRUNCATE ON context
  FOR EACH STATEMENT EXECUTE FUNCTION context_is_append_only();

-- What an organisation planned, did and postponed on a day, by category; null: not reported.
-- day: days since 1970-01-01, local to the organisation. category: wardwatch.v1.ActivityCategory.
CREATE TABLE activity (
  organisation bigint NOT NULL,
  day          bigint NOT NULL,
  category     integer NOT NULL,
  planned      bigint,
  delivered    bigint,
  postponed    bigint,
  source       text NOT NULL,
  received     bigint NOT NULL,
  PRIMARY KEY (organisation, day, category)
) WITH (fillfactor = 70);
CREATE INDEX activity_of_day ON activity (day);

-- The audit is read by time or by subject, by people, seldom; it grows at its end, so the first costs next to nothing.
CREATE INDEX audit_in_time ON audit (recorded);
CREATE INDEX audit_of_subject ON audit (subject, sequence) WHERE subject IS NOT NULL;
