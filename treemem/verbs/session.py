"""What every verb stands on: the store, the cube, the model, the clock, and how a plan is committed."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from treemem.caller import Caller
from treemem.canonical import request_json
from treemem.changes import ChangeSet, Edge, EdgeAssert, EdgeType, Model, Part, Receipt, State, memory_ends
from treemem.config import TreeTextMemoryConfig, from_arguments, open_embedder, open_store
from treemem.contents import is_message, show_background
from treemem.errors import (
    ConflictError,
    InvalidChangeError,
    InvalidInputError,
    MemoryNotFoundError,
    NotAllowedError,
    OperationMismatchError,
    OperationNotFoundError,
    TreememError,
)
from treemem.filters import passes
from treemem.items import STATUSES, TextualMemoryItem, checked_id, checked_text
from treemem.models.embedders import Embedder, checked_embedder, embedded_questions, embedded_texts
from treemem.models.llm import LLM
from treemem.models.rerankers import Reranker
from treemem.store.protocol import GraphStore, Page, Touched
from treemem.store.shared import operation_mismatch, receipt_of
from treemem.temporal import BEGINNING, Clock, Moment, TimeLike, parse_time, system_clock, to_micros
from treemem.verbs.usage import UsageLog
from treemem.verbs.workers import Workers

Item = TypeVar("Item", bound=TextualMemoryItem)
ATTEMPTS = 64
#: The types of edges that change what their target is, not only what leads to it.
_OF_BOTH = frozenset({EdgeType.PARENT, EdgeType.SUPERSEDES, EdgeType.MERGED_INTO})
#: Seconds in which a commit that has begun becomes visible as a whole.
_SETTLE = 0.01
#: The first time at which no clock may stand: transaction times must have room above it.
LAST_CLOCK = to_micros(datetime(9999, 1, 1, tzinfo=UTC))
#: How many memories a store is asked about at once.
BATCH = 200
VISIBLE = tuple(status for status in STATUSES if status != "deleted")


class Session:
    """One cube of one store, opened with a model and a clock."""

    def __init__(
        self,
        config: TreeTextMemoryConfig | None = None,
        *,
        embedder: Embedder | None = None,
        clock: Clock = system_clock,
        store: GraphStore | None = None,
        driver: Any = None,
        bookmarks: Iterable[str] = (),
        walled: bool = False,
        reranker: Reranker | None = None,
        llm: LLM | None = None,
        usage: UsageLog | None = None,
        workers: Workers | None = None,
    ) -> None:
        """Open the memory that `config` describes, or one over a `store` that the caller closes.

        What the configuration leaves out comes from the environment; `embedder` and `driver` stand before it.
        Reads see what the `bookmarks` stand for. A `walled` memory cannot reach another cube.
        """
        given = {} if config is None else {name: getattr(config, name) for name in config.model_fields_set}
        self._config = from_arguments(given) if store is None else config or TreeTextMemoryConfig()
        self._cube = checked_id(self._config.cube, "cube")
        own = open_embedder(self._config.embedder) if embedder is None else embedder
        self._embedder: Embedder = checked_embedder(own)
        self._reranker = reranker
        self._llm = llm
        self._clock = clock
        self._walled = walled
        self._caller = Caller(self._config.user_id, self._config.session_id)
        self._visible = self._caller.visible
        self._owns_store = store is None
        self._store: GraphStore = (
            open_store(self._config, driver, dimension=self._embedder.dimension, bookmarks=bookmarks)
            if store is None
            else store
        )
        self._workers = Workers() if workers is None else workers
        self._owns_usage = usage is None and self._config.record_usage
        self._usage = UsageLog(self._store, self._now) if self._owns_usage else usage

    def close(self) -> None:
        """End the background workers and release the store's connections, if this memory opened the store."""
        if self._owns_store:
            self._workers.close()
        if self._usage is not None and self._owns_usage:
            self._usage.close()
        if self._owns_store:
            self._store.close()

    def _now(self) -> int:
        """Return the clock's time in microseconds; raises InvalidInputError for a clock that tells none."""
        return clock_time(self._clock)

    def _moment(self, as_of: TimeLike | None, known_at: TimeLike | None) -> Moment:
        return Moment(
            self._now(),
            None if as_of is None else parse_time(as_of, "as_of"),
            None if known_at is None else parse_time(known_at, "known_at"),
        )

    def _pages(
        self, moment: Moment, statuses: Sequence[str], after: str = "", limit: int = 500, **where: Any
    ) -> Iterator[Page]:
        """Yield the store's pages, all at the moment to which the first one was pinned."""
        while True:
            page = self._store.pages(self._cube, moment, statuses=statuses, after=after, limit=limit, **where)
            yield page
            if page.cursor is None:
                return
            after, moment = page.cursor, Moment(moment.now, page.valid_at, page.known_at)

    def _states(self, ids: Sequence[str], moment: Moment, *, vectors: bool = False) -> list[State]:
        """Return the states that hold at the moment and that the caller may see, in the order of `ids`."""
        found = self._store.states(self._cube, ids, moment, statuses=VISIBLE, vectors=vectors)
        return [state for state in found if passes(self._visible, state)]

    def _with_backgrounds(self, items: Sequence[Item], moment: Moment, cube: str | None = None) -> Sequence[Item]:
        """Show each message that has no background of its own the text of the message before it, and return them.

        That is read at the same moment and by the same caller: what is gone or hidden then is no background.
        """
        told = {i.id: i.metadata for i in items if i.metadata.background is None and is_message(i.metadata.sources)}
        if told:
            found = self._store.preceding(cube or self._cube, sorted(told), moment, statuses=VISIBLE)
            for memory_id, state in found.items():
                if self._caller.sees(state):
                    show_background(told[memory_id], str(state.fields["memory"]))
        return items

    def _edges_at(
        self,
        ids: Sequence[str],
        types: Sequence[EdgeType] | None,
        moment: Moment,
        direction: str = "both",
        statuses: Sequence[str] | None = VISIBLE,
    ) -> list[Edge]:
        """Return the edges at these memories that hold at the moment, each once; many ids are asked in batches."""
        found: dict[tuple[object, ...], Edge] = {}
        for i in range(0, len(ids), BATCH):
            some = self._store.edges(
                self._cube, ids[i : i + BATCH], moment, types=types, direction=direction, statuses=statuses
            )
            found |= {(*e.key, e.valid_from): e for e in some}
        return list(found.values())

    def _last_versions(self, ids: Sequence[str]) -> dict[str, int]:
        """Return the last version of each memory, whatever it says; many ids are asked in batches."""
        versions: dict[str, int] = {}
        for i in range(0, len(ids), BATCH):
            for state in self._store.history(self._cube, ids[i : i + BATCH]):
                versions[state.memory_id] = max(state.version, versions.get(state.memory_id, 0))
        return versions

    def _history(self, ids: Sequence[str]) -> list[State]:
        """Return every state of those memories that the caller sees."""
        return [s for s in self._store.history(self._cube, ids) if self._caller.sees(s)]

    def _histories(self, ids: Sequence[str]) -> dict[str, list[State]]:
        """Return every state of each memory, hidden ones too, as a change is planned from them."""
        found: dict[str, list[State]] = {memory_id: [] for memory_id in ids}
        for state in self._store.history(self._cube, ids):
            found[state.memory_id].append(state)
        return found

    def _known(self, memory_id: str, history: Iterable[State]) -> list[State]:
        """Return the states of a memory that are known now and that the caller sees.

        Raises NotAllowedError if one of them is somebody else's, MemoryNotFoundError if the caller sees none.
        """
        known = [s for s in history if s.closed_by is None]
        self._caller.require_own(self._cube, memory_id, known)
        return [s for s in known if self._caller.sees(s)]

    def _require_joinable(self, edge: EdgeAssert) -> None:
        """Raise MemoryNotFoundError unless the caller sees both ends, NotAllowedError unless it may join them.

        An edge is its source's. One that moves, ends or absorbs its target (PARENT, SUPERSEDES, MERGED_INTO) is both's.
        """
        if not self._caller:
            return
        ends = {edge.source, edge.target}
        known = [s for s in self._history(sorted(ends)) if s.closed_by is None]
        hidden = ends - {s.memory_id for s in known}
        if hidden:
            raise MemoryNotFoundError(f"no memory {min(hidden)!r} in cube {self._cube!r}")
        own = {s.memory_id for s in known} - {s.memory_id for s in known if not self._caller.owns(s)}
        wanted = ends if edge.type in _OF_BOTH else {edge.source}
        if not wanted <= own:
            raise NotAllowedError(
                f"{edge.type}: memory {min(wanted - own)!r} belongs to somebody else; {self._caller} may read it, not "
                "join it so"
            )

    def _touched(self, operation: str, *, to_change: bool = False) -> Touched:
        """Return what an operation touched; raises OperationNotFoundError if the caller may not see all of it, and
        NotAllowedError if it is `to_change` and some of it is somebody else's.
        """
        touched = self._store.touched(self._cube, operation)
        if not self._caller:
            return touched
        states = (*touched.states_opened, *touched.states_closed)
        ends = {end for e in (*touched.edges_opened, *touched.edges_closed) for end in memory_ends(e)}
        ends -= {s.memory_id for s in states}
        known = [s for s in self._history(sorted(ends)) if s.closed_by is None] if ends else []
        if not (states or ends) or {s.memory_id for s in known} != ends or not all(map(self._caller.sees, states)):
            raise OperationNotFoundError(f"no operation {operation!r} in cube {self._cube!r}; operations() lists them")
        if to_change:
            sources = {e.source for e in (*touched.edges_opened, *touched.edges_closed)}
            theirs = {s.memory_id for s in (*states, *known) if not self._caller.owns(s)}
            if not all(map(self._caller.owns, states)) or theirs & sources:
                raise NotAllowedError(
                    f"operation {operation!r}: changed what is somebody else's; {self._caller} cannot"
                )
        return touched

    def _reachable(self, cubes: Sequence[str]) -> list[str]:
        """Return the cubes by name, each once, or raise InvalidInputError if this memory is walled off from one."""
        wanted = [checked_id(cube, "cubes") for cube in ([cubes] if isinstance(cubes, str) else cubes)]
        if not wanted:
            raise InvalidInputError("cubes: wanted at least one name, found none")
        if self._walled and set(wanted) != {self._cube}:
            other = min(set(wanted) - {self._cube})
            raise InvalidInputError(f"cube {self._cube!r}: this view cannot reach {other!r}; ask whoever opened it")
        return list(dict.fromkeys(wanted))

    def _embed(self, texts: Sequence[str]) -> Any:
        return embedded_texts(self._embedder, texts)

    def _embed_questions(self, texts: Sequence[str]) -> Any:
        return embedded_questions(self._embedder, texts)

    def _base(
        self, kind: str, operation_id: str | None, actor: str | None, reason: str | None, request: Any = None
    ) -> ChangeSet:
        """Return an empty change set that says who, when and why.

        A verb that plans from what it reads gives its arguments as `request`: they, not the plan, are what has to be
        equal when the same operation id comes again.
        """
        operation = str(uuid.uuid4()) if operation_id is None else checked_id(operation_id, "operation_id")
        for name, text in (("actor", actor), ("reason", reason)):
            if text is not None:
                checked_text(text, name)
        return ChangeSet(
            cube=self._cube,
            operation=operation,
            kind=kind,
            now=self._now(),
            actor=actor or self._config.actor,
            reason=reason,
            model=Model(self._embedder.name, self._embedder.dimension),
            request=None if request is None else request_json(request),
        )

    def _commit(self, base: ChangeSet, plan: Callable[[], ChangeSet], *, repeatable: bool) -> Receipt:
        """Apply what `plan` plans; plan again, a bounded number of times, when the memory changed meanwhile.

        A `repeatable` operation (its id was given by the caller) that was done before is not planned again: its
        receipt is returned.
        """
        done = self._done_before(base) if repeatable else None
        if done is not None:
            return done
        for attempt in range(ATTEMPTS):
            try:
                return self._store.apply(self._settled(plan))
            except InvalidChangeError as refusal:
                raise self._discreet(refusal) from None
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
                time.sleep(random.uniform(0, 0.002 * min(attempt + 1, 20)))
        raise AssertionError("unreachable")

    def _discreet(self, refusal: InvalidChangeError) -> InvalidChangeError:
        """Return a refusal that names no memory which the caller may not see."""
        named = sorted(set(refusal.memories))
        if not self._caller or {s.memory_id for s in self._history(named)} == set(named):
            return refusal
        return InvalidChangeError(
            "the change breaks a rule of the graph (one parent at a time, no memory its own ancestor) together with "
            "memories that are not this caller's to see"
        )

    def _settled(self, plan: Callable[[], ChangeSet]) -> ChangeSet:
        """Return the plan; let it refuse only if nothing was committed to the cube while it read.

        Beside a writer, a plan may see a memory between two states: read by two statements, or by one that reads row
        by row while the commit goes on.
        """
        try:
            return plan()
        except TreememError as first:
            refusal = first
        for _ in range(ATTEMPTS):
            before = self._store.cube(self._cube)
            try:
                return plan()
            except TreememError as again:
                refusal = again
            if not self._store.reads_snapshots:
                time.sleep(_SETTLE)
            if self._store.cube(self._cube) == before:
                break
        raise refusal

    def _commit_parts(
        self, base: ChangeSet, plans: Sequence[Callable[[ChangeSet], ChangeSet]], *, repeatable: bool
    ) -> Receipt:
        """Commit one part below the operation `base` for each plan, in order, and return their receipts summed."""
        total = Receipt(base.operation, base.now)
        for index, plan in enumerate(plans):
            part = Part(base.operation, index, last=index == len(plans) - 1)
            one = replace(base, operation=f"{base.operation}/{index}", part=part)
            total = total.plus(self._commit(one, partial(plan, one), repeatable=repeatable))
        return total

    def _done_before(self, base: ChangeSet) -> Receipt | None:
        found = self._store.operations(self._cube, ids=[base.operation], limit=1)
        if not found:
            return None
        if base.request is None:
            return None  # the store compares what is asked for
        if found[0].payload_hash != base.payload_hash():
            raise OperationMismatchError(operation_mismatch(base))
        return receipt_of(found[0]) if found[0].status == "done" else None


def clock_time(clock: Clock) -> int:
    """Return what a clock says, in microseconds since 1970; raises InvalidInputError where that is no usable time."""
    told = clock()
    if not isinstance(told, datetime) or told.tzinfo is None:
        raise InvalidInputError(f"clock: wanted an aware datetime, found {told!r}")
    micros = to_micros(told)
    if not BEGINNING < micros < LAST_CLOCK:
        raise InvalidInputError(f"clock: wanted a time in the years 1 to 9998, found {told}")
    return micros
