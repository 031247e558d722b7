"""The Neo4j store behind the protocol."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import neo4j

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
from treemem.errors import StoreError, StoreFullError, StoreUnavailableError
from treemem.filters import Filter
from treemem.store.neo4j import erasing, filtering, loading, purging, rows, schema, writing
from treemem.store.neo4j import recall as recalling
from treemem.store.neo4j.connection import Connection, Transaction
from treemem.store.neo4j.rows import vector
from treemem.store.neo4j.statements import Statement, statement
from treemem.store.protocol import (
    LIVE,
    CubeInfo,
    Lease,
    Page,
    Pick,
    Recall,
    Rows,
    Subgraph,
    Touched,
)
from treemem.store.shared import LONGEST_LEASE, check_model, checked_bookmarks, nothing
from treemem.temporal import BEGINNING, END_TIME, Moment

_BATCH = 200
R = TypeVar("R")
log = logging.getLogger("treemem.neo4j")


class Neo4jStore:
    """A graph store on a Neo4j server, 2026.02 or newer.

    `timeout` is in seconds: how long a call may take before it ends in StoreUnavailableError. A `driver` of the
    caller's is used as it is and left open. `trusted_certificates` is a PEM file. Reads wait until the server has
    seen the transactions that the `bookmarks` stand for.
    """

    def __init__(
        self,
        uri: str,
        *,
        auth: tuple[str, str] | None = None,
        database: str | None = None,
        timeout: float = 30.0,
        trusted_certificates: str | None = None,
        driver: neo4j.Driver | None = None,
        bookmarks: Iterable[str] = (),
    ) -> None:
        self._connection = Connection(
            uri, auth, database, timeout, trusted_certificates, driver, bookmarks=checked_bookmarks(bookmarks)
        )
        self._counts_usage = True

    @property
    def location(self) -> str:
        return self._connection.uri

    @property
    def reads_snapshots(self) -> bool:
        return False

    @property
    def statements(self) -> int:
        """How many statements ran so far."""
        return self._connection.statements

    def migrate(self) -> list[str]:
        self._connection.verify()
        return schema.migrate(self._connection)

    def bookmarks(self) -> list[str]:
        return sorted(self._connection.bookmarks.get_bookmarks())

    def wait_for(self, bookmarks: Iterable[str]) -> None:
        self._connection.bookmarks.update_bookmarks((), checked_bookmarks(bookmarks))

    def apply(self, changes: ChangeSet, *, lease: Lease | None = None) -> Receipt:
        return self._begin(changes, lease)()

    def begin(self, changes: ChangeSet) -> Callable[[], Receipt]:
        return self._begin(changes, None)

    def _begin(self, changes: ChangeSet, lease: Lease | None) -> Callable[[], Receipt]:
        def begin() -> Callable[[], Receipt]:
            return self._connection.begin_write(lambda tx: writing.apply(tx, changes, lease))

        wait = begin()

        def finish() -> Receipt:
            try:
                return self._admitted(changes.cube, lambda: begin()(), wait)
            except writing.AlreadyApplied as done:
                return done.receipt

        return finish

    def purge(self, changes: ChangeSet, erasure: Erasure) -> Receipt:
        try:
            return self._admitted(
                changes.cube, lambda: self._connection.write(lambda tx: purging.purge(tx, changes, erasure))
            )
        except writing.AlreadyApplied as done:
            return done.receipt

    def edges_ever(self, cube: str, ids: Sequence[str], *, types: Sequence[EdgeType] | None = None) -> list[Edge]:
        wanted = None if types is None else [t.value for t in types]
        found = self._read("edges_ever", cube=cube, ids=sorted(set(ids)), types=wanted)
        return [
            rows.edge(r["type"], r["source"], r["target"], rows.kind_of(r["type"], r["labels"]), r["edge"])
            for r in found
        ]

    def preceding(
        self, cube: str, ids: Sequence[str], moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> dict[str, State]:
        times = recalling.moment_parameters(moment)
        found = self._read("preceding", cube=cube, ids=sorted(set(ids)), **times, statuses=list(statuses))
        if not found:
            return {}
        moment.pin(found[0]["clock"])
        return {follower: rows.state(state) for follower, state in found[0]["found"]}

    def _read(self, name: str, /, *, target: NodeKind | None = None, **parameters: Any) -> list[dict[str, Any]]:
        return self._connection.read(lambda tx: tx.run(statement(name, target=target), **parameters))

    def _write(self, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        return self._connection.write(lambda tx: tx.run(statement(name), **parameters))

    def recall(self, recall: Recall, pick: Pick) -> tuple[Subgraph, list[State]]:
        asked = recalling.asked(recall)

        def work(tx: Transaction) -> tuple[Subgraph, list[State]]:
            rows_found = tx.run(asked.statement, **asked.parameters)
            if not rows_found:
                return nothing(recall.moment), []
            row = rows_found[0]
            recall.moment.pin(row["clock"])
            check_model(recall.cube, row["embedder"], row["dimension"], recall.model)
            if recalling.too_few(recall, asked, row):
                row["seeds"] = recalling.exactly(row, tx.run(asked.exact, **asked.parameters))
            found = recalling.subgraph(row, recall.moment)
            return found, _versions(tx, recall.cube, pick(found), vectors=recall.vectors)

        return self._connection.read(work, recall.seconds)

    def neighbours(
        self, cube: str, vectors: Sequence[Vector], k: int, moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> list[list[tuple[str, float]]]:
        def work(tx: Transaction) -> list[list[tuple[str, float]]]:
            results = []
            for each in vectors:
                found = tx.run(
                    statement("neighbours"),
                    cube=cube,
                    **recalling.moment_parameters(moment),
                    vector=rows.vector(each),
                    statuses=list(statuses),
                    limit=max(k, recalling.BREADTH),
                )
                if found:
                    moment.pin(found[0]["clock"])
                pairs = [(i, recalling.cosine(score)) for i, score in (found[0]["found"] if found else [])]
                results.append(sorted(pairs, key=lambda p: (-p[1], p[0]))[:k])
            return results

        return self._connection.read(work)

    def states(
        self,
        cube: str,
        ids: Sequence[str],
        moment: Moment,
        *,
        statuses: Sequence[str] | None = LIVE,
        vectors: bool = False,
    ) -> list[State]:
        found = self._read(
            "states_at",
            cube=cube,
            ids=list(ids),
            **recalling.moment_parameters(moment),
            statuses=None if statuses is None else list(statuses),
            vectors=vectors,
        )
        if not found:
            return []
        moment.pin(found[0]["clock"])
        states = {s.memory_id: s for s in map(rows.state, found[0]["states"])}
        return [states[i] for i in ids if i in states]

    def versions(self, cube: str, keys: Sequence[tuple[str, int]], *, vectors: bool = False) -> list[State]:
        return self._connection.read(lambda tx: _versions(tx, cube, keys, vectors))

    def known(self, cube: str, ids: Sequence[str], known_at: int | None = None) -> list[State]:
        k = writing.END_TIME_KNOWN if known_at is None else rows.time(known_at)
        return self._states_of(cube, ids, k)

    def history(self, cube: str, ids: Sequence[str]) -> list[State]:
        return self._states_of(cube, ids, None)

    def _states_of(self, cube: str, ids: Sequence[str], known_at: Any) -> list[State]:
        found = self._read("states_of", cube=cube, ids=sorted(set(ids)), known_at=known_at)
        return [rows.state(row["state"]) for row in found]

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
        passing, given = filtering.predicate(where)
        page = Statement("page", {"FILTER": passing})
        parameters = {
            "cube": cube,
            **recalling.moment_parameters(moment),
            "after": after,
            "limit": limit,
            "vectors": vectors,
            "statuses": None if statuses is None else list(statuses),
            **given,
        }
        found = self._connection.read(lambda tx: tx.run(page, **parameters))
        if not found:
            return Page((), None, moment.valid_at or moment.now, moment.known_at or moment.now)
        row = found[0]
        moment.pin(row["clock"])
        states = tuple(map(rows.state, row["states"]))
        cursor = states[-1].memory_id if len(states) == limit else None
        return Page(states, cursor, row["t"], row["k"])

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
        found = self._read(
            "edges_at",
            cube=cube,
            ids=sorted(set(ids)),
            **recalling.moment_parameters(moment),
            types=None if types is None else [t.value for t in types],
            outward=direction in ("out", "both"),
            inward=direction in ("in", "both"),
            statuses=None if statuses is None else list(statuses),
        )
        if not found:
            return []
        moment.pin(found[0]["clock"])
        edges = [
            rows.edge(r["type"], r["source"], r["target"], rows.kind_of(r["type"], r["labels"]), r["edge"])
            for r in found[0]["edges"]
        ]
        return sorted(edges, key=lambda e: (-e.weight, e.type, e.source, e.target))

    def entities(self, cube: str, ids: Sequence[str]) -> list[Entity]:
        found = self._read("entities", cube=cube, ids=sorted(set(ids)))
        return [Entity(row["id"], row["name"], row["kind"]) for row in found]

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
        if ids is not None:
            found = self._read("operations_by_id", cube=cube, ids=sorted(set(ids)), limit=limit)
        elif part_of is not None:
            found = self._read("operation_parts", cube=cube, part_of=part_of, limit=limit)
        else:
            found = self._read(
                "operations_by_time",
                cube=cube,
                since=rows.time(BEGINNING if since is None else since),
                until=END_TIME if until is None else rows.time(until),
                parts=parts,
                limit=limit,
            )
        return [rows.operation(row["operation"]) for row in found]

    def touched(self, cube: str, operation: str) -> Touched:
        def work(tx: Transaction) -> Touched:
            def states(name: str) -> tuple[State, ...]:
                found = tx.run(statement(name), cube=cube, operation=operation)
                return tuple(rows.state(row["state"]) for row in found)

            opened, closed = states("states_opened"), states("states_closed")
            ids = {s.memory_id for s in (*opened, *closed)}
            for row in tx.run(statement("operations_by_id"), cube=cube, ids=[operation], limit=1):
                ids |= set(rows.operation(row["operation"]).touched)
            edges = _edges_from(tx, cube, sorted(ids))
            return Touched(
                opened,
                closed,
                tuple(e for e in edges if e.opened_by == operation),
                tuple(e for e in edges if e.closed_by == operation),
            )

        return self._connection.read(work)

    def tombstones(self, cube: str) -> list[tuple[str, int, str | None]]:
        return [(r["id"], r["purged_at"], r["reason"]) for r in self._read("tombstones", cube=cube)]

    def record_usage(self, cube: str, counts: Mapping[str, int], now: int) -> None:
        if not self._counts_usage:
            return
        recalls = [{"id": memory_id, "count": count} for memory_id, count in sorted(counts.items())]
        try:
            self._write("record_usage", cube=cube, recalls=recalls, now=rows.time(now))
        except StoreFullError as error:
            self._counts_usage = False
            log.info("recalls are not counted as long as this store is open: %s", error)

    def usage(self, cube: str, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        found = self._read("usage", cube=cube, ids=sorted(set(ids)))
        return {row["id"]: (row["count"], row["last"]) for row in found}

    def lease(self, cube: str, holder: str, now: int, ttl: int) -> Lease | None:
        times = {
            "now": rows.time(now),
            "expires": rows.time(now + ttl),
            "latest": rows.time(now + max(ttl, LONGEST_LEASE)),
        }
        (row,) = self._write("take_lease", cube=cube, holder=holder, **times)
        return Lease(cube, holder, row["fence"], now + ttl) if row["free"] else None

    def current_lease(self, cube: str) -> Lease | None:
        found = self._read("current_lease", cube=cube)
        return Lease(cube, found[0]["holder"], found[0]["fence"], found[0]["expires"]) if found else None

    def release(self, lease: Lease) -> None:
        self._write("release_lease", cube=lease.cube, holder=lease.holder, fence=lease.fence, now=rows.time(BEGINNING))

    def cubes(self) -> list[CubeInfo]:
        return [rows.cube_info(row) for row in self._read("cubes")]

    def cube(self, cube: str) -> CubeInfo | None:
        found = self._read("cube", cube=cube)
        return rows.cube_info(found[0]) if found else None

    def settled(self, cube: str) -> CubeInfo | None:
        try:
            found = self._write("settled_cube", cube=cube)
        except StoreFullError:  # nobody writes to a database that is read-only
            return self.cube(cube)
        return rows.cube_info(found[0]) if found else None

    def counts(self, cube: str) -> dict[str, int]:
        return dict(self._read("counts", cube=cube)[0])

    def sizes(self, cube: str, now: int, *, statuses: Sequence[str] = LIVE) -> dict[str, int]:
        found = self._read("sizes", cube=cube, now=rows.time(now), end=END_TIME, statuses=list(statuses))
        return {row["type"]: row["memories"] for row in found}

    def _ids(self, cube: str) -> Iterator[list[str]]:
        after = ""
        while True:
            ids = [row["id"] for row in self._read("memory_ids", cube=cube, after=after, limit=_BATCH)]
            if not ids:
                return
            yield ids
            after = ids[-1]

    def all_states(self, cube: str) -> Iterator[State]:
        for ids in self._ids(cube):
            yield from self.history(cube, ids)

    def all_edges(self, cube: str) -> Iterator[Edge]:
        for ids in self._ids(cube):
            yield from self._connection.read(lambda tx, ids=ids: _edges_from(tx, cube, ids))  # type: ignore[misc]

    def _after(self, name: str, cube: str, what: str) -> Iterator[dict[str, Any]]:
        after = ""
        while found := self._read(name, cube=cube, after=after, limit=_BATCH):
            yield from (row[what] for row in found)
            after = found[-1][what]["id"]

    def all_entities(self, cube: str) -> Iterator[Entity]:
        for node in self._after("all_entities", cube, "node"):
            yield Entity(node["id"], node["name"], node["kind"])

    def all_sources(self, cube: str) -> Iterator[Source]:
        for node in self._after("all_sources", cube, "node"):
            yield rows.source(node)

    def all_operations(self, cube: str) -> Iterator[Operation]:
        return map(rows.operation, self._after("all_operations", cube, "operation"))

    def load(self, rows: Rows) -> None:
        self._admitted(rows.info.id, lambda: self._connection.write(lambda tx: loading.load(tx, rows)))

    def unstaged(self, cube: str, model: Model) -> Iterator[list[tuple[str, int, str | None, str]]]:
        after = ""
        while found := self._read("unstaged", cube=cube, after=after, limit=_BATCH, embedder=model.name):
            batch = [(row["id"], version, key, text) for row in found for version, key, text in row["states"]]
            if batch:
                yield batch
            after = found[-1]["id"]

    def stage(self, cube: str, model: Model, rows: Sequence[tuple[str, int, Vector]]) -> None:
        staged = [{"id": i, "version": version, "embedding": vector(v)} for i, version, v in rows]
        self._write("stage_vectors", cube=cube, rows=staged, embedder=model.name)

    def switch(self, cube: str, model: Model) -> bool:
        named = {"cube": cube, "embedder": model.name}
        found = self._write("begin_switch", **named, dimension=model.dimension)
        if found and not found[0]["ready"]:
            return False
        after: str | None = ""
        while after is not None:
            after = self._write("switch_vectors", **named, after=after, limit=_BATCH)[0]["last"]
        return True

    def erase(self, cube: str, *, only: CubeInfo | None = None, keep: Callable[[CubeInfo], None] | None = None) -> bool:
        if keep is not None:
            return self._admitted(cube, lambda: self._erase_kept(cube, keep))
        begun = self._connection.write(lambda tx: erasing.begin(tx, cube, only))
        self._erase_rest(cube)
        return begun or only is None

    def _erase_kept(self, cube: str, keep: Callable[[CubeInfo], None]) -> bool:
        with erasing.Seal(self._connection, cube) as info:
            if info is None:
                return False
            keep(info)
            return self.erase(cube, only=info)

    def _erase_rest(self, cube: str) -> None:
        """Erase what is left of a cube that is being erased, in parts; several may do so at once."""
        for name in ("erase_memories", "erase_others"):
            while (found := self._write(name, cube=cube, limit=_BATCH)) and found[0]["erased"]:
                pass
        self._write("erase_cube", cube=cube)

    def _admitted(self, cube: str, write: Callable[[], R], first: Callable[[], R] | None = None) -> R:
        """Run a write to a cube, whose first try may have begun: wait while it is sealed, and erase what has to go."""
        deadline = time.monotonic() + self._connection.timeout
        call = write if first is None else first
        while True:
            try:
                return call()
            except erasing.BeingErasedError:
                self._erase_rest(cube)
            except erasing.SealedError:
                if time.monotonic() > deadline:
                    raise StoreUnavailableError(
                        f"{self.location}: cube {cube!r} is being backed up, to be erased then; nothing was written, "
                        "try again"
                    ) from None
                time.sleep(erasing.LOOK)
            except StoreError as error:
                if not erasing.vanished(error) or time.monotonic() > deadline:
                    raise
            call = write

    def dangling(self, cube: str) -> list[str]:
        problems: list[str] = []
        after = ""
        for ids in self._ids(cube):
            found = self._read("dangling", cube=cube, after=after, limit=_BATCH, end=END_TIME)
            problems += [f"{row['what']} (memory {row['id']})" for row in found]
            after = ids[-1]
        return problems

    def close(self) -> None:
        self._connection.close()


def _versions(tx: Transaction, cube: str, keys: Sequence[tuple[str, int]], vectors: bool) -> list[State]:
    if not keys:
        return []
    found = tx.run(statement("states_by_version"), cube=cube, keys=[list(k) for k in keys], vectors=vectors)
    states = {(s.memory_id, s.version): s for s in (rows.state(row["state"]) for row in found)}
    return [states[i, version] for i, version in keys if (i, version) in states]


def _edges_from(tx: Transaction, cube: str, ids: Sequence[str]) -> list[Edge]:
    found = tx.run(statement("edges_from"), cube=cube, ids=list(ids))
    return [
        rows.edge(r["type"], r["source"], r["target"], rows.kind_of(r["type"], r["labels"]), r["edge"]) for r in found
    ]
