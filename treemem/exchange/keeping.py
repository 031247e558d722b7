"""dump, load, drop: a whole cube to a folder, from one, and away."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO, NamedTuple

from treemem import planning
from treemem.checks import within
from treemem.context import Context
from treemem.errors import (
    InvalidInputError,
    MemoryExistsError,
    ModelMismatchError,
    StoreError,
    StoreUnavailableError,
    TreememError,
)
from treemem.exchange import archive, files, graph, merging, plain
from treemem.exchange.backups import Shelf
from treemem.exchange.cutting import Part, cut_of
from treemem.exchange.format import ARCHIVE, EARLIEST, GRAPH
from treemem.exchange.records import Row
from treemem.exchange.rehearsing import rehearse
from treemem.exchange.rows import rows_at
from treemem.filters import FilterLike
from treemem.opening import default_path
from treemem.read.bases import bases_of
from treemem.read.getting import graph_pages
from treemem.store.protocol import CubeInfo, GraphStore
from treemem.store.shared import refuse_loading
from treemem.temporal import END, SKEW, Moment, TimeLike, format_micros, from_micros, system_clock, to_micros
from treemem.write.addition import Addition, Progress, write_parts
from treemem.write.committing import new_change
from treemem.write.intent import Intent
from treemem.write.reembedding import reembedded

log = logging.getLogger("treemem.exchange")
#: How often a cube is written out while others may write; if it changed each time, they wait for the next.
_TRIES = 3
#: A cube that there never is.
_NONE = CubeInfo("", END, None)


def dump(
    ctx: Context, folder: str | Path, as_of: TimeLike | None, known_at: TimeLike | None, progress: Progress | None
) -> Path:
    """See `TreeTextMemory.dump`."""
    ctx.caller.require_whole_cube("dump")
    path = files.as_path(folder, "folder")
    moment = ctx.moment(as_of, known_at)
    _write_out(ctx, path, _settled(ctx, "dump"), moment, progress)
    return path


def _write_out(ctx: Context, path: Path, info: CubeInfo, moment: Moment, progress: Progress | None = None) -> None:
    """Write both files of a dump: the cube as it is known at the moment, at most up to its clock `info` says."""
    known = _known(ctx, info, moment, progress)
    as_of = None if moment.valid_at is None else from_micros(moment.valid_at)

    def plain_graph(file: IO[bytes]) -> None:
        try:
            plain.write(file, graph_pages(ctx, as_of, from_micros(known.info.clock)))
        except TreememError:
            raise
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"a memory of cube {ctx.cube!r} cannot be written as JSON ({error})") from error

    files.write_together(path, {ARCHIVE: lambda file: archive.write(file, known), GRAPH: plain_graph})


def whole(ctx: Context, moment: Moment, progress: Progress | None) -> tuple[CubeInfo, Iterator[tuple[str, Row]]]:
    """Return a cube as it is known at the moment and its rows, or raise InvalidInputError."""
    found = _known(ctx, _settled(ctx, "export"), moment, progress)
    return found.info, found.rows


def part(
    ctx: Context, filter: FilterLike | None, below: str | None, moment: Moment, progress: Progress | None
) -> archive.Known:
    """Return what is asked for of a cube as it is known at the moment, or raise InvalidInputError."""
    return _known(ctx, _settled(ctx, "export"), moment, progress, filter, below)


def _known(
    ctx: Context,
    info: CubeInfo,
    moment: Moment,
    progress: Progress | None,
    filter: FilterLike | None = None,
    below: str | None = None,
) -> archive.Known:
    """Return a cube, or a part, as it is known at the moment, at most up to its clock `info` says."""
    clock = moment.pin(info.clock)[1]
    if moment.known_at is not None and clock < EARLIEST:
        raise InvalidInputError("known_at: nothing was known at the beginning of all times; name a later one")
    now = replace(info, clock=clock)
    if ctx.usage is not None:
        ctx.usage.flush()
    cut = cut_of(ctx, filter, below, moment.valid_at)
    if cut is None or not (cut.chooses or ctx.caller):
        rows = rows_at(ctx.store, info, clock, moment.valid_at)
        return archive.Known(now, _told(rows, progress), None if cut is None else cut.said)
    found = Part(ctx, info, clock, cut)
    last = (lambda: found.last) if ctx.caller else None
    return archive.Known(now, _told(found.rows(), progress), cut.said, lambda: found.left_out, last)


def _told(rows: Iterator[tuple[str, Row]], progress: Progress | None) -> Iterator[tuple[str, Row]]:
    for done, row in enumerate(rows, 1):
        yield row
        if progress is not None and done % 1_000 == 0:
            progress(done, None)


def _settled(ctx: Context, verb: str) -> CubeInfo:
    info = ctx.store.settled(ctx.cube)
    if info is None:
        raise InvalidInputError(f"cube {ctx.cube!r} is empty: nothing was ever written to it; nothing to {verb}")
    refuse_loading(ctx.cube, info.loading)
    return info


def archive_hash(ctx: Context, path: str | Path | None, known_at: TimeLike | None) -> str:
    """See `TreeTextMemory.archive_hash`."""
    if path is None:
        return archive.hash_of(part(ctx, None, None, ctx.moment(None, known_at), None))
    if known_at is not None:
        raise InvalidInputError("known_at: a file says itself at what time it was written; leave it out")
    return archive.hash_in(files.as_path(path, "path"))


def load(ctx: Context, folder: str | Path, progress: Progress | None) -> int:
    """See `TreeTextMemory.load`."""
    ctx.caller.require_whole_cube("load")
    path = files.as_path(folder, "folder")
    with files.told(path, "read"):
        found = next((path / name for name in (ARCHIVE, GRAPH) if (path / name).is_file()), None)
    if found is None:
        raise InvalidInputError(f"{path}: has neither {ARCHIVE} nor {GRAPH}; dump() writes them")
    if found.name == ARCHIVE:
        return load_archive(ctx, found, progress).rows
    try:
        read = graph.graph_of(graph.parsed(found), ctx.model.dimension, _refuse)
        add_graph(ctx, read, Intent(), progress, _refuse)
    except (InvalidInputError, MemoryExistsError) as error:
        raise InvalidInputError(f"load: {found}: {error}; nothing was loaded") from error
    for note in read.notes:
        log.warning("load: %s: %s", found, note)
    return len(read.nodes) + len(read.edges)


def _refuse(_: str, error: TreememError) -> None:
    raise error


def load_archive(
    ctx: Context, path: Path, progress: Progress | None, *, merge: bool = False, reembed: bool = False
) -> archive.Loaded:
    """Load an archive, which `ctx` may, into its cube, and return what came into it, of a merge what is new."""
    with archive.opened(path) as found:
        theirs = found.head.info
        info = ctx.store.cube(ctx.cube)
        _refuse_ahead(ctx, path, theirs.clock, info)
        another = None if theirs.model == ctx.model else theirs.model
        if another is not None and not reembed:
            raise InvalidInputError(
                f"load: {path} has vectors of {another.name!r} ({another.dimension}), the memory was opened with "
                f"{ctx.embedder.name!r} ({ctx.embedder.dimension}); open it with that embedder, or import it with "
                "reembed=True"
            )

        def rows() -> Iterator[tuple[int, str, Row]]:
            converted = found.rows(ctx.cube)
            return converted if another is None else reembedded(ctx, converted)

        target = CubeInfo(ctx.cube, theirs.clock, theirs.model if another is None else ctx.model)
        if info is not None and info.loading is not None and info.loading != found.identity(target):
            refuse_loading(ctx.cube, info.loading)
        if info is None or info.loading is not None:
            return found.load(ctx.store, rows(), target, progress)
        if not merge and not _may_be(ctx, info, found):
            raise _other_changes(ctx, path)
        if info.model is not None and info.model != ctx.model:
            raise ModelMismatchError(
                f"cube {ctx.cube!r} holds vectors of {info.model.name!r}, the memory was opened with "
                f"{ctx.embedder.name!r}; open it with that embedder, or call reembed() first"
            )
        if merge:
            return merging.merge(ctx, found, rows, vectors=another is None, progress=progress)
        if merging.new_rows(ctx, found, rows, vectors=another is None):
            raise _other_changes(ctx, path)
        counts = ctx.store.counts(ctx.cube)
        return archive.Loaded(found.checked.total, counts["memories"] - counts["logged"])


def _refuse_ahead(ctx: Context, path: Path, clock: int, info: CubeInfo | None) -> None:
    """Raise InvalidInputError for an archive whose clock is further ahead than clocks differ: the cube would be written
    to at such times from then on. A cube whose own clock is there already has nothing to lose.
    """
    now = max(ctx.now(), to_micros(system_clock()))
    if clock > now + SKEW and (info is None or clock > info.clock):
        raise InvalidInputError(
            f"load: {path}: its clock stands at {format_micros(clock)}, and it is {format_micros(now)}; all that is "
            "written later would be recorded behind that. If the clock of this machine is wrong, set it right. If that "
            "of the machine which wrote it was, and it is to be loaded all the same, say that it is so late: "
            "memory.with_clock(lambda: datetime(...)).import_(path)"
        )


def _may_be(ctx: Context, info: CubeInfo, found: archive.Archive) -> bool:
    """Return whether a cube may be what was loaded from an archive: nothing was done in it since."""
    if info.clock != found.head.info.clock:
        return False
    return found.has_operations(operation.id for operation in ctx.store.all_operations(ctx.cube))


def _other_changes(ctx: Context, path: Path) -> InvalidInputError:
    return InvalidInputError(
        f"load: cube {ctx.cube!r} holds changes that {path} does not have; load into an empty cube, such as "
        "memory.cube('restored'), drop() this one first, or add the archive to it: import_(path, merge=True)"
    )


class Added(NamedTuple):
    """What became of a graph: its operation, how many of its memories are new, how many of its edges hold now."""

    operation: str
    memories: int
    edges: int


def add_graph(
    ctx: Context, read: graph.Graph, intent: Intent, progress: Progress | None, refused: graph.Refused
) -> Added:
    """Add the memories and edges of a plain graph, as one operation.

    What does not fit the cube goes to `refused` before anything is written. What is there already stays as it is, and
    an edge that was there and was ended does not come back.
    """
    base = new_change(ctx, "add", intent)
    addition = Addition(ctx.cube, ctx.embedder, base, ctx.caller, stable_ids=False)
    groups = list(addition.from_items(read.nodes, (None, END), {}))
    links = planning.with_rows(new_change(ctx, "link", Intent()), edges=read.edges)
    fitting, edges, new = rehearse(ctx, groups, links, refused)
    joined = (planning.with_rows(base, edges=[edge]) for edge in edges)
    write_parts(ctx.store, base, itertools.chain(fitting, joined), progress, len(fitting), apart=True)
    return Added(base.operation, new, len(edges))


def drop(ctx: Context, keep_last_n: int, backups: str | Path | None) -> Path | None:
    """See `TreeTextMemory.drop`."""
    ctx.caller.require_whole_cube("drop")
    within("keep_last_n", keep_last_n, 1, 1_000_000)
    bases = sorted(bases_of(ctx))
    if bases:
        raise InvalidInputError(
            f"drop: cube {ctx.cube!r} has knowledge bases ({', '.join(bases[:5])}{', ...' if bases[5:] else ''}); "
            "knowledge_bases.drop(name) backs one up and erases it"
        )
    root = _backups(ctx) if backups is None else files.as_path(backups, "backups")
    info = ctx.store.cube(ctx.cube)
    if info is None:
        ctx.store.erase(ctx.cube, only=_NONE)  # what a crash may have left of an earlier erasure
        return None
    if info.loading is not None:  # the archive that was being loaded is what it would be backed up as
        ctx.store.erase(ctx.cube, only=info)
        return None
    shelf = Shelf(root, ctx.cube, ctx.store.location)
    kept = shelf.begin(info.clock)
    erasure = _Erasure(ctx.store, ctx.cube, lambda info: _back_up(ctx, kept, info))
    try:
        done = erasure.run()
    except BaseException as error:
        if not erasure.backed_up:
            shelf.discard(kept)
        elif isinstance(error, StoreError):
            raise type(error)(f"{error}. The backup of cube {ctx.cube!r} is whole: {kept}") from error
        raise
    if not done:
        shelf.discard(kept)  # another process dropped the cube: its backup holds everything
        return None
    shelf.finish(kept)
    shelf.prune(keep_last_n, kept)
    return kept


def _back_up(ctx: Context, kept: Path, info: CubeInfo) -> None:
    _write_out(ctx, kept, info, Moment(ctx.now()))
    archive.verify(kept / ARCHIVE)


def _backups(ctx: Context) -> Path:
    location = ctx.store.location
    parent = default_path().parent if "://" in location else Path(location).parent
    return parent / "treemem-backups"


class _Erasure:
    """Backs a cube up and erases it, until what is erased is what was backed up.

    `backed_up` is true from when a backup is whole until it is known that the cube was not erased after all.
    """

    def __init__(self, store: GraphStore, cube: str, back_up: Callable[[CubeInfo], None]) -> None:
        self._store, self._cube, self._back_up = store, cube, back_up
        self.backed_up = False

    def run(self) -> bool:
        """Return whether the cube was erased; False if there is none any more.

        Others may write while the backup is made; if they did, it is made again. After _TRIES they wait, so that it
        always ends.
        """
        for _ in range(_TRIES):
            info = self._store.cube(self._cube)
            if info is None:
                return False
            self._keep(info)
            if self._store.erase(self._cube, only=info):
                return True
            self.backed_up = False
        if self._store.erase(self._cube, keep=self._keep):
            return True
        self.backed_up = False
        if self._store.cube(self._cube) is None:
            return False
        raise StoreUnavailableError(
            f"cube {self._cube!r} was written to although it was held; nothing was erased, try again"
        )

    def _keep(self, info: CubeInfo) -> None:
        self.backed_up = False
        self._back_up(info)
        self.backed_up = True
