"""A cube as tables for `neo4j-admin database import full`, the fastest way into an empty Neo4j database.

One file, CSV or Parquet, for each label and each pair of labels that relationships join; columns are named with their
types. `import.args` has the arguments. In CSV texts stand in double quotes, a double quote in one is doubled, what is
null stands for itself as nothing. A list is one field, its members with U+001F, the unit separator, between them. Every
row has every column: Neo4j 5.26 reads a row that ends early on into the next.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO, Any, Protocol

from treemem.canonical import canonical_json
from treemem.errors import InvalidInputError
from treemem.exchange import files as files_
from treemem.exchange.columnar import ParquetTable
from treemem.exchange.fields import BETWEEN, listed
from treemem.exchange.placing import Placed, placed
from treemem.exchange.records import Row
from treemem.store.neo4j.layout import Node
from treemem.store.protocol import CubeInfo

_KEYS = {"cube_id": "string", "id": "string"}
_TIMES = dict.fromkeys(("valid_from", "valid_to", "recorded_from", "recorded_to"), "datetime")
_BY = {"opened_by": "string", "closed_by": "string"}
_TEXTS = (
    "memory key background memory_type type status visibility source preference_type user_id session_id agent_id "
    "app_id conversation_id tokens scope extra"
)
#: The properties of each label, with their types in the words of neo4j-admin.
COLUMNS: dict[str, dict[str, str]] = {
    "Cube": {
        "id": "string", "clock": "datetime", "shown": "datetime", "lock": "boolean", "epoch": "long",
        "embedder": "string", "dimension": "long",
    },
    "Memory": {
        **_KEYS, **dict.fromkeys(("caption", "key", "memory_type", "type", "status"), "string"), "frozen": "boolean",
        "version": "long", **_TIMES,
    },
    "State": {
        **_KEYS, "version": "long", **dict.fromkeys(_TEXTS.split(), "string"),
        **dict.fromkeys(("tags", "entities", "sources", "usage", "facts"), "string[]"), "confidence": "double",
        "sequence": "long", "frozen": "boolean", **_TIMES, **_BY, "created_at": "datetime", "memory_time": "datetime",
        "embedding": "float[]",
    },
    "Passage": {
        **_KEYS, "version": "long", "number": "long", "status": "string", "memory_type": "string", "tokens": "string",
        "scope": "string", **_TIMES, "embedding": "float[]",
    },
    "Entity": {**_KEYS, "name": "string", "kind": "string"},
    "Source": {
        **_KEYS, "kind": "string", "role": "string", "content": "string", "uri": "string", "chat_time": "datetime",
    },
    "Operation": {
        **_KEYS, "kind": "string", "recorded_at": "datetime", "status": "string", "actor": "string", "reason": "string",
        "part_of": "string", "undoes": "string", "payload_hash": "string", "receipt": "string", "touched": "string[]",
    },
    "Tombstone": {**_KEYS, "purged_at": "datetime", "reason": "string"},
}  # fmt: skip
_EDGE = {"weight": "double", "confidence": "double", "tiebreak": "long", "properties": "string", **_TIMES, **_BY}
#: What relationships join, and their properties.
_JOINED: dict[tuple[str, str], dict[str, str]] = {
    ("State", "Memory"): {},
    ("Passage", "State"): {},
    ("Memory", "Memory"): _EDGE,
    ("Memory", "Entity"): _EDGE,
    ("Memory", "Source"): _EDGE,
}
_ARGUMENTS, _NOTES = "import.args", "NEO4J-IMPORT.txt"
#: The formats of tables, each with the end of its files' names, and what the tool is told beside them.
SUFFIXES = {"neo4j-csv": "csv", "neo4j-parquet": "parquet"}
_OPTIONS = {
    "csv": ("--multiline-fields=true", "--array-delimiter=U+001F", "--read-buffer-size=64m"),
    "parquet": ("--input-type=parquet", "--array-delimiter=U+001F"),
}


def _between(start: str, end: str) -> str:
    return f"{start.lower()}_to_{end.lower()}"


#: The tables by the names of their files, without the end: the columns of keys, and the properties.
_TABLES: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    **{label.lower(): ((f":ID({label})", ":LABEL"), columns) for label, columns in COLUMNS.items()},
    **{
        _between(start, end): ((f":START_ID({start})", f":END_ID({end})", ":TYPE"), columns)
        for (start, end), columns in _JOINED.items()
    },
}


def names(format: str) -> list[str]:
    """Return every file of an export, by name."""
    return [*(f"{stem}.{SUFFIXES[format]}" for stem in _TABLES), _ARGUMENTS, _NOTES]


class _Table(Protocol):
    """One file of rows: the keys of a node or a relationship, then its properties."""

    def write(self, keys: tuple[str, ...], properties: Mapping[str, Any]) -> None: ...

    def close(self) -> None: ...


class _Csv:
    """A table as CSV."""

    def __init__(self, file: IO[bytes], keys: tuple[str, ...], columns: Mapping[str, str]) -> None:
        self._file = file
        self._columns = columns
        self._line([*keys, *(f"{name}:{kind}" for name, kind in columns.items())])

    def write(self, keys: tuple[str, ...], properties: Mapping[str, Any]) -> None:
        fields = (_field(kind, properties.get(name)) for name, kind in self._columns.items())
        self._line([*map(_text, keys), *fields])

    def close(self) -> None:
        """Do nothing: each row is written as it comes."""

    def _line(self, fields: Iterable[str]) -> None:
        self._file.write(",".join(fields).encode() + b"\n")


def write(format: str, files: Mapping[str, IO[bytes]], info: CubeInfo, rows: Iterable[tuple[str, Row]]) -> None:
    """Write the rows of a cube into files with the names of `names`. Raises ConfigError, InvalidInputError."""
    suffix = SUFFIXES[format]
    made = _Csv if suffix == "csv" else ParquetTable
    with ExitStack() as stack:
        tables: dict[str, _Table] = {
            stem: stack.enter_context(closing(made(files[f"{stem}.{suffix}"], keys, columns)))
            for stem, (keys, columns) in _TABLES.items()
        }
        for part in placed(info, rows):
            _write(tables, part)
    files[_ARGUMENTS].write("\n".join(_arguments(suffix)).encode() + b"\n")
    files[_NOTES].write((_ABOUT + (_JARS if suffix == "parquet" else "")).encode())


def _write(tables: Mapping[str, _Table], part: Placed) -> None:
    if isinstance(part, Node):
        tables[part.label.lower()].write((part.key, BETWEEN.join((part.label, *part.beside))), _sayable(part))
    else:
        keys = (part.start[1], part.end[1], part.type)
        tables[_between(part.start[0], part.end[0])].write(keys, part.properties)


def _sayable(node: Node) -> Mapping[str, Any]:
    """Return the properties of a node; of a state, lists that no field can say stand with what is kept as JSON."""
    properties = node.properties
    lists = [name for name, value in properties.items() if isinstance(value, list) and not _is_sayable(value)]
    if not lists:
        return properties
    if node.label != "State" or "facts" in lists:
        name = "info" if lists == ["facts"] else lists[0]
        raise InvalidInputError(
            f"{node.label.lower()} {node.properties['id']!r}: {name}: a text in it holds U+001F, which stands between "
            "the members of a list in such tables; export the archive or the Cypher script instead"
        )
    extra = json.loads(properties.get("extra", "{}")) | {name: properties[name] for name in lists}
    kept = {name: value for name, value in properties.items() if name not in lists}
    return {**kept, "extra": canonical_json(extra)}


def _is_sayable(members: Sequence[Any]) -> bool:
    """Return whether a list is one of texts that a field can say: one empty text alone would be no member."""
    return members != [""] and all(isinstance(each, str) and BETWEEN not in each for each in members)


def refuse_foreign(folder: Path) -> None:
    """Raise InvalidInputError for a folder that has files of others, which an export could replace."""
    with files_.told(folder, "read"):
        if folder.is_dir() and any(folder.iterdir()) and not files_.is_file(folder / _ARGUMENTS):
            raise InvalidInputError(f"{folder}: has files of others; choose a folder that is empty, or not there yet")


def _arguments(suffix: str) -> list[str]:
    nodes = [f"--nodes=./{label.lower()}.{suffix}" for label in COLUMNS]
    return [*nodes, *(f"--relationships=./{_between(*ends)}.{suffix}" for ends in _JOINED), *_OPTIONS[suffix]]


def _field(kind: str, value: Any) -> str:
    """Return a value as a field of a column of CSV."""
    said = listed(kind, value)
    if said is None:
        return ""
    if kind in ("string", "string[]"):
        return _text(said)
    if isinstance(said, bool):
        return "true" if said else "false"
    return said if isinstance(said, str) else repr(said)


def _text(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


_JARS = """
For Parquet the tool wants jars of Hadoop's that not every Neo4j comes with. Where it ends with the name of a Java
class, put these beside the others in lib: woodstox-core, stax2-api, commons-collections4, hadoop-shaded-guava,
commons-configuration2, commons-logging. Or export neo4j-csv, which wants none.
"""
_ABOUT = """A cube of treemem, for an empty database of Neo4j. With the server stopped, in this folder:

    neo4j-admin database import full neo4j @import.args

Where the server was ever started, the database is there already, if only empty: add --overwrite-destination=true, which
deletes what it holds.

treemem makes its indexes when it opens the database for the first time.
"""
