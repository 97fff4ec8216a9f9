-- On whose word the value of a saved file rests, as it was when it was saved: what rests on
-- somebody who is found wrong leaves the store, and takes with it what is known there.
-- MessagePack, a list of members each with the highest number among its records; NULL if
-- it rests on nobody.
ALTER TABLE saved_files ADD COLUMN relies_on BLOB;

-- How often computing an audit was begun.  What ends the process each time is given up.
ALTER TABLE audits ADD COLUMN begun INTEGER NOT NULL DEFAULT 0;
