-- Who was evaluated, or is gone, before the filling of a new step had passed them: it passes them over.
-- An id is what the person's row in step_found would have. Gone when the filling is.
CREATE TABLE step_evaluated (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    number smallint NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN step_evaluated.number IS 'The segment''s';

-- Marks were in step_found. Of a step that is being looked for, everybody is looked at anew, on people's
-- own rows.
UPDATE segment_plan SET version = floor(random() * 4e18)
WHERE project_id IN (SELECT f.project_id FROM segment_fill f JOIN segment s ON s.project_id = f.project_id AND s.id = f.id
                     WHERE s.has_found AND f.from_nobody);
UPDATE segment_fill f SET cursor = NULL, done = 0, from_nobody = false, started_at = f.started_at + interval '1 microsecond'
FROM segment s WHERE s.project_id = f.project_id AND s.id = f.id AND s.has_found AND f.from_nobody;
DELETE FROM step_found WHERE at IS NULL OR is_taken;
DROP INDEX step_found_loaded;
