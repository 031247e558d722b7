"""What stores are asked and what they answer, as plain data. Times are microseconds since 1970, UTC."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from treemem.canonical import Vector
from treemem.changes import Edge, EdgeType, Entity, Model, NodeKind, Operation, Source, State
from treemem.filters import Filter
from treemem.temporal import BEGINNING, END, Moment, Span

#: The statuses that are searched and read by default.
LIVE = ("activated", "generated")

#: How much less the cosine of a passage counts than that of a whole text, and how much its BM25 counts, as a factor:
#: that a part of a text is about the question says less than that the text is. docs/architecture.md, "Long texts".
PASSAGE, PASSAGE_TEXT = 0.15, 0.75

#: Below the first and above the last number that a message can have in its conversation.
FIRST, LAST = -(1 << 62), 1 << 62

#: Where the clock of a cube stands while an archive is loaded into it: nothing was recorded yet, so that no read at a
#: moment finds anything.
LOADING = BEGINNING

#: The edge types that a search does not walk by default; it walks all others, users' own among them.
NOT_WALKED = (EdgeType.MERGED_INTO, EdgeType.DERIVED_FROM)


@dataclass(frozen=True, slots=True)
class Recall:
    """A question as a store understands it: two seed arms, named entities and the bounds of the walk.

    `vector` has unit norm; `tokens` come from `treemem.text.analyse`. `filter` binds the seeds (and later the hits),
    `visible` also every memory walked through. A limit of 0 switches an arm off. The walk starts at the
    `walk_seeds` best of each arm and at the entities; it follows at most `fan_out` edges a node, strongest first,
    and does not go through nodes with more than `hub_degree` edges unless it starts there; behind the first hop it
    reads at most `hop_edges` a hop, those of the nodes with the fewest edges first, and in the last one no mentions
    of memories, whose names would lead nowhere; it walks `edge_types`, with None all but NOT_WALKED. A `model`
    other than the cube's raises ModelMismatchError. With a `span`, states and edges that hold at some time of it
    are found and walked, instead of those that hold at the moment's valid time; a memory may then be a seed by
    several of its states. Where `seconds` are given and do not suffice, StoreTimeoutError is raised. `vectors` is
    whether the states picked come with theirs.
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
    walk_seeds: int = 7
    hops: int = 2
    fan_out: int = 25
    hub_degree: int = 200
    hop_edges: int = 400
    edge_types: tuple[EdgeType, ...] | None = None
    model: Model | None = None
    seconds: float | None = None
    vectors: bool = False

    @property
    def types_tested(self) -> tuple[list[str], bool]:
        """The types that an edge's type is looked for among, and whether it must be there, or must not."""
        if self.edge_types is None:
            return [t.value for t in NOT_WALKED], False
        return [t.value for t in self.edge_types], True


class Unstaged(NamedTuple):
    """A state without vectors of the next model: what they are made of, and by how many passages it is found."""

    memory_id: str
    version: int
    key: str | None
    text: str
    passages: int


class Seed(NamedTuple):
    """A state found by one arm. `score` is a cosine in [-1, 1] for the vector arm, BM25 for the text arm: of its text,
    or what its best passage counts for where that is more.

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


def seeds_alone(found: Subgraph) -> list[tuple[str, int]]:
    """Pick the seeds of a recall, in their order."""
    return [(seed.memory_id, seed.version) for seed in found.seeds]


@dataclass(frozen=True, slots=True)
class CubeInfo:
    """A cube: its last transaction time in microseconds, and its embedding model.

    `epoch` rises when rows change without the clock: when an archive is loaded. `loading` says which archive is being
    loaded into it; nobody sees anything of it until that is done.
    """

    id: str
    clock: int
    model: Model | None
    epoch: int = 0
    loading: str | None = None


class ConversationRow(NamedTuple):
    """A conversation: how many messages it has, when the first and the last one were made, and whose they are."""

    id: str
    messages: int
    first: int
    last: int
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """States in order of id. `cursor` is None on the last page; `known_at` is the moment the cursor carries."""

    states: tuple[State, ...]
    cursor: str | None
    valid_at: int
    known_at: int


class Tombstone(NamedTuple):
    """What a purge leaves of a memory. An archive of an earlier version does not name the operation."""

    id: str
    purged_at: int
    reason: str | None
    operation: str | None = None


class Used(NamedTuple):
    """How often a memory was recalled, and when last."""

    id: str
    recalls: int
    last: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a cube as they were written, for loading an archive; at most some hundred at once.

    `info` is the cube they belong to: its clock and model.
    """

    info: CubeInfo
    operations: tuple[Operation, ...] = ()
    entities: tuple[Entity, ...] = ()
    sources: tuple[Source, ...] = ()
    states: tuple[State, ...] = ()
    edges: tuple[Edge, ...] = ()
    tombstones: tuple[Tombstone, ...] = ()
    usage: tuple[Used, ...] = ()

    def __len__(self) -> int:
        """Return how many rows there are."""
        kinds = self.operations, self.entities, self.sources, self.states, self.edges, self.tombstones, self.usage
        return sum(map(len, kinds))


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
