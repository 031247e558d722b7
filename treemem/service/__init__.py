"""Ways to a memory from other processes, each with its own extra."""
