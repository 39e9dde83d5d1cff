-- People by columns, in packs of some ten thousand, for what is asked of everybody. A copy of
-- person_compact as of when each pack was made; whoever changed since is in person_unpacked.
CREATE TABLE person_pack (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    people integer NOT NULL DEFAULT 0,
    packed_at timestamptz,
    is_whole boolean NOT NULL DEFAULT true,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN person_pack.id IS 'The first id of a person that may be in it; the next pack''s is beyond';
COMMENT ON COLUMN person_pack.packed_at IS 'NULL: not yet, or not any more';
COMMENT ON COLUMN person_pack.is_whole IS 'Whether all custom values have columns';

CREATE TABLE person_packed (
    project_id uuid NOT NULL,
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    pack_id uuid NOT NULL,
    field text COLLATE "C" NOT NULL,
    form text NOT NULL,
    codes bytea NOT NULL,
    words bytea NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT person_packed_pack_fk FOREIGN KEY (project_id, pack_id) REFERENCES person_pack (project_id, id)
);
COMMENT ON TABLE person_packed IS 'A column of a pack, as people/packed/forms.py writes it; none where nobody has a value';
CREATE UNIQUE INDEX person_packed_by_field ON person_packed (project_id, pack_id, field);
-- Read whole and often: to unpack them once more would take longer than to read what that saves.
ALTER TABLE person_packed ALTER COLUMN codes SET STORAGE EXTERNAL, ALTER COLUMN words SET STORAGE EXTERNAL;

CREATE TABLE person_unpacked (
    project_id uuid NOT NULL,
    id bigint GENERATED ALWAYS AS IDENTITY,
    person_id uuid NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON TABLE person_unpacked IS
    'Who changed since their pack was made, as often as they did: written with person_compact, let go '
    'by whoever packs. Without references, which would be checked once a change';
