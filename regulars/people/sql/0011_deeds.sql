-- Which events somebody has ever done, a bit each: who never did something is asked all the time,
-- and of a million people their events would take several times as long to tell.
ALTER TABLE person_activity ADD COLUMN did bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN person_activity.did IS
    'Bits, counted from 1, of the events that the person has ever done; which is whose, person_deed says';
-- Which events have a bit: the first ones of a project. As person_slot, and for the same reasons.
CREATE TABLE person_deed (
    project_id uuid NOT NULL,
    id smallint NOT NULL CHECK (id BETWEEN 1 AND 62),
    key text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT person_deed_key UNIQUE (project_id, key)
);

-- Made anew: columns of a fixed width come first, then what is asked for most, since PostgreSQL
-- walks over all texts before the one that it looks for.
ALTER TABLE person_compact RENAME TO person_compact_before;
ALTER TABLE person_compact_before DROP CONSTRAINT person_compact_pkey,
    DROP CONSTRAINT person_compact_person_fk;
DROP INDEX person_compact_by_ip;
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
    did bigint NOT NULL DEFAULT 0,
    signed_up_at timestamptz,
    first_seen timestamptz,
    last_contacted timestamptz,
    last_emailed timestamptz,
    sessions integer NOT NULL,
    seen_day date,
    kind text COLLATE "C" NOT NULL,
    ip inet,
    browser text COLLATE "C",
    country text COLLATE "C",
    email text COLLATE "C",
    name text COLLATE "C",
    tags text[],
    referrer text COLLATE "C",
    utm_source text COLLATE "C",
    gender text COLLATE "C",
    texts jsonb,
    others jsonb,
    os text COLLATE "C",
    device text COLLATE "C",
    city text COLLATE "C",
    region text COLLATE "C",
    language text COLLATE "C",
    timezone text COLLATE "C",
    utm_medium text COLLATE "C",
    utm_campaign text COLLATE "C",
    utm_term text COLLATE "C",
    utm_content text COLLATE "C",
    first_name text COLLATE "C",
    last_name text COLLATE "C",
    user_id text COLLATE "C",
    phone text COLLATE "C"
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
COMMENT ON COLUMN person_compact.did IS 'As in person_activity';
