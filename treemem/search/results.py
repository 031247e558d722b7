"""What a search returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, overload

from pydantic import Field

from treemem.items import TextualMemoryItem
from treemem.records import Preference
from treemem.search.explain import Explanation
from treemem.search.passage import best_passage
from treemem.search.when import TimeReading
from treemem.store.protocol import ENTITY, PREFIXES, Node, WalkedEdge
from treemem.tool_records import Tool


@dataclass(frozen=True, slots=True)
class PathStep:
    """One edge of the way to a hit. An end is a memory id or, for an entity, its name."""

    type: str
    source: str
    target: str
    weight: float
    target_kind: str = "memory"

    def __str__(self) -> str:
        target = f"[{self.target}]" if self.target_kind == "entity" else self.target
        return f"{self.source} -{self.type}-> {target}"


class SearchHit(TextualMemoryItem):
    """A memory that was found. `score` lies in [0, 1] and compares hits of one search only.

    `similarity` is the cosine in [-1, 1] to the question, of a passage less 0.15 where that is more (None if the vector
    arm did not find it), `arms` the rank in each seed arm, `cube_id` the cube it lies in, `knowledge_base` the name of
    the base that this cube is of, `path` the edges from the seed that led here, empty for a seed.
    `superseded_by` is the memory that took its place: its speaker says that this has changed, or an edge does.
    `may_supersede` is a newer one that gives another value to the same thing without saying that it changed; both may
    be true. `contradicts` are the hits that cannot be true beside it. `asked` is the question, by which
    `passage` is found; a dump leaves it out.
    """

    score: float = Field(ge=0, le=1)
    cube_id: str | None = None
    knowledge_base: str | None = None
    similarity: float | None = None
    arms: dict[str, int] = Field(default_factory=dict)
    path: tuple[PathStep, ...] = ()
    superseded_by: str | None = None
    may_supersede: str | None = None
    contradicts: tuple[str, ...] = ()
    asked: str = Field(default="", exclude=True, repr=False)

    @property
    def passage(self) -> str | None:
        """The part of a long text that says most of the question's words; None for a short one, or if it says none."""
        return best_passage(self.memory, self.asked)


_KINDS = {prefix: kind.value for kind, prefix in PREFIXES.items()}


def path_steps(path: Sequence[WalkedEdge], names: Mapping[str, str]) -> tuple[PathStep, ...]:
    """Return walked edges as steps; `names` maps entity ids to names."""

    def shown(node: Node) -> str:
        return names.get(node[2:], node[2:]) if node.startswith(ENTITY) else node[2:]

    return tuple(PathStep(e.type.value, shown(e.source), shown(e.target), e.weight, _KINDS[e.target[:2]]) for e in path)


@dataclass(frozen=True)
class SearchResult(Sequence[SearchHit]):
    """The hits of one search, best first, with the moment it looked at and the seconds each stage took.

    `when` is what time the question was taken to be about, `explanation` the account that `explain=True` asks for;
    print them to read them. `degraded` says what was left out, for want of time or because a model failed.
    `preferences` are those that bear on the question, where some were asked for, and `preference_note` has them as
    lines of a prompt, with what to do with them; `tools` and `tool_note` are the same of tools.
    """

    hits: tuple[SearchHit, ...]
    as_of: datetime
    known_at: datetime
    when: TimeReading = field(default_factory=lambda: TimeReading("now"))
    timings: Mapping[str, float] = field(default_factory=dict)
    explanation: Explanation | None = None
    degraded: tuple[str, ...] = ()
    preferences: tuple[Preference, ...] = ()
    preference_note: str = ""
    tools: tuple[Tool, ...] = ()
    tool_note: str = ""

    @overload
    def __getitem__(self, index: int) -> SearchHit: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[SearchHit]: ...

    def __getitem__(self, index: Any) -> Any:
        return self.hits[index]

    def __len__(self) -> int:
        return len(self.hits)

    def __iter__(self) -> Iterator[SearchHit]:
        return iter(self.hits)
