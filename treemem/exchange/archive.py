"""The lossless archive: JSON Lines, every row of a cube as it was recorded, up to one transaction time."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import IO, Any, NamedTuple, cast

from treemem.canonical import canonical_json, encode_vectors
from treemem.changes import Edge, Entity, NodeKind, Operation, Source, State
from treemem.errors import ConflictError, InvalidInputError
from treemem.exchange import files
from treemem.exchange.checking import Checked, check, record_of
from treemem.exchange.compressing import plain
from treemem.exchange.format import (
    EARLIEST,
    ORDERED,
    Head,
    Summed,
    head_line,
    last_line,
    read_lines,
    record_line,
    too_large,
)
from treemem.exchange.records import Row
from treemem.ids import derived_id
from treemem.ingest.entities import entity_id
from treemem.storable import characters_in
from treemem.store.protocol import CubeInfo, GraphStore, Rows
from treemem.text import words
from treemem.write.addition import Progress

BATCH = 200
#: Characters and numbers from which a batch is full, however few rows it has.
_FULL = 1 << 24


class Known(NamedTuple):
    """A cube, or a part of it, as it was known at `info.clock`: every row, once.

    Of a part, what it was `cut` by, and, behind its last row, how many edges lead out of it. Of a caller's, behind its
    first row, the last time that it sees: the clock would tell it when others write.
    """

    info: CubeInfo
    rows: Iterator[tuple[str, Row]]
    cut: Mapping[str, Any] | None = None
    left_out: Callable[[], int] = lambda: 0
    last: Callable[[], int] | None = None


def write(file: IO[bytes], known: Known) -> str:
    """Write an archive and return its hash, the one in its last line."""
    rows = iter(known.rows)
    first = list(itertools.islice(rows, 1))
    clock = known.info.clock if known.last is None else known.last()
    head = head_line(replace(known.info, clock=max(clock, EARLIEST)), known.cut)
    summed, count = Summed(head), 0
    file.write(head.encode() + b"\n")
    for kind, row in itertools.chain(first, rows):
        line, digest = record_line(kind, plain_row(row))
        data = line.encode() + b"\n"
        if (reason := too_large(data)) is not None:
            raise InvalidInputError(f"{kind} {named(row)}: its row is {reason}, and could not be loaded again")
        file.write(data)
        summed.add(digest)
        count += 1
    end: dict[str, Any] = {"end": count}
    if known.cut is not None:
        end["left_out"] = known.left_out()
        summed.leave_out(end["left_out"])
    file.write(canonical_json(end | {"sha256": summed.hex()}).encode() + b"\n")
    return summed.hex()


class _Nowhere(io.RawIOBase):
    """A file that keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return len(data)


def hash_of(known: Known) -> str:
    """Return the hash that an archive has, without writing it."""
    return write(cast("IO[bytes]", _Nowhere()), known)


def named(row: Row) -> str:
    """Return the id of a row, of an edge those of its ends."""
    if isinstance(row, State):
        return row.memory_id
    return f"{row.source} -{row.type.value}-> {row.target}" if isinstance(row, Edge) else row.id


def plain_row(row: Row) -> Any:
    """Return a row as JSON has it."""
    if isinstance(row, State):
        plain = {n: getattr(row, n) for n in State.__slots__ if n != "vectors"}
        return plain | {"embedding": encode_vectors(row.content.vectors)}
    if isinstance(row, tuple):
        return list(row)
    plain = {each.name: getattr(row, each.name) for each in fields(row)}
    if isinstance(row, Edge) and not row.properties:
        del plain["properties"]
    return plain


class Loaded(NamedTuple):
    """What became of an archive: how many of its rows came into the cube, and how many memories that say something."""

    rows: int
    memories: int


class Archive:
    """An archive that was read through and found sound; the file stays open, so that it is that one which is loaded."""

    def __init__(self, path: Path, file: IO[bytes], checked: Checked) -> None:
        self._path = path
        self._file = file
        self.checked = checked

    @property
    def head(self) -> Head:
        """The cube it was written from, and the version of the format."""
        return self.checked.head

    def identity(self, info: CubeInfo) -> str:
        """Return what names the archive as it is loaded: by what it holds, and the model that its vectors get."""
        said = self.checked.sha256 or canonical_json([asdict(self.head), self.checked.rows])
        return hashlib.sha256(canonical_json([said, info.model and asdict(info.model)]).encode()).hexdigest()

    def has_operations(self, wanted: Iterable[str]) -> bool:
        """Return whether all of these operations are in the archive."""
        missing = set(wanted)
        for _, kind, row in self._rows():
            if not missing or kind != "operation":
                break
            missing.discard(row.id)
        return not missing

    def load(
        self, store: GraphStore, rows: Iterable[tuple[int, str, Row]], info: CubeInfo, progress: Progress | None
    ) -> Loaded:
        """Load rows, all of the archive's, into the cube that `info` says, and return how many there are.

        Readers see nothing of them until the last is there: until then the cube's clock stands at the beginning of all
        times, before any of them was recorded. The cube names the archive that is being loaded, so that nothing else
        comes into it; repeating it after a crash does what is left. Raises ConflictError if the cube is erased
        meanwhile, or holds something else.
        """
        done, total, archive = 0, self.checked.total, self.identity(info)
        store.begin_load(info, archive)
        for batch in batches(((kind, row) for _, kind, row in rows), info):
            store.load(batch, archive)
            done += len(batch)
            if progress is not None:
                progress(done, total)
        found = store.counts(info.id)
        wanted = {_FIELDS[kind]: number for kind, number in self.checked.rows.items() if kind in _COUNTED}
        wanted["memories"] = self.checked.memories
        if any(found[name] < number for name, number in wanted.items()):
            raise ConflictError(f"cube {info.id!r} was erased or purged while {self._path} was loaded; load it again")
        store.end_load(info, archive)
        return Loaded(total, found["memories"] - found["logged"])

    def rows(self, cube: str) -> Iterator[tuple[int, str, Row]]:
        """Yield every row as one of a cube, with the number of its line."""
        return _renamed(self._rows(), self.head.info.id, cube)

    def _rows(self) -> Iterator[tuple[int, str, Any]]:
        with files.told(self._path, "read"):
            lines = read_lines(plain(self._file))
            next(lines)
            for number, line in lines:
                if "end" in line:
                    return
                yield number, *record_of(number, line, self.head)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an archive and read it through; raise InvalidInputError, before anything is written, if it is damaged."""
    with files.told(path, "read"):
        file = path.open("rb")
    with file:
        try:
            with files.told(path, "read"):
                checked = check(plain(file))
        except InvalidInputError as error:
            raise InvalidInputError(f"{path}: {error}") from error
        yield Archive(path, file, checked)


def written_hash(path: Path) -> str | None:
    """Return the hash that the last line of a file says, without looking through it; None where it says none."""
    found = last_line(path).get("sha256")
    return found if isinstance(found, str) else None


def hash_in(path: Path) -> str:
    """Return the hash of a sound archive; raise InvalidInputError for one that is not, or that has another order."""
    with opened(path) as archive:
        if archive.head.version < ORDERED or archive.checked.sha256 is None:
            raise InvalidInputError(
                f"{path}: is of version {archive.head.version}; hashes can be compared from version {ORDERED} on. "
                "Import it and export it again"
            )
        return archive.checked.sha256


def verify(path: Path) -> int:
    """Return the number of rows of a sound archive; raise InvalidInputError for one that is not."""
    with opened(path) as archive:
        return archive.checked.total


#: The kinds of rows that `GraphStore.counts` counts by the name of their field.
_COUNTED = ("operation", "entity", "source", "state", "edge")
_FIELDS = {
    "operation": "operations",
    "entity": "entities",
    "source": "sources",
    "state": "states",
    "edge": "edges",
    "tombstone": "tombstones",
    "usage": "usage",
}


def batches(records: Iterable[tuple[str, Any]], info: CubeInfo) -> Iterator[Rows]:
    """Yield batches of one kind of rows each; a memory's states may fall into two."""
    kind, some, size = "", list[Any](), 0
    for name, row in records:
        if some and (name != kind or len(some) == BATCH or size >= _FULL):
            yield Rows(info, **{_FIELDS[kind]: tuple(some)})
            some, size = [], 0
        kind = name
        some.append(row)
        size += _size(row)
    if some:
        yield Rows(info, **{_FIELDS[kind]: tuple(some)})


def _size(row: Row) -> int:
    """Return about how many characters and numbers a row has, of those that can be many."""
    if isinstance(row, State):
        return characters_in(row.fields, 20) + len(row.tokens) + row.content.vectors.size
    if isinstance(row, Operation):
        return 100 * len(row.touched)
    if isinstance(row, Source):
        return len(row.content or "") + len(row.uri or "")
    return characters_in(row.properties, 20) if isinstance(row, Edge) else 0


def _renamed(records: Iterable[tuple[int, str, Any]], archived: str, cube: str) -> Iterator[tuple[int, str, Row]]:
    """Yield records for another cube: the id of an entity is derived from its cube, so that there it has another."""
    if cube == archived:
        yield from records
        return
    names: dict[str, str] = {}
    taken: set[str] = set()
    for number, kind, row in records:
        if isinstance(row, Entity):
            name = entity_id(cube, words(row.name), row.kind)
            if name in taken:  # two that are one by the rules of today stay two
                name = derived_id("entity", cube, row.id)
            taken.add(name)
            names[row.id] = name
            yield number, kind, replace(row, id=name)
        elif isinstance(row, Edge) and row.target_kind is NodeKind.ENTITY:
            yield number, kind, replace(row, target=names[row.target])
        else:
            yield number, kind, row
