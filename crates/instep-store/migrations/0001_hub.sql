-- The hub. Instants are text with nine digits of a second, so that they sort as they fall;
-- flags are 0 or 1; what is never searched for lies in `body` as JSON.

CREATE TABLE users (
    id   TEXT   NOT NULL PRIMARY KEY,
    -- The last number given to work, an outbox entry or a journal line: none is given twice.
    tick BIGINT NOT NULL
);

CREATE TABLE accounts (
    user_id       TEXT   NOT NULL REFERENCES users (id),
    account       TEXT   NOT NULL,
    config        TEXT,
    dormant_since TEXT,
    lease_token   BIGINT NOT NULL,
    identity      TEXT,
    cursor        BYTEA,
    joined        BIGINT NOT NULL,
    collections   TEXT   NOT NULL,
    guard_since   TEXT,
    last_pass_at  TEXT,
    last_sweep_at TEXT,
    trouble       TEXT,
    PRIMARY KEY (user_id, account)
);

CREATE TABLE tasks (
    user_id    TEXT   NOT NULL REFERENCES users (id),
    id         TEXT   NOT NULL,
    version    BIGINT NOT NULL,
    status     TEXT   NOT NULL,
    created    TEXT   NOT NULL,
    modified   TEXT   NOT NULL,
    deleted_at TEXT,
    body       TEXT   NOT NULL,
    PRIMARY KEY (user_id, id)
);

CREATE TABLE mappings (
    user_id         TEXT   NOT NULL,
    account         TEXT   NOT NULL,
    task            TEXT   NOT NULL,
    remote          TEXT,
    collection      TEXT,
    state           TEXT   NOT NULL,
    gone            BIGINT NOT NULL,
    next_attempt_at TEXT,
    body            TEXT   NOT NULL,
    PRIMARY KEY (user_id, account, task),
    UNIQUE (user_id, account, remote),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account),
    FOREIGN KEY (user_id, task) REFERENCES tasks (user_id, id)
);
CREATE INDEX mappings_by_task ON mappings (user_id, task);
-- Counted in every pass, and hardly ever there.
CREATE INDEX mappings_held ON mappings (user_id, account) WHERE state = 'held';

CREATE TABLE hints (
    user_id TEXT NOT NULL,
    task    TEXT NOT NULL,
    marker  TEXT NOT NULL,
    remote  TEXT NOT NULL,
    PRIMARY KEY (user_id, task, marker, remote),
    FOREIGN KEY (user_id, task) REFERENCES tasks (user_id, id)
);

CREATE TABLE work (
    user_id    TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    task       TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    place      BIGINT NOT NULL,
    PRIMARY KEY (user_id, account, task),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account),
    FOREIGN KEY (user_id, task) REFERENCES tasks (user_id, id)
);
CREATE INDEX work_by_place ON work (user_id, account, place);
CREATE INDEX work_by_task ON work (user_id, task);

CREATE TABLE outbox (
    user_id   TEXT   NOT NULL,
    id        BIGINT NOT NULL,
    account   TEXT   NOT NULL,
    task      TEXT,
    operation TEXT   NOT NULL,
    sent_at   TEXT   NOT NULL,
    timed_out BIGINT NOT NULL,
    missed_at TEXT,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account)
);

CREATE TABLE deletions (
    user_id    TEXT   NOT NULL,
    id         BIGINT NOT NULL,
    account    TEXT   NOT NULL,
    collection TEXT,
    at         TEXT   NOT NULL,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account)
);
CREATE INDEX deletions_by_time ON deletions (user_id, account, at);

CREATE TABLE conflicts (
    user_id TEXT NOT NULL,
    id      TEXT NOT NULL,
    task    TEXT NOT NULL,
    account TEXT NOT NULL,
    state   TEXT NOT NULL,
    at      TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (user_id, id),
    FOREIGN KEY (user_id, task) REFERENCES tasks (user_id, id)
);
CREATE INDEX conflicts_by_task ON conflicts (user_id, task);

CREATE TABLE reviews (
    user_id TEXT NOT NULL,
    account TEXT NOT NULL,
    item    TEXT NOT NULL,
    task    TEXT,
    remote  TEXT,
    title   TEXT NOT NULL,
    reason  TEXT NOT NULL,
    PRIMARY KEY (user_id, account, item),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account)
);

-- The journal outlives tasks and accounts, so nothing in it refers to them.
CREATE TABLE journal (
    user_id   TEXT   NOT NULL REFERENCES users (id),
    id        BIGINT NOT NULL,
    operation TEXT   NOT NULL,
    at        TEXT   NOT NULL,
    account   TEXT,
    task      TEXT,
    body      TEXT   NOT NULL,
    PRIMARY KEY (user_id, id)
);
CREATE INDEX journal_by_task ON journal (user_id, task);
