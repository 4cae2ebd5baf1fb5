-- Tokens with which operators act in the place of members, and what came of them. Rows stay after their use, since they
-- are the record of who did it and why.
CREATE TABLE impersonations (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    token_hash BYTEA NOT NULL,
    organization_id UUID NOT NULL,
    member_id UUID NOT NULL,
    impersonator_id TEXT NOT NULL,
    impersonator_email_address TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    session_id UUID,
    PRIMARY KEY (env, token_hash)
);
CREATE INDEX impersonations_created_at_idx ON impersonations (env, created_at);
