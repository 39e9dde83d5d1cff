-- What a person's row has in one of its lanes.
CREATE FUNCTION funnel_lane(r funnel_progress, lane smallint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE lane
    WHEN 0 THEN r.lane0 WHEN 1 THEN r.lane1 WHEN 2 THEN r.lane2 WHEN 3 THEN r.lane3
    WHEN 4 THEN r.lane4 WHEN 5 THEN r.lane5 WHEN 6 THEN r.lane6 WHEN 7 THEN r.lane7
    WHEN 8 THEN r.lane8 WHEN 9 THEN r.lane9 WHEN 10 THEN r.lane10 WHEN 11 THEN r.lane11
    WHEN 12 THEN r.lane12 WHEN 13 THEN r.lane13 WHEN 14 THEN r.lane14 WHEN 15 THEN r.lane15 END
$$;

-- When a person reached each checkpoint, by its number, in one row: what filters that ask for an
-- order read, so that one look at the person's row answers them.
CREATE VIEW checkpoint_times AS
SELECT r.project_id, r.id, r.id AS person_id,
       funnel_lane(r, s.lane1) AS at1, funnel_lane(r, s.lane2) AS at2, funnel_lane(r, s.lane3) AS at3,
       funnel_lane(r, s.lane4) AS at4, funnel_lane(r, s.lane5) AS at5
FROM funnel_progress r
JOIN (
    SELECT project_id,
           max(lane) FILTER (WHERE checkpoint = 1) AS lane1,
           max(lane) FILTER (WHERE checkpoint = 2) AS lane2,
           max(lane) FILTER (WHERE checkpoint = 3) AS lane3,
           max(lane) FILTER (WHERE checkpoint = 4) AS lane4,
           max(lane) FILTER (WHERE checkpoint = 5) AS lane5
    FROM segment WHERE checkpoint IS NOT NULL GROUP BY project_id
) s ON s.project_id = r.project_id;

-- Impact is kept of parts of a split, too; empty for everybody.
ALTER TABLE funnel_impact
    ADD COLUMN split text NOT NULL DEFAULT '',
    ADD COLUMN part text NOT NULL DEFAULT '';
