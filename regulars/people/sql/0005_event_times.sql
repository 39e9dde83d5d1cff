-- The newest times of events that segments ask about, by the number of what is to be remembered
-- (segment_need): a segment on behaviour is answered from the person's own row.
ALTER TABLE person_activity ADD COLUMN event_times jsonb NOT NULL DEFAULT '{}';
COMMENT ON COLUMN person_activity.event_times IS 'Newest first: {number of the segment_need: [instant, ...]}';
