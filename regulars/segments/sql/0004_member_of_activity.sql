-- A membership refers to the row of its person that everybody locks who changes the person, and
-- that carries the segments' numbers: not to the wide one, which each new membership would lock,
-- log and write besides. The two rows come and go together.
ALTER TABLE segment_member
    DROP CONSTRAINT segment_member_person_fk,
    ADD CONSTRAINT segment_member_person_fk
        FOREIGN KEY (project_id, person_id) REFERENCES person_activity (project_id, id);
