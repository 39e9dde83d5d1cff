ALTER TABLE segment_fill ADD COLUMN last_need integer NOT NULL DEFAULT 0;
ALTER TABLE segment_need DROP COLUMN created_at;
