-- What agents chose for those of whom nobody can say whether they got an email, and sending that is held.
ALTER TABLE email_recipient
    ADD COLUMN chosen text CHECK (chosen IN ('again', 'left')),
    ADD COLUMN chosen_by uuid,
    ADD COLUMN chosen_at timestamptz;
COMMENT ON COLUMN email_recipient.chosen IS 'Where the outcome was unknown: sent again by hand, or left as it was';
COMMENT ON COLUMN email_recipient.chosen_by IS 'The agent who chose';
ALTER TABLE sending_settings
    ADD COLUMN held_at timestamptz,
    ADD COLUMN held_by uuid;
COMMENT ON COLUMN sending_settings.held_at IS 'Since when no email of the project leaves, whatever its own state; NULL: they leave';
CREATE INDEX email_unsent ON email (changed_at) WHERE state IN ('gathering', 'gathered');
