-- Finds what people wrote and no agent has looked at, whichever project it is in.
CREATE INDEX conversation_unseen ON conversation (waiting_since)
    WHERE person_seq > agents_seen AND state = 'open' AND merged_into IS NULL;
