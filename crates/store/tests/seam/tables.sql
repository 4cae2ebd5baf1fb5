CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL CHECK (value >= 0)
);

CREATE TABLE every_type (
    position BIGINT PRIMARY KEY,
    text_value TEXT,
    int_value BIGINT,
    bool_value BOOLEAN,
    bytes_value BYTEA,
    uuid_value UUID
);

CREATE TABLE guests (
    house BIGINT NOT NULL,
    number BIGINT NOT NULL,
    email TEXT NOT NULL,
    room BIGINT,
    badge TEXT UNIQUE,
    left_at BIGINT,
    PRIMARY KEY (house, number)
);
CREATE UNIQUE INDEX guests_email_key ON guests (email);
CREATE UNIQUE INDEX guests_room_key ON guests (house, room) WHERE left_at IS NULL;
CREATE UNIQUE INDEX guests_folded_email_key ON guests (house, (lower(email)));

CREATE TABLE keys (
    id BIGINT PRIMARY KEY,
    house BIGINT NOT NULL,
    number BIGINT NOT NULL,
    FOREIGN KEY (house, number) REFERENCES guests (house, number)
);

CREATE TABLE safes (
    id BIGINT PRIMARY KEY,
    house BIGINT NOT NULL,
    number BIGINT NOT NULL,
    FOREIGN KEY (house, number) REFERENCES guests (house, number) ON DELETE RESTRICT
);

CREATE TABLE letters (
    id BIGINT PRIMARY KEY,
    counter TEXT NOT NULL REFERENCES counters (name) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
