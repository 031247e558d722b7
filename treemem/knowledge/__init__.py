"""What a memory knows of the people it serves: their preferences, and what they say about what it holds."""
