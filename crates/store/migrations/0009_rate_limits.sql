-- How much of a limit is used up in its present window. The key is a keyed hash of the limit and of what is counted under
-- it, so that no address stands here.
CREATE TABLE rate_limits (
    env BIGINT NOT NULL REFERENCES environments (env) ON DELETE CASCADE,
    key BYTEA NOT NULL,
    window_start BIGINT NOT NULL,
    window_end BIGINT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (env, key)
);
CREATE INDEX rate_limits_window_end_idx ON rate_limits (window_end);
