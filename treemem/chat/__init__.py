"""chat: an answer of a language model that knows what the memory knows, and what becomes of it."""
