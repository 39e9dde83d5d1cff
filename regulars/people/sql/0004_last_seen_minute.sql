-- The lists' order by when people were last seen rests on the minute, which most page views leave
-- as it is. So they change no indexed column, and PostgreSQL updates the row in place ("HOT")
-- instead of adding to each of the table's indexes. Within a minute a list sorts what it reads.
ALTER TABLE person_activity ADD COLUMN last_seen_minute timestamptz
    GENERATED ALWAYS AS (date_bin('1 minute', last_seen, '2000-01-01 00:00:00+00'::timestamptz)) STORED;
DROP INDEX person_activity_by_last_seen;
CREATE INDEX person_activity_by_last_seen
    ON person_activity (project_id, kind, last_seen_minute DESC NULLS LAST, id DESC);
