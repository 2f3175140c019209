-- Whether the service of an account may be called: its breaker, the pauses it or a person asked for.
-- Shared by every process; `version` tells whether somebody was faster.
CREATE TABLE access (
    user_id TEXT   NOT NULL,
    account TEXT   NOT NULL,
    version BIGINT NOT NULL,
    body    TEXT   NOT NULL,
    PRIMARY KEY (user_id, account),
    FOREIGN KEY (user_id, account) REFERENCES accounts (user_id, account)
);
