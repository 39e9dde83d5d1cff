-- The windows on last_seen that a project's segments ask about, in days ("id"): everybody for whom
-- one ends up to "woken_until" has it on their row (person_activity.next_move_at).
CREATE TABLE segment_window (
    project_id uuid NOT NULL REFERENCES project (id),
    id integer NOT NULL,
    woken_until timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN segment_window.id IS 'Days';

-- Rows say all ends that are to come so far. Whoever changes from now on leaves out the distant ones.
INSERT INTO segment_window (project_id, id, woken_until)
SELECT DISTINCT s.project_id, (found ->> 'value')::integer, now()
FROM segment s, jsonb_path_query(
    s.filter,
    'strict $.** ? (@.field == "last_seen" && (@.op == "within_last"
                    || @.op == "not_within_last" || @.op == "at_least_ago"))',
    silent => true
) AS found
WHERE s.deleted_at IS NULL;
