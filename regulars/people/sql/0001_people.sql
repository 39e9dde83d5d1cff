-- Who the people of a project are. Written by the core, read by everybody.
-- Text that filters, searches or sorts compare is folded in Python and stored under COLLATE "C".

CREATE TABLE person (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('visitor', 'lead', 'user')),
    user_id text,
    email text,
    email_folded text COLLATE "C",
    name text,
    name_folded text COLLATE "C",
    name_sort text COLLATE "C" NOT NULL DEFAULT '',
    first_name text,
    last_name text,
    gender text,
    phone text,
    signed_up_at timestamptz,
    first_seen timestamptz,
    last_contacted timestamptz,
    last_emailed timestamptz,
    country text,
    country_code text,
    region text,
    city text,
    browser text,
    browser_version text,
    os text,
    device text,
    ip inet,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_term text,
    utm_content text,
    referrer text,
    landing_page text,
    language text,
    timezone text,
    touched_at timestamptz,
    company jsonb NOT NULL DEFAULT '{}',
    attributes jsonb NOT NULL DEFAULT '{}',
    folded jsonb NOT NULL DEFAULT '{}',
    tags text[] NOT NULL DEFAULT '{}',
    stamps jsonb NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    search text COLLATE "C",
    PRIMARY KEY (project_id, id)
) WITH (fillfactor = 85);
COMMENT ON COLUMN person.stamps IS 'When each fact was last said (seconds since 1970): the newest wins';
COMMENT ON COLUMN person.folded IS 'Folded copies of every text fact: what equality is asked of';
COMMENT ON COLUMN person.search IS 'Folded name, email and user id of leads and users: the search box';

-- The lists' orders. Visitors are the many and are listed by last_seen alone, so they cost nothing here.
CREATE INDEX person_by_name ON person (project_id, kind, name_sort, id) WHERE kind <> 'visitor';
CREATE INDEX person_by_signup ON person (project_id, kind, signed_up_at DESC NULLS LAST, id DESC) WHERE kind <> 'visitor';
CREATE INDEX person_by_first_seen ON person (project_id, kind, first_seen DESC NULLS LAST, id DESC);
CREATE INDEX person_by_email ON person (project_id, email_folded, id) WHERE email_folded IS NOT NULL;
CREATE INDEX person_by_country ON person (project_id, kind, country, id) WHERE kind <> 'visitor';
-- Without the pending list: its clean-up would stall a whole batch for hundreds of milliseconds.
CREATE INDEX person_by_folded ON person USING gin (folded jsonb_path_ops) WITH (fastupdate = off);

-- What changes on every page view, kept out of the wide row and its indexes. One row a person;
-- whoever changes a person locks this row first.
CREATE TABLE person_activity (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL,
    last_seen timestamptz,
    browser_seen_at timestamptz,
    page_url text,
    page_path text,
    page_title text,
    page_since timestamptz,
    sessions integer NOT NULL DEFAULT 0,
    page_views bigint NOT NULL DEFAULT 0,
    open_sessions jsonb NOT NULL DEFAULT '{}',
    rhythm bytea NOT NULL DEFAULT ''::bytea,
    rhythm_day integer NOT NULL DEFAULT 0,
    segments smallint[] NOT NULL DEFAULT '{}',
    next_move_at timestamptz,
    context_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT person_activity_person_fk FOREIGN KEY (project_id, id) REFERENCES person (project_id, id)
) WITH (fillfactor = 70);
COMMENT ON COLUMN person_activity.open_sessions IS 'Recent sessions by browser: {anonymous id: [[session, first, last second since 1970], ...]}';
COMMENT ON COLUMN person_activity.rhythm IS '28 bytes, one a day, the last for rhythm_day: how much was seen that day, at most 255';
COMMENT ON COLUMN person_activity.rhythm_day IS 'Days since 1970 in the project''s time zone';
COMMENT ON COLUMN person_activity.segments IS 'Numbers of the segments the person is in: segment_member says since when';
COMMENT ON COLUMN person_activity.next_move_at IS 'No later than the instant at which time alone could change a segment';
CREATE INDEX person_activity_by_last_seen ON person_activity (project_id, kind, last_seen DESC NULLS LAST, id DESC);
CREATE INDEX person_activity_by_sessions ON person_activity (project_id, kind, sessions, id) WHERE kind <> 'visitor';
CREATE INDEX person_activity_by_move ON person_activity (project_id, next_move_at) WHERE next_move_at IS NOT NULL;

-- By what a person is known: the product's user id, a browser's anonymous id, a merged person's
-- old id. The key is a hash of kind and value, so that one index both finds and protects it.
CREATE TABLE identity (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    kind text NOT NULL CHECK (kind IN ('user', 'anonymous', 'former')),
    value text NOT NULL,
    person_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    came_from uuid[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (project_id, id),
    CONSTRAINT identity_person_fk FOREIGN KEY (project_id, person_id) REFERENCES person (project_id, id)
);
CREATE INDEX identity_by_person ON identity (project_id, person_id);

-- How many people there are of each kind, moved by each transaction's difference.
CREATE TABLE kind_count (
    project_id uuid NOT NULL REFERENCES project (id),
    id text NOT NULL,
    people bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id)
);

-- Custom attributes seen so far, with the type their values have.
CREATE TABLE attribute_key (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    scope text NOT NULL CHECK (scope IN ('attributes', 'company')),
    key text NOT NULL,
    type text NOT NULL CHECK (type IN ('text', 'number', 'boolean', 'date', 'list', 'object', 'mixed')),
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);

-- A merge keeps what it changed, so that it can be undone.
CREATE TABLE merge (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    from_id uuid NOT NULL,
    into_id uuid NOT NULL,
    cause text NOT NULL CHECK (cause IN ('identify', 'alias', 'agent', 'rest')),
    agent_id uuid,
    at timestamptz NOT NULL,
    from_row jsonb NOT NULL,
    into_before jsonb NOT NULL,
    into_after jsonb NOT NULL,
    undone_at timestamptz,
    came_from uuid[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (project_id, id),
    CONSTRAINT merge_into_fk FOREIGN KEY (project_id, into_id) REFERENCES person (project_id, id)
);
CREATE INDEX merge_by_into ON merge (project_id, into_id, at DESC);

-- Two people an agent has said are not the same.
CREATE TABLE merge_dismissal (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    one_id uuid NOT NULL,
    other_id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT merge_dismissal_one_fk FOREIGN KEY (project_id, one_id) REFERENCES person (project_id, id),
    CONSTRAINT merge_dismissal_other_fk FOREIGN KEY (project_id, other_id) REFERENCES person (project_id, id)
);

-- Keyed hashes of what erased people were known by: events timed before the erasure are refused.
CREATE TABLE erased_key (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
CREATE INDEX erased_key_by_age ON erased_key (project_id, at);
