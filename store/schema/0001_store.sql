-- What the store knows about itself: its id, counters, the last check.
CREATE TABLE meta (
  name TEXT PRIMARY KEY,
  value ANY
) STRICT, WITHOUT ROWID;

INSERT INTO meta VALUES ('stored_bytes', 0), ('small_generation', 0);

-- Bytes by digest.  Below 32 KiB as stored they are here, else in a file of their own.
-- `verified_boot` names the boot in which the file was last read and found right;
-- `verified_state` is its inode number, time of modification and time of change then.
CREATE TABLE artifacts (
  digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
  size_bytes INTEGER NOT NULL,
  stored_bytes INTEGER NOT NULL,
  codec TEXT NOT NULL CHECK (codec IN ('raw', 'zstd')),
  touched_ms INTEGER NOT NULL,
  file TEXT,
  written_boot TEXT,
  verified_boot TEXT,
  verified_state TEXT,
  payload BLOB,
  CHECK ((payload IS NULL) <> (file IS NULL))
) STRICT;

CREATE TRIGGER artifact_added AFTER INSERT ON artifacts BEGIN
  UPDATE meta SET value = value + new.stored_bytes WHERE name = 'stored_bytes';
END;
CREATE TRIGGER artifact_removed AFTER DELETE ON artifacts BEGIN
  UPDATE meta SET value = value - old.stored_bytes WHERE name = 'stored_bytes';
END;

-- Artifacts that an artifact refers to, as a sequence does to its images.
CREATE TABLE artifact_parts (
  parent BLOB NOT NULL,
  child BLOB NOT NULL,
  PRIMARY KEY (parent, child)
) STRICT, WITHOUT ROWID;
CREATE INDEX artifact_parts_child ON artifact_parts (child);

-- What a node key computed to.  Rows are inserted and removed, never changed but for
-- their use.
CREATE TABLE results (
  key BLOB PRIMARY KEY NOT NULL CHECK (length(key) = 32),
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  kind TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  cost_s REAL NOT NULL,
  subtree_s REAL NOT NULL,
  environment TEXT NOT NULL,
  origin TEXT NOT NULL CHECK (origin IN ('local', 'peer', 'import')),
  recipe BLOB NOT NULL,
  reveals_input INTEGER NOT NULL,
  created_ms INTEGER NOT NULL,
  used_ms INTEGER NOT NULL,
  uses INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX results_digest ON results (digest);

-- Evidence: the digests that were reported for a key, once there are several.
CREATE TABLE conflicts (
  key BLOB NOT NULL,
  digest BLOB NOT NULL,
  environment TEXT NOT NULL,
  origin TEXT NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY (key, digest)
) STRICT, WITHOUT ROWID;

-- Which process is computing what.
CREATE TABLE leases (
  key BLOB PRIMARY KEY NOT NULL,
  owner TEXT NOT NULL,
  taken_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX leases_owner ON leases (owner);

CREATE TABLE pins (
  name TEXT NOT NULL,
  digest BLOB NOT NULL,
  PRIMARY KEY (name, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX pins_digest ON pins (digest);

-- Results of a few bytes, sorted by key in runs of segments.  `prefixes` holds the
-- first four bytes of every key of the run.  A checksum is the SHA-256 of the run's
-- width, as four bytes little-endian, and of `prefixes` or `entries`.
CREATE TABLE small_runs (
  run INTEGER PRIMARY KEY AUTOINCREMENT,
  level INTEGER NOT NULL,
  width INTEGER NOT NULL,
  count INTEGER NOT NULL,
  checksum BLOB NOT NULL,
  prefixes BLOB NOT NULL
) STRICT;

CREATE TABLE small_segments (
  segment INTEGER PRIMARY KEY,
  run INTEGER NOT NULL,
  position INTEGER NOT NULL,
  checksum BLOB NOT NULL,
  entries BLOB NOT NULL,
  UNIQUE (run, position)
) STRICT;

CREATE TRIGGER small_segment_added AFTER INSERT ON small_segments BEGIN
  UPDATE meta SET value = value + length(new.entries) WHERE name = 'stored_bytes';
END;
CREATE TRIGGER small_segment_removed AFTER DELETE ON small_segments BEGIN
  UPDATE meta SET value = value - length(old.entries) WHERE name = 'stored_bytes';
END;
