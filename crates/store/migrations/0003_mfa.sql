-- Second factors. Each belongs to one member and goes with it.

-- The code that was last sent to a member's phone; a new one takes its place.
CREATE TABLE sms_codes (
    env BIGINT NOT NULL,
    member_id UUID NOT NULL,
    phone_id UUID NOT NULL,
    code_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    attempts BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT,
    PRIMARY KEY (env, member_id),
    FOREIGN KEY (env, member_id) REFERENCES members (env, member_id) ON DELETE CASCADE
);
CREATE INDEX sms_codes_expires_at_idx ON sms_codes (expires_at);

-- Authenticator apps. One without `verified_at` waits for its first code until `expires_at`. `begun_by` tells which
-- login began it, `last_step` is the latest step whose code was used. The secret is sealed, since codes are made of it.
CREATE TABLE totp_registrations (
    env BIGINT NOT NULL,
    member_id UUID NOT NULL,
    totp_id UUID NOT NULL,
    secret_sealed BYTEA NOT NULL,
    begun_by BYTEA,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    verified_at BIGINT,
    last_step BIGINT,
    PRIMARY KEY (env, member_id),
    FOREIGN KEY (env, member_id) REFERENCES members (env, member_id) ON DELETE CASCADE
);
CREATE INDEX totp_registrations_expires_at_idx ON totp_registrations (expires_at) WHERE verified_at IS NULL;

-- Codes that stand in for the authenticator app, one a row and only those that were not used. They are found by a
-- keyed hash and sealed to be shown again.
CREATE TABLE recovery_codes (
    env BIGINT NOT NULL,
    member_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    position BIGINT NOT NULL,
    code_sealed BYTEA NOT NULL,
    PRIMARY KEY (env, member_id, code_hash),
    FOREIGN KEY (env, member_id) REFERENCES totp_registrations (env, member_id) ON DELETE CASCADE
);
