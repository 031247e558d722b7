"""The embedded store behind the protocol."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from treemem.canonical import Vector, Vectors
from treemem.changes import ChangeSet, Edge, EdgeType, Entity, Erasure, Log, Model, Operation, Receipt, Source, State
from treemem.filters import Filter
from treemem.queued import QueuedTask, Spent
from treemem.store.protocol import (
    FIRST,
    LAST,
    LIVE,
    ConversationRow,
    CubeInfo,
    Lease,
    Page,
    Pick,
    Recall,
    Rows,
    Subgraph,
    Tombstone,
    Touched,
    Unstaged,
    Used,
)
from treemem.store.shared import check_model, checked_bookmarks, edge_order, lease_holds, nothing
from treemem.store.sqlite import conversations as talks
from treemem.store.sqlite import copying, loading, purging, reading, rows, walk
from treemem.store.sqlite import tasks as queue
from treemem.store.sqlite.applying import Applying
from treemem.store.sqlite.cache import IndexCache
from treemem.store.sqlite.database import Database
from treemem.store.sqlite.index import CubeIndex
from treemem.store.sqlite.masks import Where
from treemem.store.sqlite.statements import statement
from treemem.temporal import Moment

R = TypeVar("R")
#: How many rows a walk through a whole cube reads at once.
_BATCH = 256


class SqliteStore:
    """A graph store in one SQLite file, usable by many threads and processes at once.

    `timeout` is how long a writer waits for another, in seconds; `cache_bytes` bounds the in-memory indexes.
    """

    def __init__(self, path: str | Path, *, timeout: float = 30.0, cache_bytes: int = 1 << 30) -> None:
        self._database = Database(Path(path), timeout)
        self._cache = IndexCache(cache_bytes)
        self._apply = Applying(self._database, timeout)

    @property
    def location(self) -> str:
        return str(self._database.path)

    def migrate(self) -> list[str]:
        return self._database.migrate()

    def backup(self, target: Path, progress: Callable[[int, int | None], None] | None = None) -> None:
        with self._database.read() as conn:
            copying.copy(conn, target, progress)
        copying.verify(target)  # outside the transaction: the file is nobody's yet

    def apply(self, changes: ChangeSet, *, lease: Lease | None = None) -> Receipt:
        return self._apply(changes, lease)

    def begin(self, changes: ChangeSet) -> Callable[[], Receipt]:
        receipt = self.apply(changes)
        return lambda: receipt

    def purge(self, changes: ChangeSet, erasure: Erasure) -> Receipt:
        with self._database.write() as conn:
            receipt = purging.purge(conn, changes, erasure)
        if erasure.erases:
            self._database.scrub()
        return receipt

    def edges_ever(self, cube: str, ids: Sequence[str], *, types: Sequence[EdgeType] | None = None) -> list[Edge]:
        return self._read(lambda conn: reading.edges_ever(conn, cube, ids, types))

    def preceding(
        self, cube: str, ids: Sequence[str], moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> dict[str, State]:
        return self._read(lambda conn: reading.preceding(conn, cube, ids, moment, statuses))

    def conversation(
        self,
        cube: str,
        log: Log,
        *,
        above: int = FIRST,
        below: int = LAST,
        newest: bool = False,
        limit: int = 1_000,
        statuses: Sequence[str] | None = LIVE,
        where: Filter | None = None,
    ) -> list[State]:
        return self._read(
            lambda conn: talks.conversation(conn, cube, log, above, below, newest, limit, statuses, where)
        )

    def conversations(
        self, cube: str, *, statuses: Sequence[str] = LIVE, where: Filter | None = None
    ) -> list[ConversationRow]:
        return self._read(lambda conn: talks.conversations(conn, cube, statuses, where))

    def recall(self, recall: Recall, pick: Pick) -> tuple[Subgraph, list[State]]:
        with self._database.read() as conn:
            pin = reading.pinned(conn, recall.cube, recall.moment)
            if pin is None:
                return nothing(recall.moment), []
            cube, t, k = pin
            check_model(recall.cube, *reading.model_of(conn, cube), recall.model)
            index, clock = self._index(conn, cube, k)
            found = walk.recall(conn, cube, recall, index, clock, t, k)
            return found, reading.versions(conn, recall.cube, pick(found), vectors=recall.vectors)

    def _index(self, conn: sqlite3.Connection, cube: int, known_at: int) -> tuple[CubeIndex, int]:
        """Return the index of a cube that serves `known_at`, and the cube's clock."""
        clock, epoch, dimension = conn.execute(
            "SELECT clock, epoch, coalesce(dimension, 1) FROM cube WHERE num = ?", (cube,)
        ).fetchone()
        return self._cache.get(conn, cube, clock, epoch, dimension, known_at), clock

    def neighbours(
        self, cube: str, vectors: Sequence[Vector], k: int, moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> list[list[tuple[str, float]]]:
        with self._database.read() as conn:
            pin = reading.pinned(conn, cube, moment)
            if pin is None:
                return [[] for _ in vectors]
            num, valid_at, known_at = pin
            index, _ = self._index(conn, num, known_at)
            keep = index.states.mask(Where(valid_at, valid_at, known_at, statuses))
            return [[(hit[0], hit[2]) for hit in hits] for hits in index.nearest_to_each(vectors, keep, k)]

    def _read(self, query: Callable[[sqlite3.Connection], R]) -> R:
        with self._database.read() as conn:
            return query(conn)

    def states(
        self,
        cube: str,
        ids: Sequence[str],
        moment: Moment,
        *,
        statuses: Sequence[str] | None = LIVE,
        vectors: bool = False,
    ) -> list[State]:
        return self._read(lambda conn: reading.states(conn, cube, ids, moment, statuses, vectors))

    def versions(self, cube: str, keys: Sequence[tuple[str, int]], *, vectors: bool = False) -> list[State]:
        return self._read(lambda conn: reading.versions(conn, cube, keys, vectors))

    def known(self, cube: str, ids: Sequence[str], known_at: int | None = None) -> list[State]:
        return self._read(lambda conn: reading.known(conn, cube, ids, known_at))

    def history(self, cube: str, ids: Sequence[str]) -> list[State]:
        return self._read(lambda conn: reading.history(conn, cube, ids))

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
        return self._read(lambda conn: reading.page(conn, cube, moment, statuses, where, after, limit, vectors))

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
        return self._read(lambda conn: reading.edges(conn, cube, ids, moment, types, direction, statuses))

    def entities(self, cube: str, ids: Sequence[str]) -> list[Entity]:
        return self._read(lambda conn: reading.entities(conn, cube, ids))

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
        return self._read(lambda conn: reading.operations(conn, cube, ids, part_of, since, until, parts, limit))

    def touched(self, cube: str, operation: str) -> Touched:
        return self._read(lambda conn: reading.touched(conn, cube, operation))

    def tombstones(self, cube: str) -> list[Tombstone]:
        return [Tombstone(*row) for row in self._after("tombstones", {"cube": cube})]

    def record_usage(self, cube: str, counts: Mapping[str, int], now: int) -> None:
        with self._database.write() as conn:
            given = {"cube": cube, "counts": rows.listed(counts.items()), "now": now}
            conn.execute(statement("record_usage"), given)

    def usage(self, cube: str, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        given = {"cube": cube, "ids": rows.listed(ids)}
        found = self._read(lambda conn: conn.execute(statement("usage"), given).fetchall())
        return {node_id: (count, last) for node_id, count, last in found}

    def lease(self, cube: str, holder: str, now: int, ttl: int) -> Lease | None:
        with self._database.write() as conn:
            row = conn.execute("SELECT holder, fence, expires FROM lease WHERE cube = ?", (cube,)).fetchone()
            if row is not None and row[0] != holder and lease_holds(row[2], now, ttl):
                return None
            fence = 1 if row is None else row[1] + (row[0] != holder)
            conn.execute(statement("take_lease"), (cube, holder, fence, now + ttl))
            return Lease(cube, holder, fence, now + ttl)

    def current_lease(self, cube: str) -> Lease | None:
        def one(conn: sqlite3.Connection) -> Lease | None:
            row = conn.execute("SELECT cube, holder, fence, expires FROM lease WHERE cube = ?", (cube,)).fetchone()
            return None if row is None else Lease(*row)

        return self._read(one)

    def release(self, lease: Lease) -> None:
        with self._database.write() as conn:
            conn.execute(
                "UPDATE lease SET expires = 0 WHERE cube = ? AND holder = ? AND fence = ?",
                (lease.cube, lease.holder, lease.fence),
            )

    def enqueue(self, cube: str, tasks: Sequence[QueuedTask], most_waiting: int) -> None:
        with self._database.write() as conn:
            queue.enqueue(conn, cube, tasks, most_waiting)

    def tasks(self, cube: str, ids: Sequence[str]) -> list[QueuedTask]:
        return self._read(lambda conn: queue.by_id(conn, cube, ids))

    def listed_tasks(self, cube: str, state: str, owner: str | None, limit: int) -> list[QueuedTask]:
        return self._read(lambda conn: queue.listed(conn, cube, state, owner, limit))

    def due_tasks(self, cube: str, kinds: Sequence[str], now: int, machine: int, limit: int) -> list[QueuedTask]:
        return self._read(lambda conn: queue.due(conn, cube, kinds, now, machine, limit))

    def cubes_due(self, now: int, machine: int) -> list[str]:
        return self._read(lambda conn: queue.cubes_due(conn, now, machine))

    def swap_task(self, cube: str, before: QueuedTask, after: QueuedTask, spent: Spent | None = None) -> bool:
        with self._database.write() as conn:
            return queue.swap(conn, cube, before, after, spent)

    def forget_tasks(self, cube: str, before: int, limit: int) -> int:
        with self._database.write() as conn:
            return queue.forget(conn, cube, before, limit)

    def spent(self, cube: str) -> Spent | None:
        return self._read(lambda conn: queue.spending(conn, cube))

    def cubes(self) -> list[CubeInfo]:
        return self._read(reading.cube_infos)

    def cube(self, cube: str) -> CubeInfo | None:
        return self._read(lambda conn: reading.cube_info(conn, cube))

    def settled(self, cube: str) -> CubeInfo | None:
        return self.cube(cube)

    def counts(self, cube: str) -> dict[str, int]:
        return self._read(lambda conn: reading.counts(conn, cube))

    def sizes(self, cube: str, now: int, *, statuses: Sequence[str] = LIVE) -> dict[str, int]:
        return self._read(lambda conn: reading.sizes(conn, cube, now, statuses))

    def all_states(self, cube: str) -> Iterator[State]:
        after = ("", 0)
        while batch := self._read(lambda conn, a=after: reading.states_after(conn, cube, a)):  # type: ignore[misc]
            yield from batch
            after = (batch[-1].memory_id, batch[-1].version)

    def all_edges(self, cube: str) -> Iterator[Edge]:
        after: str | None = ""
        while after is not None:
            batch, after = self._read(lambda conn, a=after: reading.edges_after(conn, cube, a))  # type: ignore[misc]
            yield from sorted(batch, key=edge_order)

    def all_entities(self, cube: str) -> Iterator[Entity]:
        for node_id, name, attributes in self._nodes(cube, "entity"):
            yield Entity(node_id, name, json.loads(attributes)["kind"])

    def all_sources(self, cube: str) -> Iterator[Source]:
        for node_id, _, attributes in self._nodes(cube, "source"):
            yield Source(node_id, **json.loads(attributes))

    def _nodes(self, cube: str, kind: str) -> Iterator[tuple[str, str, str]]:
        after = ""
        while found := self._after("all_nodes", {"cube": cube, "kind": kind, "after": after, "limit": _BATCH}):
            yield from found
            after = found[-1][0]

    def all_operations(self, cube: str) -> Iterator[Operation]:
        after = ""
        while found := self._after("all_operations", {"cube": cube, "after": after, "limit": _BATCH}):
            batch = [rows.operation(row) for row in found]
            yield from batch
            after = batch[-1].id

    def all_usage(self, cube: str) -> Iterator[Used]:
        after = ""
        while found := self._after("all_usage", {"cube": cube, "after": after, "limit": _BATCH}):
            yield from (Used(*row) for row in found)
            after = found[-1][0]

    def _after(self, name: str, given: Mapping[str, Any]) -> list[Any]:
        return self._read(lambda conn: conn.execute(statement(name), given).fetchall())

    def begin_load(self, info: CubeInfo, archive: str) -> None:
        with self._database.write() as conn:
            loading.begin(conn, info, archive)

    def load(self, rows: Rows, archive: str) -> None:
        with self._database.write() as conn:
            loading.load(conn, rows, archive)

    def end_load(self, info: CubeInfo, archive: str) -> None:
        with self._database.write() as conn:
            loading.end(conn, info, archive)

    def add_rows(self, info: CubeInfo, batches: Callable[[], Iterable[Rows]]) -> bool:
        with self._database.write() as conn:
            if info.loading is not None or reading.cube_info(conn, info.id) != info:
                return False
            for batch in batches():
                loading.add(conn, batch)
            return True

    def unstaged(self, cube: str, model: Model) -> Iterator[list[Unstaged]]:
        after = 0
        asked = {"cube": cube, "embedder": model.name, "limit": _BATCH}
        while found := self._after("unstaged", {**asked, "after": after}):
            yield [Unstaged(*row[1:]) for row in found]
            after = found[-1][0]

    def stage(self, cube: str, model: Model, rows: Sequence[tuple[str, int, Vectors]]) -> None:
        with self._database.write() as conn:
            loading.stage(conn, cube, model.name, rows)

    def switch(self, cube: str, model: Model) -> bool:
        with self._database.write() as conn:
            return loading.switch(conn, cube, model)

    def erase(self, cube: str, *, only: CubeInfo | None = None, keep: Callable[[CubeInfo], None] | None = None) -> bool:
        with self._database.write() as conn:
            info = next((info for info in reading.cube_infos(conn) if info.id == cube), None)
            if only is not None and info != only:
                return False
            num = rows.cube_num(conn, cube)
            if info is None or num is None:
                return only is None and keep is None
            if keep is not None:
                # In a thread, which reads by a connection of its own, while this one keeps all writers out.
                with ThreadPoolExecutor(max_workers=1, thread_name_prefix="treemem-keep") as apart:
                    apart.submit(keep, info).result()
            loading.erase(conn, num, cube)
        self._database.scrub()
        return True

    def dangling(self, cube: str) -> list[str]:
        return self._read(lambda conn: reading.dangling(conn, cube))

    def bookmarks(self) -> list[str]:
        return []

    def wait_for(self, bookmarks: Iterable[str]) -> None:
        checked_bookmarks(bookmarks)  # a file has one copy: what was committed is seen

    def close(self) -> None:
        self._database.close()
