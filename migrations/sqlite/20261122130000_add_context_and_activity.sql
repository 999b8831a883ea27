-- Strikes and policies: every version, the greatest is in force. kind: 0 strike, 1 policy. Append-only, as the audit.
CREATE TABLE context (
  name       TEXT    NOT NULL,
  version    INTEGER NOT NULL,
  kind       INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  recorded   INTEGER NOT NULL,
  payload    BLOB    NOT NULL,
  PRIMARY KEY (name, version)
) STRICT;
CREATE INDEX context_newer ON context (generation);
CREATE TRIGGER context_never_changes BEFORE UPDATE ON context BEGIN SELECT RAISE(ABORT, 'strikes and policies are append-only'); END;
CREATE TRIGGER context_never_shrinks BEFORE DELETE ON context BEGIN SELECT RAISE(ABORT, 'strikes and policies are append-only'); END;

-- What an organisation planned, did and postponed on a day, by category; null: not reported.
-- day: days since 1970-01-01, local to the organisation. category: wardwatch.v1.ActivityCategory.
CREATE TABLE activity (
  organisation INTEGER NOT NULL,
  day          INTEGER NOT NULL,
  category     INTEGER NOT NULL,
  planned      INTEGER,
  delivered    INTEGER,
  postponed    INTEGER,
  source       TEXT    NOT NULL,
  received     INTEGER NOT NULL,
  PRIMARY KEY (organisation, day, category)
) STRICT, WITHOUT ROWID;
CREATE INDEX activity_of_day ON activity (day);

-- The audit is read by time or by subject, by people, seldom; it grows at its end, so the first costs next to nothing.
CREATE INDEX audit_in_time ON audit (recorded);
CREATE INDEX audit_of_subject ON audit (subject) WHERE subject IS NOT NULL;
