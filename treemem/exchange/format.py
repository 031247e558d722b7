"""The lines of an archive: a head, one record a line, and a last line that counts and hashes all of them.

`{"format", "version", "cube", "clock", "embedder", "dimension"}`, then `{"<kind>": row, "sha256": hash}` for each row,
then `{"end": count, "sha256": hash}`. A record's hash is that of its kind and its row in canonical JSON; the last one
is that of the head and of all records' hashes in order. Version 1 had no hashes. Since version 3 a long
text has the vectors of its passages behind its own, and a line of words for each. Since version 4 an edge can be of any
type and has properties.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from treemem.canonical import canonical_json
from treemem.changes import Model
from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.exchange import files
from treemem.models.embedders import MOST_NUMBERS, name_fits
from treemem.store.protocol import CubeInfo
from treemem.temporal import BEGINNING, END

FORMAT, VERSION = "treemem-archive", 4
ARCHIVE, GRAPH = "archive.jsonl", "textual_memory.json"
#: The kinds of records, in the order in which they come.
KINDS = ("operation", "entity", "source", "state", "edge", "tombstone")
#: Bytes of the longest line that is read: more than any memory can take.
MAX_LINE = 1 << 28
_TAIL = 4_096


@dataclass(frozen=True, slots=True)
class Head:
    """What an archive's first line says, and how it is spelled canonically."""

    info: CubeInfo
    version: int
    text: str


class Summed:
    """The hash over a whole archive, record by record."""

    def __init__(self, head: str) -> None:
        self._digest = hashlib.sha256(head.encode())

    def add(self, record: str) -> None:
        """Take the next record's hash in."""
        self._digest.update(b"\n" + record.encode())

    def hex(self) -> str:
        """Return the hash of what was taken in so far."""
        return self._digest.hexdigest()


def head_line(info: CubeInfo) -> str:
    """Return the first line of a cube's archive."""
    model = info.model
    return canonical_json(
        {
            "format": FORMAT,
            "version": VERSION,
            "cube": info.id,
            "clock": info.clock,
            "embedder": model and model.name,
            "dimension": model and model.dimension,
        }
    )


def record_line(kind: str, row: Any) -> tuple[str, str]:
    """Return a record as a line, and its hash."""
    text = canonical_json(row)
    digest = record_hash(kind, text)
    return f'{{"{kind}":{text},"sha256":"{digest}"}}', digest


def record_hash(kind: str, text: str) -> str:
    """Return the hash of a row in canonical JSON."""
    return hashlib.sha256(f"{kind}:{text}".encode(errors="surrogatepass")).hexdigest()


def damaged(line: int, reason: object) -> InvalidInputError:
    """Return the error that names a line and what is wrong with it."""
    return InvalidInputError(f"line {line}: {reason}; the archive is damaged, nothing was loaded")


def read_lines(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines of an archive with their numbers; raise InvalidInputError for one that is no JSON object."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise damaged(number, f"longer than {MAX_LINE} bytes")
        yield number, _parsed(line, number)


def _parsed(line: bytes, number: int) -> dict[str, Any]:
    try:
        value = json.loads(line.decode(), parse_constant=_refused)
    except RecursionError:
        raise damaged(number, "nested too deep") from None
    except ValueError as error:
        raise damaged(number, f"no JSON ({error})") from error
    if not isinstance(value, dict):
        raise damaged(number, f"wanted a JSON object, found {shown(value)}")
    return value


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def head_of(value: dict[str, Any]) -> Head:
    """Return the head that the first line says, or raise InvalidInputError."""
    if value.get("format") != FORMAT:
        raise InvalidInputError("no archive of treemem; dump() writes one")
    version = value.get("version")
    if type(version) is not int or version < 1:
        raise damaged(1, f"version: wanted a number from 1 to {VERSION}, found {shown(version)}")
    if version > VERSION:
        raise InvalidInputError(f"archive version {version}, this treemem reads up to {VERSION}; upgrade it")
    names = {"format", "version", "cube", "clock", "embedder", "dimension"}
    if value.keys() != names:
        raise damaged(1, f"wanted {', '.join(sorted(names))}, found {shown(sorted(value))}")
    cube, clock, embedder, dimension = (value[n] for n in ("cube", "clock", "embedder", "dimension"))
    if not isinstance(cube, str) or not 0 < len(cube) <= 128 or not cube.isascii() or not cube.isprintable():
        raise damaged(1, f"cube: wanted an id, found {shown(cube)}")
    if type(clock) is not int or not BEGINNING <= clock < END:
        raise damaged(1, f"clock: wanted microseconds before the year 10000, found {shown(clock)}")
    model = None
    if embedder is not None or dimension is not None:
        if not isinstance(embedder, str) or not name_fits(embedder):
            raise damaged(1, f"embedder: wanted a name, found {shown(embedder)}")
        if type(dimension) is not int or not 0 < dimension <= MOST_NUMBERS:
            raise damaged(1, f"dimension: wanted a positive number, found {shown(dimension)}")
        model = Model(embedder, dimension)
    return Head(CubeInfo(cube, clock, model), version, canonical_json(value))


def read_head(path: Path) -> Head:
    """Return what an archive's first line says; raise InvalidInputError if the file is no archive."""
    with files.told(path, "read"), path.open("rb") as file:
        try:
            found = next(read_lines(file), None)
            if found is None:
                raise InvalidInputError("empty, no archive of treemem; dump() writes one")
            return head_of(found[1])
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error}") from error


def is_whole(path: Path) -> bool:
    """Return whether an archive ends with its last line, without reading it through."""
    with files.told(path, "read"), path.open("rb") as file:
        file.seek(0, 2)
        file.seek(max(0, file.tell() - _TAIL))
        last = file.read(_TAIL).rstrip(b"\n").rpartition(b"\n")[2]
    try:
        return "end" in json.loads(last)
    except (ValueError, TypeError, RecursionError):
        return False
