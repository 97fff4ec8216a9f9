-- Whether what was withdrawn was wrong.  Who made something of several of our records
-- names the highest number alone, so nothing is believed that rests on any from there on.
ALTER TABLE withdrawn ADD COLUMN is_wrong INTEGER NOT NULL DEFAULT 0;
