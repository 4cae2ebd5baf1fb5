-- Whose tokens an environment takes for logins. The document is JSON.
CREATE TABLE trusted_token_profiles (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    profile_id UUID NOT NULL,
    document TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (env, profile_id)
);

-- Tokens that were used, until they end, so that none is used again.
CREATE TABLE used_trusted_tokens (
    env BIGINT NOT NULL,
    profile_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    expires_at BIGINT NOT NULL,
    PRIMARY KEY (env, profile_id, token_hash),
    FOREIGN KEY (env, profile_id) REFERENCES trusted_token_profiles (env, profile_id) ON DELETE CASCADE
);
CREATE INDEX used_trusted_tokens_expires_at_idx ON used_trusted_tokens (expires_at);
