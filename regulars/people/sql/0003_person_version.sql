-- Which version of the wide row belongs to this hot one: a number that is drawn anew with each
-- change of the person. Ingest locks and reads the hot row, and so knows whether the wide row it
-- remembers from the last time is still the one there is.
ALTER TABLE person_activity ADD COLUMN person_version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN person_activity.person_version IS 'Drawn anew with each change of the row in person; 0: not known';
