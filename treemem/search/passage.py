"""Which part of a long text answers a question: what a person, or a model, reads first."""

from __future__ import annotations

from collections import Counter

from treemem.passages import passages_of
from treemem.text import analyse, asked

#: How many tokens of a question are searched for at most.
MOST_TOKENS = 64


def tokens_of(question: str) -> tuple[str, ...]:
    """Return the tokens that a question is searched by."""
    return tuple(asked(question)[:MOST_TOKENS])


def best_passage(text: str, question: str) -> str | None:
    """Return the passage that says most of the tokens of a question, each of which counts the less the more passages
    have it; the first of several that say as much. None for a short text, and where no passage says one of them.
    """
    passages = passages_of(text)
    if not passages:
        return None
    tokens = frozenset(tokens_of(question))
    said = [tokens.intersection(analyse(passage)) for passage in passages]
    having = Counter(token for tokens in said for token in tokens)
    worth = [sum(1 / having[token] for token in sorted(tokens)) for tokens in said]
    best = max(range(len(passages)), key=worth.__getitem__)
    return passages[best] if said[best] else None
