-- Who did something of a name, and when: what filters on behaviour ask, answered by the index alone.
-- Each name's newest entries lie together, so that an insert finds them in memory.
CREATE INDEX event_by_name ON event (project_id, name, happened_at, person_id) WHERE kind = 'track';
