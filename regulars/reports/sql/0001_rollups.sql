-- How often something happened, by day (in the project's time zone) and by what it is told apart:
-- kept by one loop of the worker, never scanned from events. The key is a hash of everything but
-- the count.
CREATE TABLE rollup (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    generation integer NOT NULL,
    metric text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL DEFAULT '',
    dimension text COLLATE "C" NOT NULL DEFAULT '',
    value text COLLATE "C" NOT NULL DEFAULT '',
    day date NOT NULL,
    count bigint NOT NULL,
    PRIMARY KEY (project_id, id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN rollup.name IS 'The event''s name, where its own parts are counted; else nothing';
COMMENT ON COLUMN rollup.dimension IS 'What is told apart: path, country, hour ...; nothing for the whole';
CREATE INDEX rollup_by_day ON rollup (project_id, generation, metric, name, dimension, day);

-- What the counts know of a person, so that nobody is counted twice on a day, and a sign-up moves
-- as its facts do. It goes with the person; the counts stay, and name nobody.
CREATE TABLE rollup_person (
    project_id uuid NOT NULL,
    id uuid NOT NULL,
    generation integer NOT NULL,
    days integer[] NOT NULL DEFAULT '{}',
    signed_up date,
    country text,
    source text,
    PRIMARY KEY (project_id, id)
) WITH (fillfactor = 85);
COMMENT ON COLUMN rollup_person.days IS 'Days since 1970 on which the person did something, ascending';

-- How far the counting is. Events received before "since" are history, counted in the order of
-- ids; those after it follow the outbox, behind "cursor".
CREATE TABLE rollup_state (
    project_id uuid NOT NULL REFERENCES project (id),
    id smallint NOT NULL DEFAULT 0 CHECK (id = 0),
    generation integer NOT NULL,
    shown integer NOT NULL,
    time_zone text NOT NULL,
    since uuid NOT NULL,
    cursor bigint NOT NULL,
    phase text NOT NULL CHECK (phase IN ('events', 'sessions', 'people', 'done')),
    place uuid,
    names text[] NOT NULL DEFAULT '{}',
    started_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN rollup_state.shown IS 'The generation that pages read: the one before, while a new one is counted';

COMMENT ON COLUMN rollup_state.names IS 'The events whose own parts are counted: the first that came';

-- How many were here at most in each ten minutes (id: tens of minutes since 1970).
CREATE TABLE online_peak (
    project_id uuid NOT NULL REFERENCES project (id),
    id bigint NOT NULL,
    people integer NOT NULL,
    PRIMARY KEY (project_id, id)
);

-- Agents (id) who have put the list of first steps away.
CREATE TABLE first_steps_away (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL REFERENCES agent (id),
    at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
