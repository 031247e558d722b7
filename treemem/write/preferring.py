"""Preferences that messages state become memories of their own, in the change that adds the message.

Such a memory is a PreferenceMemory, DERIVED_FROM its message, whose owner and time it has. It is archived from the
beginning: a search finds the message, and `memory.preferences` the preference. It follows its message (see
`treemem.write.echoing`): into erasure, behind walls, out of sight.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from treemem.caller import WHOSE
from treemem.canonical import Vectors
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, StateAssert
from treemem.contents import content_of, fields_of
from treemem.ids import derived_id
from treemem.ingest.messages import JUDGED, Said
from treemem.ingest.preferring import Stated, stated
from treemem.items import TextualMemoryItem, validated
from treemem.store.protocol import LIVE
from treemem.temporal import END

PREFERENCE = "PreferenceMemory"
#: What `sources` say of a preference that a message states.
ORIGIN = "preference"
#: The status of preferences: kept, read by their own verbs, not among the hits of a search.
KEPT = "archived"
#: Where messages come from that state what their speaker prefers.
_SPOKEN = (None, "conversation")


@dataclass(frozen=True, slots=True)
class Noted:
    """What a message states beside what it says: a memory of its own, its fields, the messages it is DERIVED_FROM."""

    memory_id: str
    message_ids: tuple[str, ...]
    fields: dict[str, Any]


def noted_in(cube: str, said: Said) -> list[Noted]:
    """Return the preferences that a message states: only what a user says, and what searches find of it."""
    metadata = said.item.metadata
    spoken = said.source.role == "user" and not said.silent and metadata.source in _SPOKEN
    if not spoken or metadata.status not in LIVE or metadata.memory_type not in JUDGED:
        return []
    owner = {name: getattr(metadata, name) for name in WHOSE}
    return [noted(cube, said.item.id, said.speaker, owner, one, number) for number, one in enumerate(stated(said.text))]


def noted(cube: str, message_id: str, speaker: str | None, owner: Mapping[str, Any], one: Stated, number: int) -> Noted:
    """Return one preference of a message; `owner` are fields that say whose it is."""
    memory_id = derived_id("preference", cube, message_id, number)
    text = f"{speaker}: {one.text}" if speaker else one.text
    return Noted(
        memory_id,
        (message_id,),
        preference_fields(memory_id, text, one.topic, one.polarity, "explicit", owner, source="conversation"),
    )


def preference_fields(
    memory_id: str,
    text: str,
    topic: str,
    polarity: str,
    kind: str,
    owner: Mapping[str, Any],
    *,
    source: str | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the fields of a preference; `more` goes into its `info`. Raises InvalidInputError."""
    metadata = {
        **owner,
        "memory_type": PREFERENCE,
        "type": "preference",
        "preference_type": f"{kind}_preference",
        "status": KEPT,
        "source": source,
        "sources": [{"type": ORIGIN, "role": "user"}],
        "info": {"topic": topic, "polarity": polarity, **(more or {})},
    }
    return fields_of(validated(TextualMemoryItem, {"id": memory_id, "memory": text, "metadata": metadata}))


def rows(
    noted: Noted, vectors: Vectors, valid_from: int | None, valid_to: int = END
) -> tuple[StateAssert, list[EdgeAssert]]:
    """Return the rows of what was noted, which holds as long as its message."""
    state = StateAssert(
        noted.memory_id, content_of(noted.fields, vectors), valid_from, valid_to, create=True, planned=True
    )
    edges = [
        EdgeAssert(EdgeType.DERIVED_FROM, noted.memory_id, each, valid_from=valid_from, valid_to=valid_to, planned=True)
        for each in noted.message_ids
    ]
    return state, edges


def is_preference(fields: Mapping[str, Any]) -> bool:
    """Return whether a content is a preference that this package made of others."""
    origin = (fields.get("sources") or [None])[0]
    return fields.get("memory_type") == PREFERENCE and isinstance(origin, dict) and origin.get("type") == ORIGIN


def with_noted(change: ChangeSet, many: list[tuple[Noted, Vectors]], span: tuple[int | None, int]) -> ChangeSet:
    """Return a change of a message with what was noted of it."""
    if not many:
        return change
    made = [rows(each, vectors, *span) for each, vectors in many]
    return replace(
        change,
        states=(*change.states, *(state for state, _ in made)),
        edges=(*change.edges, *(edge for _, edges in made for edge in edges)),
    )
