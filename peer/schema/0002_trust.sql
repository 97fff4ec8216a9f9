-- What members say of each other's results, and what this store makes of it.

-- Statements of more kinds.  Everything else stays as it was.
CREATE TABLE wider_statements (
  digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
  kind TEXT NOT NULL
    CHECK (kind IN ('revocation', 'forget', 'dispute', 'unshareable')),
  issuer TEXT NOT NULL,
  signed BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO wider_statements SELECT digest, kind, issuer, signed FROM statements;
DROP TABLE statements;
ALTER TABLE wider_statements RENAME TO statements;
CREATE INDEX statements_issuer ON statements (kind, issuer);

-- What the statements of kind 'dispute' say: the node, who signed what with which
-- number, and what the issuer signed.  `sponsor` let the issuer in.
CREATE TABLE heard_disputes (
  statement BLOB PRIMARY KEY NOT NULL CHECK (length(statement) = 32),
  issuer TEXT NOT NULL,
  sponsor TEXT NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32),
  accused TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  said BLOB NOT NULL CHECK (length(said) = 32),
  issuer_sequence INTEGER NOT NULL,
  computed BLOB NOT NULL CHECK (length(computed) = 32),
  UNIQUE (issuer, key)
) STRICT, WITHOUT ROWID;

-- What the statements of kind 'unshareable' say.
CREATE TABLE heard_unshareable (
  statement BLOB PRIMARY KEY NOT NULL CHECK (length(statement) = 32),
  issuer TEXT NOT NULL,
  sponsor TEXT NOT NULL,
  operation TEXT NOT NULL,
  environment TEXT NOT NULL,
  UNIQUE (issuer, operation, environment)
) STRICT, WITHOUT ROWID;

-- Members whose results this store does not take, from a record on: found wrong here.
-- `key`, `said` and `computed` are the result that showed it, if one did.
CREATE TABLE quarantined (
  member TEXT PRIMARY KEY NOT NULL,
  from_sequence INTEGER NOT NULL,
  since_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  key BLOB CHECK (length(key) = 32),
  said BLOB CHECK (length(said) = 32),
  computed BLOB CHECK (length(computed) = 32)
) STRICT, WITHOUT ROWID;
