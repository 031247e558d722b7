"""Fine reading without a store: windows of lines, the prompt, the answer, and the evidence that binds it."""
