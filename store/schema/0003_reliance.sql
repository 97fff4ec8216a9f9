-- The primitive that was applied, as 'namespace.primitive@version'.
ALTER TABLE results ADD COLUMN operation TEXT NOT NULL DEFAULT '';

-- Whose word a result rests on: the members that signed what it was computed from, or
-- the result itself, with the highest number among their records.  Nothing else refers
-- to a member, so all that a liar has touched is found here.
CREATE TABLE reliances (
  key BLOB NOT NULL CHECK (length(key) = 32),
  member TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (key, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX reliances_member ON reliances (member, sequence);

CREATE TRIGGER reliances_removed AFTER DELETE ON results BEGIN
  DELETE FROM reliances WHERE key = old.key;
END;

-- Who signed what came from others was not written down until now.
INSERT INTO reliances SELECT key, '', 0 FROM results WHERE origin = 'peer';
