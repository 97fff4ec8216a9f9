-- What this store knows of the realm it belongs to.  Private keys and the realm's
-- secrets are not here but in files of their own.

-- 'realm_id' (16 bytes) and 'node_id' (text) while the store belongs to a realm, and
-- 'next_sequence' (integer), the number of the next record that is signed here.
CREATE TABLE realm (
  name TEXT PRIMARY KEY,
  value ANY
) STRICT, WITHOUT ROWID;

-- Join tokens that are alive.  `secret` proves knowledge of the token.
CREATE TABLE invitations (
  token_id BLOB PRIMARY KEY NOT NULL CHECK (length(token_id) = 5),
  secret BLOB NOT NULL CHECK (length(secret) = 16),
  role TEXT NOT NULL CHECK (role IN ('peer', 'sponsor')),
  uses_left INTEGER NOT NULL,
  wrong_proofs INTEGER NOT NULL DEFAULT 0,
  created_s REAL NOT NULL,
  expires_s REAL NOT NULL
) STRICT, WITHOUT ROWID;

-- Signed statements of the realm, by the SHA-256 of the bytes that are signed; they
-- only grow.  `signed` is the whole message with signature and certificates.
CREATE TABLE statements (
  digest BLOB PRIMARY KEY NOT NULL CHECK (length(digest) = 32),
  kind TEXT NOT NULL CHECK (kind IN ('revocation', 'forget')),
  issuer TEXT NOT NULL,
  signed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Members whose certificates were seen, for what they signed and where they were.
-- `chain` is their certificates in PEM, leaf first, without the root.
CREATE TABLE members (
  node_id TEXT PRIMARY KEY NOT NULL,
  name TEXT NOT NULL,
  chain BLOB,
  seen_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE addresses (
  node_id TEXT NOT NULL,
  address TEXT NOT NULL,
  good_ms INTEGER NOT NULL,
  PRIMARY KEY (node_id, address)
) STRICT, WITHOUT ROWID;

-- Signed records of results that are, or were, in this store: our own once they were
-- shared, others' with what was fetched.
CREATE TABLE attestations (
  key BLOB NOT NULL CHECK (length(key) = 32),
  signer TEXT NOT NULL,
  digest BLOB NOT NULL CHECK (length(digest) = 32),
  sequence INTEGER NOT NULL,
  record BLOB NOT NULL,
  signature BLOB NOT NULL,
  source TEXT NOT NULL,
  seen_ms INTEGER NOT NULL,
  PRIMARY KEY (key, signer)
) STRICT, WITHOUT ROWID;
CREATE INDEX attestations_signer ON attestations (signer, sequence);

-- Keyed ids of results that must not come back.
CREATE TABLE forgotten (
  keyed_id BLOB PRIMARY KEY NOT NULL CHECK (length(keyed_id) = 32)
) STRICT, WITHOUT ROWID;

-- Counters per member, from start to start.
CREATE TABLE traffic (
  node_id TEXT PRIMARY KEY NOT NULL,
  located INTEGER NOT NULL DEFAULT 0,
  fetched INTEGER NOT NULL DEFAULT 0,
  fetched_bytes INTEGER NOT NULL DEFAULT 0,
  saved_s REAL NOT NULL DEFAULT 0,
  rejected INTEGER NOT NULL DEFAULT 0,
  served_bytes INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
