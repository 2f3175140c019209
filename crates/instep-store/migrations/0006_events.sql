-- What was told and has not been looked at yet: an item, or with an empty one the account as a whole.
CREATE TABLE events (
    user_id    TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    item       TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    place      BIGINT NOT NULL,
    at         TEXT   NOT NULL,
    PRIMARY KEY (user_id, account, item),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account)
);
CREATE INDEX events_by_place ON events (user_id, account, place);

-- What was told already, so that the same counts once.
CREATE TABLE deliveries (
    user_id TEXT NOT NULL,
    account TEXT NOT NULL,
    id      TEXT NOT NULL,
    at      TEXT NOT NULL,
    PRIMARY KEY (user_id, account, id),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account)
);
CREATE INDEX deliveries_by_time ON deliveries (user_id, at);
