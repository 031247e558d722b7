"""A server looked at without changing it: version, clock, schema, indexes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from treemem.errors import StoreError
from treemem.store.neo4j import lts, schema
from treemem.store.neo4j.connection import Connection
from treemem.store.neo4j.foreign import in_the_way
from treemem.store.neo4j.statements import migrations


@dataclass(frozen=True, slots=True)
class IndexLook:
    """An index of ours that is not as it must be: not there, other than it must be, or not online."""

    name: str
    wrong: str


@dataclass(frozen=True, slots=True)
class ServerLook:
    """What a server tells of itself, and how far its database is treemem's.

    `ahead` is how many seconds its clock is before this machine's. `writable` is None where the user may not ask.
    `dimensions` are those that a vector index was made for; ours are made for any.
    """

    version: str
    edition: str
    too_old: bool
    ahead: float
    database: str
    writable: bool | None
    missing: tuple[str, ...]
    newer: tuple[str, ...]
    in_the_way: tuple[str, ...]
    indexes: tuple[IndexLook, ...]
    dimensions: dict[str, int]


def inspect(connection: Connection) -> ServerLook:
    """Return what there is, changing nothing but how `connection` says its statements. Raises StoreError."""
    connection.verify()
    version, edition = _components(connection)
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2])
    connection.lts = numbers < schema.OLDEST
    ahead = _ahead(connection)
    database = str(connection.look("CALL db.info() YIELD name RETURN name")[0]["name"])
    if numbers < lts.OLDEST:
        return ServerLook(version, edition, True, ahead, database, None, (), (), (), (), {})
    ledger = connection.look("MATCH (n:TreememMigration) RETURN n.name AS name, n.lts AS lts")
    known = [name for name, _ in migrations(lts=connection.lts)]
    recorded = {row["name"] for row in ledger}
    upgraded = set() if connection.lts else {row["name"] for row in ledger if row["lts"]}
    missing = tuple(name for name in known if name not in recorded - upgraded)
    rows = connection.look(schema.INDEXES)
    return ServerLook(
        version,
        edition,
        False,
        ahead,
        database,
        _writable(connection, database),
        missing,
        tuple(sorted(recorded - set(known))),
        tuple(in_the_way(connection, schema.WANTED)),
        () if missing else tuple(_indexes(connection, rows)),
        _dimensions(rows),
    )


def _components(connection: Connection) -> tuple[str, str]:
    """Return the server's version and edition."""
    found = connection.look(
        "CALL dbms.components() YIELD name, versions, edition "
        "WITH * WHERE name = 'Neo4j Kernel' RETURN versions[0] AS version, edition"
    )
    return str(found[0]["version"]), str(found[0]["edition"])


def _ahead(connection: Connection) -> float:
    before = time.time()
    told = float(connection.look("RETURN datetime.realtime().epochMillis AS now")[0]["now"]) / 1_000
    return told - (before + time.time()) / 2


def _writable(connection: Connection, database: str) -> bool | None:
    try:
        found = connection.look(
            "SHOW DATABASES YIELD name, access, currentStatus WHERE name = $name RETURN access, currentStatus",
            name=database,
        )
    except StoreError:  # the user may not ask
        return None
    told = [row["access"] == "read-write" and row["currentStatus"] == "online" for row in found]
    return any(told) if told else None


def _indexes(connection: Connection, rows: list[dict[str, Any]]) -> list[IndexLook]:
    found = {row["name"]: row for row in rows}
    wrong = []
    for name, wanted in schema.WANTED.items():
        if connection.lts and wanted[0] == "VECTOR":
            continue
        row = found.get(name)
        if row is None:
            wrong.append(IndexLook(name, "is not there"))
        elif schema.described(row, wanted[3]) != wanted:
            wrong.append(IndexLook(name, f"is {schema.described(row, wanted[3])} and must be {wanted}"))
        elif row["state"] == "FAILED":
            wrong.append(IndexLook(name, f"could not be made by the server ({row['failureMessage']})"))
        elif row["state"] != "ONLINE":
            wrong.append(IndexLook(name, f"is being made ({row['populationPercent']:.1f} %)"))
    return wrong


def _dimensions(rows: list[dict[str, Any]]) -> dict[str, int]:
    """Return the vector indexes of ours that take vectors of one length alone, with that length."""
    found = {}
    for row in rows:
        length = (row["options"] or {}).get("indexConfig", {}).get("vector.dimensions")
        if row["name"] in schema.WANTED and length is not None:
            found[row["name"]] = int(length)
    return found
