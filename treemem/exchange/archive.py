"""The lossless archive: JSON Lines, every row of a cube as it was recorded, up to one transaction time.

The first line names the format, the cube, its clock and model; the last counts the rows, so that a cut file is noticed.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from treemem.adding import Progress
from treemem.canonical import canonical_json, encode_vector
from treemem.changes import Edge, EdgeType, Entity, Model, NodeKind, Operation, Source, State, memory_ends
from treemem.errors import InvalidInputError
from treemem.read.entities import entity_id
from treemem.store.protocol import CubeInfo, GraphStore, Rows
from treemem.temporal import END
from treemem.text import words

FORMAT, VERSION = "treemem-archive", 1
BATCH = 200


def write(
    store: GraphStore, info: CubeInfo, path: Path, progress: Progress | None = None, *, valid_at: int | None = None
) -> int:
    """Write a cube as it was known at `info.clock`; return the number of rows. The file appears when it is whole.

    With `valid_at`, only the states and edges that held then.
    """
    partial = path.with_name(path.name + ".partial")
    count = 0
    with partial.open("w", encoding="utf-8", newline="\n") as file:
        model = info.model
        head = {
            "format": FORMAT,
            "version": VERSION,
            "cube": info.id,
            "clock": info.clock,
            "embedder": model and model.name,
            "dimension": model and model.dimension,
        }
        file.write(canonical_json(head) + "\n")
        for record in _records(store, info, valid_at):
            file.write(canonical_json(record) + "\n")
            count += 1
            if progress is not None and count % 1_000 == 0:
                progress(count, None)
        file.write(canonical_json({"end": count}) + "\n")
    partial.replace(path)
    return count


def _records(store: GraphStore, info: CubeInfo, valid_at: int | None) -> Iterator[dict[str, Any]]:
    cube, clock = info.id, info.clock
    held: set[str] = set()
    for operation in store.all_operations(cube):
        if operation.recorded_at <= clock:
            yield {"operation": asdict(operation)}
    for entity in store.all_entities(cube):
        yield {"entity": asdict(entity)}
    for source in store.all_sources(cube):
        yield {"source": asdict(source)}
    for state in store.all_states(cube):
        if state.recorded_from <= clock and (valid_at is None or state.holds(valid_at, clock)):
            held.add(state.memory_id)
            plain = {n: getattr(state, n) for n in State.__slots__ if n != "embedding"}
            yield {"state": _as_of(plain, clock) | {"embedding": encode_vector(state.content.embedding)}}
    for edge in store.all_edges(cube):
        if edge.recorded_from <= clock and (valid_at is None or _held(edge, valid_at, clock, held)):
            yield {"edge": _as_of(asdict(edge), clock)}
    for memory_id, purged_at, reason in store.tombstones(cube):
        yield {"tombstone": [memory_id, purged_at, reason]}


def _held(edge: Edge, valid_at: int, clock: int, held: set[str]) -> bool:
    at_once = edge.valid_from <= valid_at < edge.valid_to and edge.recorded_from <= clock < edge.recorded_to
    return at_once and held.issuperset(memory_ends(edge))


def _as_of(row: dict[str, Any], clock: int) -> dict[str, Any]:
    """Return a row as it was at the clock: what was closed later was open then."""
    if clock < row["recorded_to"] < END:
        return row | {"recorded_to": END, "closed_by": None}
    return row


def read_head(path: Path) -> CubeInfo:
    """Return the cube that an archive was written from; raise InvalidInputError if the file is no whole archive."""
    with path.open(encoding="utf-8") as file:
        try:
            head = json.loads(file.readline())
        except ValueError as error:
            raise InvalidInputError(f"{path}: no archive of treemem ({error})") from error
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise InvalidInputError(f"{path}: no archive of treemem; dump() writes one")
    if head["version"] != VERSION:
        raise InvalidInputError(f"{path}: archive version {head['version']}, this treemem reads {VERSION}; upgrade it")
    model = None if head["embedder"] is None else Model(head["embedder"], head["dimension"])
    return CubeInfo(head["cube"], head["clock"], model)


def verify(path: Path) -> int:
    """Return the number of rows of a whole archive; raise InvalidInputError for one that was cut or damaged."""
    count = -1
    last: Any = None
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                last = json.loads(line)
            except ValueError as error:
                raise InvalidInputError(f"{path}, line {number}: no JSON ({error}); the archive is damaged") from error
            count += 1
    if not isinstance(last, dict) or last.get("end") != count - 1:
        raise InvalidInputError(f"{path}: the archive ends too early; nothing was loaded. Copy it again")
    return count - 1


def operation_ids(path: Path) -> set[str]:
    """Return the ids of the operations of an archive."""
    found = set()
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.startswith('{"operation"'):
                found.add(json.loads(line)["operation"]["id"])
    return found


def load(store: GraphStore, cube: str, path: Path, progress: Progress | None = None) -> int:
    """Load an archive into a cube and return the number of rows; repeating it after a crash does what is left."""
    total = verify(path)
    head = read_head(path)
    info = replace(head, id=cube)
    done = 0
    for batch in _batches(_parsed(path, head.id, cube), info):
        store.load(batch)
        done += sum(len(getattr(batch, name)) for name in _FIELDS.values())
        if progress is not None:
            progress(done, total)
    return total


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


def _parsed(path: Path, archived: str, cube: str) -> Iterator[tuple[str, Any]]:
    renamed: dict[str, str] = {}
    with path.open(encoding="utf-8") as file:
        next(file)
        for line in file:
            record = json.loads(line)
            if "end" in record:
                return
            ((name, row),) = record.items()
            yield name, _row(name, row, renamed, cube if cube != archived else None)


def _row(name: str, row: Any, renamed: dict[str, str], cube: str | None) -> Any:
    """Return a record as a row; an entity's id belongs to its cube, so that in another cube it has another."""
    if name == "operation":
        return Operation(**row | {"touched": tuple(row["touched"])})
    if name == "entity":
        if cube is not None:
            renamed[row["id"]] = entity_id(cube, words(row["name"]), row["kind"])
        return Entity(renamed.get(row["id"], row["id"]), row["name"], row["kind"])
    if name == "source":
        return Source(**row)
    if name == "state":
        vector = np.frombuffer(base64.b64decode(row["embedding"]), dtype="<f4").astype(np.float32)
        return State(**row | {"embedding": vector})
    if name == "edge":
        ends = {"type": EdgeType(row["type"]), "target_kind": NodeKind(row["target_kind"])}
        return Edge(**row | ends | {"target": renamed.get(row["target"], row["target"])})
    return tuple(row)
