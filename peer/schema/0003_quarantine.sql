-- On whom the record relies that a member was quarantined for.  If the fault turns out
-- to be one of theirs, the member is taken back.
CREATE TABLE excuses (
  member TEXT NOT NULL,
  relied_on TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (member, relied_on)
) STRICT, WITHOUT ROWID;

-- What computed the result that a member was quarantined for.  If that turns out not to
-- be deterministic, the result shows nothing.
CREATE TABLE charges (
  member TEXT PRIMARY KEY NOT NULL,
  operation TEXT NOT NULL,
  environment TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Wrong results for which a member is not to be quarantined again: somebody here trusts
-- it all the same, or it was found that the fault was another's.
CREATE TABLE pardons (
  member TEXT NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32),
  PRIMARY KEY (member, key)
) STRICT, WITHOUT ROWID;

-- Numbers of own records whose results this store does not stand by any more.
CREATE TABLE withdrawn (
  sequence INTEGER PRIMARY KEY NOT NULL,
  key BLOB NOT NULL CHECK (length(key) = 32)
) STRICT;
