-- When a file was written anew because what it had been saved from was wrong, in
-- milliseconds since 1970; 0 if it never was, or a run has said so since.
ALTER TABLE saved_files ADD COLUMN corrected_ms INTEGER NOT NULL DEFAULT 0;
CREATE INDEX saved_files_corrected ON saved_files (path) WHERE corrected_ms > 0;
