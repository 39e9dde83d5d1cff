-- Whose own row counts has nothing in step_found any more.
CREATE OR REPLACE VIEW checkpoint_reached AS
SELECT r.project_id, r.id, r.id AS person_id, s.checkpoint::int AS checkpoint, lane.at AS reached_at
FROM funnel_progress r
JOIN segment s ON s.project_id = r.project_id AND s.checkpoint IS NOT NULL
LEFT JOIN step_found f ON f.project_id = r.project_id AND f.number = s.number AND f.person_id = r.id
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
           max(lane) FILTER (WHERE checkpoint = 1) AS lane1, max(number) FILTER (WHERE checkpoint = 1) AS number1,
           max(lane) FILTER (WHERE checkpoint = 2) AS lane2, max(number) FILTER (WHERE checkpoint = 2) AS number2,
           max(lane) FILTER (WHERE checkpoint = 3) AS lane3, max(number) FILTER (WHERE checkpoint = 3) AS number3,
           max(lane) FILTER (WHERE checkpoint = 4) AS lane4, max(number) FILTER (WHERE checkpoint = 4) AS number4,
           max(lane) FILTER (WHERE checkpoint = 5) AS lane5, max(number) FILTER (WHERE checkpoint = 5) AS number5
    FROM segment WHERE checkpoint IS NOT NULL GROUP BY project_id
) s ON s.project_id = r.project_id
LEFT JOIN step_found f1 ON f1.project_id = r.project_id AND f1.number = s.number1 AND f1.person_id = r.id
LEFT JOIN step_found f2 ON f2.project_id = r.project_id AND f2.number = s.number2 AND f2.person_id = r.id
LEFT JOIN step_found f3 ON f3.project_id = r.project_id AND f3.number = s.number3 AND f3.person_id = r.id
LEFT JOIN step_found f4 ON f4.project_id = r.project_id AND f4.number = s.number4 AND f4.person_id = r.id
LEFT JOIN step_found f5 ON f5.project_id = r.project_id AND f5.number = s.number5 AND f5.person_id = r.id;

-- No view asks for it now.
ALTER TABLE step_found DROP COLUMN is_taken, ALTER COLUMN at SET NOT NULL;
