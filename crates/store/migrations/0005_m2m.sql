-- Machine-to-machine clients. An id may come from another system, so it is text, unique in its environment. Hashes of
-- secrets are text with the name of their scheme in front. While a secret is rotated there are two that work.
CREATE TABLE m2m_clients (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    client_id TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    status TEXT NOT NULL,
    scopes TEXT NOT NULL,
    trusted_metadata TEXT NOT NULL,
    secret_hash TEXT NOT NULL,
    secret_last_four TEXT NOT NULL,
    next_secret_hash TEXT,
    next_secret_last_four TEXT,
    rotation_started_at BIGINT,
    created_at BIGINT NOT NULL,
    list_key UUID NOT NULL,
    version BIGINT NOT NULL,
    PRIMARY KEY (env, client_id)
);
CREATE INDEX m2m_clients_created_at_idx ON m2m_clients (env, created_at, list_key);
-- Finds the environment of a token request whose path names no project.
CREATE INDEX m2m_clients_client_id_idx ON m2m_clients (client_id);

-- How many tokens a client got on a day (days since 1970, UTC), and when the last. Apart from the client, because it
-- is written often.
CREATE TABLE m2m_usage (
    env BIGINT NOT NULL,
    client_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    last_issued_at BIGINT NOT NULL,
    PRIMARY KEY (env, client_id, day),
    FOREIGN KEY (env, client_id) REFERENCES m2m_clients (env, client_id) ON DELETE CASCADE
);
CREATE INDEX m2m_usage_day_idx ON m2m_usage (day);
