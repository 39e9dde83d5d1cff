-- How far people's rows remember an event that somebody began to ask about: everybody up to here
-- does. Whoever is behind it and comes by is read from history then.
ALTER TABLE segment_need ADD COLUMN cursor uuid;
