"""What migrations do that takes more than Cypher: each step by the name of its file, repeatable, in parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from treemem.store.neo4j import rows
from treemem.store.neo4j.connection import Connection, Transaction
from treemem.store.neo4j.facts import INFO
from treemem.store.neo4j.statements import statement
from treemem.temporal import END_TIME

#: How many memories are converted in one transaction.
_BATCH = 200


def facts(connection: Connection) -> None:
    """Move the keys of `info` from properties into JSON and facts, in every cube.

    What was converted before a crash is read again and left as it is.
    """
    _in_parts(connection, lambda tx, cube, after: _some(tx, cube, after))


def _some(tx: Transaction, cube: str, after: str) -> str | None:
    """Convert the states of the next memories; return the last memory's id, None if there are no more."""
    found = tx.run(statement("states_to_convert"), cube=cube, after=after, limit=_BATCH)
    changed = [
        {"id": row["id"], "version": state["version"], "properties": properties}
        for row in found
        for state in row["states"]
        if (properties := converted(state))
    ]
    if changed:
        tx.run(statement("store_facts"), cube=cube, rows=changed)
    return found[-1]["id"] if found else None


def converted(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties that a state must get, None for one to take away; nothing if all are as they must be."""
    loose = [name for name in properties if name.startswith(INFO)]
    extra = json.loads(properties["extra"]) if properties.get("extra") else {}
    if loose:
        extra["info"] = {name[len(INFO) :]: properties[name] for name in loose} | extra.get("info", {})
    fields = {name: value for name, value in properties.items() if name not in loose and value is not None} | extra
    wanted = rows.beside(extra, fields)
    changed = {name: value for name, value in wanted.items() if properties.get(name) != value}
    return changed | dict.fromkeys(loose)


def labels(connection: Connection) -> None:
    """Label every memory by its type, and what is no longer so. Labelling again changes nothing."""
    _in_parts(connection, _labelled)


def _labelled(tx: Transaction, cube: str, after: str) -> str | None:
    """Label the next memories; return the last memory's id, None if there are no more."""
    (found,) = tx.run(statement("label_memories"), cube=cube, after=after, limit=_BATCH, end=END_TIME)
    last: str | None = found["last"]
    return last


def _in_parts(connection: Connection, convert: Callable[[Transaction, str, str], str | None]) -> None:
    """Convert the memories of every cube in parts, each behind the id that the one before returned, None at the end."""
    for cube in [row["id"] for row in connection.read(lambda tx: tx.run(statement("cubes")))]:
        after: str | None = ""
        while after is not None:
            after = connection.write(lambda tx, cube=cube, after=after: convert(tx, cube, after))  # type: ignore[misc]


#: What a migration does beside its statements.
STEPS: dict[str, Callable[[Connection], None]] = {"0004_facts": facts, "0007_labels": labels}
