"""Search: from a question to ranked hits."""
