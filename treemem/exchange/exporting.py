"""export: a cube into a file, for treemem or for another program."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any, NamedTuple

from treemem.checks import shown
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.exchange import archive, compressing, files, graphml, keeping, memos, networks
from treemem.exchange.formats import FORMATS
from treemem.filters import FilterLike
from treemem.read.getting import get_all
from treemem.store.shared import refuse_loading
from treemem.temporal import TimeLike
from treemem.write.addition import Progress


class _Asked(NamedTuple):
    """What of a cube is to be written."""

    filter: FilterLike | None
    below: str | None
    as_of: TimeLike | None
    known_at: TimeLike | None
    progress: Progress | None


def export(
    ctx: Context,
    path: str | Path,
    format: str | None,
    filter: FilterLike | None,
    below: str | None,
    as_of: TimeLike | None,
    known_at: TimeLike | None,
    progress: Progress | None,
) -> Path:
    """See `TreeTextMemory.export`."""
    place = files.as_path(path, "path")
    writable = {each.name: each for each in FORMATS if each.writes}
    name = format or next((n for n, each in writable.items() if place.name.lower().endswith(each.suffixes)), None)
    if name not in writable:
        ends = ", ".join(f"{n} ({' '.join(each.suffixes)})" if each.suffixes else n for n, each in writable.items())
        raise InvalidInputError(f"format: wanted {ends}, found {shown(format or place.name)}; name one with format=")
    if name != "archive" and (filter is not None or below is not None):
        raise InvalidInputError(f"filter, below: go with an archive (.jsonl), not with {name}; leave them out")
    info = ctx.store.cube(ctx.cube)
    refuse_loading(ctx.cube, None if info is None else info.loading)  # every verb that reads finds nothing in it
    if name in ("neo4j-csv", "neo4j-parquet"):
        from treemem.exchange import tables  # the driver of Neo4j takes a while to import

        ctx.caller.require_whole_cube(f"export as {name}")
        tables.refuse_foreign(place)
        whole = keeping.whole(ctx, ctx.moment(as_of, known_at), progress)
        files.write_all(place, tables.names(name), lambda opened: tables.write(name, opened, *whole))
        return place
    folder = place.parent.resolve()  # links that lead to the folder are for whoever names it to make
    packed = place.name.lower().endswith(compressing.SUFFIX)
    files.write_together(
        folder, {place.name: _writer(ctx, name, packed, _Asked(filter, below, as_of, known_at, progress))}
    )
    return place


def _writer(ctx: Context, name: str, packed: bool, asked: _Asked) -> Callable[[IO[bytes]], Any]:
    filter, below, as_of, known_at, progress = asked
    if name == "archive":
        known = keeping.part(ctx, filter, below, ctx.moment(as_of, known_at), progress)

        def write(file: IO[bytes]) -> str:
            return archive.write(file, known)

        return compressing.packing(write) if packed else write
    if name == "cypher":
        from treemem.exchange import script

        ctx.caller.require_whole_cube("export as a Cypher script")
        whole = keeping.whole(ctx, ctx.moment(as_of, known_at), progress)
        return lambda file: script.write(file, *whole)
    if name == "graphml":
        drawn = networks.to_networkx(ctx, as_of, known_at)
        return lambda file: graphml.write(drawn, file)
    plain = get_all(ctx, as_of, known_at)
    theirs = memos.written(plain["nodes"], plain["edges"])
    return lambda file: file.write(json.dumps(theirs, ensure_ascii=False, indent=1).encode())
