-- Behind each checkpoint of the funnel stands a segment that no list shows: whoever meets its
-- condition is in it, by the same plan, filling and clock. It has no members' rows; when somebody
-- first met it is on their own row.
ALTER TABLE segment DROP CONSTRAINT segment_builtin_check;
ALTER TABLE segment
    ADD CONSTRAINT segment_builtin_check
        CHECK (builtin IN ('all', 'new', 'active', 'slipping', 'checkpoint')),
    ADD COLUMN checkpoint smallint,
    ADD COLUMN lane smallint;
COMMENT ON COLUMN segment.checkpoint IS 'The number of the checkpoint it stands for; NULL: none, or not yet';
COMMENT ON COLUMN segment.lane IS 'Which column of funnel_progress has its times';
ALTER TABLE segment_plan ADD COLUMN over_users boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN segment_plan.over_users IS 'The funnel is over users: none of them reached anything before they signed up';
