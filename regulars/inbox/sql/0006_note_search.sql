-- The search finds notes: their words, folded as messages' are, by whoever writes a note.
ALTER TABLE note ADD COLUMN words text NOT NULL DEFAULT '';
ALTER TABLE note ADD COLUMN found tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, words)) STORED;
COMMENT ON COLUMN note.words IS 'Its text folded, for the search';
