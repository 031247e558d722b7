// Conversations: their messages in the order of their numbers.
CREATE INDEX treemem_state_conversation IF NOT EXISTS FOR (n:State) ON (n.cube_id, n.conversation_id, n.sequence);
