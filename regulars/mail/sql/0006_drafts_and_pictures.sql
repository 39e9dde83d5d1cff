-- Which window wrote a template last, and which pictures people may be shown.
ALTER TABLE template
    ADD COLUMN changed_in text NOT NULL DEFAULT '',
    ADD COLUMN changed_step integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN template.changed_in IS 'The window that wrote it last: it is never late behind itself';
COMMENT ON COLUMN template.changed_step IS 'How much had been written in that window';

ALTER TABLE image
    ADD COLUMN shown_at timestamptz;
COMMENT ON COLUMN image.shown_at IS 'When a mail that shows it was first sent, or it became a logo: it is kept for good, since the mail stays in mailboxes';
-- What was sent before this was kept is not known: those pictures stay.
UPDATE image SET shown_at = created_at;
CREATE INDEX image_unshown ON image (created_at) WHERE shown_at IS NULL;
