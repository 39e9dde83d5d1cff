-- The index that answers counts alone carries the bits along.
ALTER TABLE person_compact DROP CONSTRAINT person_compact_pkey, ADD PRIMARY KEY (project_id, id) INCLUDE (
    s1, s2, s3, s4, s5, s6, s7, s8, s9, s10, s11, s12, kind, sessions, seen_day, signed_up_at, did
);
