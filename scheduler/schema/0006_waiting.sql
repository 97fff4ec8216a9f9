-- Who was said to be at a node when it was claimed, and for how many seconds; empty if
-- nobody was.
ALTER TABLE node_runs ADD COLUMN waited_for TEXT NOT NULL DEFAULT '';
ALTER TABLE node_runs ADD COLUMN waited_s REAL NOT NULL DEFAULT 0;
