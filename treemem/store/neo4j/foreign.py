"""What others put into the database that stands in our way: constraints on our labels, indexes in the place of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from treemem.changes import EdgeType
from treemem.items import TreeNodeTextualMemoryMetadata
from treemem.store.neo4j.connection import Connection
from treemem.store.neo4j.rows import FORMER, KINDS

#: name -> (type, label, properties, options that matter)
Wanted = Mapping[str, tuple[str, str, tuple[str, ...], dict[str, Any]]]
_LEDGER = "TreememMigration"
_TYPES = {*EdgeType, "STATE_OF"}
#: Every property that we write, of any label; a constraint that others are unique says nothing about our nodes.
_WRITTEN = frozenset(TreeNodeTextualMemoryMetadata.model_fields) | frozenset(
    "id cube_id version memory valid_from valid_to recorded_from recorded_to opened_by closed_by tokens scope extra "
    "facts staged staged_by lock clock dimension caption recalled recalled_at name kind role content chat_time uri "
    "recorded_at actor reason part_of undoes payload_hash receipt touched purged_at operation holder fence expires "
    "weight tiebreak properties applied_at lts".split()
)


def in_the_way(connection: Connection, wanted: Wanted) -> list[str]:
    """Return a line for each constraint or index of others that collides with ours, and the statement that drops it."""
    constraints = connection.look(
        "SHOW CONSTRAINTS YIELD name, type, labelsOrTypes, properties RETURN name, type, labelsOrTypes, properties"
    )
    indexes = connection.look(
        "SHOW INDEXES YIELD name, type, labelsOrTypes, properties, owningConstraint "
        "WHERE owningConstraint IS NULL RETURN name, type, labelsOrTypes, properties"
    )
    return [*_constraints(constraints, wanted), *_indexes(indexes, wanted)]


def _constraints(rows: Iterable[Mapping[str, Any]], wanted: Wanted) -> Iterable[str]:
    keys: dict[str, set[str]] = {}
    for _, label, own, _ in wanted.values():
        keys.setdefault(label, set(own))  # a label's key comes before its other indexes
    keys |= dict.fromkeys((*KINDS, FORMER), keys["Memory"])
    ours = {*keys, _LEDGER, *_TYPES}
    for row in rows:
        name, properties = row["name"], set(row["properties"] or ())
        (thing, *_) = row["labelsOrTypes"] or [""]
        if thing not in ours or name in wanted or name == "treemem_migration":
            continue
        unique = "UNIQUENESS" in row["type"]
        if unique and (not properties <= _WRITTEN or properties > keys.get(thing, properties)):
            continue
        what = f"{row['type']} of {thing}: {', '.join(sorted(properties))}"
        yield f"the constraint {name} ({what}): DROP CONSTRAINT `{name}`"


def _indexes(rows: Iterable[Mapping[str, Any]], wanted: Wanted) -> Iterable[str]:
    places = {(kind, label, properties): name for name, (kind, label, properties, _) in wanted.items()}
    for row in rows:
        place = (row["type"], labels_of(row), tuple(row["properties"] or ()))
        own = places.get(place)
        if own is not None and own != row["name"]:
            yield f"the index {row['name']}, which is where {own} belongs: DROP INDEX `{row['name']}`"


def labels_of(row: Mapping[str, Any]) -> str:
    """Return the labels of an index, several in order with bars between."""
    return "|".join(sorted(row["labelsOrTypes"] or ()))
