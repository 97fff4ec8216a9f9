-- Results of others that are to be computed here as well, to see whether they are true,
-- and those that were.  `digest` is what others say that the node computed to; `recipe`
-- and `plan` are what it is computed from, and the plan is pinned while `verdict` is
-- NULL.  `computed` is what it was computed to here, `operation` what computes it or
-- the step that is unstable, `ended` counts the audits that have ended.
CREATE TABLE audits (
  number INTEGER PRIMARY KEY,
  key BLOB NOT NULL CHECK (length(key) = 32),
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  recipe BLOB NOT NULL,
  plan BLOB NOT NULL CHECK (length(plan) = 32),
  is_goal INTEGER NOT NULL,
  reason TEXT NOT NULL CHECK (reason IN ('dispute', 'suspicion', 'drawn')),
  asked_ms INTEGER NOT NULL,
  verdict TEXT
    CHECK (verdict IN ('confirmed', 'differs', 'unstable', 'impossible')),
  computed BLOB CHECK (length(computed) = 32),
  problem TEXT NOT NULL DEFAULT '',
  operation TEXT NOT NULL DEFAULT '',
  environment TEXT NOT NULL DEFAULT '',
  cpu_s REAL NOT NULL DEFAULT 0,
  ended INTEGER,
  ended_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX audits_open ON audits (key) WHERE verdict IS NULL;
CREATE INDEX audits_key ON audits (key);
CREATE UNIQUE INDEX audits_ended ON audits (ended);

-- What a saved file is of: the node, the run and the position of its goal.  A file whose
-- value rests on somebody's word can turn out to be wrong: `recipe` and `plan` are what
-- it is made of again, and the plan is pinned.
ALTER TABLE saved_files ADD COLUMN key BLOB CHECK (length(key) = 32);
ALTER TABLE saved_files ADD COLUMN run_id TEXT NOT NULL DEFAULT '';
ALTER TABLE saved_files ADD COLUMN position INTEGER NOT NULL DEFAULT 0;
ALTER TABLE saved_files ADD COLUMN recipe BLOB;
ALTER TABLE saved_files ADD COLUMN plan BLOB CHECK (length(plan) = 32);
CREATE INDEX saved_files_key ON saved_files (key);
