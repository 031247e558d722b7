"""The read protocol on Neo4j."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from treemem.canonical import Vector
from treemem.changes import Edge, EdgeType, Entity, Log, Operation, State
from treemem.errors import StoreError, StoreFullError
from treemem.filters import Filter
from treemem.store.neo4j import erasing, filtering, rows, writing
from treemem.store.neo4j import recall as recalling
from treemem.store.neo4j.calls import Calls
from treemem.store.neo4j.clocks import Clocks
from treemem.store.neo4j.connection import Connection, Transaction
from treemem.store.neo4j.edges import edges_from
from treemem.store.neo4j.statements import Statement, statement
from treemem.store.protocol import (
    FIRST,
    LAST,
    LIVE,
    ConversationRow,
    CubeInfo,
    Page,
    Pick,
    Recall,
    Subgraph,
    Tombstone,
    Touched,
)
from treemem.store.shared import check_model, nothing
from treemem.temporal import BEGINNING, END, END_TIME, Moment


class Reads(Calls):
    """Reads of a cube: every one is a statement, but for a recall, which reads the states picked in a second one."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._clocks = Clocks()

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
        except StoreError as error:
            if not erasing.vanished(error):
                raise
            return None
        return rows.cube_info(found[0]) if found else None

    def recall(self, recall: Recall, pick: Pick) -> tuple[Subgraph, list[State]]:
        """Two statements where the cube's clock stands where the last search found it; else one more, for the time."""
        asked = recalling.asked(recall)
        expected = self._clocks.expected(recall.cube) if recall.moment.known_at is None else None

        def work(tx: Transaction) -> tuple[Subgraph, list[State]]:
            if expected is None:
                moment = _pinned(tx, recall.cube, recall.moment)
            else:
                moment = _pinned_at(recall.moment, expected)
            row = self._recalled(tx, recall, moment, asked)
            if row is not None and expected is not None and row["clock"] != expected:
                moment = _pinned_at(recall.moment, row["clock"])  # of a statement before the one that follows
                row = self._recalled(tx, recall, moment, asked)
            if row is None:
                return nothing(recall.moment), []
            if recall.moment.known_at is None:
                self._clocks.seen(recall.cube, row["clock"])
            recall.moment.pin(row["clock"])
            row["clock"] = max(row["clock"], moment.known_at or 0)  # where the cube was dropped and made anew meanwhile
            check_model(recall.cube, row["embedder"], row["dimension"], recall.model)
            found = recalling.subgraph(row, moment)
            return found, _versions(tx, recall.cube, pick(found), vectors=recall.vectors)

        return self._connection.read(work, recall.seconds, alone=expected is not None)

    @staticmethod
    def _recalled(tx: Transaction, recall: Recall, moment: Moment, asked: recalling.Asked) -> dict[str, Any] | None:
        """Return what the statement of a recall says at a moment; None if there is no such cube."""
        parameters = asked.parameters | recalling.span_parameters(replace(recall, moment=moment))
        found = tx.run(asked.statement, **parameters)
        if not found:
            return None
        row = found[0]
        if recalling.too_few(recall, asked, row):
            row["seeds"] = recalling.exactly(row, tx.run(asked.exact, **parameters))
        return row

    def neighbours(
        self, cube: str, vectors: Sequence[Vector], k: int, moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> list[list[tuple[str, float]]]:
        def work(tx: Transaction) -> list[list[tuple[str, float]]]:
            results = []
            pinned = _pinned(tx, cube, moment)
            for each in vectors:
                found = tx.run(
                    statement("neighbours"),
                    cube=cube,
                    **recalling.moment_parameters(pinned),
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
        states = (_shown(rows.state(row["state"]), row["shown"]) for row in found)
        return [state for state in states if state is not None]

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

    def edges_ever(self, cube: str, ids: Sequence[str], *, types: Sequence[EdgeType] | None = None) -> list[Edge]:
        wanted = None if types is None else [t.value for t in types]
        found = self._read("edges_ever", cube=cube, ids=sorted(set(ids)), types=wanted)
        return [
            rows.edge(r["type"], r["source"], r["target"], rows.kind_of(r["type"], r["labels"]), r["edge"])
            for r in found
        ]

    def entities(self, cube: str, ids: Sequence[str]) -> list[Entity]:
        found = self._read("entities", cube=cube, ids=sorted(set(ids)))
        return [Entity(row["id"], row["name"], row["kind"]) for row in found]

    def preceding(
        self, cube: str, ids: Sequence[str], moment: Moment, *, statuses: Sequence[str] = LIVE
    ) -> dict[str, State]:
        times = recalling.moment_parameters(moment)
        found = self._read("preceding", cube=cube, ids=sorted(set(ids)), **times, statuses=list(statuses))
        if not found:
            return {}
        moment.pin(found[0]["clock"])
        return {follower: rows.state(state) for follower, state in found[0]["found"]}

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
        passing, given = filtering.predicate(where)
        asked = Statement("conversation", {"FILTER": passing, "ORDER": "DESC" if newest else "ASC"})
        parameters = {
            "cube": cube,
            **rows.of_log(log, above),
            "below": below,
            "limit": limit,
            "statuses": None if statuses is None else list(statuses),
            **given,
        }
        found = self._connection.read(lambda tx: tx.run(asked, **parameters))
        states = [rows.state(row["state"]) for row in found]
        return states[::-1] if newest else states

    def conversations(
        self, cube: str, *, statuses: Sequence[str] = LIVE, where: Filter | None = None
    ) -> list[ConversationRow]:
        passing, given = filtering.predicate(where)
        asked = Statement("conversations", {"FILTER": passing})
        parameters = {"cube": cube, **rows.of_log(None), "statuses": list(statuses), **given}
        found = self._connection.read(lambda tx: tx.run(asked, **parameters))
        return [
            ConversationRow(r["id"], r["messages"], r["first"], r["last"], tuple(sorted(r["users"]))) for r in found
        ]

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
            edges = edges_from(tx, cube, sorted(ids))
            return Touched(
                opened,
                closed,
                tuple(e for e in edges if e.opened_by == operation),
                tuple(e for e in edges if e.closed_by == operation),
            )

        return self._connection.read(work)

    def tombstones(self, cube: str) -> list[Tombstone]:
        return [Tombstone(**row) for row in self._read("tombstones", cube=cube)]

    def usage(self, cube: str, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        found = self._read("usage", cube=cube, ids=sorted(set(ids)))
        return {row["id"]: (row["count"], row["last"]) for row in found}


def _versions(tx: Transaction, cube: str, keys: Sequence[tuple[str, int]], vectors: bool) -> list[State]:
    if not keys:
        return []
    found = tx.run(statement("states_by_version"), cube=cube, keys=[list(k) for k in keys], vectors=vectors)
    states = {(s.memory_id, s.version): s for s in (rows.state(row["state"]) for row in found)}
    return [states[i, version] for i, version in keys if (i, version) in states]


def _pinned(tx: Transaction, cube: str, moment: Moment) -> Moment:
    """Return a moment with both its times, read before the statement that asks an index of vectors or of words.

    Such a statement opens its indexes as they are when it begins, and reads nodes as they are when it comes to them.
    What is written between would be in the nodes, its old state no longer known, and in no index: not found at all.
    """
    if moment.known_at is not None:
        return moment
    found = tx.run(statement("clock"), cube=cube)
    if not found:
        return moment
    return _pinned_at(moment, found[0]["clock"])


def _pinned_at(moment: Moment, clock: int) -> Moment:
    """Return a moment with both its times, of a cube whose clock stands there."""
    valid_at, known_at = moment.pin(clock)
    return replace(moment, valid_at=valid_at, known_at=known_at)


def _shown(state: State, clock: int) -> State | None:
    """Return a state as readers know it at the time that is shown to them, None if they do not know it yet."""
    if state.recorded_from > clock:
        return None
    if clock < state.recorded_to < END:
        return replace(state, recorded_to=END, closed_by=None)
    return state
