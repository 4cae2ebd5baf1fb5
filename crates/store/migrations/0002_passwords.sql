-- Passwords. One belongs to a member, or (where passwords count in every organization) to an address; never to both.
-- The hash is sealed by the server under the password's id, so that a copied row is worth nothing.
CREATE TABLE passwords (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    password_id UUID NOT NULL,
    member_id UUID,
    email_address TEXT,
    hash_sealed BYTEA NOT NULL,
    needs_reset BOOLEAN NOT NULL,
    breach_checked_at BIGINT,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (env, password_id),
    FOREIGN KEY (env, member_id) REFERENCES members (env, member_id) ON DELETE CASCADE,
    CHECK ((member_id IS NULL) <> (email_address IS NULL))
);
CREATE UNIQUE INDEX passwords_member_key ON passwords (env, member_id);
CREATE UNIQUE INDEX passwords_address_key ON passwords (env, email_address);
