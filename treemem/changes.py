"""Plain data: what goes into a store (ChangeSet) and what comes back (State, Edge, Operation, Receipt)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from treemem.canonical import Vector, Vectors, canonical_json, number, request_json
from treemem.queued import MOST_WAITING, QueuedTask
from treemem.temporal import END, Interval

#: What a type of edge of one's own is called: letters, digits and low lines, as Neo4j writes types of relationships.
_FREE_TYPE = re.compile(r"[A-Z][A-Z0-9_]{0,62}[A-Z0-9]", re.ASCII)
#: Types of relationships that hold the graph together; no edge has one.
_STRUCTURE = frozenset({"STATE_OF", "PASSAGE_OF"})


class EdgeType(StrEnum):
    """The types of edges. Edges start at a memory; MENTIONS ends at an entity.

    DERIVED_FROM ends at a source or a memory, the others at a memory. Beside the nine below, which mean something to
    treemem, an edge can have any type of one's own: `EdgeType("WORKS_AT")`, 2 to 64 capital letters, digits and low
    lines. Equal types are equal, but of the nine alone there is one object each.
    """

    PARENT = "PARENT"
    CAUSES = "CAUSES"
    FOLLOWS = "FOLLOWS"
    RELATES_TO = "RELATES_TO"
    CONTRADICTS = "CONTRADICTS"
    SUPERSEDES = "SUPERSEDES"
    MERGED_INTO = "MERGED_INTO"
    MENTIONS = "MENTIONS"
    DERIVED_FROM = "DERIVED_FROM"

    @classmethod
    def _missing_(cls, value: object) -> EdgeType | None:
        """Return a type of one's own, None for what cannot be one. It is not kept: names come from users."""
        if not isinstance(value, str) or _FREE_TYPE.fullmatch(value) is None or value in _STRUCTURE:
            return None
        made = str.__new__(cls, value)
        vars(made).update(_name_=value, _value_=value)
        return made


class NodeKind(StrEnum):
    """What an edge can end at."""

    MEMORY = "memory"
    ENTITY = "entity"
    SOURCE = "source"


@dataclass(frozen=True, slots=True)
class Content:
    """What a state says: JSON-able fields (among them `memory` and `status`), its vectors and its index tokens.

    `vectors` has shape (vectors, dimension): the first is that of the text, the others are those of the last passages
    of a long one. `tokens` has a line for the text and one for each passage, words with blanks between.
    """

    fields: Mapping[str, Any]
    vectors: Vectors
    tokens: str

    @property
    def embedding(self) -> Vector:
        """The vector of the text."""
        first: Vector = self.vectors[0]
        return first

    def same(self, other: Content) -> bool:
        """Return whether both say the same."""
        return self.fields == other.fields and self.vectors.tobytes() == other.vectors.tobytes()


@dataclass(frozen=True, slots=True)
class StateAssert:
    """Assert `content` on [valid_from, valid_to), or nothing where content is None.

    `valid_from` None means the time of the transaction. With `create` the memory must be new: one that was created
    with the same fields is left as it is, edges from it included; other content is refused. With `append` its sequence
    number is the least it may have: it comes after the last one of the change set's log. With `judged` its status
    was chosen by what is known; `planned` states come from what was read. Neither is asked for, so that a retry asks
    for the same.
    """

    memory_id: str
    content: Content | None
    valid_from: int | None = None
    valid_to: int = END
    create: bool = False
    append: bool = False
    judged: bool = False
    planned: bool = False

    @property
    def asked(self) -> Mapping[str, Any] | None:
        """The fields that whoever adds it asked for: not the number that it gets, nor a status that was chosen."""
        if self.content is None:
            return None
        if not (self.append or self.judged):
            return self.content.fields
        fields = dict(self.content.fields)
        for name, chosen in (("sequence", self.append), ("status", self.judged)):
            if chosen:
                fields.pop(name, None)
        return fields


@dataclass(frozen=True, slots=True)
class EdgeAssert:
    """Assert an edge on [valid_from, valid_to), or its absence where `remove` is true.

    With `present` an absence that changes nothing, because the edge is not there, is refused. `planned` edges come
    from what was read, not from what was asked for. `properties` are the user's own: JSON-able values by name.
    """

    type: EdgeType
    source: str
    target: str
    target_kind: NodeKind = NodeKind.MEMORY
    weight: float = 1.0
    confidence: float = 100.0
    valid_from: int | None = None
    valid_to: int = END
    remove: bool = False
    present: bool = False
    planned: bool = False
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        """Make floats of whole numbers, so that stores and hashes tell no 1 from 1.0."""
        if type(self.weight) is not float:
            object.__setattr__(self, "weight", float(self.weight))
        if type(self.confidence) is not float:
            object.__setattr__(self, "confidence", float(self.confidence))


@dataclass(frozen=True, slots=True)
class Entity:
    """Something that memories mention. `id` is derived from kind and folded name."""

    id: str
    name: str
    kind: str = "name"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a memory comes from: a message, a chunk, a file, a tool call."""

    id: str
    kind: str = "message"
    role: str | None = None
    content: str | None = None
    chat_time: int | None = None
    uri: str | None = None


@dataclass(frozen=True, slots=True)
class Log:
    """The messages of a conversation, numbered in the order in which they were said: those of one user, or of one
    session, where it is named.
    """

    conversation: str
    user_id: str | None = None
    session_id: str | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """A change set's place in a batch. `last` closes the parent operation."""

    parent: str
    index: int
    last: bool


@dataclass(frozen=True, slots=True)
class Model:
    """The embedding model that a cube's vectors are made with."""

    name: str
    dimension: int


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Everything one transaction does to one cube. `operation` is its id and the idempotency key.

    `expected` maps memory ids to the version that the plan was made from (0: must not exist yet); `request` holds the
    arguments of a verb whose rows were planned from what was read. States that `append` are numbered after the last of
    `log`; with a `log_end` only if that is the last number still (0: the log is empty). `tasks` are what is to be done
    about it later: they are in the queue if, and only if, it is written, and are no part of what is asked for. It is
    refused if more than `most_waiting` would wait then.
    """

    cube: str
    operation: str
    kind: str
    now: int
    states: tuple[StateAssert, ...] = ()
    edges: tuple[EdgeAssert, ...] = ()
    entities: tuple[Entity, ...] = ()
    sources: tuple[Source, ...] = ()
    expected: Mapping[str, int] = field(default_factory=dict)
    actor: str | None = None
    reason: str | None = None
    part: Part | None = None
    model: Model | None = None
    undoes: str | None = None
    request: str | None = None
    log: Log | None = None
    log_end: int | None = None
    tasks: tuple[QueuedTask, ...] = ()
    most_waiting: int = MOST_WAITING

    @property
    def rows(self) -> int:
        """The number of rows written at most, not counting what is closed, split, or planned from what was read."""
        return sum(not s.planned for s in self.states) + len(self.edges) + len(self.entities) + len(self.sources)

    def payload_hash(self) -> str:
        """Return the SHA-256 of what is asked for; the time of asking and who asks are left out.

        Where the rows were planned from what was read, the `request` stands for them: it is the same on a retry.
        """
        digest = hashlib.sha256()
        if self.request is not None:
            part = None if self.part is None else self.part.index
            digest.update(canonical_json([self.cube, self.kind, self.request, part]).encode())
            return digest.hexdigest()
        states = [s for s in self.states if not s.planned]
        plain = {
            "cube": self.cube,
            "kind": self.kind,
            "states": [[s.memory_id, s.create, s.valid_from, s.valid_to, s.asked] for s in states],
            "edges": [
                [
                    *(e.type, e.source, e.target, e.target_kind, number(e.weight), number(e.confidence)),
                    *(e.valid_from, e.valid_to, e.remove),
                    *([e.properties] if e.properties else ()),
                ]
                for e in self.edges
                if not e.planned
            ],
            "entities": [[e.id, e.name, e.kind] for e in self.entities],
            "sources": [[s.id, s.kind, s.role, s.content, s.chat_time, s.uri] for s in self.sources],
            "part": None if self.part is None else [self.part.parent, self.part.index],
        }
        digest.update(request_json(plain).encode())
        for state in states:
            if state.content is not None:
                digest.update(state.content.vectors.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class State:
    """What one memory says on [valid_from, valid_to), as recorded on [recorded_from, recorded_to)."""

    memory_id: str
    version: int
    fields: Mapping[str, Any]
    valid_from: int
    valid_to: int
    recorded_from: int
    recorded_to: int
    opened_by: str
    closed_by: str | None = None
    #: As in Content; None where the state was read without them.
    vectors: Vectors | None = None
    tokens: str = ""

    @property
    def interval(self) -> Interval:
        """The valid time."""
        return Interval(self.valid_from, self.valid_to)

    @property
    def content(self) -> Content:
        """The content; the state must have been read with its vectors."""
        assert self.vectors is not None, "the state was read without its vectors"
        return Content(self.fields, self.vectors, self.tokens)

    @property
    def embedding(self) -> Vector | None:
        """The vector of the text, None where the state was read without it."""
        return None if self.vectors is None else self.vectors[0]

    def holds(self, valid_at: int, known_at: int) -> bool:
        """Return whether the state holds at both times (the status is not looked at)."""
        return self.valid_from <= valid_at < self.valid_to and self.recorded_from <= known_at < self.recorded_to


@dataclass(frozen=True, slots=True)
class Edge:
    """A typed edge with the same four times as a state. `properties` are the user's own: JSON-able values by name."""

    type: EdgeType
    source: str
    target: str
    target_kind: NodeKind
    weight: float
    confidence: float
    valid_from: int
    valid_to: int
    recorded_from: int
    recorded_to: int
    opened_by: str
    closed_by: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def interval(self) -> Interval:
        """The valid time."""
        return Interval(self.valid_from, self.valid_to)

    @property
    def tiebreak(self) -> int:
        """A fixed number below 2^48 that orders edges of equal weight the same way on every store."""
        name = f"{self.type}|{self.source}|{self.target}|{self.valid_from}"
        return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")

    @property
    def key(self) -> tuple[EdgeType, str, str, NodeKind]:
        """What makes it the same edge at another time."""
        return (self.type, self.source, self.target, self.target_kind)


#: The operation that closes a run of the reorganizer; its reason holds the time up to which changes were looked at.
RUN = "reorganized"
#: The operation that tells of a run that failed; its reason says why.
RUN_FAILED = "reorganize_failed"
#: An operation of a run: one action of its plan.
ACTION = "reorganize"
#: The edges along which the words of a memory travel into other records.
DERIVING = (EdgeType.MERGED_INTO, EdgeType.DERIVED_FROM, EdgeType.PARENT, EdgeType.FOLLOWS)


def memory_ends(edge: Edge) -> list[str]:
    """Return the memories that the edge joins, one where its target is an entity or a source."""
    return [edge.source, edge.target] if edge.target_kind is NodeKind.MEMORY else [edge.source]


@dataclass(frozen=True, slots=True)
class Receipt:
    """What an applied operation did. `recorded_at` is its transaction time in microseconds."""

    operation: str
    recorded_at: int
    states_opened: int = 0
    states_closed: int = 0
    edges_opened: int = 0
    edges_closed: int = 0
    repeated: bool = False

    def plain(self) -> dict[str, Any]:
        """Return the counts as a JSON-able dict."""
        return {
            "states_opened": self.states_opened,
            "states_closed": self.states_closed,
            "edges_opened": self.edges_opened,
            "edges_closed": self.edges_closed,
        }

    def plus(self, other: Receipt) -> Receipt:
        """Return both summed, under this one's operation and the later time."""
        return replace(
            self,
            recorded_at=max(self.recorded_at, other.recorded_at),
            states_opened=self.states_opened + other.states_opened,
            states_closed=self.states_closed + other.states_closed,
            edges_opened=self.edges_opened + other.edges_opened,
            edges_closed=self.edges_closed + other.edges_closed,
            repeated=self.repeated and other.repeated,
        )


@dataclass(frozen=True, slots=True)
class Erasure:
    """What a purge does: erase memories, rewrite states in place, and take the text out of reasons of operations.

    `redacted` are states, by memory and version, with their new content. `mentions` are pairs of a memory that stays
    and an operation: what that operation let it mention is forgotten. The store refuses with ConflictError if an edge
    along which words travel, or a state of these memories, was recorded or closed after `read_at`. `tombstones` are
    memories that were purged before, the reasons for which lose their text.
    """

    ids: tuple[str, ...]
    redacted: tuple[State, ...] = ()
    mentions: tuple[tuple[str, str], ...] = ()
    reasons: tuple[str, ...] = ()
    tombstones: tuple[str, ...] = ()
    read_at: int = 0

    @property
    def watched(self) -> list[str]:
        """The memories that must be as they were when the erasure was planned."""
        return sorted({*self.ids, *(s.memory_id for s in self.redacted)})

    @property
    def erases(self) -> bool:
        """Whether words go; where not, states are written anew with what they say already."""
        return bool(self.ids or self.mentions or self.reasons or self.tombstones)


@dataclass(frozen=True, slots=True)
class Operation:
    """One line of the audit trail. `status` is open, done or failed; `touched` holds ids whose edges alone changed."""

    id: str
    kind: str
    recorded_at: int
    status: str
    actor: str | None = None
    reason: str | None = None
    part_of: str | None = None
    undoes: str | None = None
    payload_hash: str = ""
    receipt: Mapping[str, Any] = field(default_factory=dict)
    touched: tuple[str, ...] = ()
