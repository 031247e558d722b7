"""Reads of the embedded store, each inside one read transaction."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from treemem.changes import Edge, EdgeType, Entity, Model, Operation, State
from treemem.filters import Filter
from treemem.store.protocol import CubeInfo, Page, Touched
from treemem.store.sqlite import filtering, rows
from treemem.temporal import END, Moment

#: A span holds from its first time, :t, to its last, :u.
WITHIN = "{0}.valid_from <= :u AND {0}.valid_to > :t AND {0}.recorded_from <= :k AND {0}.recorded_to > :k"
HOLDS = "{0}.valid_from <= :t AND {0}.valid_to > :t AND {0}.recorded_from <= :k AND {0}.recorded_to > :k"
_BATCH = 256
_MEMORY = "n.cube = :cube AND n.kind = 'memory' AND n.id = j.value"


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


_CUBE = "SELECT id, clock, embedder, dimension, epoch FROM cube "


def _cube_info(row: tuple[str, int, str | None, int, int]) -> CubeInfo:
    cube, clock, name, dimension, epoch = row
    return CubeInfo(cube, clock, None if name is None else Model(name, dimension), epoch)


def _allowed(column: str, name: str, values: Sequence[str] | None) -> str:
    return "" if values is None else f" AND {column} IN (SELECT value FROM json_each(:{name}))"


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
    found = conn.execute(
        rows.states_of(_MEMORY, "s.node = n.num", vectors=vectors)
        + "WHERE "
        + HOLDS.format("s")
        + _allowed("s.status", "statuses", statuses)
        + " ORDER BY j.key",
        {"ids": rows.listed(ids), "cube": num, "t": t, "k": k, "statuses": rows.listed(statuses or ())},
    )
    return [rows.state(row) for row in found]


def versions(conn: sqlite3.Connection, cube: str, keys: Sequence[tuple[str, int]], vectors: bool) -> list[State]:
    """Return the states with these (memory id, version), in the order of `keys`."""
    num = rows.cube_num(conn, cube)
    found = conn.execute(
        rows.states_of(
            "n.cube = :cube AND n.kind = 'memory' AND n.id = j.value ->> 0",
            "s.node = n.num AND s.version = j.value ->> 1",
            vectors=vectors,
        )
        + "ORDER BY j.key",
        {"ids": rows.listed(keys), "cube": num},
    )
    return [rows.state(row) for row in found]


def _of_memories(conn: sqlite3.Connection, cube: str, ids: Sequence[str], condition: str, k: int) -> list[State]:
    found = conn.execute(
        rows.states_of(_MEMORY, "s.node = n.num", vectors=True) + condition + " ORDER BY n.id, s.version",
        {"ids": rows.listed(ids), "cube": rows.cube_num(conn, cube), "k": k},
    )
    return [rows.state(row) for row in found]


def known(conn: sqlite3.Connection, cube: str, ids: Sequence[str], known_at: int | None) -> list[State]:
    """Return the states known at a transaction time, over all valid times."""
    k = END - 1 if known_at is None else known_at
    return _of_memories(conn, cube, ids, "WHERE s.recorded_from <= :k AND s.recorded_to > :k", k)


def history(conn: sqlite3.Connection, cube: str, ids: Sequence[str]) -> list[State]:
    """Return every state ever recorded."""
    return _of_memories(conn, cube, ids, "", 0)


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
    found = conn.execute(
        (rows.STATE if vectors else rows.BARE_STATE)
        + "WHERE n.cube = :cube AND n.kind = 'memory' AND n.id > :after AND "
        + HOLDS.format("s")
        + _allowed("s.status", "statuses", statuses)
        + passing
        + " ORDER BY n.id LIMIT :limit",
        {
            "cube": num,
            "after": after,
            "t": t,
            "k": k,
            "limit": limit,
            "statuses": rows.listed(statuses or ()),
            **parameters,
        },
    )
    held = tuple(rows.state(row) for row in found)
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
    holds = HOLDS.format("s") + _allowed("s.status", "statuses", statuses)
    alive = (
        ""
        if statuses is None
        else "".join(
            f" AND ({kind} <> 'memory' OR EXISTS (SELECT 1 FROM state s WHERE s.node = {end} AND {holds}))"
            for end, kind in (("e.src", "a.kind"), ("e.dst", "b.kind"))
        )
    )
    ends = {"out": ("e.src",), "in": ("e.dst",), "both": ("e.src", "e.dst")}[direction]
    found: dict[Edge, None] = {}
    for end in ends:
        query = (
            rows.EDGE.replace(
                "FROM edge e",
                f"FROM json_each(:ids) j CROSS JOIN node m ON m.cube = :cube AND m.kind = 'memory' "
                f"AND m.id = j.value CROSS JOIN edge e ON {end} = m.num",
            )
            + "WHERE "
            + HOLDS.format("e")
            + alive
            + _allowed("e.type", "types", types)
        )
        parameters = {
            "ids": rows.listed(ids),
            "cube": num,
            "t": t,
            "k": k,
            "statuses": rows.listed(statuses or ()),
            "types": rows.listed(types or ()),
        }
        found.update((rows.edge(row), None) for row in conn.execute(query, parameters))
    return sorted(found, key=lambda e: (-e.weight, e.type, e.source, e.target))


def edges_ever(conn: sqlite3.Connection, cube: str, ids: Sequence[str], types: Sequence[EdgeType] | None) -> list[Edge]:
    """Return every edge ever recorded at these memories, in either direction."""
    found: dict[Edge, None] = {}
    for end in ("e.src", "e.dst"):
        query = (
            rows.EDGE.replace(
                "FROM edge e",
                f"FROM json_each(:ids) j CROSS JOIN node m ON m.cube = :cube AND m.kind = 'memory' "
                f"AND m.id = j.value CROSS JOIN edge e ON {end} = m.num",
            )
            + "WHERE true"
            + _allowed("e.type", "types", types)
        )
        parameters = {"ids": rows.listed(ids), "cube": rows.cube_num(conn, cube), "types": rows.listed(types or ())}
        found.update((rows.edge(row), None) for row in conn.execute(query, parameters))
    return list(found)


def preceding(
    conn: sqlite3.Connection, cube: str, ids: Sequence[str], moment: Moment, statuses: Sequence[str]
) -> dict[str, State]:
    """Return, by id, the state of the message that each of these memories FOLLOWS at the moment."""
    pin = pinned(conn, cube, moment)
    if pin is None:
        return {}
    num, t, k = pin
    found = conn.execute(
        "SELECT f.id, "
        + rows.BARE_STATE.removeprefix("SELECT ").replace(
            "FROM state s JOIN node n ON n.num = s.node",
            "FROM json_each(:ids) j CROSS JOIN node f ON f.cube = :cube AND f.kind = 'memory' AND f.id = j.value "
            "CROSS JOIN edge e ON e.src = f.num AND e.type = 'FOLLOWS' CROSS JOIN node n ON n.num = e.dst "
            "CROSS JOIN state s ON s.node = n.num",
        )
        + "WHERE "
        + HOLDS.format("e")
        + " AND "
        + HOLDS.format("s")
        + _allowed("s.status", "statuses", statuses)
        + " ORDER BY e.weight, e.tiebreak DESC",
        {"ids": rows.listed(ids), "cube": num, "t": t, "k": k, "statuses": rows.listed(statuses)},
    )
    return {row[0]: rows.state(row[1:]) for row in found}


def entities(conn: sqlite3.Connection, cube: str, ids: Sequence[str]) -> list[Entity]:
    """Return the entities with these ids that exist."""
    found = conn.execute(
        "SELECT n.id, n.name, n.attributes FROM json_each(?) j CROSS JOIN cube u ON u.id = ? "
        "CROSS JOIN node n ON n.cube = u.num AND n.kind = 'entity' AND n.id = j.value ORDER BY n.id",
        (rows.listed(ids), cube),
    )
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
    """Return operations, newest first."""
    condition = "WHERE cube = (SELECT num FROM cube WHERE id = :cube)"
    if ids is not None:
        condition += " AND id IN (SELECT value FROM json_each(:ids))"
    elif part_of is not None:
        condition += " AND part_of = :part_of"
    elif not parts:
        condition += " AND part_of IS NULL"
    condition += "" if since is None else " AND recorded_at >= :since"
    condition += "" if until is None else " AND recorded_at < :until"
    by_time = ids is None and part_of is None  # the unary + keeps that index to the listing by time
    order = "recorded_at" if by_time else "+recorded_at"
    found = conn.execute(
        rows.OPERATION + condition + f" ORDER BY {order} DESC, num DESC LIMIT :limit",
        {
            "cube": cube,
            "ids": rows.listed(ids or ()),
            "part_of": part_of,
            "since": since,
            "until": until,
            "limit": limit,
        },
    )
    return [rows.operation(row) for row in found]


def touched(conn: sqlite3.Connection, cube: str, operation: str) -> Touched:
    """Return what one operation opened and closed."""
    where = "WHERE {}_by = (SELECT o.num FROM operation o JOIN cube u ON u.num = o.cube WHERE u.id = ? AND o.id = ?)"
    key = (cube, operation)

    def some_states(verb: str) -> tuple[State, ...]:
        query = rows.STATE + where.format(f"s.{verb}") + " ORDER BY n.id, s.version"
        return tuple(rows.state(row) for row in conn.execute(query, key))

    def some_edges(verb: str) -> tuple[Edge, ...]:
        query = rows.EDGE + where.format(f"e.{verb}") + " ORDER BY e.type, a.id, b.id, e.valid_from"
        return tuple(rows.edge(row) for row in conn.execute(query, key))

    return Touched(some_states("opened"), some_states("closed"), some_edges("opened"), some_edges("closed"))


def counts(conn: sqlite3.Connection, cube: str) -> dict[str, int]:
    """Return how many rows of each kind a cube has."""
    num = rows.cube_num(conn, cube)
    kinds = dict(conn.execute("SELECT kind, count(*) FROM node WHERE cube = ? GROUP BY kind", (num,)).fetchall())
    one = {
        name: conn.execute(query, (num,)).fetchone()[0]
        for name, query in (
            ("states", "SELECT count(*) FROM state WHERE cube = ?"),
            ("edges", "SELECT count(*) FROM edge WHERE cube = ?"),
            ("operations", "SELECT count(*) FROM operation WHERE cube = ?"),
        )
    }
    return {
        "memories": kinds.get("memory", 0),
        "states": one["states"],
        "edges": one["edges"],
        "entities": kinds.get("entity", 0),
        "sources": kinds.get("source", 0),
        "operations": one["operations"],
    }


def sizes(conn: sqlite3.Connection, cube: str, now: int, statuses: Sequence[str]) -> dict[str, int]:
    """Return how many memories hold at a time, as known now, by memory type."""
    query = (
        "SELECT memory_type, count(DISTINCT node) FROM state WHERE cube = :cube AND recorded_to = :end "
        "AND valid_from <= :now AND valid_to > :now AND status IN (SELECT value FROM json_each(:statuses)) "
        "GROUP BY memory_type"
    )
    values = {"cube": rows.cube_num(conn, cube), "end": END, "now": now, "statuses": rows.listed(statuses)}
    return dict(conn.execute(query, values).fetchall())


def states_after(conn: sqlite3.Connection, cube: str, after: tuple[str, int]) -> list[State]:
    """Return the next states ever recorded, by id and version."""
    found = conn.execute(
        rows.STATE + "WHERE n.cube = ? AND n.kind = 'memory' AND (n.id, s.version) > (?, ?) "
        "ORDER BY n.id, s.version LIMIT ?",
        (rows.cube_num(conn, cube), *after, _BATCH),
    )
    return [rows.state(row) for row in found]


def edges_after(conn: sqlite3.Connection, cube: str, after: int) -> tuple[list[Edge], int]:
    """Return the next edges ever recorded, and the cursor behind them."""
    found = conn.execute(
        rows.EDGE.replace("SELECT e.type", "SELECT e.num, e.type") + "WHERE e.cube = ? AND e.num > ? "
        "ORDER BY e.num LIMIT ?",
        (rows.cube_num(conn, cube), after, _BATCH),
    ).fetchall()
    return [rows.edge(row[1:]) for row in found], found[-1][0] if found else after


_DANGLING = {
    "a state without its memory": "SELECT s.num FROM state s LEFT JOIN node n ON n.num = s.node AND n.cube = s.cube "
    "AND n.kind = 'memory' WHERE s.cube = :cube AND n.num IS NULL",
    "a state without the operation that opened it": "SELECT s.num FROM state s LEFT JOIN operation o "
    "ON o.num = s.opened_by AND o.cube = s.cube WHERE s.cube = :cube AND o.num IS NULL",
    "a state closed without an operation": f"SELECT num FROM state WHERE cube = :cube AND recorded_to < {END} "
    "AND closed_by IS NULL",
    "an edge with an end missing or in another cube": "SELECT e.num FROM edge e LEFT JOIN node a ON a.num = e.src "
    "AND a.cube = e.cube LEFT JOIN node b ON b.num = e.dst AND b.cube = e.cube "
    "WHERE e.cube = :cube AND (a.num IS NULL OR b.num IS NULL)",
    "an edge without the operation that opened it": "SELECT e.num FROM edge e LEFT JOIN operation o "
    "ON o.num = e.opened_by AND o.cube = e.cube WHERE e.cube = :cube AND o.num IS NULL",
    "an edge closed without an operation": f"SELECT num FROM edge WHERE cube = :cube AND recorded_to < {END} "
    "AND closed_by IS NULL",
    "a memory without any state": "SELECT n.num FROM node n WHERE n.cube = :cube AND n.kind = 'memory' AND NOT EXISTS "
    "(SELECT 1 FROM state s WHERE s.node = n.num)",
    "a memory whose version is not its last state's": "SELECT n.num FROM node n WHERE n.cube = :cube AND "
    "n.kind = 'memory' AND n.version < (SELECT max(s.version) FROM state s WHERE s.node = n.num)",
}


def dangling(conn: sqlite3.Connection, cube: str) -> list[str]:
    """Return a line for each row that hangs in the air."""
    num = rows.cube_num(conn, cube)
    return [
        f"{what} (row {found[0]})" for what, query in _DANGLING.items() for found in conn.execute(query, {"cube": num})
    ]
