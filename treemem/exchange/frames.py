"""A cube as two tables, of memories and of edges: frames of pandas or polars, with the same columns and types."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from treemem.canonical import canonical_json
from treemem.checks import shown
from treemem.context import Context
from treemem.errors import ConfigError, InvalidInputError
from treemem.keywords import checked_names
from treemem.read.getting import get_all
from treemem.records import MemoryVersion
from treemem.temporal import TimeLike

LIBRARIES = ("pandas", "polars")
_TEXTS = "memory_type status visibility type key background source user_id session_id agent_id app_id conversation_id"
#: The columns with their types: text, number, integer, boolean, time, texts (a list of them), json (as a text).
MEMORIES: dict[str, str] = {
    "id": "text",
    "memory": "text",
    **dict.fromkeys(_TEXTS.split(), "text"),
    "sequence": "integer",
    "preference_type": "text",
    "tags": "texts",
    "entities": "texts",
    "usage": "texts",
    "confidence": "number",
    "frozen": "boolean",
    **dict.fromkeys("memory_time created_at updated_at valid_from valid_to recorded_from recorded_to".split(), "time"),
    "version": "integer",
    "sources": "json",
    "info": "json",
}
EDGES: dict[str, str] = {
    **dict.fromkeys(("source", "target", "type", "target_kind"), "text"),
    "weight": "number",
    "confidence": "number",
    "valid_from": "time",
    "valid_to": "time",
    "properties": "json",
}
VERSIONS: dict[str, str] = {
    "id": "text",
    "version": "integer",
    "memory": "text",
    "status": "text",
    **dict.fromkeys(("valid_from", "valid_to", "recorded_from", "recorded_to"), "time"),
    **dict.fromkeys(("opened_by", "actor", "reason", "closed_by"), "text"),
    "tags": "texts",
    "info": "json",
}


@checked_names
@dataclass(frozen=True, slots=True)
class Frames:
    """The memories of a cube and its edges, each a DataFrame of pandas or of polars: `memories, edges = frames`.

    Times are in UTC, in microseconds; an open end is null. `sources`, `info` and `properties` are JSON texts, null
    where there is nothing.
    """

    memories: Any
    edges: Any

    def __iter__(self) -> Iterator[Any]:
        """Give both, the memories first."""
        return iter((self.memories, self.edges))


def to_frames(ctx: Context, library: str, as_of: TimeLike | None, known_at: TimeLike | None) -> Frames:
    """See `TreeTextMemory.to_frames`."""
    _library(library)
    plain = get_all(ctx, as_of, known_at, vectors=False)
    memories = [{**node["metadata"], "id": node["id"], "memory": node["memory"]} for node in plain["nodes"]]
    return Frames(_framed(library, memories, MEMORIES), _framed(library, plain["edges"], EDGES))


def history_frame(versions: Iterable[MemoryVersion], library: str = "pandas") -> Any:
    """Return versions of memories (`memory.history(id)`, of one or of several) as a DataFrame of pandas or polars.

    A row is what a memory said, when that held and when it was known, and which operation said so, by whom and why.
    Raises InvalidInputError, and ConfigError where the library is not installed.
    """
    rows = [
        {
            "id": each.item.id,
            "version": each.version,
            "memory": each.item.memory,
            "status": each.item.metadata.status,
            **{name: _told(getattr(each, name)) for name in ("valid_from", "valid_to", "recorded_from", "recorded_to")},
            "opened_by": each.opened_by.kind,
            "actor": each.opened_by.actor,
            "reason": each.opened_by.reason,
            "closed_by": None if each.closed_by is None else each.closed_by.kind,
            "tags": list(each.item.metadata.tags),
            "info": each.item.metadata.info,
        }
        for each in versions
    ]
    return _framed(library, rows, VERSIONS)


def _told(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _framed(library: str, rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> Any:
    made = _library(library)
    return (_pandas if library == "pandas" else _polars)(made, _columns(rows, types), types)


def _library(library: str) -> Any:
    """Return the library of that name. Raises InvalidInputError, ConfigError."""
    if not isinstance(library, str) or library not in LIBRARIES:
        raise InvalidInputError(f"library: wanted {' or '.join(LIBRARIES)}, found {shown(library)}")
    try:
        return import_module(library)
    except ImportError as error:
        raise ConfigError(f"to_frames: {library} is not installed: pip install {library}") from error


def _columns(rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {name: [] for name in types}
    for row in rows:
        for name, kind in types.items():
            value = row.get(name)
            columns[name].append(None if value is None else _VALUES.get(kind, lambda each: each)(value))
    return columns


_VALUES: dict[str, Callable[[Any], Any]] = {
    "time": lambda text: datetime.fromisoformat(text).astimezone(UTC),
    "texts": lambda texts: texts or None,
    "json": lambda value: canonical_json(value) if value else None,
    "number": float,
}


def _pandas(pandas: Any, columns: Mapping[str, list[Any]], types: Mapping[str, str]) -> Any:
    of = {
        "text": "string",
        "json": "string",
        "number": "Float64",
        "integer": "Int64",
        "boolean": "boolean",
        "time": "datetime64[us, UTC]",
        "texts": "object",
    }
    return pandas.DataFrame({n: pandas.Series(values, dtype=of[types[n]]) for n, values in columns.items()})


def _polars(polars: Any, columns: Mapping[str, list[Any]], types: Mapping[str, str]) -> Any:
    of = {
        "text": polars.String,
        "json": polars.String,
        "number": polars.Float64,
        "integer": polars.Int64,
        "boolean": polars.Boolean,
        "time": polars.Datetime("us", "UTC"),
        "texts": polars.List(polars.String),
    }
    return polars.DataFrame(columns, schema={name: of[kind] for name, kind in types.items()})
