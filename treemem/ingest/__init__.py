"""Reading: from messages to items, entities, sources and edges, without an LLM."""
