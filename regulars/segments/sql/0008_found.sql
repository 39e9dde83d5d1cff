-- What the filling of a new step found of everybody, until people's own rows say it. A step's filling
-- begins from nobody, so here may be all there are: rows are narrow, and refer to nobody, since to
-- check that takes as long as to write them. "is_taken": the person's own row is the one that counts.
-- Without an instant: somebody has been loaded whom the filling had not come to.
CREATE TABLE step_found (
    project_id uuid NOT NULL,
    number smallint NOT NULL,
    is_in boolean NOT NULL,
    is_taken boolean NOT NULL DEFAULT false,
    id uuid NOT NULL,
    at timestamptz,
    PRIMARY KEY (project_id, number, id)
);
COMMENT ON COLUMN step_found.number IS 'The segment''s';
COMMENT ON COLUMN step_found.id IS 'The person''s';

CREATE INDEX step_found_loaded ON step_found (project_id, number, id) WHERE at IS NULL AND NOT is_taken;

ALTER TABLE segment_fill ADD COLUMN is_first boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN segment_fill.is_first IS 'Everybody has yet to be looked at once for the step';

ALTER TABLE segment ADD COLUMN has_found boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN segment.has_found IS 'Whether step_found may have rows of it';
CREATE INDEX segment_has_found ON segment (project_id, id) WHERE has_found;
