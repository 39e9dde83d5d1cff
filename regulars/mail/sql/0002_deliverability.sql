-- Domains that a project sends from, what the DNS was last seen to say of them, and their keys.
CREATE TABLE mail_domain (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL COLLATE "C",
    return_path text NOT NULL DEFAULT '',
    found jsonb,
    checked_at timestamptz,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id),
    CONSTRAINT mail_domain_once UNIQUE (project_id, name)
);
COMMENT ON COLUMN mail_domain.return_path IS 'The address that bounces of mail from this domain come back to; empty: that of the sender';
COMMENT ON COLUMN mail_domain.found IS 'What the last look at the DNS found: a record''s name to its state';

CREATE TABLE dkim_key (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    domain_id uuid NOT NULL,
    selector text NOT NULL COLLATE "C",
    algorithm text NOT NULL CHECK (algorithm IN ('rsa', 'ed25519')),
    private bytea NOT NULL,
    public text NOT NULL,
    created_at timestamptz NOT NULL,
    used_from timestamptz,
    retired_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT dkim_key_domain_fk FOREIGN KEY (project_id, domain_id) REFERENCES mail_domain (project_id, id),
    CONSTRAINT dkim_key_selector UNIQUE (project_id, domain_id, selector)
);
COMMENT ON COLUMN dkim_key.private IS 'Sealed with the installation''s secret key (kit.sealing)';
COMMENT ON COLUMN dkim_key.used_from IS 'When mail began to be signed with it; empty: it waits for its record in the DNS';
COMMENT ON COLUMN dkim_key.retired_at IS 'When another took its place; its record may go some days later';

-- What people can subscribe to.
CREATE TABLE mail_topic (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    place integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    archived_at timestamptz,
    PRIMARY KEY (project_id, id)
);

-- Who wants no marketing, or none about a topic. The id is a keyed hash of address and topic, so
-- that it holds after the person, and with them the address, is erased.
CREATE TABLE unsubscription (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    hash uuid NOT NULL,
    address text COLLATE "C",
    topic_id uuid,
    since timestamptz NOT NULL,
    source text NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN unsubscription.hash IS 'Keyed hash of the folded address';
COMMENT ON COLUMN unsubscription.address IS 'Folded; empty after the person was erased';
COMMENT ON COLUMN unsubscription.topic_id IS 'Empty: all marketing';
CREATE INDEX unsubscription_of ON unsubscription (project_id, hash);
CREATE INDEX unsubscription_newest ON unsubscription (project_id, since DESC, id DESC) WHERE topic_id IS NULL;
CREATE INDEX unsubscription_address ON unsubscription (project_id, address) WHERE topic_id IS NULL;

-- Addresses, and whole domains, that nothing is sent to.
CREATE TABLE suppression (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    address text COLLATE "C",
    domain text COLLATE "C",
    reason text NOT NULL CHECK (reason IN ('bounced', 'complained', 'suppressed')),
    detail text NOT NULL DEFAULT '',
    since timestamptz NOT NULL,
    agent_id uuid REFERENCES agent (id),
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN suppression.id IS 'Keyed hash of the folded address, or of @ and the domain';
COMMENT ON COLUMN suppression.address IS 'Folded; empty after the person was erased; @domain for a whole domain';
CREATE INDEX suppression_newest ON suppression (project_id, since DESC, id DESC);
CREATE INDEX suppression_of_reason ON suppression (project_id, reason, since DESC, id DESC);
CREATE INDEX suppression_address ON suppression (project_id, address);
CREATE INDEX suppression_domain ON suppression (project_id, domain);

-- Mail that could not be delivered for now, by address: several days of it, and it is suppressed.
CREATE TABLE soft_bounce (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    days smallint NOT NULL,
    first_at timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, id)
);
COMMENT ON COLUMN soft_bounce.id IS 'Keyed hash of the folded address';
COMMENT ON COLUMN soft_bounce.days IS 'On how many days it failed since first_at';
CREATE INDEX soft_bounce_old ON soft_bounce (last_at);

-- Where a mail service tells what became of mail: its secret, and when it last did.
CREATE TABLE mail_hook (
    project_id uuid NOT NULL REFERENCES project (id),
    id uuid NOT NULL,
    service text NOT NULL,
    secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    told_at timestamptz,
    PRIMARY KEY (project_id, id),
    CONSTRAINT mail_hook_once UNIQUE (project_id, service)
);
COMMENT ON COLUMN mail_hook.secret IS 'Sealed with the installation''s secret key (kit.sealing)';
