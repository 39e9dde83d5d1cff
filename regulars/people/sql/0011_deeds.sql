-- Which events somebody has ever done, a bit each: who never did something is asked all the time,
-- and of a million people their events would take several times as long to tell.
ALTER TABLE person_activity ADD COLUMN did bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN person_activity.did IS
    'Bits, counted from 1, of the events that the person has ever done; which is whose, person_deed says';
ALTER TABLE person_compact ADD COLUMN did bigint NOT NULL DEFAULT 0;
-- Which events have a bit: the first ones of a project. As person_slot, and for the same reasons.
CREATE TABLE person_deed (
    project_id uuid NOT NULL,
    id smallint NOT NULL CHECK (id BETWEEN 1 AND 62),
    key text COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT person_deed_key UNIQUE (project_id, key)
);
