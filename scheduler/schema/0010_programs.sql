-- Of what text a run's program was.  `sources` is a JSON list of name and SHA-256 of each
-- file, the program first; `parameters` a JSON object of what it was given.
CREATE TABLE run_programs (
  run_id TEXT PRIMARY KEY,
  sources TEXT NOT NULL,
  parameters TEXT NOT NULL,
  voxpeer TEXT NOT NULL
) STRICT, WITHOUT ROWID;
