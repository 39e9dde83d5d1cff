-- What agents write down about people: for the team and the person, or for the team alone.
CREATE TABLE note (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    person_id uuid NOT NULL,
    came_from uuid[],
    agent_id uuid REFERENCES agent (id),
    html text NOT NULL,
    text text NOT NULL,
    shared boolean NOT NULL,
    pinned_at timestamptz,
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    edited_by uuid REFERENCES agent (id),
    deleted_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT note_person_fk FOREIGN KEY (project_id, person_id) REFERENCES person (project_id, id)
);
COMMENT ON COLUMN note.id IS 'Of the instant at which it was made: notes in the order of their ids are in that of time';
COMMENT ON COLUMN note.agent_id IS 'Who wrote it; nobody, where it came by the REST API';
COMMENT ON COLUMN note.html IS 'Sanitised before it is kept';
COMMENT ON COLUMN note.text IS 'The same without any markup';
COMMENT ON COLUMN note.shared IS 'The person may read it too';
COMMENT ON COLUMN note.deleted_at IS 'It is shown nowhere any more; some days later it is gone';
CREATE INDEX note_by_person ON note (project_id, person_id, id DESC);
CREATE INDEX note_deleted ON note (deleted_at) WHERE deleted_at IS NOT NULL;

-- What a note said, and who could read it, from an instant on. The newest is as the note is.
CREATE TABLE note_version (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    note_id uuid NOT NULL,
    agent_id uuid REFERENCES agent (id),
    html text NOT NULL,
    shared boolean NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT note_version_note_fk FOREIGN KEY (project_id, note_id) REFERENCES note (project_id, id)
);
CREATE INDEX note_version_of ON note_version (project_id, note_id, id DESC);
