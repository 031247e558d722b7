"""What mem0 gives: the memories of `get_all()` and `search()`, and the events of `history()`.

Memories become a plain graph. Events are told one by one: a memory is added, updated and ended when its events say, so
that its past is there; each event is an operation of its own, by which it is known again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ids import checked_id
from treemem.storable import checked_text
from treemem.temporal import parse_time

#: Fields of a memory of theirs that have a place here; all others go into `info`.
_FIELDS = {"user_id": "user_id", "agent_id": "agent_id", "app_id": "app_id", "categories": "tags"}
_NOT_KEPT = frozenset({*_FIELDS, "id", "memory", "metadata", "score", "created_at", "updated_at"})
EVENTS = ("ADD", "UPDATE", "DELETE")
Refused = Callable[[str, InvalidInputError], None]


class Event(NamedTuple):
    """What happened to a memory: its new text, or None where it was deleted, and when, in microseconds."""

    id: str
    memory_id: str
    kind: str
    text: str | None
    at: int
    actor: str | None


def is_memories(data: Any) -> bool:
    """Return whether the value of a JSON file is what `get_all()` or `search()` gives."""
    found = data.get("results") if isinstance(data, Mapping) else data
    return _all(found, ("id", "memory")) and (isinstance(data, Mapping) or _all(found, ("hash",)))


def is_history(data: Any) -> bool:
    """Return whether the value of a JSON file is what `history()` gives."""
    return _all(data, ("memory_id", "event"))


def _all(found: Any, names: tuple[str, ...]) -> bool:
    return (
        isinstance(found, list)
        and bool(found)
        and all(isinstance(e, Mapping) and e.keys() >= set(names) for e in found)
    )


def plain_of(data: Any) -> dict[str, Any]:
    """Return memories as a plain graph. `relations` are of names, which are read from the texts anew."""
    return {"nodes": [_node(each) for each in (data["results"] if isinstance(data, Mapping) else data)], "edges": []}


def _node(given: Mapping[str, Any]) -> dict[str, Any]:
    own = {ours: given[name] for name, ours in _FIELDS.items() if given.get(name) is not None}
    times = {name: given[name] for name in ("created_at", "updated_at") if given.get(name) is not None}
    kept = {n: v for n, v in given.items() if n not in _NOT_KEPT and v is not None}
    metadata = given.get("metadata")
    info = {**kept, **(metadata if isinstance(metadata, Mapping) else {})}
    return {"id": given["id"], "memory": given["memory"], "metadata": {**own, **times, "info": info}}


def events_of(data: list[Any], refused: Refused) -> list[Event]:
    """Return the events of memories in order of time; what cannot be read goes to `refused`."""
    timed: list[tuple[int, int, int]] = []
    for place, given in enumerate(data):
        told = given.get("updated_at") or given.get("created_at")
        rank = EVENTS.index(given["event"]) if given["event"] in EVENTS else len(EVENTS)
        try:
            if told is None and timed:  # mem0 gives some deletions no time: then when the event before it was
                timed.append((timed[-1][0], rank, place))
            else:
                timed.append((parse_time(told or "", "created_at"), rank, place))
        except InvalidInputError as error:
            refused(f"events[{place}]", InvalidInputError(f"events[{place}]: {error}"))
    found: list[Event] = []
    known: set[str] = set()
    for at, _, place in sorted(timed):
        try:
            event = _event(data[place], at, known)
        except InvalidInputError as error:
            refused(f"events[{place}]", InvalidInputError(f"events[{place}]: {error}"))
            continue
        (known.discard if event.kind == "DELETE" else known.add)(event.memory_id)
        found.append(event)
    return found


def _event(given: Mapping[str, Any], at: int, known: set[str]) -> Event:
    kind = given["event"]
    if kind not in EVENTS:
        raise InvalidInputError(f"event: wanted one of {', '.join(EVENTS)}, found {shown(kind)}")
    memory_id = checked_id(given["memory_id"], "memory_id")
    if (kind == "ADD") == (memory_id in known):
        raise InvalidInputError(
            f"{kind}: memory {memory_id!r} {'was added before' if kind == 'ADD' else 'is not there'}"
        )
    text = None if kind == "DELETE" else checked_text(given.get("new_memory"), "new_memory")
    actor = given.get("actor_id")
    return Event(checked_id(given.get("id")), memory_id, kind, text, at, actor if isinstance(actor, str) else None)
