-- Lists filter by them. strike: strikes/{id}, or empty. forecast: about a plan.
ALTER TABLE alert ADD COLUMN strike text NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN forecast boolean NOT NULL DEFAULT FALSE;
