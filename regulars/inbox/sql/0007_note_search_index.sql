CREATE INDEX note_found ON note USING gin (found) WITH (fastupdate = off);
