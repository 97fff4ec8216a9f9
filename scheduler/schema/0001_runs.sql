-- Digests of input files, trusted while every field of the file's state is the same.
CREATE TABLE file_digests (
  path TEXT PRIMARY KEY,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;

-- Files written by `save`, so that an unchanged one is not written again.
CREATE TABLE saved_files (
  path TEXT PRIMARY KEY,
  device INTEGER NOT NULL,
  inode INTEGER NOT NULL,
  size_bytes INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL,
  ctime_ns INTEGER NOT NULL,
  digest BLOB NOT NULL
) STRICT;

-- Time per primitive on this machine.
CREATE TABLE statistics (
  primitive TEXT NOT NULL,
  version INTEGER NOT NULL,
  ns_per_voxel REAL NOT NULL,
  samples INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL,
  PRIMARY KEY (primitive, version)
) STRICT, WITHOUT ROWID;

-- Parsed programs, by the digest of everything that decided the plan.
CREATE TABLE plans (
  source BLOB PRIMARY KEY,
  plan BLOB NOT NULL,
  used_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE runs (
  run_id TEXT PRIMARY KEY,
  program TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  finished_ms INTEGER NOT NULL,
  status TEXT NOT NULL,
  executed INTEGER NOT NULL,
  from_store INTEGER NOT NULL,
  failed INTEGER NOT NULL
) STRICT;

CREATE TABLE run_goals (
  run_id TEXT NOT NULL,
  position INTEGER NOT NULL,
  kind TEXT NOT NULL,
  label TEXT NOT NULL,
  value_kind TEXT NOT NULL,
  key BLOB,
  digest BLOB,
  error TEXT,
  PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX run_goals_label ON run_goals (label);
