-- What mail services call the mails that left by them.
CREATE TABLE mail_told (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    mail_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN mail_told.id IS 'A hash of the service and its own name for the mail';
COMMENT ON COLUMN mail_told.mail_id IS 'A recipient of an email to many, or a mail of outgoing_mail';
CREATE INDEX mail_told_by_time ON mail_told (created_at);
