"""A cube as CSV files for `neo4j-admin database import full`, the fastest way into an empty Neo4j database.

One file for each label and each pair of labels that relationships join, with its header beside it: the columns with
their types, which are known when the last row is written. `import.args` has the arguments. Texts stand in double
quotes, a double quote in one is doubled, what is null stands for itself as nothing. A list is one field, its members
with U+001F, the unit separator, between them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import IO, Any

import numpy as np

from treemem.errors import InvalidInputError
from treemem.exchange.placing import Placed, placed
from treemem.exchange.records import Row
from treemem.store.neo4j.layout import Node
from treemem.store.protocol import CubeInfo

_NODES = ("Cube", "Memory", "State", "Passage", "Entity", "Source", "Operation", "Tombstone")
_ENDS = (
    ("State", "Memory"),
    ("Passage", "State"),
    ("Memory", "Memory"),
    ("Memory", "Entity"),
    ("Memory", "Source"),
)
_BETWEEN = "\x1f"
ARGUMENTS = "import.args"
README = "README.txt"
_OPTIONS = ("--multiline-fields=true", "--array-delimiter=U+001F", "--read-buffer-size=64m")


def _file(label: str) -> str:
    return f"{label.lower()}.csv"


def _between(start: str, end: str) -> str:
    return f"{start.lower()}_to_{end.lower()}.csv"


def _header(file: str) -> str:
    return file.replace(".csv", ".header.csv")


_FILES = [*map(_file, _NODES), *(_between(*ends) for ends in _ENDS)]
#: Every file of an export, by name.
NAMES = [*_FILES, *map(_header, _FILES), ARGUMENTS, README]


class _Table:
    """One file of rows: its columns are those of the properties met, in order, with the type of their values."""

    def __init__(self, file: IO[bytes], keys: tuple[str, ...]) -> None:
        self._file = file
        self._keys = keys
        self._types: dict[str, str] = {}

    def write(self, keys: tuple[str, ...], properties: Mapping[str, Any]) -> None:
        for name, value in properties.items():
            self._types.setdefault(name, _type(value))
        fields = [*map(_text, keys), *(_field(properties.get(name), name) for name in self._types)]
        self._file.write(",".join(fields).encode() + b"\n")

    def header(self) -> bytes:
        """Return the header of all rows; the first rows may have fewer fields, which are null."""
        return ",".join([*self._keys, *(f"{name}:{kind}" for name, kind in self._types.items())]).encode() + b"\n"


def write(files: Mapping[str, IO[bytes]], info: CubeInfo, rows: Iterable[tuple[str, Row]]) -> None:
    """Write the rows of a cube into files with the names of NAMES."""
    tables = {_file(label): _Table(files[_file(label)], (f":ID({label})",)) for label in _NODES}
    for start, end in _ENDS:
        name = _between(start, end)
        tables[name] = _Table(files[name], (f":START_ID({start})", f":END_ID({end})", ":TYPE"))
    for part in placed(info, rows):
        _write(tables, part)
    for name, table in tables.items():
        files[_header(name)].write(table.header())
    files[ARGUMENTS].write("\n".join(_arguments()).encode() + b"\n")
    files[README].write(_ABOUT.encode())


def _write(tables: Mapping[str, _Table], part: Placed) -> None:
    if isinstance(part, Node):
        tables[_file(part.label)].write((part.key,), part.properties)
    else:
        keys = (part.start[1], part.end[1], part.type)
        tables[_between(part.start[0], part.end[0])].write(keys, part.properties)


def _arguments() -> list[str]:
    nodes = [f"--nodes={label}=./{_header(_file(label))},./{_file(label)}" for label in _NODES]
    joined = [f"--relationships=./{_header(_between(*ends))},./{_between(*ends)}" for ends in _ENDS]
    return [*nodes, *joined, *_OPTIONS]


def _type(value: Any) -> str:
    """Return the type of a column, in the words of neo4j-admin."""
    if isinstance(value, np.ndarray):
        return "float[]"
    if isinstance(value, list):
        return f"{_type(value[0])}[]" if value else "string[]"
    kinds = {bool: "boolean", int: "long", float: "double", datetime: "datetime"}
    return kinds.get(type(value), "string")


def _field(value: Any, name: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, np.ndarray):
        return _BETWEEN.join(["%.9g"] * len(value)) % tuple(value.tolist())
    if isinstance(value, list):
        members = [each if isinstance(each, str) else _plain(each) for each in value]
        if any(_BETWEEN in member for member in members):
            raise InvalidInputError(
                f"{name}: a member of the list holds U+001F, which stands between members in CSV; "
                "export the archive or the Cypher script instead"
            )
        return _text(_BETWEEN.join(members))
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds").replace("+00:00", "Z")
    return repr(value)


def _text(value: str) -> str:
    return '"' + value.replace('"', '""') + '"'


_ABOUT = """A cube of treemem as CSV, for an empty database of Neo4j. With the server stopped, in this folder:

    neo4j-admin database import full neo4j @import.args

treemem makes its indexes when it opens the database for the first time.
"""
