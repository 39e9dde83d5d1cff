-- Files of people being brought in: one a row, worked off by people/imports/working.py.
CREATE TABLE people_import (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    created_by uuid,
    file_name text NOT NULL,
    file_bytes bigint NOT NULL,
    encoding text NOT NULL,
    separator text NOT NULL,
    columns jsonb NOT NULL,
    options jsonb NOT NULL DEFAULT '{}',
    state text NOT NULL DEFAULT 'draft'
        CHECK (state IN ('draft', 'checking', 'checked', 'waiting', 'running', 'done', 'cancelled', 'failed')),
    revision int NOT NULL DEFAULT 1,
    error text,
    tries smallint NOT NULL DEFAULT 0,
    rows_done bigint NOT NULL DEFAULT 0,
    bytes_done bigint NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}',
    checked jsonb NOT NULL DEFAULT '{}',
    refused_bytes bigint NOT NULL DEFAULT 0,
    worked_at timestamptz NOT NULL,
    started_at timestamptz,
    ended_at timestamptz,
    undone_by uuid,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN people_import.revision IS 'Counts the changes of columns and options: what an older dry run found is void';
COMMENT ON COLUMN people_import.rows_done IS 'Rows up to here are done, in the same transaction that says so';
COMMENT ON COLUMN people_import.refused_bytes IS 'How much of the file of refused rows counts: what lies behind is of a step that was cut off';
CREATE INDEX people_import_open ON people_import (worked_at) WHERE state IN ('checking', 'waiting', 'running');
CREATE INDEX people_import_by_age ON people_import (worked_at) WHERE state NOT IN ('checking', 'waiting', 'running');

-- Who stood in a file, by a hash of what they are known by: nobody is brought in twice, and whom the
-- import made can be taken back.
CREATE TABLE people_import_row (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    import_id uuid NOT NULL,
    revision int NOT NULL,
    line bigint NOT NULL,
    person_id uuid,
    PRIMARY KEY (project_id, id),
    CONSTRAINT people_import_row_fk FOREIGN KEY (project_id, import_id) REFERENCES people_import (project_id, id)
);
COMMENT ON COLUMN people_import_row.person_id IS 'Whom the row made, if it made somebody';
CREATE INDEX people_import_row_by_import ON people_import_row (project_id, import_id, revision);
CREATE INDEX people_import_row_made ON people_import_row (project_id, import_id, person_id) WHERE person_id IS NOT NULL;
CREATE INDEX people_import_row_by_person ON people_import_row (project_id, person_id) WHERE person_id IS NOT NULL;

-- The first refused rows, to be shown; all of them are in a file.
CREATE TABLE people_import_refusal (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    import_id uuid NOT NULL,
    revision int NOT NULL,
    line bigint NOT NULL,
    field text NOT NULL,
    why text NOT NULL,
    says text NOT NULL,
    help text NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT people_import_refusal_fk FOREIGN KEY (project_id, import_id) REFERENCES people_import (project_id, id)
);
CREATE INDEX people_import_refusal_by_line ON people_import_refusal (project_id, import_id, line);
