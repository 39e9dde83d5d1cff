-- Segments that agents make, change and delete. A deleted one is out of every list at once; its
-- members are let go in small steps, and then it goes itself.
ALTER TABLE segment
    ADD COLUMN created_by uuid,
    ADD COLUMN changed_at timestamptz,
    ADD COLUMN changed_by uuid,
    ADD COLUMN deleted_at timestamptz;
COMMENT ON COLUMN segment.filter IS 'NULL: its people are picked by hand';

-- Segments that are being filled: everybody up to "until" is looked at, in the order of ids, and
-- "cursor" is how far that is.
CREATE TABLE segment_fill (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    cursor uuid,
    until uuid NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    total bigint NOT NULL,
    started_at timestamptz NOT NULL,
    last_need integer NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT segment_fill_segment_fk FOREIGN KEY (project_id, id) REFERENCES segment (project_id, id)
);

COMMENT ON COLUMN segment_fill.last_need IS 'The highest number of a need that there was when it began';

-- What people's rows remember of their events (person_activity.event_times), for all segments of
-- the project that ask about the same event: the newest "keep" times. A number never comes again,
-- so that what a row still remembers under an old one is not mistaken for it.
CREATE TABLE segment_need (
    project_id uuid NOT NULL REFERENCES project (id),
    id integer NOT NULL,
    key text NOT NULL,
    keep integer NOT NULL,
    filled boolean NOT NULL DEFAULT false,
    PRIMARY KEY (project_id, id),
    CONSTRAINT segment_need_key UNIQUE (project_id, key)
);
ALTER TABLE segment_plan
    ADD COLUMN last_number smallint NOT NULL DEFAULT 4,
    ADD COLUMN last_need integer NOT NULL DEFAULT 0,
    ADD COLUMN time_zone text;
COMMENT ON COLUMN segment_plan.time_zone IS 'The zone whose days the segments were filled by';
COMMENT ON COLUMN segment_plan.last_number IS 'The highest number a segment of the project ever had';

-- Who entered and left which segment, when, and what brought it about. Like events without a
-- foreign key to person: merges and erasures reach these rows by their own statements.
CREATE TABLE segment_transition (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    segment_id uuid NOT NULL,
    person_id uuid NOT NULL,
    way text NOT NULL CHECK (way IN ('in', 'out')),
    cause text NOT NULL,
    detail text,
    at timestamptz NOT NULL,
    came_from uuid[],
    PRIMARY KEY (project_id, id)
);
CREATE INDEX segment_transition_by_segment ON segment_transition (project_id, segment_id, id DESC);
CREATE INDEX segment_transition_by_person ON segment_transition (project_id, person_id, id DESC);

-- How each segment did each day (UTC): moved by the transaction that moves its count. The key is a
-- hash of segment and day.
CREATE TABLE segment_day (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    segment_id uuid NOT NULL,
    day date NOT NULL,
    people bigint NOT NULL,
    entered bigint NOT NULL DEFAULT 0,
    "left" bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id),
    CONSTRAINT segment_day_segment_fk FOREIGN KEY (project_id, segment_id) REFERENCES segment (project_id, id)
);
CREATE INDEX segment_day_by_segment ON segment_day (project_id, segment_id, day);
