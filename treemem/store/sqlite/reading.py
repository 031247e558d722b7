"""Reads of the embedded store, each inside one read transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from treemem.changes import Edge, EdgeType, Entity, Model, Operation, State
from treemem.filters import Filter
from treemem.store.protocol import CubeInfo, Page, Touched
from treemem.store.sqlite import filtering, rows
from treemem.store.sqlite.statements import statement
from treemem.temporal import BEGINNING, END, Moment

#: How many rows a walk through a whole cube reads at once.
_BATCH = 256
#: The columns of `edge` by which an edge is found, for each direction.
_ENDS = {"out": ("src",), "in": ("dst",), "both": ("src", "dst")}
_CUBE = "SELECT id, clock, embedder, dimension, epoch, loading FROM cube "


def pinned(conn: sqlite3.Connection, cube: str, moment: Moment) -> tuple[int, int, int] | None:
    """Return (cube number, valid_at, known_at), or None for a cube nothing was ever written to."""
    row = conn.execute("SELECT num, clock FROM cube WHERE id = ?", (cube,)).fetchone()
    if row is None:
        return None
    return (row[0], *moment.pin(row[1]))


def model_of(conn: sqlite3.Connection, cube: int) -> tuple[str | None, int | None]:
    """Return name and dimension of a cube's embedding model."""
    name, dimension = conn.execute("SELECT embedder, dimension FROM cube WHERE num = ?", (cube,)).fetchone()
    return name, dimension


def cube_infos(conn: sqlite3.Connection) -> list[CubeInfo]:
    """Return every cube, by id."""
    return [_cube_info(row) for row in conn.execute(_CUBE + "ORDER BY id")]


def cube_info(conn: sqlite3.Connection, cube: str) -> CubeInfo | None:
    """Return one cube, None if nothing was ever written to it."""
    row = conn.execute(_CUBE + "WHERE id = ?", (cube,)).fetchone()
    return None if row is None else _cube_info(row)


def _cube_info(row: tuple[str, int, str | None, int, int, str | None]) -> CubeInfo:
    cube, clock, name, dimension, epoch, loading = row
    return CubeInfo(cube, clock, None if name is None else Model(name, dimension), epoch, loading)


def states(
    conn: sqlite3.Connection,
    cube: str,
    ids: Sequence[str],
    moment: Moment,
    statuses: Sequence[str] | None,
    vectors: bool,
) -> list[State]:
    """Return the states that hold at the moment, in the order of `ids`."""
    pin = pinned(conn, cube, moment)
    if pin is None:
        return []
    num, t, k = pin
    given = {"ids": rows.listed(ids), "cube": num, "t": t, "k": k, "statuses": rows.maybe(statuses), "vectors": vectors}
    return [rows.state(row) for row in conn.execute(statement("states_at"), given)]


def versions(conn: sqlite3.Connection, cube: str, keys: Sequence[tuple[str, int]], vectors: bool) -> list[State]:
    """Return the states with these (memory id, version), in the order of `keys`."""
    given = {"ids": rows.listed(keys), "cube": rows.cube_num(conn, cube), "vectors": vectors}
    return [rows.state(row) for row in conn.execute(statement("states_by_version"), given)]


def known(conn: sqlite3.Connection, cube: str, ids: Sequence[str], known_at: int | None) -> list[State]:
    """Return the states known at a transaction time, over all valid times."""
    return _states_of(conn, cube, ids, END - 1 if known_at is None else known_at)


def history(conn: sqlite3.Connection, cube: str, ids: Sequence[str]) -> list[State]:
    """Return every state ever recorded."""
    return _states_of(conn, cube, ids, None)


def _states_of(conn: sqlite3.Connection, cube: str, ids: Sequence[str], known_at: int | None) -> list[State]:
    given = {"ids": rows.listed(ids), "cube": rows.cube_num(conn, cube), "known_at": known_at}
    return [rows.state(row) for row in conn.execute(statement("states_of"), given)]


def page(
    conn: sqlite3.Connection,
    cube: str,
    moment: Moment,
    statuses: Sequence[str] | None,
    where: Filter | None,
    after: str,
    limit: int,
    vectors: bool,
) -> Page:
    """Return the states that hold at the moment with an id above `after`."""
    pin = pinned(conn, cube, moment)
    if pin is None:
        return Page((), None, moment.valid_at or moment.now, moment.known_at or moment.now)
    num, t, k = pin
    passing, parameters = filtering.compiled(where)
    given = {
        "cube": num,
        "after": after,
        "t": t,
        "k": k,
        "limit": limit,
        "statuses": rows.maybe(statuses),
        "vectors": vectors,
        **parameters,
    }
    held = tuple(rows.state(row) for row in conn.execute(statement("page", FILTER=passing), given))
    return Page(held, held[-1].memory_id if len(held) == limit else None, t, k)


def edges(
    conn: sqlite3.Connection,
    cube: str,
    ids: Sequence[str],
    moment: Moment,
    types: Sequence[EdgeType] | None,
    direction: str,
    statuses: Sequence[str] | None,
) -> list[Edge]:
    """Return the edges at these memories that hold at the moment."""
    pin = pinned(conn, cube, moment)
    if pin is None:
        return []
    num, t, k = pin
    given = {
        "ids": rows.listed(ids),
        "cube": num,
        "t": t,
        "k": k,
        "statuses": rows.maybe(statuses),
        "types": rows.maybe(types),
    }
    found: dict[Edge, None] = {}
    for end in _ENDS[direction]:
        found.update((rows.edge(row), None) for row in conn.execute(statement("edges_at", END=end), given))
    return sorted(found, key=lambda e: (-e.weight, e.type, e.source, e.target))


def edges_ever(conn: sqlite3.Connection, cube: str, ids: Sequence[str], types: Sequence[EdgeType] | None) -> list[Edge]:
    """Return every edge ever recorded at these memories, in either direction."""
    given = {"ids": rows.listed(ids), "cube": rows.cube_num(conn, cube), "types": rows.maybe(types)}
    found: dict[Edge, None] = {}
    for end in _ENDS["both"]:
        found.update((rows.edge(row), None) for row in conn.execute(statement("edges_ever", END=end), given))
    return list(found)


def preceding(
    conn: sqlite3.Connection, cube: str, ids: Sequence[str], moment: Moment, statuses: Sequence[str]
) -> dict[str, State]:
    """Return, by id, the state of the message that each of these memories FOLLOWS at the moment."""
    pin = pinned(conn, cube, moment)
    if pin is None:
        return {}
    num, t, k = pin
    given = {"ids": rows.listed(ids), "cube": num, "t": t, "k": k, "statuses": rows.listed(statuses)}
    return {row[0]: rows.state(row[1:]) for row in conn.execute(statement("preceding"), given)}


def entities(conn: sqlite3.Connection, cube: str, ids: Sequence[str]) -> list[Entity]:
    """Return the entities with these ids that exist."""
    found = conn.execute(statement("entities"), {"ids": rows.listed(ids), "cube": cube})
    return [Entity(i, name, json.loads(attributes)["kind"]) for i, name, attributes in found]


def operations(
    conn: sqlite3.Connection,
    cube: str,
    ids: Sequence[str] | None,
    part_of: str | None,
    since: int | None,
    until: int | None,
    parts: bool,
    limit: int,
) -> list[Operation]:
    """Return operations, newest first: those with these ids, the parts of a batch, or those of some time."""
    if ids is not None:
        text, asked = statement("operations_by_id"), {"ids": rows.listed(ids)}
    elif part_of is not None:
        text, asked = statement("operation_parts"), {"part_of": part_of}
    else:
        text, asked = statement("operations_by_time"), {}
    times = {"since": BEGINNING if since is None else since, "until": END if until is None else until, "parts": parts}
    return [rows.operation(row) for row in conn.execute(text, {"cube": cube, "limit": limit, **times, **asked})]


def touched(conn: sqlite3.Connection, cube: str, operation: str) -> Touched:
    """Return what one operation opened and closed."""
    given = {"cube": cube, "operation": operation}

    def some_states(by: str) -> tuple[State, ...]:
        return tuple(rows.state(row) for row in conn.execute(statement("states_touched", BY=by), given))

    def some_edges(by: str) -> tuple[Edge, ...]:
        return tuple(rows.edge(row) for row in conn.execute(statement("edges_touched", BY=by), given))

    return Touched(some_states("opened_by"), some_states("closed_by"), some_edges("opened_by"), some_edges("closed_by"))


def counts(conn: sqlite3.Connection, cube: str) -> dict[str, int]:
    """Return how many rows of each kind a cube has."""
    found = conn.execute(statement("counts"), {"cube": rows.cube_num(conn, cube)}).fetchone()
    names = ("memories", "states", "edges", "entities", "sources", "operations", "logged")
    return dict(zip(names, found, strict=True))


def sizes(conn: sqlite3.Connection, cube: str, now: int, statuses: Sequence[str]) -> dict[str, int]:
    """Return how many memories hold at a time, as known now, by memory type."""
    given = {"cube": rows.cube_num(conn, cube), "end": END, "now": now, "statuses": rows.listed(statuses)}
    return dict(conn.execute(statement("sizes"), given).fetchall())


def states_after(conn: sqlite3.Connection, cube: str, after: tuple[str, int]) -> list[State]:
    """Return the next states ever recorded, by id and version."""
    given = {"cube": rows.cube_num(conn, cube), "id": after[0], "version": after[1], "limit": _BATCH}
    return [rows.state(row) for row in conn.execute(statement("all_states"), given)]


def edges_after(conn: sqlite3.Connection, cube: str, after: str) -> tuple[list[Edge], str | None]:
    """Return every edge ever recorded from the next memories, and the last of these, None behind the last of all."""
    given = {"cube": rows.cube_num(conn, cube), "after": after, "limit": _BATCH}
    (last,) = conn.execute(statement("memory_ids"), given).fetchone()
    return [rows.edge(row) for row in conn.execute(statement("all_edges"), given)], last


def dangling(conn: sqlite3.Connection, cube: str) -> list[str]:
    """Return a line for each row that hangs in the air."""
    found = conn.execute(statement("dangling"), {"cube": rows.cube_num(conn, cube), "end": END})
    return [f"{what} (row {num})" for what, num in found]
