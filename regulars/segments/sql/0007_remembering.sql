-- How far people's rows remember an event that somebody began to ask about: everybody up to here
-- does. Whoever is behind it and comes by is read from history then.
ALTER TABLE segment_need ADD COLUMN cursor uuid;

-- Whether nobody was in the segment when its filling began: then nobody has to leave it.
ALTER TABLE segment_fill ADD COLUMN from_nobody boolean NOT NULL DEFAULT false;
