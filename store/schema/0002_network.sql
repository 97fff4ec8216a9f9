-- What answers for a key that was said to compute to several digests (`conflicts` has
-- the evidence): nothing until it has been computed here again, then what was computed.
CREATE TABLE disputes (
  key BLOB PRIMARY KEY NOT NULL,
  answer BLOB CHECK (length(answer) = 32)
) STRICT, WITHOUT ROWID;
INSERT INTO disputes SELECT DISTINCT key, NULL FROM conflicts;

-- `plan` names the artifact that re-lowers the node; it goes with the result and is no
-- part of its value.  `total_bytes` and `stored_bytes` are of the value with its parts,
-- as it is and as it is stored.
ALTER TABLE results ADD COLUMN plan BLOB;
ALTER TABLE results ADD COLUMN total_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE results ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE artifact_parts ADD COLUMN is_plan INTEGER NOT NULL DEFAULT 0;

-- Until now a recipe that begins so had a plan among the parts.
UPDATE results SET plan = substr(recipe, 4, 32)
WHERE length(recipe) > 35 AND substr(recipe, 1, 3) = x'92C420';
UPDATE artifact_parts SET is_plan = 1
WHERE child IN (SELECT plan FROM results WHERE plan IS NOT NULL);
UPDATE results SET
  total_bytes = ifnull((SELECT sum(size_bytes) FROM artifacts a
    WHERE a.digest = results.digest OR a.digest IN (SELECT child FROM artifact_parts
      WHERE parent = results.digest AND NOT is_plan)), 0),
  stored_bytes = ifnull((SELECT sum(stored_bytes) FROM artifacts a
    WHERE a.digest = results.digest OR a.digest IN (SELECT child FROM artifact_parts
      WHERE parent = results.digest AND NOT is_plan)), 0);

-- Bytes that the results of each origin take; what several share counts for each.
CREATE TABLE origins (
  origin TEXT PRIMARY KEY NOT NULL,
  stored_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO origins SELECT column1,
  ifnull((SELECT sum(stored_bytes) FROM results WHERE origin = column1), 0)
FROM (VALUES ('local'), ('peer'), ('import'));

-- Keys whose result came, went or came into dispute, in order, for those who follow.
-- Only the last entries are kept; the newest always is, so numbers are never reused.
CREATE TABLE result_log (
  sequence INTEGER PRIMARY KEY,
  key BLOB NOT NULL
) STRICT;

-- Whoever inserts results logs and counts them, all at once: with a trigger every
-- single insertion would keep copies of the pages it changes.
CREATE TRIGGER result_removed AFTER DELETE ON results BEGIN
  INSERT INTO result_log (key) VALUES (old.key);
  UPDATE origins SET stored_bytes = stored_bytes - old.stored_bytes
  WHERE origin = old.origin;
END;
CREATE TRIGGER dispute_added AFTER INSERT ON disputes BEGIN
  INSERT INTO result_log (key) VALUES (new.key);
END;
CREATE TRIGGER dispute_changed AFTER UPDATE ON disputes BEGIN
  INSERT INTO result_log (key) VALUES (new.key);
END;
CREATE TRIGGER dispute_removed AFTER DELETE ON disputes BEGIN
  INSERT INTO result_log (key) VALUES (old.key);
END;

-- Chunk manifests of artifacts, encoded; each is checked by the digest it has.
CREATE TABLE manifests (
  digest BLOB PRIMARY KEY NOT NULL,
  manifest BLOB NOT NULL
) STRICT;
CREATE TRIGGER manifest_removed AFTER DELETE ON artifacts BEGIN
  DELETE FROM manifests WHERE digest = old.digest;
END;

-- Artifacts that were arriving when who received them ended in order.  `present` has
-- a byte for each chunk and holds as long as the file's state is `state`.
CREATE TABLE receptions (
  file TEXT PRIMARY KEY NOT NULL,
  state TEXT NOT NULL,
  present BLOB NOT NULL
) STRICT, WITHOUT ROWID;
