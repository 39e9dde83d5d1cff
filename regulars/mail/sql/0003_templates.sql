-- Reusable messages, and the pictures that mails show.
CREATE TABLE template (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL,
    content jsonb NOT NULL,
    thumb jsonb NOT NULL,
    made_from text,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    created_by uuid REFERENCES agent (id),
    changed_at timestamptz NOT NULL,
    changed_by uuid REFERENCES agent (id),
    deleted_at timestamptz,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN template.content IS 'What mail.content reads (Content.to_json)';
COMMENT ON COLUMN template.thumb IS 'What a small picture of it is drawn from: lists do not read the content';
COMMENT ON COLUMN template.made_from IS 'The ready-made one that it began as';
COMMENT ON COLUMN template.version IS 'Grows with every change: whoever saves says which one they began with';
CREATE INDEX template_newest ON template (project_id, changed_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX template_deleted ON template (deleted_at) WHERE deleted_at IS NOT NULL;

CREATE TABLE image (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    bytes integer NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid REFERENCES agent (id),
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN image.id IS 'Of what is in it: the same picture twice is one. Nobody can guess it who has not got it';
COMMENT ON COLUMN image.bytes IS 'As it is kept: without what cameras write into it, and no larger than mails need';
CREATE INDEX image_newest ON image (project_id, created_at DESC, id DESC);
