-- Work that failed waits for its next try: the wait belongs to the work, so that a wake ends it.
ALTER TABLE work ADD COLUMN waits_since TEXT;
ALTER TABLE work ADD COLUMN waits_until TEXT;
-- Nothing was ever written to it.
ALTER TABLE mappings DROP COLUMN next_attempt_at;
-- Told in words until now, which the next round does anew.
UPDATE accounts SET trouble = NULL;
