-- The checkpoints of each project's funnel, two to five. A number is what filters and segments call
-- one by, and stays; "place" is where it stands in the funnel. Its condition is the filter of the
-- segment that stands behind it; while a new condition is being counted, there are two.
CREATE TABLE checkpoint (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    number smallint NOT NULL CHECK (number BETWEEN 1 AND 5),
    place smallint NOT NULL,
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    segment_id uuid NOT NULL,
    next_segment_id uuid,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    changed_by uuid,
    dated_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT checkpoint_number UNIQUE (project_id, number),
    CONSTRAINT checkpoint_segment_fk FOREIGN KEY (project_id, segment_id) REFERENCES segment (project_id, id),
    CONSTRAINT checkpoint_next_segment_fk FOREIGN KEY (project_id, next_segment_id) REFERENCES segment (project_id, id)
);
COMMENT ON COLUMN checkpoint.dated_at IS 'Whoever met it before then was dated then: the past of its condition is not known. NULL: it is';

-- When each person first met which checkpoint's condition: a row a person, narrow, so that a funnel
-- of a million people is one short scan. Which lane is whose is said by segment.lane; there are more
-- than conditions, since one that is let go keeps its lane until that is cleared.
CREATE TABLE funnel_progress (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    lane0 timestamptz,
    lane1 timestamptz,
    lane2 timestamptz,
    lane3 timestamptz,
    lane4 timestamptz,
    lane5 timestamptz,
    lane6 timestamptz,
    lane7 timestamptz,
    lane8 timestamptz,
    lane9 timestamptz,
    lane10 timestamptz,
    lane11 timestamptz,
    lane12 timestamptz,
    lane13 timestamptz,
    lane14 timestamptz,
    lane15 timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT funnel_progress_person_fk FOREIGN KEY (project_id, id) REFERENCES person (project_id, id)
) WITH (fillfactor = 90);

-- The same as filters ask for it, for the conditions that are in force.
CREATE VIEW checkpoint_reached AS
SELECT r.project_id, r.id, r.id AS person_id, s.checkpoint::int AS checkpoint, lane.at AS reached_at
FROM funnel_progress r
JOIN segment s ON s.project_id = r.project_id AND s.checkpoint IS NOT NULL
CROSS JOIN LATERAL (
    SELECT CASE s.lane
        WHEN 0 THEN r.lane0 WHEN 1 THEN r.lane1 WHEN 2 THEN r.lane2 WHEN 3 THEN r.lane3
        WHEN 4 THEN r.lane4 WHEN 5 THEN r.lane5 WHEN 6 THEN r.lane6 WHEN 7 THEN r.lane7
        WHEN 8 THEN r.lane8 WHEN 9 THEN r.lane9 WHEN 10 THEN r.lane10 WHEN 11 THEN r.lane11
        WHEN 12 THEN r.lane12 WHEN 13 THEN r.lane13 WHEN 14 THEN r.lane14 WHEN 15 THEN r.lane15
        END AS at
) lane
WHERE lane.at IS NOT NULL;

-- What channels had to do with it, as it was counted last: by the pair of checkpoints and the days.
CREATE TABLE funnel_impact (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    place smallint NOT NULL,
    days smallint NOT NULL,
    body jsonb NOT NULL,
    at timestamptz NOT NULL,
    wanted_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN funnel_impact.id IS 'A hash of lanes, place and days';
