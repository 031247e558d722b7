"""Migrations, and the comparison of what is there with what is wanted."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_random

from treemem.errors import SchemaError, StoreError, StoreFullError
from treemem.store.neo4j import lts
from treemem.store.neo4j.connection import Connection
from treemem.store.neo4j.converting import STEPS
from treemem.store.neo4j.foreign import in_the_way, labels_of
from treemem.store.neo4j.statements import migrations

#: The oldest version with filters in the vector index; before it, see lts.py.
OLDEST = (2026, 2)

log = logging.getLogger("treemem.store")
#: Seconds between two words on how far indexes are.
_TELL = 30.0
_COLUMNS = "name, type, labelsOrTypes, properties, options, owningConstraint, state, populationPercent, failureMessage"
INDEXES = f"SHOW INDEXES YIELD {_COLUMNS} RETURN {_COLUMNS}"
_LEDGER = "CREATE CONSTRAINT treemem_migration IF NOT EXISTS FOR (n:TreememMigration) REQUIRE n.name IS UNIQUE"

#: name -> (type, label, or several in order with bars between, properties, options that matter)
WANTED: dict[str, tuple[str, str, tuple[str, ...], dict[str, Any]]] = {
    "treemem_cube": ("RANGE", "Cube", ("id",), {}),
    "treemem_memory": ("RANGE", "Memory", ("cube_id", "id"), {}),
    "treemem_state": ("RANGE", "State", ("cube_id", "id", "version"), {}),
    "treemem_entity": ("RANGE", "Entity", ("cube_id", "id"), {}),
    "treemem_source": ("RANGE", "Source", ("cube_id", "id"), {}),
    "treemem_operation": ("RANGE", "Operation", ("cube_id", "id"), {}),
    "treemem_tombstone": ("RANGE", "Tombstone", ("cube_id", "id"), {}),
    "treemem_lease": ("RANGE", "Lease", ("cube_id",), {}),
    "treemem_task": ("RANGE", "Task", ("cube_id", "id"), {}),
    "treemem_task_due": ("RANGE", "Task", ("cube_id", "state", "due"), {}),
    "treemem_task_since": ("RANGE", "Task", ("cube_id", "state", "since"), {}),
    "treemem_task_created": ("RANGE", "Task", ("cube_id", "state", "created"), {}),
    "treemem_task_owner": ("RANGE", "Task", ("cube_id", "owner", "state", "created"), {}),
    "treemem_state_opened": ("RANGE", "State", ("cube_id", "opened_by"), {}),
    "treemem_state_closed": ("RANGE", "State", ("cube_id", "closed_by"), {}),
    "treemem_state_known": ("RANGE", "State", ("cube_id", "recorded_to", "valid_to"), {}),
    "treemem_state_conversation": ("RANGE", "State", ("cube_id", "conversation_id", "sequence"), {}),
    "treemem_operation_time": ("RANGE", "Operation", ("cube_id", "recorded_at"), {}),
    "treemem_operation_part": ("RANGE", "Operation", ("cube_id", "part_of"), {}),
    "treemem_state_embedding": (
        "VECTOR",
        "State",
        ("embedding", "cube_id", "status", "memory_type", "valid_from", "valid_to", "recorded_from", "recorded_to"),
        {"vector.similarity_function": "COSINE", "vector.quantization.type": "NONE"},
    ),
    "treemem_passage_embedding": (
        "VECTOR",
        "Passage",
        ("embedding", "cube_id", "status", "memory_type", "valid_from", "valid_to", "recorded_from", "recorded_to"),
        {"vector.similarity_function": "COSINE", "vector.quantization.type": "NONE"},
    ),
    "treemem_passage_known": ("RANGE", "Passage", ("cube_id", "recorded_to", "valid_to"), {}),
    "treemem_text": ("FULLTEXT", "Passage|State", ("tokens", "scope"), {"fulltext.analyzer": "whitespace"}),
}


def migrate(connection: Connection) -> list[str]:
    """Run the migrations that are missing and compare the indexes; return the names of those that ran.

    Where none is missing nothing is written, so that a database that can only be read can be opened.
    """
    connection.lts = _version(connection) < OLDEST
    ledger = connection.look("MATCH (n:TreememMigration) RETURN n.name AS name, n.lts AS lts")
    recorded = {r["name"] for r in ledger}
    upgraded = set() if connection.lts else {r["name"] for r in ledger if r["lts"]}
    known = migrations(lts=connection.lts)
    newer = sorted(recorded - {name for name, _ in known})
    if newer:
        raise SchemaError(
            f"{connection.uri} has the schema {newer[-1]!r}, newer than this treemem knows ({known[-1][0]!r}); "
            "upgrade treemem"
        )
    if found := in_the_way(connection, WANTED):
        raise SchemaError(
            f"{connection.uri}: others' constraints and indexes are in the way of treemem's:\n  "
            + "\n  ".join(found)
            + "\nEither drop them as written there, or use another database"
        )
    missing = [(name, statements) for name, statements in known if name not in recorded - upgraded]
    if missing:
        _run(connection, missing)
    wait_for_indexes(connection, compare(connection))
    return [name for name, _ in missing]


def _run(connection: Connection, missing: Sequence[tuple[str, list[str]]]) -> None:
    """Run migrations; raise StoreFullError that names them where the database takes no writes."""
    try:
        _retried(connection, _LEDGER)
        for name, statements in missing:
            for text in statements:
                _retried(connection, text)
            if name in STEPS:
                STEPS[name](connection)
            _retried(
                connection,
                "MERGE (n:TreememMigration {name: $name}) ON CREATE SET n.applied_at = datetime() SET n.lts = $lts",
                name=name,
                lts=connection.lts or None,
            )
    except StoreFullError as error:
        names = ", ".join(name for name, _ in missing)
        raise StoreFullError(
            f"{connection.uri}: its schema lacks {names}, and it cannot be written; open it once where it can. {error}"
        ) from error


def _version(connection: Connection) -> tuple[int, ...]:
    """Return the server's version, (2026, 9) say; raise SchemaError for one too old."""
    (found,) = [
        r
        for r in connection.look("CALL dbms.components() YIELD name, versions RETURN name, versions[0] AS version")
        if r["name"] == "Neo4j Kernel"
    ]
    version = tuple(int(part) for part in found["version"].split("-")[0].split(".")[:2])
    if version < lts.OLDEST:
        raise SchemaError(
            f"{connection.uri} runs Neo4j {found['version']}; treemem needs 5.26 LTS or "
            f"{OLDEST[0]}.{OLDEST[1]:02d} or newer. Upgrade the server, or use the embedded store"
        )
    return version


def _retried(connection: Connection, text: str, **parameters: Any) -> None:
    """Run a statement that several processes may be running at this moment."""

    def transient(error: BaseException) -> bool:
        words = ("Transient", "EquivalentSchemaRule", "AlreadyExists", "ConcurrentModification", "Deadlock")
        return isinstance(error, StoreError) and any(word in str(error) for word in words)

    for attempt in Retrying(
        retry=retry_if_exception(transient), stop=stop_after_attempt(20), wait=wait_random(0.05, 0.5), reraise=True
    ):
        with attempt:
            connection.schema(text, **parameters)


def compare(connection: Connection) -> list[dict[str, Any]]:
    """Return the indexes that there are.

    Raises SchemaError if one is missing or differs, saying what was found, what is wanted, and two ways out.
    """
    rows = connection.look(INDEXES)
    found = {row["name"]: row for row in rows}
    for name, wanted in WANTED.items():
        if connection.lts and wanted[0] == "VECTOR":
            continue
        row = found.get(name)
        if row is None:
            _refuse(connection.uri, name, wanted, None)
        elif described(row, wanted[3]) != wanted:
            _refuse(connection.uri, name, wanted, row)
    return rows


def wait_for_indexes(connection: Connection, rows: list[dict[str, Any]], *, stalled: float = 600.0) -> None:
    """Wait until every index of ours is made, which for a million nodes takes many minutes, and log how far they are.

    `rows` are the indexes as they were just now. Raises SchemaError for one that the server could not make, or if none
    got any further for `stalled` seconds.
    """
    begun = moved = time.monotonic()
    far, told, pause = "", 0, 0.05
    while waiting := [r for r in rows if r["name"] in WANTED and r["state"] != "ONLINE"]:
        if failed := [r for r in waiting if r["state"] == "FAILED"]:
            raise SchemaError(
                f"{connection.uri}: the server could not make the index {failed[0]['name']} "
                f"({failed[0]['failureMessage']}); drop it, delete the (:TreememMigration) nodes and open again"
            )
        now = time.monotonic()
        shown = ", ".join(f"{r['name']} {r['populationPercent']:.1f} %" for r in waiting)
        if shown != far:
            far, moved = shown, now
        if now - moved > stalled:
            raise SchemaError(f"{connection.uri}: indexes are made no further for {stalled:g} seconds: {shown}")
        if now - begun > (told + 0.2) * _TELL:
            log.warning("%s: indexes are being made, searches wait for them: %s", connection.uri, shown)
            told += 1
        time.sleep(pause)
        pause = min(2.0, 1.5 * pause)
        rows = connection.look(INDEXES)


def described(row: dict[str, Any], wanted: dict[str, Any]) -> tuple[Any, ...]:
    """Return an index in the form of WANTED, with those of its options that are `wanted`."""
    config = (row["options"] or {}).get("indexConfig", {})
    options = {key: config.get(key) for key in wanted}
    return row["type"], labels_of(row), tuple(row["properties"] or ()), options


def _refuse(uri: str, name: str, wanted: tuple[Any, ...], row: dict[str, Any] | None) -> None:
    if row is None:
        found, way = "nothing", "delete the (:TreememMigration) nodes and open again to have it made"
    else:
        found = f"{row['name']}: {described(row, wanted[3])}"
        thing = "CONSTRAINT" if row["owningConstraint"] else "INDEX"
        way = (
            f"run DROP {thing} `{row['name']}`, delete the (:TreememMigration) nodes and open again to have {name} made"
        )
    raise SchemaError(
        f"{uri}: the index {name} is not as it must be.\n  wanted: {wanted}\n  found: {found}\n"
        f"Either {way}, or use another database"
    )
