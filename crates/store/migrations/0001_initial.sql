-- The first schema. Every row of a project environment begins with its number, `env`, so that no query can
-- forget the scope; foreign keys repeat it, so that no row can point into another environment.
-- Times are microseconds since 1970 UTC, JSON is text that no statement looks into, hashes are bytes.

CREATE TABLE environments (
    env BIGINT PRIMARY KEY,
    project_id UUID NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    settings TEXT NOT NULL,
    policy TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX environments_project_id_key ON environments (project_id);

CREATE TABLE secrets (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    secret_id UUID NOT NULL,
    secret_hash BYTEA NOT NULL,
    last_four TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (env, secret_id)
);

CREATE TABLE public_tokens (
    token UUID PRIMARY KEY,
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    created_at BIGINT NOT NULL
);

CREATE TABLE redirect_urls (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    url TEXT NOT NULL,
    valid_types TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (env, url)
);

-- `signs_from` lies ahead of `created_at`, so that every verifier has fetched the key before it is used.
CREATE TABLE signing_keys (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    key_id UUID NOT NULL,
    private_key BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    signs_from BIGINT NOT NULL,
    verifies_until BIGINT,
    PRIMARY KEY (env, key_id)
);

CREATE TABLE organizations (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    organization_id UUID NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    slug TEXT NOT NULL,
    slug_folded TEXT NOT NULL,
    logo_url TEXT NOT NULL,
    external_id TEXT,
    trusted_metadata TEXT NOT NULL,
    settings TEXT NOT NULL,
    custom_roles TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (env, organization_id)
);
CREATE UNIQUE INDEX organizations_slug_key ON organizations (env, slug_folded);
CREATE UNIQUE INDEX organizations_external_id_key ON organizations (env, external_id);
CREATE INDEX organizations_created_at_idx ON organizations (env, created_at, organization_id);

-- The domains of an organization's settings, one a row, so that they can be searched.
CREATE TABLE organization_domains (
    env BIGINT NOT NULL,
    purpose TEXT NOT NULL,
    domain TEXT NOT NULL,
    organization_id UUID NOT NULL,
    PRIMARY KEY (env, purpose, domain, organization_id),
    FOREIGN KEY (env, organization_id) REFERENCES organizations (env, organization_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX organization_domains_claimed_key ON organization_domains (env, domain)
    WHERE purpose = 'claimed';
CREATE INDEX organization_domains_organization_idx ON organization_domains (env, organization_id);

CREATE TABLE members (
    env BIGINT NOT NULL,
    member_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    email_id UUID NOT NULL,
    email_address TEXT NOT NULL,
    email_domain TEXT NOT NULL,
    email_verified BOOLEAN NOT NULL,
    status TEXT NOT NULL,
    name TEXT NOT NULL,
    external_id TEXT,
    is_breakglass BOOLEAN NOT NULL,
    mfa_enrolled BOOLEAN NOT NULL,
    mfa_phone_id UUID,
    mfa_phone_number TEXT,
    mfa_phone_verified BOOLEAN NOT NULL,
    default_mfa_method TEXT,
    password_id UUID,
    totp_id UUID,
    direct_roles TEXT NOT NULL,
    trusted_metadata TEXT NOT NULL,
    untrusted_metadata TEXT NOT NULL,
    retired_emails TEXT NOT NULL,
    failed_attempts BIGINT NOT NULL,
    lock_created_at BIGINT,
    lock_expires_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (env, member_id),
    FOREIGN KEY (env, organization_id) REFERENCES organizations (env, organization_id) ON DELETE CASCADE
);
CREATE INDEX members_created_at_idx ON members (env, organization_id, created_at, member_id);
CREATE INDEX members_email_domain_idx ON members (env, organization_id, email_domain);
CREATE UNIQUE INDEX members_external_id_key ON members (env, organization_id, external_id)
    WHERE status <> 'deleted';
CREATE UNIQUE INDEX members_mfa_phone_number_key ON members (env, organization_id, mfa_phone_number)
    WHERE status <> 'deleted';

-- The addresses that are taken in an organization: current ones of members that are not deleted, and retired ones.
CREATE TABLE member_emails (
    env BIGINT NOT NULL,
    organization_id UUID NOT NULL,
    email_address TEXT NOT NULL,
    member_id UUID NOT NULL,
    is_current BOOLEAN NOT NULL,
    PRIMARY KEY (env, organization_id, email_address),
    FOREIGN KEY (env, member_id) REFERENCES members (env, member_id) ON DELETE CASCADE
);
CREATE INDEX member_emails_address_idx ON member_emails (env, email_address);
CREATE INDEX member_emails_member_idx ON member_emails (env, member_id);

CREATE TABLE sessions (
    env BIGINT NOT NULL,
    session_id UUID NOT NULL,
    organization_id UUID NOT NULL,
    member_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    token_sealed BYTEA NOT NULL,
    factors TEXT NOT NULL,
    custom_claims TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (env, session_id),
    FOREIGN KEY (env, member_id) REFERENCES members (env, member_id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX sessions_token_hash_key ON sessions (env, token_hash);
CREATE INDEX sessions_member_idx ON sessions (env, member_id);
CREATE INDEX sessions_expires_at_idx ON sessions (expires_at);

-- Narrow and apart from the session, because it is written often: once a minute for a session in use.
CREATE TABLE session_activity (
    env BIGINT NOT NULL,
    session_id UUID NOT NULL,
    last_accessed_at BIGINT NOT NULL,
    PRIMARY KEY (env, session_id),
    FOREIGN KEY (env, session_id) REFERENCES sessions (env, session_id) ON DELETE CASCADE
);

CREATE TABLE intermediate_sessions (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    email_address TEXT NOT NULL,
    organization_id UUID,
    factors TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (env, token_hash)
);
CREATE INDEX intermediate_sessions_expires_at_idx ON intermediate_sessions (expires_at);

CREATE TABLE magic_links (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    purpose TEXT NOT NULL,
    organization_id UUID,
    member_id UUID,
    email_address TEXT NOT NULL,
    redirect_url TEXT NOT NULL,
    pkce_challenge TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (env, token_hash)
);
CREATE INDEX magic_links_member_idx ON magic_links (env, member_id);
CREATE INDEX magic_links_expires_at_idx ON magic_links (expires_at);

-- One outstanding code for each address: of one organization, or (organization_id all zero) of discovery.
CREATE TABLE otp_codes (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    organization_id UUID NOT NULL,
    email_address TEXT NOT NULL,
    code_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (env, organization_id, email_address)
);
CREATE INDEX otp_codes_expires_at_idx ON otp_codes (expires_at);

-- Failures of addresses in discovery, where there is no member yet to lock.
CREATE TABLE discovery_locks (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    email_address TEXT NOT NULL,
    failed_attempts BIGINT NOT NULL,
    lock_expires_at BIGINT NOT NULL,
    PRIMARY KEY (env, email_address)
);

-- Mails and text messages to be sent. The payload has live links and codes, so it is sealed.
CREATE TABLE outbox (
    message_id UUID PRIMARY KEY,
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    payload BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    next_attempt_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX outbox_next_attempt_at_idx ON outbox (next_attempt_at);

-- What `ostiary dev` shows instead of sending.
CREATE TABLE inbox_messages (
    message_id UUID PRIMARY KEY,
    recipient TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX inbox_messages_recipient_idx ON inbox_messages (recipient, created_at, message_id);
CREATE INDEX inbox_messages_created_at_idx ON inbox_messages (created_at, message_id);

-- Small facts about the server as a whole: the check of the master key, the offset of the development clock.
CREATE TABLE server_state (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);

-- Keys of operators, who administer projects.
CREATE TABLE management_keys (
    key_id UUID PRIMARY KEY,
    secret_hash BYTEA NOT NULL,
    name TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
