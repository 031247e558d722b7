"""Verbs for a whole cube: dump, load, drop, reembed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import IO

from treemem.adding import Progress
from treemem.changes import Model
from treemem.checks import within
from treemem.config import default_path
from treemem.contents import embedded_text
from treemem.errors import InvalidInputError, StoreError, StoreUnavailableError, TreememError
from treemem.exchange import archive, files, graph
from treemem.exchange.backups import Shelf
from treemem.exchange.format import ARCHIVE, GRAPH
from treemem.store.protocol import CubeInfo, GraphStore
from treemem.temporal import END, Moment, TimeLike, from_micros
from treemem.verbs.searching import SearchVerbs
from treemem.verbs.writing import WriteVerbs

#: How often a cube is written out while others may write; if it changed each time, they wait for the next.
_TRIES = 3
#: Seconds in which a commit that has begun becomes visible as a whole.
_SETTLE = 0.01


class KeepVerbs(WriteVerbs, SearchVerbs):
    """dump, load, drop, reembed."""

    def dump(
        self,
        folder: str | Path,
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write the cube into a folder and return it; the folder may exist, its files of the same name are replaced.

        `archive.jsonl` holds everything: states, edges, operations, embeddings, history. `textual_memory.json` holds
        what holds now as `{"nodes", "edges"}`, for people and for programs of others. With `known_at`, what was known
        then; with `as_of`, only what held then (operations, names and sources stay). Only the owner can read the files;
        symbolic links are refused. Raises StoreFullError, InvalidInputError, ConflictError if the cube is erased
        meanwhile, StoreError; the folder is then as it was.
        """
        self._caller.require_whole_cube("dump")
        path = files.as_path(folder, "folder")
        moment = self._moment(as_of, known_at)
        info = self._store.cube(self._cube)
        if info is None:
            raise InvalidInputError(f"cube {self._cube!r} is empty: nothing was ever written to it; nothing to dump")
        if not self._store.reads_snapshots:
            time.sleep(_SETTLE)  # the last commit may still become visible
        self._write_out(path, info, moment, progress)
        return path

    def _write_out(self, path: Path, info: CubeInfo, moment: Moment, progress: Progress | None = None) -> None:
        """Write both files of a dump: the cube as it is known at the moment, at most up to its clock `info` says."""
        known = replace(info, clock=moment.pin(info.clock)[1])
        as_of = None if moment.valid_at is None else from_micros(moment.valid_at)

        def plain_graph(file: IO[bytes]) -> None:
            try:
                plain = self.get_all(as_of=as_of, known_at=from_micros(known.clock))
                file.write(json.dumps(plain, ensure_ascii=False).encode())
            except TreememError:
                raise
            except (ValueError, RecursionError) as error:
                raise InvalidInputError(
                    f"a memory of cube {self._cube!r} cannot be written as JSON ({error})"
                ) from error

        def everything(file: IO[bytes]) -> None:
            past = known.clock < info.clock
            archive.write(file, self._store, known, progress, valid_at=moment.valid_at, past=past)

        files.write_together(path, {ARCHIVE: everything, GRAPH: plain_graph})

    def load(self, folder: str | Path, *, progress: Progress | None = None) -> int:
        """Load what `dump` wrote, history and embeddings included, and return the number of rows.

        The cube must be empty, or hold part of the same archive after a crash. A folder with `textual_memory.json`
        alone is added as memories and links. The whole file is checked first: a damaged one raises InvalidInputError
        that names line and reason, and nothing is written. Raises ConflictError if the cube is erased meanwhile.
        """
        self._caller.require_whole_cube("load")
        path = files.as_path(folder, "folder")
        with files.told(path, "read"):
            found = next((path / name for name in (ARCHIVE, GRAPH) if (path / name).is_file()), None)
        if found is None:
            raise InvalidInputError(f"{path}: has neither {ARCHIVE} nor {GRAPH}; dump() writes them")
        return (self._load_archive if found.name == ARCHIVE else self._load_graph)(found, progress)

    def _load_archive(self, path: Path, progress: Progress | None) -> int:
        with archive.opened(path) as found:
            theirs = found.head.info
            info = self._store.cube(self._cube)
            if info is not None:
                known = {operation.id for operation in self._store.all_operations(self._cube)}
                if info.clock != theirs.clock or not found.has_operations(known):
                    raise InvalidInputError(
                        f"load: cube {self._cube!r} holds changes that {path} does not have; load into an empty cube, "
                        "such as memory.cube('restored'), or drop() this one first"
                    )
            if theirs.model is not None and (theirs.model.name, theirs.model.dimension) != self._model_key:
                raise InvalidInputError(
                    f"load: {path} has vectors of {theirs.model.name!r} ({theirs.model.dimension}), the memory was "
                    f"opened with {self._embedder.name!r} ({self._embedder.dimension}); open it with that embedder, "
                    "then reembed()"
                )
            return found.load(self._store, self._cube, progress)

    def _load_graph(self, path: Path, progress: Progress | None) -> int:
        nodes, links = graph.read(path, self._model_key[1])
        self.add(nodes, progress=progress)
        for link in links:
            self.link(link.source, link.type, link.target, weight=link.weight, confidence=link.confidence)
        return len(nodes) + len(links)

    @property
    def _model_key(self) -> tuple[str, int]:
        return self._embedder.name, self._embedder.dimension

    def reembed(self, *, progress: Progress | None = None) -> int:
        """Give the cube the model that this memory was opened with; return how many states were embedded.

        New vectors are made in batches and kept beside the old ones, so that others search on with the old model, then
        put in place. After a crash, calling it again goes on where it stopped. Every state is embedded from its text,
        past ones too; vectors that were given with a memory are replaced. Raises EmbedderError, StoreError.
        """
        self._caller.require_whole_cube("reembed")
        model = Model(*self._model_key)
        info = self._store.cube(self._cube)
        if info is None:
            return 0
        total = self._store.counts(self._cube)["states"]
        done = 0
        if info.model != model:
            while True:
                for batch in self._store.unstaged(self._cube, model):
                    texts = [embedded_text({"key": key, "memory": text}) for _, _, key, text in batch]
                    vectors = self._embed(texts)
                    rows = [(i, version, v) for (i, version, *_), v in zip(batch, vectors, strict=True)]
                    self._store.stage(self._cube, model, rows)
                    done += len(batch)
                    if progress is not None:
                        progress(done, max(total, done))
                if self._store.switch(self._cube, model):
                    break
            before = "no model" if info.model is None else info.model.name
            self._store.apply(self._base("reembed", None, None, f"from {before}"))
        else:
            self._store.switch(self._cube, model)  # what a crash left half in place
        return done

    def drop(self, keep_last_n: int = 30, *, backups: str | Path | None = None) -> Path | None:
        """Back the cube up, then erase it with its history; return the backup's folder, None if the cube was empty.

        Backups lie under `backups` (default: `treemem-backups` beside the embedded file, or in the user's data folder
        for a server), in a folder named after the cube, a folder each; the newest `keep_last_n` of this cube stay, and
        whatever treemem did not make. `load` brings one back. What others write meanwhile is in the backup, or in the
        cube afterwards. Nothing is erased if the backup fails, and nothing is left of that backup.

        Raises InvalidInputError, StoreFullError, StoreError.
        """
        self._caller.require_whole_cube("drop")
        within("keep_last_n", keep_last_n, 1, 1_000_000)
        root = self._backups() if backups is None else files.as_path(backups, "backups")
        info = self._store.cube(self._cube)
        if info is None:
            self._store.erase(self._cube, only=_NONE)  # what a crash may have left of an earlier erasure
            return None
        shelf = Shelf(root, self._cube, self._store.location)
        kept = shelf.begin(info.clock)
        erasure = _Erasure(self._store, self._cube, lambda info: self._back_up(kept, info))
        try:
            done = erasure.run()
        except BaseException as error:
            if not erasure.backed_up:
                shelf.discard(kept)
            elif isinstance(error, StoreError):
                raise type(error)(f"{error}. The backup of cube {self._cube!r} is whole: {kept}") from error
            raise
        if not done:
            shelf.discard(kept)  # another process dropped the cube: its backup holds everything
            return None
        shelf.finish(kept)
        shelf.prune(keep_last_n, kept)
        return kept

    def _back_up(self, kept: Path, info: CubeInfo) -> None:
        self._write_out(kept, info, Moment(self._now()))
        archive.verify(kept / ARCHIVE)

    def _backups(self) -> Path:
        location = self._store.location
        parent = default_path().parent if "://" in location else Path(location).parent
        return parent / "treemem-backups"


#: A cube that there never is.
_NONE = CubeInfo("", END, None)


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
