-- Rows that change with every event change little in what the planner asks of them. Autovacuum would look
-- at them anew each minute, for a quarter of a minute each time, and what was there when it began stays:
-- rows of which there are hundreds of versions by then are found and locked at many times the cost.
ALTER TABLE person SET (autovacuum_analyze_scale_factor = 2);
ALTER TABLE person_activity SET (autovacuum_analyze_scale_factor = 2);
ALTER TABLE person_compact SET (autovacuum_analyze_scale_factor = 2);
