-- What agents do to many people at once: a job a row, worked off by people/bulk.py in small steps.
CREATE TABLE bulk_job (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    kind text NOT NULL,
    arguments jsonb NOT NULL DEFAULT '{}',
    selection jsonb NOT NULL,
    asked_at timestamptz NOT NULL,
    zone text NOT NULL DEFAULT 'UTC',
    created_by uuid,
    state text NOT NULL DEFAULT 'waiting'
        CHECK (state IN ('waiting', 'running', 'done', 'cancelled', 'failed')),
    error text,
    tries smallint NOT NULL DEFAULT 0,
    cursor uuid,
    total bigint NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    file_bytes bigint NOT NULL DEFAULT 0,
    undoes uuid,
    undone_by uuid,
    worked_at timestamptz NOT NULL,
    ended_at timestamptz,
    closed_at timestamptz,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN bulk_job.asked_at IS 'When it was asked for: the instant at which the selection is meant';
COMMENT ON COLUMN bulk_job.cursor IS 'Everybody up to this id is done, in the same transaction that says so';
COMMENT ON COLUMN bulk_job.file_bytes IS 'How much of an export''s file counts: what lies behind is of a step that was cut off';
CREATE INDEX bulk_job_open ON bulk_job (worked_at) WHERE state IN ('waiting', 'running');
CREATE INDEX bulk_job_ended ON bulk_job (ended_at) WHERE ended_at IS NOT NULL;

-- Whom a job changed, so that it can be undone for them and nobody else. The key is a hash of both:
-- nobody is changed twice.
CREATE TABLE bulk_change (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    job_id uuid NOT NULL,
    person_id uuid NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT bulk_change_job_fk FOREIGN KEY (project_id, job_id) REFERENCES bulk_job (project_id, id)
);
CREATE INDEX bulk_change_by_job ON bulk_change (project_id, job_id, person_id);
CREATE INDEX bulk_change_by_person ON bulk_change (project_id, person_id);
