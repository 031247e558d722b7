"""Do two memories speak of the same thing, and does the newer one take the older one's place? Without an LLM."""
