-- Saved groups of people. The four built-in lists are segments like any other.
CREATE TABLE segment (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    number smallint NOT NULL,
    name text NOT NULL,
    builtin text CHECK (builtin IN ('all', 'new', 'active', 'slipping')),
    filter jsonb,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT segment_number UNIQUE (project_id, number)
);

-- Who is in which segment, exact with the transaction that changed the person. The key is a hash
-- of both, so that being in twice is impossible without a second index.
CREATE TABLE segment_member (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    segment_id uuid NOT NULL,
    person_id uuid NOT NULL,
    since timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT segment_member_segment_fk FOREIGN KEY (project_id, segment_id) REFERENCES segment (project_id, id),
    CONSTRAINT segment_member_person_fk FOREIGN KEY (project_id, person_id) REFERENCES person (project_id, id)
);
CREATE INDEX segment_member_by_segment ON segment_member (project_id, segment_id, person_id);
CREATE INDEX segment_member_by_person ON segment_member (project_id, person_id);

CREATE TABLE segment_count (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    people bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id),
    CONSTRAINT segment_count_segment_fk FOREIGN KEY (project_id, id) REFERENCES segment (project_id, id)
);

-- Which version of the project's segments a transaction evaluates: it shares this row's lock, so
-- that whoever changes a segment waits for those who still evaluate the old one.
CREATE TABLE segment_plan (
    project_id uuid NOT NULL REFERENCES project (id),
    id smallint NOT NULL DEFAULT 0 CHECK (id = 0),
    version bigint NOT NULL DEFAULT 1,
    PRIMARY KEY (project_id, id)
);
