-- What filters ask of people, and no more: a few hundred bytes a person, close together, so that
-- counting a million reads little. Texts are folded. Written with the rows of person and
-- person_activity, in the same transaction; what changes with each page view is not in it.
CREATE TABLE person_compact (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
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
    PRIMARY KEY (project_id, id),
    CONSTRAINT person_compact_person_fk FOREIGN KEY (project_id, id) REFERENCES person (project_id, id)
) WITH (fillfactor = 95);
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
