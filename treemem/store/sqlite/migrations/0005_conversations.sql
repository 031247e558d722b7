-- Conversations: which one a state belongs to, and its number in it, read from its fields.
ALTER TABLE state ADD COLUMN conversation TEXT AS (fields ->> '$.conversation_id') VIRTUAL;
ALTER TABLE state ADD COLUMN sequence INTEGER AS (fields ->> '$.sequence') VIRTUAL;
CREATE INDEX state_conversation ON state (cube, conversation, sequence) WHERE sequence IS NOT NULL;
-- What a conversation holds beside what was said.
CREATE INDEX state_logged ON state (cube, node) WHERE status = 'logged';
