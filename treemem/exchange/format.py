"""The lines of an archive: a head, one record a line, and a last line that counts and hashes all of them.

docs/archive.md describes them. `{"format", "version", "cube", "clock", "embedder", "dimension", "cut"}`, then
`{"<kind>": row, "sha256": hash}` for each row, then `{"end": count, "sha256": hash}`. A record's hash is that of its
kind and its row in canonical JSON; the last one is that of the head and of all records' hashes in order. Version 1 had
no hashes. Since version 3 a long text has the vectors of its passages behind its own, and a line of words for each.
Since version 4 an edge can be of any type and has properties. Since version 5 the records are in one order on both
stores, a head says what a part of a cube was cut by, a tombstone names its operation, and how often memories were
recalled is in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from treemem.canonical import canonical_json
from treemem.changes import Model
from treemem.checks import shown
from treemem.counting import has_more_parts, width_of
from treemem.errors import InvalidInputError
from treemem.exchange import files
from treemem.exchange.compressing import plain
from treemem.models.embedders import MOST_NUMBERS, name_fits
from treemem.storable import check_json
from treemem.store.protocol import LOADING, CubeInfo
from treemem.temporal import END

FORMAT, VERSION = "treemem-archive", 5
#: The first version whose records are in one order, whatever store they come from.
ORDERED = 5
ARCHIVE, GRAPH = "archive.jsonl", "textual_memory.json"
#: The kinds of records, in the order in which they come.
KINDS = ("operation", "entity", "source", "state", "edge", "tombstone", "usage")
#: Bytes of the longest line that is written and read. The longest text is 6 MB of them (a million control characters),
#: the largest field of metadata 24 MB, the vectors of its passages 4.4 MB at 4,096 dimensions.
MAX_LINE = 1 << 26
#: Bytes that its characters take in memory, where one emoji makes each of them four.
MAX_WIDTH = 3 << 25
#: Its strings, commas and brackets: each takes some hundred bytes of memory. A purge of 700,000 memories fits.
MAX_PARTS = 3 << 19
#: A line of fewer bytes is within all three.
_SHORT = min(MAX_LINE, MAX_WIDTH // 4, MAX_PARTS)
#: What a part of a cube may have been cut by.
CUTS = frozenset({"filter", "below", "as_of", "user_id", "session_id"})
#: The first time that an archive can be of: at the one before stands the clock of a cube while one is loaded into it.
EARLIEST = LOADING + 1
_TAIL = 4_096
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Head:
    """What an archive's first line says, and how it is spelled canonically."""

    info: CubeInfo
    version: int
    text: str
    cut: Mapping[str, Any] | None = None


class Summed:
    """The hash over a whole archive, record by record."""

    def __init__(self, head: str) -> None:
        self._digest = hashlib.sha256(head.encode())

    def add(self, record: str) -> None:
        """Take the next record's hash in."""
        self._digest.update(b"\n" + record.encode())

    def leave_out(self, edges: int) -> None:
        """Take in how many edges lead out of a part of a cube."""
        self._digest.update(f"\n{edges} left out".encode())

    def hex(self) -> str:
        """Return the hash of what was taken in so far."""
        return self._digest.hexdigest()


def head_line(info: CubeInfo, cut: Mapping[str, Any] | None = None) -> str:
    """Return the first line of the archive of a cube, or of a part of it, which says what it was cut by."""
    model = info.model
    return canonical_json(
        {
            "format": FORMAT,
            "version": VERSION,
            "cube": info.id,
            "clock": info.clock,
            "embedder": model and model.name,
            "dimension": model and model.dimension,
            "cut": None if cut is None else dict(cut),
        }
    )


def record_line(kind: str, row: Any) -> tuple[str, str]:
    """Return a record as a line, and its hash."""
    text = canonical_json(row)
    digest = record_hash(kind, text)
    return f'{{"{kind}":{text},"sha256":"{digest}"}}', digest


def record_hash(kind: str, text: str) -> str:
    """Return the hash of a row in canonical JSON."""
    digest = hashlib.sha256(f"{kind}:".encode())
    for start in range(0, len(text), _PIECE):
        digest.update(text[start : start + _PIECE].encode(errors="surrogatepass"))
    return digest.hexdigest()


def too_large(line: bytes) -> str | None:
    """Return why a line of an archive takes too much memory to be read, None if it does not."""
    if len(line) < _SHORT:
        return None
    if len(line) > MAX_LINE:
        return f"longer than {MAX_LINE} bytes"
    if has_more_parts(line, MAX_PARTS):
        return f"more than {MAX_PARTS} strings, commas and brackets"
    if width_of(line) > MAX_WIDTH:
        return f"more than {MAX_WIDTH} bytes of characters in memory"
    return None


def damaged(line: int, reason: object) -> InvalidInputError:
    """Return the error that names a line and what is wrong with it."""
    return InvalidInputError(f"line {line}: {reason}; the archive is damaged, nothing was loaded")


def read_lines(file: IO[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the lines of an archive with their numbers; raise InvalidInputError for one that is no JSON object."""
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        if (reason := too_large(line)) is not None:
            raise damaged(number, reason)
        value = _parsed(line, number)
        del line  # it would take its memory as long as the value is used
        yield number, value
        del value


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
    names = {"format", "version", "cube", "clock", "embedder", "dimension"} | ({"cut"} if version >= ORDERED else set())
    if value.keys() != names:
        raise damaged(1, f"wanted {', '.join(sorted(names))}, found {shown(sorted(value))}")
    cube, clock, embedder, dimension = (value[n] for n in ("cube", "clock", "embedder", "dimension"))
    if not isinstance(cube, str) or not 0 < len(cube) <= 128 or not cube.isascii() or not cube.isprintable():
        raise damaged(1, f"cube: wanted an id, found {shown(cube)}")
    if type(clock) is not int or not EARLIEST <= clock < END:
        raise damaged(1, f"clock: wanted microseconds of the years 1 to 9999, found {shown(clock)}")
    model = None
    if embedder is not None or dimension is not None:
        if not isinstance(embedder, str) or not name_fits(embedder):
            raise damaged(1, f"embedder: wanted a name, found {shown(embedder)}")
        if type(dimension) is not int or not 0 < dimension <= MOST_NUMBERS:
            raise damaged(1, f"dimension: wanted a positive number, found {shown(dimension)}")
        model = Model(embedder, dimension)
    return Head(CubeInfo(cube, clock, model), version, canonical_json(value), _cut(value.get("cut")))


def _cut(value: Any) -> Mapping[str, Any] | None:
    if value is None:
        return None
    if not isinstance(value, dict) or not value or not value.keys() <= CUTS:
        raise damaged(1, f"cut: wanted some of {', '.join(sorted(CUTS))}, found {shown(value)}")
    try:
        check_json(value, "cut")
    except InvalidInputError as error:
        raise damaged(1, error) from error
    return value


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


def last_line(path: Path) -> Mapping[str, Any]:
    """Return what the last line of a file says, of a plain one read from its end alone; nothing if no JSON object."""
    with files.told(path, "read"), path.open("rb") as file:
        lines, tail = plain(file), b""
        if lines is file:
            lines.seek(max(0, lines.seek(0, 2) - _TAIL))
        while some := lines.read(1 << 20):
            tail = (tail + some)[-_TAIL:]
    try:
        found = json.loads(tail.rstrip(b"\n").rpartition(b"\n")[2])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def is_whole(path: Path) -> bool:
    """Return whether an archive ends with its last line, without reading it through."""
    return "end" in last_line(path)
