-- Projects that are being deleted, and that were: all that is left of one is its name, who deleted
-- it and when. Its id is not a reference: the project goes.
CREATE TABLE project_removal (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    asked_by uuid REFERENCES agent (id),
    asked_email text NOT NULL,
    asked_ip text,
    asked_at timestamptz NOT NULL,
    tables integer NOT NULL DEFAULT 0,
    tables_done integer NOT NULL DEFAULT 0,
    rows_gone bigint NOT NULL DEFAULT 0,
    done_at timestamptz
);
CREATE INDEX project_removal_open ON project_removal (asked_at) WHERE done_at IS NULL;
