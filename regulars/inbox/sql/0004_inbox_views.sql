-- What the inbox lists: each of its views is read from an index, in its order.
CREATE INDEX conversation_unassigned ON conversation (project_id, last_at DESC, id DESC) WHERE state = 'open' AND assignee_id IS NULL AND merged_into IS NULL;
CREATE INDEX conversation_waiting ON conversation (project_id, waiting_since, id) WHERE state = 'open' AND waiting_since IS NOT NULL AND merged_into IS NULL;
CREATE INDEX conversation_put_aside ON conversation (project_id, state, last_at DESC, id DESC) WHERE state <> 'open' AND merged_into IS NULL;
CREATE INDEX conversation_unsolved ON conversation (project_id, last_at DESC, id DESC) WHERE status IN ('open', 'pending') AND merged_into IS NULL;
CREATE INDEX conversation_by_status ON conversation (project_id, status, last_at DESC, id DESC) WHERE number IS NOT NULL AND merged_into IS NULL;
CREATE INDEX conversation_unread ON conversation (project_id, assignee_id) WHERE state = 'open' AND person_seq > agents_seen AND merged_into IS NULL;

-- The search looks through subjects too. Unlike messages they change, in several places: the words
-- are kept by the database. Its parser lowers letters by itself, so the search asks both for the
-- folded words and for those that were typed.
ALTER TABLE conversation ADD COLUMN subject_found tsvector GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, subject)) STORED;
CREATE INDEX conversation_subject_found ON conversation USING gin (subject_found) WITH (fastupdate = off);

-- Words that many messages hold are found by going through the newest messages instead.
CREATE INDEX message_by_time ON message (project_id, at DESC, id DESC);
