-- What was counted last of the funnel: its report, its weeks, and the impact of channels. Whatever
-- was kept before is counted anew when it is asked for.
DROP TABLE funnel_impact;
CREATE TABLE funnel_kept (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    what text NOT NULL CHECK (what IN ('report', 'weeks', 'impact')),
    place smallint NOT NULL,
    days smallint,
    split text NOT NULL,
    part text NOT NULL,
    body jsonb NOT NULL,
    at timestamptz NOT NULL,
    wanted_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN funnel_kept.id IS 'A hash of the lanes and of what was asked for';
COMMENT ON COLUMN funnel_kept.days IS 'NULL: of all time';
