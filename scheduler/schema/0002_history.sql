ALTER TABLE runs ADD COLUMN from_peers INTEGER NOT NULL DEFAULT 0;
CREATE INDEX runs_started ON runs (started_ms);

-- Where the results of a run came from, as far as they were worth a row; of the last
-- runs only.  `seconds` is what the kernel or the fetch took, `source` the peer that
-- it came from, `position` the first goal it was for.
CREATE TABLE node_runs (
  run_id TEXT NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32),
  primitive TEXT NOT NULL,
  how TEXT NOT NULL CHECK (how IN ('computed', 'store', 'peer')),
  source TEXT NOT NULL,
  seconds REAL NOT NULL,
  size_bytes INTEGER NOT NULL,
  position INTEGER,
  PRIMARY KEY (run_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_runs_key ON node_runs (key);

-- What node keys stand for, so that what differs between two of them can be told.
-- `label` is the name of a primitive, the text of a constant or the path of a file;
-- `arguments` are keys, one after the other, with zeros for one that is omitted.
CREATE TABLE node_descriptions (
  key BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
  kind TEXT NOT NULL
    CHECK (kind IN ('constant', 'file', 'application', 'function', 'variable')),
  label TEXT NOT NULL,
  version INTEGER NOT NULL,
  environment TEXT NOT NULL,
  arguments BLOB NOT NULL,
  seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX node_descriptions_seen ON node_descriptions (seen_ms);
