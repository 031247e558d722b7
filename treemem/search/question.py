"""Reading a question: what it asks for beside its words."""

from __future__ import annotations

import re

from treemem.changes import EdgeType

_CAUSAL = re.compile(
    r"\bwhy\b|\bhow come\b|\bwhat (?:caused|made|led to)\b|\b(?:reason|cause) (?:for|of|that|why)\b|\bbecause of what\b"
    r"|为什么|为何|怎么会|原因",
    re.IGNORECASE,
)
CAUSAL_BOOST = 5.0


def edge_boosts(question: str) -> dict[EdgeType, float]:
    """Return how much more edges of a type are worth for this question: causes where it asks why."""
    return {EdgeType.CAUSES: CAUSAL_BOOST} if _CAUSAL.search(question) else {}
