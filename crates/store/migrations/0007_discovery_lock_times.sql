-- Anybody can fail under any address, so failures are forgotten some time after the last one.
ALTER TABLE discovery_locks ADD COLUMN failed_at BIGINT NOT NULL DEFAULT 0;
CREATE INDEX discovery_locks_failed_at_idx ON discovery_locks (failed_at);
