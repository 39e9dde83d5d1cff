-- When the person reached which checkpoint of the funnel, by the number of the segment that stands
-- for it: filters that ask about checkpoints are answered from the person's own row.
ALTER TABLE person_activity ADD COLUMN checkpoints jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN person_activity.checkpoints IS '{number of the segment behind it: instant}';
