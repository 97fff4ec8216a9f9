-- Which results were computed from which input files, by the keys of both, so that
-- whatever came of a file can be found when it has to be forgotten.  Rows are written
-- before the results are, and outlive them.
CREATE TABLE provenance (
  file BLOB NOT NULL CHECK (length(file) = 32),
  key BLOB NOT NULL CHECK (length(key) = 32),
  PRIMARY KEY (file, key)
) STRICT, WITHOUT ROWID;
