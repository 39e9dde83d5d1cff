-- How many events came in each minute (id: minutes since 1970), for the Tracking page.
CREATE TABLE event_rate (
    project_id uuid NOT NULL REFERENCES project (id),
    id bigint NOT NULL,
    events bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, id)
);
