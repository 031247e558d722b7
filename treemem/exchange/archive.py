"""The lossless archive: JSON Lines, every row of a cube as it was recorded, up to one transaction time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import IO, Any

from treemem.canonical import canonical_json, encode_vectors
from treemem.changes import Edge, Entity, State
from treemem.errors import ConflictError, InvalidInputError
from treemem.exchange import files
from treemem.exchange.checking import Checked, check, record_of
from treemem.exchange.compressing import plain
from treemem.exchange.format import MAX_LINE, Head, Summed, head_line, read_lines, record_line
from treemem.exchange.records import Row
from treemem.ids import derived_id
from treemem.ingest.entities import entity_id
from treemem.store.protocol import CubeInfo, GraphStore, Rows
from treemem.text import words
from treemem.write.addition import Progress

BATCH = 200


def write(file: IO[bytes], info: CubeInfo, rows: Iterable[tuple[str, Row]]) -> int:
    """Write the rows of a cube, those of `rows_at` at `info.clock`, and return their number."""
    head = head_line(info)
    summed, count = Summed(head), 0
    file.write(head.encode() + b"\n")
    for kind, row in rows:
        line, digest = record_line(kind, _plain(row))
        data = line.encode() + b"\n"
        if len(data) > MAX_LINE:
            raise InvalidInputError(f"{kind}: a row of {len(data)} bytes, at most {MAX_LINE} can be loaded again")
        file.write(data)
        summed.add(digest)
        count += 1
    file.write(canonical_json({"end": count, "sha256": summed.hex()}).encode() + b"\n")
    return count


def _plain(row: Row) -> Any:
    """Return a row as JSON has it."""
    if isinstance(row, State):
        plain = {n: getattr(row, n) for n in State.__slots__ if n != "vectors"}
        return plain | {"embedding": encode_vectors(row.content.vectors)}
    if isinstance(row, tuple):
        return list(row)
    plain = asdict(row)
    if isinstance(row, Edge) and not row.properties:
        del plain["properties"]
    return plain


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

    def has_operations(self, wanted: Iterable[str]) -> bool:
        """Return whether all of these operations are in the archive."""
        missing = set(wanted)
        for kind, row in self._rows():
            if not missing or kind != "operation":
                break
            missing.discard(row.id)
        return not missing

    def load(self, store: GraphStore, cube: str, progress: Progress | None = None) -> int:
        """Load every row into a cube and return their number; repeating it after a crash does what is left.

        Raises ConflictError if the cube is erased meanwhile.
        """
        done, total = 0, self.checked.total
        for batch in _batches(_renamed(self._rows(), self.head.info.id, cube), replace(self.head.info, id=cube)):
            store.load(batch)
            done += sum(len(getattr(batch, name)) for name in _FIELDS.values())
            if progress is not None:
                progress(done, total)
        found = store.counts(cube)
        wanted = {_FIELDS[kind]: number for kind, number in self.checked.rows.items() if kind != "tombstone"}
        wanted["memories"] = self.checked.memories
        if any(found[name] < number for name, number in wanted.items()):
            raise ConflictError(f"cube {cube!r} was erased or purged while {self._path} was loaded; load it again")
        return total

    def _rows(self) -> Iterator[tuple[str, Any]]:
        with files.told(self._path, "read"):
            lines = read_lines(plain(self._file))
            next(lines)
            for number, line in lines:
                if "end" in line:
                    return
                yield record_of(number, line, self.head)


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


def verify(path: Path) -> int:
    """Return the number of rows of a sound archive; raise InvalidInputError for one that is not."""
    with opened(path) as archive:
        return archive.checked.total


_FIELDS = {
    "operation": "operations",
    "entity": "entities",
    "source": "sources",
    "state": "states",
    "edge": "edges",
    "tombstone": "tombstones",
}


def _batches(records: Iterable[tuple[str, Any]], info: CubeInfo) -> Iterator[Rows]:
    """Yield batches of one kind of rows each; a memory's states may fall into two."""
    kind, some = "", list[Any]()
    for name, row in records:
        if some and (name != kind or len(some) == BATCH):
            yield Rows(info, **{_FIELDS[kind]: tuple(some)})
            some = []
        kind = name
        some.append(row)
    if some:
        yield Rows(info, **{_FIELDS[kind]: tuple(some)})


def _renamed(records: Iterable[tuple[str, Any]], archived: str, cube: str) -> Iterator[tuple[str, Row]]:
    """Yield records for another cube: the id of an entity is derived from its cube, so that there it has another."""
    if cube == archived:
        yield from records
        return
    names: dict[str, str] = {}
    taken: set[str] = set()
    for kind, row in records:
        if isinstance(row, Entity):
            name = entity_id(cube, words(row.name), row.kind)
            if name in taken:  # two that are one by the rules of today stay two
                name = derived_id("entity", cube, row.id)
            taken.add(name)
            names[row.id] = name
            yield kind, replace(row, id=name)
        elif isinstance(row, Edge) and row.target in names:
            yield kind, replace(row, target=names[row.target])
        else:
            yield kind, row
