-- What filters ask of people, and no more: a few hundred bytes a person, close together, so that
-- counting a million reads little. Texts are folded. Written with the rows of person and
-- person_activity, in the same transaction; what changes with each page view is not in it.
-- Made anew, since the slots come first: what stands behind texts of any length is found slowly.
DROP TABLE person_compact;
CREATE TABLE person_compact (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    s1 bigint NOT NULL DEFAULT 0,
    s2 bigint NOT NULL DEFAULT 0,
    s3 bigint NOT NULL DEFAULT 0,
    s4 bigint NOT NULL DEFAULT 0,
    s5 bigint NOT NULL DEFAULT 0,
    s6 bigint NOT NULL DEFAULT 0,
    s7 bigint NOT NULL DEFAULT 0,
    s8 bigint NOT NULL DEFAULT 0,
    s9 bigint NOT NULL DEFAULT 0,
    s10 bigint NOT NULL DEFAULT 0,
    s11 bigint NOT NULL DEFAULT 0,
    s12 bigint NOT NULL DEFAULT 0,
    sessions integer NOT NULL,
    seen_day date,
    kind text COLLATE "C" NOT NULL,
    signed_up_at timestamptz,
    first_seen timestamptz,
    country text COLLATE "C",
    browser text COLLATE "C",
    os text COLLATE "C",
    device text COLLATE "C",
    city text COLLATE "C",
    region text COLLATE "C",
    language text COLLATE "C",
    timezone text COLLATE "C",
    gender text COLLATE "C",
    utm_source text COLLATE "C",
    utm_medium text COLLATE "C",
    utm_campaign text COLLATE "C",
    utm_term text COLLATE "C",
    utm_content text COLLATE "C",
    referrer text COLLATE "C",
    ip inet,
    tags text[],
    texts jsonb,
    others jsonb,
    email text COLLATE "C",
    name text COLLATE "C",
    first_name text COLLATE "C",
    last_name text COLLATE "C",
    user_id text COLLATE "C",
    phone text COLLATE "C",
    last_contacted timestamptz,
    last_emailed timestamptz,
    -- With what is asked most: the index alone answers it, at less than half of what the rows cost.
    PRIMARY KEY (project_id, id) INCLUDE (
        s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, kind, sessions, seen_day, signed_up_at
    ),
    CONSTRAINT person_compact_person_fk FOREIGN KEY (project_id, id) REFERENCES person (project_id, id)
) WITH (
    fillfactor = 95,
    -- A scan need not ask who may see the rows of a page that was cleaned up since it changed.
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.02
);
COMMENT ON COLUMN person_compact.s1 IS
    'Slots: numbers that stand for custom values (filters/slots.py); which is whose, person_slot says';
COMMENT ON COLUMN person_compact.seen_day IS 'The day (UTC) of last_seen, whose instant is in person_activity';
COMMENT ON COLUMN person_compact.tags IS 'NULL: none';
COMMENT ON COLUMN person_compact.texts IS
    'Folded custom texts: {"a:<attribute>" or "c:<key of the company>": text}; addresses also as '
    'digits under "i:" and the key';
COMMENT ON COLUMN person_compact.others IS
    'The other custom values under the same keys: numbers, truth values, {} for lists and objects. '
    'Texts that write a time are there as microseconds since 2000: under "m:" and the key for a '
    'moment, under "w:" and the key for a reading of the project''s wall clock';
CREATE INDEX person_compact_by_ip ON person_compact (project_id, ip) WHERE ip IS NOT NULL;
-- Which custom values have a slot: of the keys that stand in texts and others the first ones that
-- the project sent. Taken once, before anybody has such a value, and never given back: so a row
-- that has the key has the slot. Written over a connection of its own, without a foreign key, since
-- whoever needs a slot is amid a transaction that may have locked the project.
CREATE TABLE person_slot (
    project_id uuid NOT NULL,
    id smallint NOT NULL CHECK (id BETWEEN 1 AND 12),
    key text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT person_slot_key UNIQUE (project_id, key)
);
