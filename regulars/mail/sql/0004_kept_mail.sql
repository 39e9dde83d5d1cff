-- How much mail is kept for want of a server: the number beside the local outbox.
CREATE INDEX outgoing_mail_kept ON outgoing_mail (project_id) WHERE state = 'kept';
