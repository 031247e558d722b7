"""What a store is: a small, batched protocol in which every call names its cube."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from treemem.canonical import Vector
from treemem.changes import (
    ChangeSet,
    Edge,
    EdgeType,
    Entity,
    Erasure,
    Model,
    NodeKind,
    Operation,
    Receipt,
    Source,
    State,
)
from treemem.filters import Filter
from treemem.temporal import BEGINNING, END, Moment, Span

#: The statuses that are searched and read by default.
LIVE = ("activated", "generated")

#: The edge types that a search walks by default.
WALKED = (
    EdgeType.PARENT,
    EdgeType.CAUSES,
    EdgeType.FOLLOWS,
    EdgeType.RELATES_TO,
    EdgeType.CONTRADICTS,
    EdgeType.SUPERSEDES,
    EdgeType.MENTIONS,
)


@dataclass(frozen=True, slots=True)
class Recall:
    """A question as a store understands it: two seed arms, named entities and the bounds of the walk.

    `vector` has unit norm; `tokens` come from `treemem.text.analyse`. `filter` binds the seeds (and later the hits),
    `visible` also every memory walked through. A limit of 0 switches an arm off. The walk starts at the `walk_seeds`
    best of each arm and at the entities; it follows at most `fan_out` edges a node, strongest first, and does not go
    through nodes with more than `hub_degree` edges unless it starts there. A `model` other than the cube's raises
    ModelMismatchError. With a `span`, states and edges that hold at some time of it are found and walked, instead of
    those that hold at the moment's valid time; a memory may then be a seed by several of its states. Where `seconds`
    are given and do not suffice, StoreTimeoutError is raised. `vectors` is whether the states picked come with theirs.
    """

    cube: str
    moment: Moment
    span: Span | None = None
    vector: Vector | None = None
    tokens: tuple[str, ...] = ()
    entity_ids: tuple[str, ...] = ()
    statuses: tuple[str, ...] = LIVE
    filter: Filter | None = None
    visible: Filter | None = None
    vector_limit: int = 30
    text_limit: int = 30
    walk_seeds: int = 10
    hops: int = 2
    fan_out: int = 25
    hub_degree: int = 200
    edge_types: tuple[EdgeType, ...] = WALKED
    model: Model | None = None
    seconds: float | None = None
    vectors: bool = False


class Seed(NamedTuple):
    """A state found by one arm. `score` is a cosine in [-1, 1] for the vector arm, BM25 for the text arm.

    `valid_from` and `valid_to` are in microseconds.
    """

    memory_id: str
    version: int
    arm: str
    score: float
    valid_from: int = BEGINNING
    valid_to: int = END


#: A node of a walk: the first letter of its kind, a colon, its id. Strings, because walks hash them by the thousand.
Node = str
MEMORY, ENTITY, SOURCE = "m:", "e:", "s:"
PREFIXES = {NodeKind.MEMORY: MEMORY, NodeKind.ENTITY: ENTITY, NodeKind.SOURCE: SOURCE}


class WalkedEdge(NamedTuple):
    """An edge of the walk between two nodes."""

    type: EdgeType
    source: Node
    target: Node
    weight: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Subgraph:
    """What a recall found. `entities` are those the question names, `walked_entities` those reached.

    `versions` maps each memory reached to its state at the moment, `kinds` to its memory type.

    `valid_at` and `known_at` are the pinned times in microseconds.
    """

    valid_at: int
    known_at: int
    seeds: tuple[Seed, ...] = ()
    entities: tuple[Entity, ...] = ()
    walked_entities: tuple[Entity, ...] = ()
    edges: tuple[WalkedEdge, ...] = ()
    versions: Mapping[str, int] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)


#: Chooses the states to read, as (memory id, version), from what a recall found.
Pick = Callable[[Subgraph], Sequence[tuple[str, int]]]


@dataclass(frozen=True, slots=True)
class CubeInfo:
    """A cube: its last transaction time in microseconds, and its embedding model.

    `epoch` rises when rows change without the clock: when an archive is loaded.
    """

    id: str
    clock: int
    model: Model | None
    epoch: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """States in order of id. `cursor` is None on the last page; `known_at` is the moment the cursor carries."""

    states: tuple[State, ...]
    cursor: str | None
    valid_at: int
    known_at: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a cube as they were written, for loading an archive; at most some hundred at once.

    `info` is the cube they belong to: its clock and model. Tombstones are (id, purged at, reason).
    """

    info: CubeInfo
    operations: tuple[Operation, ...] = ()
    entities: tuple[Entity, ...] = ()
    sources: tuple[Source, ...] = ()
    states: tuple[State, ...] = ()
    edges: tuple[Edge, ...] = ()
    tombstones: tuple[tuple[str, int, str | None], ...] = ()


@dataclass(frozen=True, slots=True)
class Touched:
    """The rows that one operation opened and closed."""

    states_opened: tuple[State, ...]
    states_closed: tuple[State, ...]
    edges_opened: tuple[Edge, ...]
    edges_closed: tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on a cube until `expires` (microseconds). `fence` rises with every new holder."""

    cube: str
    holder: str
    fence: int
    expires: int


class GraphStore(Protocol):
    """A graph of time-versioned states. Thread-safe; every method is one transaction unless it says otherwise."""

    @property
    def location(self) -> str:
        """Where the data lies, without secrets: a path or a URI."""
        ...

    @property
    def reads_snapshots(self) -> bool:
        """Whether one read sees one committed moment; if not, it may see a commit half done (Neo4j: row by row)."""
        ...

    def migrate(self) -> list[str]:
        """Bring the schema up to date; return the names of the migrations that ran. Raises SchemaError."""
        ...

    def apply(self, changes: ChangeSet, *, lease: Lease | None = None) -> Receipt:
        """Write a change set, or nothing. Applying the same operation again returns its receipt.

        With a `lease`, only while that is still the cube's. Raises ConflictError, InvalidChangeError,
        OperationMismatchError, ModelMismatchError, LeaseError, StoreError.
        """
        ...

    def begin(self, changes: ChangeSet) -> Callable[[], Receipt]:
        """Start an apply and return a function that waits for its receipt, or raises as `apply` does.

        A store on another machine works meanwhile; an embedded one is done when this returns.
        """
        ...

    def recall(self, recall: Recall, pick: Pick) -> tuple[Subgraph, list[State]]:
        """Return seeds and the walk around them, and the states that `pick` chose from it, in its order.

        Both are read in one transaction; `pick` may run more than once if the store repeats it.
        """
        ...

    def states(
        self,
        cube: str,
        ids: Sequence[str],
        moment: Moment,
        *,
        statuses: Sequence[str] | None = LIVE,
        vectors: bool = False,
    ) -> list[State]:
        """Return the states of these memories that hold at the moment, in the order of `ids`; absent ones are left out.

        `statuses` None means any status.
        """
        ...

    def versions(self, cube: str, keys: Sequence[tuple[str, int]], *, vectors: bool = False) -> list[State]:
        """Return the states with these (memory id, version), in the order of `keys`; absent ones are left out."""
        ...

    def known(self, cube: str, ids: Sequence[str], known_at: int | None = None) -> list[State]:
        """Return every state known at a transaction time (default: now), over all valid times, vectors included."""
        ...

    def history(self, cube: str, ids: Sequence[str]) -> list[State]:
        """Return every state of these memories ever recorded, by id and version, vectors included."""
        ...

    def pages(
        self,
        cube: str,
        moment: Moment,
        *,
        statuses: Sequence[str] | None = LIVE,
        where: Filter | None = None,
        after: str = "",
        limit: int = 500,
        vectors: bool = False,
    ) -> Page:
        """Return the states that hold at the moment with an id above `after`, in order of id."""
        ...

    def edges(
        self,
        cube: str,
        ids: Sequence[str],
        moment: Moment,
        *,
        types: Sequence[EdgeType] | None = None,
        direction: str = "both",
        statuses: Sequence[str] | None = LIVE,
    ) -> list[Edge]:
        """Return the edges at these memories that hold at the moment and whose memories hold too.

        `direction` is out, in or both. `statuses` None returns edges whatever the state of their ends.
        """
        ...

    def entities(self, cube: str, ids: Sequence[str]) -> list[Entity]:
        """Return the entities with these ids that exist."""
        ...

    def neighbours(
        self, cube: str, vectors: Sequence[Vector], k: int, moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> list[list[tuple[str, float]]]:
        """Return, for each vector, the k nearest memories as (id, cosine), nearest first."""
        ...

    def operations(
        self,
        cube: str,
        *,
        ids: Sequence[str] | None = None,
        part_of: str | None = None,
        since: int | None = None,
        until: int | None = None,
        parts: bool = False,
        limit: int = 1_000,
    ) -> list[Operation]:
        """Return operations, newest first; parts of batches only where `ids`, `part_of` or `parts` asks for them."""
        ...

    def touched(self, cube: str, operation: str) -> Touched:
        """Return what one operation opened and closed (not its parts), vectors included."""
        ...

    def purge(self, changes: ChangeSet, erasure: Erasure) -> Receipt:
        """Erase memories with their states, sources and edges, and entities nothing else mentions; leave tombstones.

        `changes` says who, when and why, and has no rows. Raises OperationMismatchError, and ConflictError where
        something else came meanwhile.
        """
        ...

    def edges_ever(self, cube: str, ids: Sequence[str], *, types: Sequence[EdgeType] | None = None) -> list[Edge]:
        """Return every edge ever recorded at these memories, in either direction."""
        ...

    def preceding(
        self, cube: str, ids: Sequence[str], moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> dict[str, State]:
        """Return, by id, the state of the message that each of these memories FOLLOWS at the moment, without vectors.

        Of several it is the one that the strongest edge leads to.
        """
        ...

    def tombstones(self, cube: str) -> list[tuple[str, int, str | None]]:
        """Return (id, purged at, reason) of every purged memory."""
        ...

    def record_usage(self, cube: str, counts: Mapping[str, int], now: int) -> None:
        """Count so many recalls of each memory, in one write, beside the states; a read-only store counts none."""
        ...

    def usage(self, cube: str, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return (times recalled, last time in microseconds) of the memories that were ever recalled."""
        ...

    def lease(self, cube: str, holder: str, now: int, ttl: int) -> Lease | None:
        """Take or renew the lease of a cube for `ttl` microseconds; None while another holder has it."""
        ...

    def current_lease(self, cube: str) -> Lease | None:
        """Return the lease that was taken last, which may have run out; None if there never was one."""
        ...

    def release(self, lease: Lease) -> None:
        """Give a lease back. Does nothing when it has passed to another holder."""
        ...

    def cubes(self) -> list[CubeInfo]:
        """Return every cube, by id."""
        ...

    def cube(self, cube: str) -> CubeInfo | None:
        """Return one cube, or None if nothing was ever written to it."""
        ...

    def settled(self, cube: str) -> CubeInfo | None:
        """Return one cube as `cube` does, at a moment when every change up to its clock can be read as a whole."""
        ...

    def counts(self, cube: str) -> dict[str, int]:
        """Return the number of memories, states, edges, entities, sources and operations."""
        ...

    def sizes(self, cube: str, now: int, *, statuses: Sequence[str] = LIVE) -> dict[str, int]:
        """Return how many memories hold at a time, as known now, by memory type."""
        ...

    def all_states(self, cube: str) -> Iterator[State]:
        """Yield every state ever recorded, by id and version, vectors included, in bounded memory."""
        ...

    def all_edges(self, cube: str) -> Iterator[Edge]:
        """Yield every edge ever recorded, ends as ids, in bounded memory."""
        ...

    def all_entities(self, cube: str) -> Iterator[Entity]:
        """Yield every entity, by id, in bounded memory."""
        ...

    def all_sources(self, cube: str) -> Iterator[Source]:
        """Yield every source, by id, in bounded memory."""
        ...

    def all_operations(self, cube: str) -> Iterator[Operation]:
        """Yield every operation, parts of batches included, in bounded memory."""
        ...

    def load(self, rows: Rows) -> None:
        """Write rows of an archive as they are, in one transaction; rows that are there already stay as they are.

        Operations come before states, states before edges, a memory's states in order of version.
        """
        ...

    def unstaged(self, cube: str, model: Model) -> Iterator[list[tuple[str, int, str | None, str]]]:
        """Yield batches of the states without a staged vector of a model, as (memory id, version, key, text)."""
        ...

    def stage(self, cube: str, model: Model, rows: Sequence[tuple[str, int, Vector]]) -> None:
        """Keep new vectors of states, as (memory id, version, vector), beside those that are searched."""
        ...

    def switch(self, cube: str, model: Model) -> bool:
        """Give a cube its new model and put the staged vectors in place; False if some state has none yet.

        A server does this in parts, in which the vector arm finds what is in place already; repeating it goes on.
        """
        ...

    def erase(self, cube: str, *, only: CubeInfo | None = None, keep: Callable[[CubeInfo], None] | None = None) -> bool:
        """Erase a cube with everything in it, in bounded transactions; nothing of it is left, no tombstone either.

        With `only`, if the cube is still the one that was seen: return whether it was, and is erased. With `keep`,
        which is called with the cube as it is, nobody else writes to it from before that call until it is gone:
        writers wait, or get StoreUnavailableError; if `keep` raises, nothing is erased. What is written while an
        erasure goes on belongs to a new cube of the same name. An erasure that was cut off is finished first.
        """
        ...

    def dangling(self, cube: str) -> list[str]:
        """Return a line for each row whose operation, identity or end does not exist, or lies in another cube."""
        ...

    def bookmarks(self) -> list[str]:
        """Return what another store over the same database must be told to see everything this one has seen.

        Empty where there is one copy of the data, as in a file.
        """
        ...

    def wait_for(self, bookmarks: Iterable[str]) -> None:
        """Let every later read see what the store that gave these bookmarks had seen."""
        ...

    def close(self) -> None:
        """Release connections. Closing twice is fine."""
        ...
