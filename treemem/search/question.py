"""A question with everything that a search of it is bound by, and what it asks for beside its words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from treemem.canonical import Vector
from treemem.changes import EdgeType, Model
from treemem.filters import Filter
from treemem.ingest.entities import question_entity_ids
from treemem.search.options import SearchOptions
from treemem.search.passage import tokens_of
from treemem.search.target import Target
from treemem.store.protocol import LIVE, Recall
from treemem.temporal import Moment
from treemem.text import iter_words

_CAUSAL = re.compile(
    r"\bwhy\b|\bhow come\b|\bwhat (?:caused|made|led to)\b|\b(?:reason|cause) (?:for|of|that|why)\b|\bbecause of what\b"
    r"|为什么|为何|怎么会|原因",
    re.IGNORECASE,
)
_OF_THE_ASSISTANT = re.compile(
    r"\b(?:did|have|had|were) you\b|\byou(?:['’]ve| have| had)? (?:said|told|gave|given|suggest|recommend|"
    r"advi[sc]e|propose|mention|explain|list|wr[io]t|show|help)\w*|\byour (?:advice|answer|suggestion|recommendation|"
    r"explanation|reply|response|list)|\bassistant\b|你(?:说|给|推荐|建议|提)|您(?:说|给|推荐|建议|提)|助手",
    re.IGNORECASE,
)
_OF_A_QUESTION = re.compile(r"\bask(?:ed|s|ing)?\b|\bquestions?\b|\bwonder\w*|问", re.IGNORECASE)
CAUSAL_BOOST = 5.0
#: Up to so many words are keywords.
MOST_KEYWORDS = 2
#: As many memories more than asked for are read, so that a newer one can take its place before an older one.
BEYOND = 10
#: So many memories are read and put into order by what they say.
CANDIDATES = 32


def edge_boosts(question: str) -> dict[EdgeType, float]:
    """Return how much more edges of a type are worth for this question: causes where it asks why."""
    return {EdgeType.CAUSES: CAUSAL_BOOST} if _CAUSAL.search(question) else {}


def asks_the_assistant(question: str) -> bool:
    """Return whether a question asks for what the assistant said: "What did you suggest?"."""
    return _OF_THE_ASSISTANT.search(question) is not None


def asks_what_was_asked(question: str) -> bool:
    """Return whether a question asks for a question: "What did Ana ask about the flat?"."""
    return _OF_A_QUESTION.search(question) is not None


def asks_by_keywords(question: str) -> bool:
    """Return whether a question is no sentence, but a word or two: "ibuprofen", "spare key"."""
    return len(tuple(islice(iter_words(question), MOST_KEYWORDS + 1))) <= MOST_KEYWORDS


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of what time, by whom, and how many answers are wanted.

    `text` is the beginning of what was asked, 10,000 characters at most: its words, names and time are read.
    `together` puts what was superseded right behind what did it; `explain` asks for an account. At least `reads`
    memories are ranked and read; `limits` is how many of a memory type are wanted at most; hits of the `conversation`
    are preferred. `deadline` is a time of `time.perf_counter`. In `open_cubes` everything is seen: knowledge bases,
    which whoever asks may read.
    """

    text: str
    vector: Vector
    moment: Moment
    target: Target
    top_k: int
    model: Model | None = None
    filter: Filter | None = None
    visible: Filter | None = None
    statuses: tuple[str, ...] = LIVE
    options: SearchOptions = field(default_factory=SearchOptions)
    together: bool = False
    explain: bool = False
    reads: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)
    conversation: str | None = None
    vectors: bool = False
    deadline: float | None = None
    open_cubes: frozenset[str] = frozenset()

    @property
    def pool(self) -> int:
        """How many memories are settled before the best are chosen."""
        return max(self.top_k + BEYOND, self.reads)

    @property
    def candidates(self) -> int:
        """How many memories are read to be put into order by what they say."""
        ordered = self.options.told_weight or self.options.session_weight
        return max(self.pool, CANDIDATES) if ordered else self.pool

    @property
    def shown(self) -> int:
        """How many hits are made of what was read: all of it where a later stage chooses among them."""
        return self.pool if self.reads or self.vectors or self.limits else self.top_k

    @property
    def arm_limits(self) -> dict[str, int]:
        """How many memories each arm may bring."""
        options = self.options
        vector = max(options.vector_limit, min(self.pool, 1_000)) if options.vector_limit else 0
        return {"vector": vector, "text": options.text_limit}

    def recall(self, cube: str, moment: Moment, hops: int, seconds: float | None) -> Recall:
        """Return what a cube is asked, with a walk of so many hops, in so many seconds."""
        options = self.options
        return Recall(
            cube=cube,
            moment=moment,
            span=self.target.span,
            vector=self.vector,
            tokens=tokens_of(self.text),
            entity_ids=question_entity_ids(cube, self.text) if hops else (),
            statuses=self.statuses,
            filter=self.filter,
            visible=None if cube in self.open_cubes else self.visible,
            vector_limit=self.arm_limits["vector"],
            text_limit=self.arm_limits["text"],
            walk_seeds=options.walk_seeds,
            hops=hops,
            fan_out=options.fan_out,
            hub_degree=options.hub_degree,
            hop_edges=options.hop_edges,
            edge_types=options.edge_types,
            model=self.model,
            seconds=seconds,
            vectors=self.vectors,
        )
