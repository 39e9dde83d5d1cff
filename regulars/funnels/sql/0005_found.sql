-- Whose own row counts has nothing in step_found any more. By its key, which is all that is indexed.
CREATE OR REPLACE VIEW checkpoint_reached AS
SELECT r.project_id, r.id, r.id AS person_id, s.checkpoint::int AS checkpoint, lane.at AS reached_at
FROM funnel_progress r
JOIN segment s ON s.project_id = r.project_id AND s.checkpoint IS NOT NULL
LEFT JOIN step_found f ON f.project_id = r.project_id AND f.id = step_found_id(r.id, s.lane)
CROSS JOIN LATERAL (SELECT coalesce(funnel_lane(r, s.lane), f.at) AS at) lane
WHERE lane.at IS NOT NULL;

CREATE OR REPLACE VIEW checkpoint_times AS
SELECT r.project_id, r.id, r.id AS person_id,
       coalesce(funnel_lane(r, s.lane1), f1.at) AS at1,
       coalesce(funnel_lane(r, s.lane2), f2.at) AS at2,
       coalesce(funnel_lane(r, s.lane3), f3.at) AS at3,
       coalesce(funnel_lane(r, s.lane4), f4.at) AS at4,
       coalesce(funnel_lane(r, s.lane5), f5.at) AS at5
FROM funnel_progress r
JOIN (
    SELECT project_id,
           max(lane) FILTER (WHERE checkpoint = 1) AS lane1,
           max(lane) FILTER (WHERE checkpoint = 2) AS lane2,
           max(lane) FILTER (WHERE checkpoint = 3) AS lane3,
           max(lane) FILTER (WHERE checkpoint = 4) AS lane4,
           max(lane) FILTER (WHERE checkpoint = 5) AS lane5
    FROM segment WHERE checkpoint IS NOT NULL GROUP BY project_id
) s ON s.project_id = r.project_id
LEFT JOIN step_found f1 ON f1.project_id = r.project_id AND f1.id = step_found_id(r.id, s.lane1)
LEFT JOIN step_found f2 ON f2.project_id = r.project_id AND f2.id = step_found_id(r.id, s.lane2)
LEFT JOIN step_found f3 ON f3.project_id = r.project_id AND f3.id = step_found_id(r.id, s.lane3)
LEFT JOIN step_found f4 ON f4.project_id = r.project_id AND f4.id = step_found_id(r.id, s.lane4)
LEFT JOIN step_found f5 ON f5.project_id = r.project_id AND f5.id = step_found_id(r.id, s.lane5);

-- No view asks for these now.
ALTER TABLE step_found DROP CONSTRAINT step_found_once, DROP COLUMN is_taken, ALTER COLUMN at SET NOT NULL;

-- As people's own rows.
ALTER TABLE funnel_progress SET (autovacuum_analyze_scale_factor = 2);
