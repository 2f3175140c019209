-- What we made and no look has shown yet: few pairs, and none in a quiet round. What was stored before
-- this step has long been shown.
ALTER TABLE mappings ADD COLUMN unseen BIGINT NOT NULL DEFAULT 0;
CREATE INDEX mappings_unseen ON mappings (user_id, account) WHERE unseen = 1;
