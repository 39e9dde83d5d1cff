-- The campaigns that segments ask about: whoever records what came of one looks here first.
SET LOCAL lock_timeout = '5s';
ALTER TABLE segment_plan ADD COLUMN campaigns uuid[] NOT NULL DEFAULT '{}';
