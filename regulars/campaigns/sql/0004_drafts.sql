-- Two may write one draft: whoever saves says which version they began with.
ALTER TABLE email
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    ADD COLUMN changed_by uuid,
    ADD COLUMN changed_in text NOT NULL DEFAULT '',
    ADD COLUMN changed_step integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN email.version IS 'Grows with every change of what it says';
COMMENT ON COLUMN email.changed_in IS 'The window that wrote it last: it is never late behind itself';
COMMENT ON COLUMN email.changed_step IS 'How much had been written in that window';
-- How often a template was used.
CREATE INDEX email_of_template ON email (project_id, template_id, created_at DESC, id DESC)
    WHERE template_id IS NOT NULL AND accepted_at IS NOT NULL;
