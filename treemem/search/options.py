"""The knobs of a search, in one frozen place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from treemem.arguments import edge_types
from treemem.changes import EdgeType
from treemem.checks import among, shown, whole, within
from treemem.errors import InvalidInputError
from treemem.keywords import checked_names

MAX_TOP_K = 1_000
#: The options that count something.
_COUNTS = frozenset(
    {
        "vector_limit",
        "text_limit",
        "walk_seeds",
        "hops",
        "fan_out",
        "hub_degree",
        "hop_edges",
        "restart_seeds",
        "rerank",
    }
)
#: How many times as much words weigh where they are all that is asked.
KEYWORD = 4.0
#: The most that an arm may weigh.
MOST_WEIGHT = 1e6
FUSIONS = ("shares", "min-max", "rrf")


@checked_names
@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a search runs; the defaults are for conversations and documents alike.

    `relativity` is the cosine in [-1, 1] that the best seed of the vector arm must reach for anything to be returned;
    hits below it are kept only if they were reached by walking from a seed above it. `restart_seeds` seeds, weighted
    by a softmax of `temperature`, restart the PageRank, whose `damping` is the probability of walking on; a seed whose
    title the question names weighs `title_restart` of the best at least, and `entity_restart` is the share of the names
    themselves.
    `fusion` is how the scores of the arms come together: as `shares` of the best, `min-max`, or by `rrf`.
    `supersession` is whether hits are compared for what supersedes what. The walk starts at the `walk_seeds` best of
    each arm, takes `fan_out` edges a node, strongest first, passes no node with more than `hub_degree` edges, and
    reads at most `hop_edges` edges in each of its `hops` but the first, those of the nodes with the fewest edges
    first. It follows edges of `edge_types`; with None those of all types but MERGED_INTO and DERIVED_FROM, types of
    one's own among them.

    `confidence_weight`, `assistant_weight` (what an assistant said, unless it is asked for that: "What did you say?"),
    `question_weight` (a short message that only asks, unless it is asked for that), `speaker_weight` (what was said by
    somebody whom the question names), `recency_weight` (half of it after `recency_days`) and `conversation_weight` (the
    conversation named in the search) are what a hit can gain or lose by these priors; 0 switches one off.

    `told_weight` is what a short message gains that says the words of the question itself, `session_weight` what one
    gains in whose session much of the best was said, both as powers of e; 0 switches one off.

    The first `rerank` hits go to the reranker, if the memory has one. `same` is the cosine from which two hits repeat
    each other, `mmr_relevance` what relevance is worth beside novelty.
    """

    relativity: float = -1.0
    vector_limit: int = 30
    text_limit: int = 30
    vector_weight: float = 2.0
    text_weight: float = 1.0
    fusion: Literal["shares", "min-max", "rrf"] = "shares"
    walk_seeds: int = 7
    hops: int = 2
    fan_out: int = 25
    hub_degree: int = 200
    hop_edges: int = 400
    edge_types: tuple[EdgeType, ...] | None = None
    restart_seeds: int = 5
    temperature: float = 0.05
    entity_restart: float = 0.1
    title_restart: float = 0.6
    damping: float = 0.5
    walk_weight: float = 0.15
    supersession: bool = True
    confidence_weight: float = 0.1
    assistant_weight: float = 0.25
    question_weight: float = 0.75
    speaker_weight: float = 0.15
    recency_weight: float = 0.0
    recency_days: float = 90.0
    conversation_weight: float = 0.2
    told_weight: float = 2.0
    session_weight: float = 1.0
    rerank: int = 20
    same: float = 0.95
    mmr_relevance: float = 0.7

    def __post_init__(self) -> None:
        ranges = {
            "relativity": (-1, 1),
            "vector_limit": (0, 1_000),
            "text_limit": (0, 1_000),
            "walk_seeds": (1, 100),
            "hops": (0, 3),
            "fan_out": (0, 1_000),
            "hub_degree": (0, 1_000_000),
            "hop_edges": (1, 1_000_000),
            "restart_seeds": (1, 100),
            "temperature": (1e-6, 1e6),
            "entity_restart": (0, 1),
            "title_restart": (0, 1),
            "damping": (0, 0.999),
            "walk_weight": (0, 100),
            "vector_weight": (0, MOST_WEIGHT),
            "text_weight": (0, MOST_WEIGHT),
            "confidence_weight": (0, 1),
            "assistant_weight": (0, 1),
            "question_weight": (0, 1),
            "speaker_weight": (0, 1),
            "recency_weight": (0, 1),
            "recency_days": (1e-3, 1e6),
            "conversation_weight": (0, 1),
            "told_weight": (0, 10),
            "session_weight": (0, 10),
            "rerank": (0, 1_000),
            "same": (-1, 1),
            "mmr_relevance": (0, 1),
        }
        for name, (low, high) in ranges.items():
            value = within(f"options.{name}", getattr(self, name), low, high)
            if name in _COUNTS:
                whole(f"options.{name}", value)
        among("options.fusion", self.fusion, FUSIONS)
        if not isinstance(self.supersession, bool):
            raise InvalidInputError(f"options.supersession: wanted True or False, found {shown(self.supersession)}")
        if self.edge_types is not None:
            object.__setattr__(self, "edge_types", edge_types("options.edge_types", self.edge_types))

    def for_foreign_text(self) -> SearchOptions:
        """Return the options for a text that the embedding model cannot read: the vector arm counts for nothing."""
        return replace(self, vector_weight=0.0)

    def for_keywords(self) -> SearchOptions:
        """Return the options for a question of a word or two: what says them comes before what is only like them."""
        return replace(self, text_weight=min(KEYWORD * self.text_weight, MOST_WEIGHT))
