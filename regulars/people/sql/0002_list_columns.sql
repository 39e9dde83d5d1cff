-- Which columns an agent wants to see in a list of people. The key is a hash of agent and view.
CREATE TABLE list_columns (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    agent_id uuid NOT NULL REFERENCES agent (id),
    view text NOT NULL,
    columns text[] NOT NULL,
    PRIMARY KEY (project_id, id)
);
