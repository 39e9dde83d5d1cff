-- What the filling of a new step found of everybody, until people's own rows say it. A step's filling
-- begins from nobody, so here may be all there are: rows are narrow, and refer to nobody, since to
-- check that takes as long as to write them. "is_taken": the person's own row is the one that counts.
-- Without an instant: somebody has been loaded whom the filling had not come to.
CREATE TABLE step_found (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    number smallint NOT NULL,
    is_in boolean NOT NULL,
    is_taken boolean NOT NULL DEFAULT false,
    person_id uuid NOT NULL,
    at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT step_found_once UNIQUE (project_id, number, person_id)
);
COMMENT ON COLUMN step_found.number IS 'The segment''s';

-- The row's id: the person's with the lane of the step in the place of its version, which is 7 of all
-- of them. So a row is one step's and one person's, and those that are written one after the other
-- lie side by side.
CREATE FUNCTION step_found_id(person uuid, lane int) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT encode(set_byte(uuid_send(person), 6, (get_byte(uuid_send(person), 6) & 15) | (lane << 4)), 'hex')::uuid
$$;

CREATE INDEX step_found_loaded ON step_found (project_id, number, person_id) WHERE at IS NULL AND NOT is_taken;

ALTER TABLE segment_fill ADD COLUMN is_first boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN segment_fill.is_first IS 'Everybody has yet to be looked at once for the step';

ALTER TABLE segment ADD COLUMN has_found boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN segment.has_found IS 'Whether step_found may have rows of it';
CREATE INDEX segment_has_found ON segment (project_id, id) WHERE has_found;
