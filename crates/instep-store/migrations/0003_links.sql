-- Which tasks and bases link to others, so that the few that do are found from the other end. What
-- was stored before this step may link, and says so until it is written again.
ALTER TABLE tasks ADD COLUMN linked BIGINT NOT NULL DEFAULT 1;
ALTER TABLE mappings ADD COLUMN linked BIGINT NOT NULL DEFAULT 1;
CREATE INDEX tasks_linked ON tasks (user_id) WHERE linked = 1;
CREATE INDEX mappings_linked ON mappings (user_id) WHERE linked = 1;
