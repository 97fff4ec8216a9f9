-- Why a node was computed although there were neighbours to ask; empty if there were
-- none, or if it was not computed.
ALTER TABLE node_runs ADD COLUMN because TEXT NOT NULL DEFAULT '';
