-- Lists filter by them. strike: strikes/{id}, or empty. forecast: about a plan.
ALTER TABLE alert ADD COLUMN strike TEXT NOT NULL DEFAULT '';
ALTER TABLE alert ADD COLUMN forecast INTEGER NOT NULL DEFAULT 0;
