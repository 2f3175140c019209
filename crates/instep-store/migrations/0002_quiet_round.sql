-- What every round asks for, so that a round with nothing to do reads a few pages however much
-- the hub holds.

-- The last change of an account; a journal only grows.
CREATE INDEX journal_by_account ON journal (user_id, account, at);
-- Counted in every round, and hardly ever there.
CREATE INDEX mappings_parked ON mappings (user_id, account) WHERE state = 'error';
CREATE INDEX conflicts_open ON conflicts (user_id, account) WHERE state = 'open';
