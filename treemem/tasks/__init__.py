"""Work that is done later: what kinds of tasks there are, and the workers that do them."""
