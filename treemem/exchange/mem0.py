"""The memories that mem0 gives, of `get_all()`, `search()` and `get()`, as a plain graph. See `mem0_history`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from treemem.errors import InvalidInputError
from treemem.exchange.facts import told
from treemem.temporal import BEGINNING, from_micros, parse_time, to_micros

#: Fields of a memory of theirs that have a place here; all others go into `info`.
_FIELDS = {"user_id": "user_id", "agent_id": "agent_id", "app_id": "app_id", "categories": "tags"}
_NOT_KEPT = frozenset({*_FIELDS, "id", "memory", "metadata", "score", "created_at", "updated_at", "expiration_date"})
#: What is noted of memories without a user.
NOBODYS = "memories that name no user_id are nobody's: every caller finds them"
#: What tells a memory of theirs in a list from one of another program, which has all this elsewhere.
_MARKS = frozenset("hash user_id agent_id app_id run_id actor_id categories expiration_date immutable".split())


def is_memories(data: Any) -> bool:
    """Return whether the value of a JSON file is what `get_all()`, `search()` or `get()` gives, or most of it is."""
    if isinstance(data, Mapping) and data.get("results") == [] and data.keys() <= {"results", "relations"}:
        return True
    rows = _rows(data)
    told = sum(_is_row(each) and (_wrapped(data) or bool(each.keys() & _MARKS)) for each in rows)
    return 2 * told > len(rows)


def can_be(data: Any) -> bool:
    """Return whether whoever says that a file is of mem0 may be right: it has memories, or none."""
    rows = _rows(data)
    return data == [] or is_memories(data) or 2 * sum(map(_is_row, rows)) > len(rows)


def _rows(data: Any) -> list[Any]:
    """Return the memories of a file: of a list, of `results`, or the only one."""
    if isinstance(data, Mapping):
        found = data.get("results") if "results" in data else [data]
        return found if isinstance(found, list) else []
    return data if isinstance(data, list) else []


def _wrapped(data: Any) -> bool:
    return isinstance(data, Mapping) and "results" in data


def _is_row(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() >= {"id", "memory"}


def plain_of(data: Any, owned: bool) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return memories as a plain graph, and notes of what was read as something else; `owned` is whether somebody
    imports them, to whom they belong then.

    `relations` are of names, which are read from the texts anew. What is no memory stays as it is, to be refused.
    """
    noted: Counter[str] = Counter()
    if not owned and (free := sum(_is_row(each) and not each.get("user_id") for each in _rows(data))):
        noted[NOBODYS] += free
    nodes = [_node(each, noted) if _is_row(each) else each for each in _rows(data)]
    return {"nodes": nodes, "edges": []}, told(noted)


def _node(given: Mapping[str, Any], noted: Counter[str]) -> dict[str, Any]:
    own = metadata_of(given, noted)
    times = {name: given[name] for name in ("created_at", "updated_at") if given.get(name) is not None}
    kept = {n: v for n, v in given.items() if n not in _NOT_KEPT and v is not None}
    info = {**kept, **own.pop("info")}
    if given.get("expiration_date") is not None:
        ends = _end_of(given["expiration_date"])
        if ends is None:
            noted["expiration_date: what is no date is kept in info alone, and ends nothing"] += 1
            info["expiration_date"] = given["expiration_date"]
        else:
            times |= _until(ends, times, noted)
    return {"id": given["id"], "memory": given["memory"], "metadata": {**own, **times, "info": info}}


def metadata_of(given: Mapping[str, Any], noted: Counter[str]) -> dict[str, Any]:
    """Return whose a row is, its tags, and its metadata as `info`."""
    own = {ours: given[name] for name, ours in _FIELDS.items() if given.get(name) is not None}
    if isinstance(own.get("tags"), str):
        own["tags"] = [own["tags"]]
    metadata = given.get("metadata")
    if metadata is not None and not isinstance(metadata, Mapping):
        noted["metadata: what is no object is kept in info under that name"] += 1
        metadata = {"metadata": metadata}
    return {**own, "info": dict(metadata or {})}


def _end_of(value: Any) -> int | None:
    """Return when a memory ends, in microseconds: with the day that it names, in UTC; None for what is no date."""
    try:
        day = date.fromisoformat(value)
        return to_micros(datetime.combine(day, time(), UTC) + timedelta(days=1))
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        return parse_time(value, "expiration_date")
    except (InvalidInputError, TypeError):
        return None


def _until(ends: int, times: Mapping[str, Any], noted: Counter[str]) -> dict[str, Any]:
    """Return the end of a memory, and its beginning where it would not be before that."""
    until = {"valid_to": from_micros(ends).isoformat()}
    try:
        begins = parse_time(times.get("created_at") or times.get("updated_at") or "")
    except (InvalidInputError, TypeError):
        noted["memories that say their end and no beginning hold since ever"] += 1
        return {"valid_from": from_micros(BEGINNING).isoformat(), **until}
    if begins < ends:
        return until
    noted["memories that end before they begin hold for the last moment before their end"] += 1
    return {"valid_from": from_micros(ends - 1).isoformat(), **until}
