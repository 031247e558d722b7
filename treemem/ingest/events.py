"""Events of an application: what somebody did there, kept as it was told.

An event is a dict with an `action` ("bookmarked", "clicked") and, optionally, an `object`, `at`, `by` and `id`; all
else it has is kept beside it. It becomes one memory of type "behaviour" that says what was done: "Ann bookmarked:
Trattoria Roma". What it shows of a person is not guessed here; a language model may read it, as it reads a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any

from treemem.canonical import canonical_json
from treemem.checks import is_several, shown
from treemem.errors import InvalidInputError
from treemem.ids import checked_id
from treemem.storable import check_json, checked_text
from treemem.temporal import from_micros, parse_time

#: The type of the memory that an event becomes, and the field of `info` in which the event stands.
BEHAVIOUR = "behaviour"
#: Characters that an action and who did it have at most.
LONGEST = 200
_TIMES = (datetime, date)


def event_items(events: Any, metadata: Mapping[str, Any]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return each event as a memory, and of the `metadata` for all what is to be given beside them.

    Free fields for all stand beside the event. Raises InvalidInputError for what is no event.
    """
    shared = dict(metadata)
    if shared.get("type") not in (None, BEHAVIOUR):
        raise InvalidInputError(f"type: an event becomes a memory of type {BEHAVIOUR!r}, found {shown(shared['type'])}")
    info = shared.pop("info", None)
    if info is not None and not isinstance(info, Mapping):
        raise InvalidInputError(f"info: wanted a dict, found {shown(info)}")
    if isinstance(events, Mapping):
        events = [events]
    if not is_several(events) or isinstance(events, (str, bytes, type)):
        raise InvalidInputError(f"events: wanted dicts with an 'action', found {shown(events)}")
    return list(_items(events, info or {})), shared


def _items(events: Iterable[Any], info: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for number, event in enumerate(events):
        where = f"events[{number}]"
        if not isinstance(event, Mapping) or any(not isinstance(name, str) for name in event):
            raise InvalidInputError(f"{where}: wanted a dict with an 'action', found {shown(event)}")
        yield _item(event, where, info)


def _item(event: Mapping[str, Any], where: str, info: Mapping[str, Any]) -> dict[str, Any]:
    action = _short(event.get("action"), f"{where}.action")
    by = None if event.get("by") is None else _short(event["by"], f"{where}.by")
    done = action if by is None else f"{by} {action}"
    told = event.get("object")
    kept = {name: _plain(value) for name, value in event.items() if value is not None and name != "id"}
    check_json(kept, where)
    if told is not None:
        done += f": {checked_text(told, f'{where}.object') if isinstance(told, str) else canonical_json(told)}"
    metadata: dict[str, Any] = {"memory_type": "UserMemory", "type": BEHAVIOUR, "info": {**info, BEHAVIOUR: kept}}
    if event.get("at") is not None:
        at = from_micros(parse_time(event["at"], f"{where}.at"))
        metadata |= {"valid_from": at, "memory_time": at}
        kept["at"] = at.isoformat()
    own = {} if event.get("id") is None else {"id": checked_id(event["id"], f"{where}.id")}
    return {**own, "memory": done, "metadata": metadata}


def _short(value: Any, field: str) -> str:
    text = checked_text(value, field)
    if len(text) > LONGEST or len(text.splitlines()) > 1:
        raise InvalidInputError(f"{field}: wanted one line of at most {LONGEST} characters, found {shown(value)}")
    return text.strip()


def _plain(value: Any) -> Any:
    """Return a time as a text, anything else as it is."""
    return value.isoformat() if isinstance(value, _TIMES) else value
