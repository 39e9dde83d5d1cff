-- What an agent asked of the reports, kept under a name for everybody in the project.
CREATE TABLE report_view (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL,
    asked jsonb NOT NULL,
    created_by uuid REFERENCES agent (id),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN report_view.asked IS 'The parts of the page''s address: show, by, step, starts, and a period or two days';
