"""Verbs for a whole cube: dump, load, drop, reembed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from treemem.adding import Progress
from treemem.changes import Model
from treemem.checks import within
from treemem.config import default_path
from treemem.contents import embedded_text
from treemem.errors import InvalidInputError, StoreFullError
from treemem.exchange import archive
from treemem.items import METADATA_FIELDS
from treemem.temporal import TimeLike, from_micros
from treemem.verbs.arguments import edge_type
from treemem.verbs.searching import SearchVerbs
from treemem.verbs.writing import WriteVerbs

ARCHIVE, GRAPH = "archive.jsonl", "textual_memory.json"


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
        then; with `as_of`, only what held then (operations, names and sources stay). Raises StoreFullError,
        InvalidInputError.
        """
        self._caller.require_whole_cube("dump")
        path = Path(folder)
        info = self._store.cube(self._cube)
        if info is None:
            raise InvalidInputError(f"cube {self._cube!r} is empty: nothing was ever written to it; nothing to dump")
        moment = self._moment(as_of, known_at)
        info = replace(info, clock=moment.pin(info.clock)[1])
        try:
            path.mkdir(parents=True, exist_ok=True)
            archive.write(self._store, info, path / ARCHIVE, progress, valid_at=moment.valid_at)
            graph = self.get_all(as_of=as_of, known_at=from_micros(info.clock))
            partial = path / (GRAPH + ".partial")
            partial.write_text(json.dumps(graph, ensure_ascii=False), "utf-8")
            partial.replace(path / GRAPH)
        except OSError as error:
            raise StoreFullError(
                f"{path}: cannot be written ({error.strerror}); free space or choose another"
            ) from error
        return path

    def load(self, folder: str | Path, *, progress: Progress | None = None) -> int:
        """Load what `dump` wrote, history and embeddings included, and return the number of rows.

        The cube must be empty, or hold part of the same archive after a crash. A folder with `textual_memory.json`
        alone is added as memories and links. Raises InvalidInputError; nothing is written from a damaged archive.
        """
        self._caller.require_whole_cube("load")
        path = Path(folder)
        if (path / ARCHIVE).is_file():
            return self._load_archive(path / ARCHIVE, progress)
        if (path / GRAPH).is_file():
            return self._load_graph(path / GRAPH, progress)
        raise InvalidInputError(f"{path}: has neither {ARCHIVE} nor {GRAPH}; dump() writes them")

    def _load_archive(self, path: Path, progress: Progress | None) -> int:
        head = archive.read_head(path)
        info = self._store.cube(self._cube)
        if info is not None:
            known = {operation.id for operation in self._store.all_operations(self._cube)}
            theirs = archive.operation_ids(path)
            if info.clock > head.clock or not known <= theirs:
                raise InvalidInputError(
                    f"load: cube {self._cube!r} holds changes that {path} does not have; load into an empty cube, such "
                    "as memory.cube('restored'), or drop() this one first"
                )
        if head.model is not None and (head.model.name, head.model.dimension) != self._model_key:
            raise InvalidInputError(
                f"load: {path} has vectors of {head.model.name!r} ({head.model.dimension}), the memory was opened with "
                f"{self._embedder.name!r} ({self._embedder.dimension}); open it with that embedder, then reembed()"
            )
        return archive.load(self._store, self._cube, path, progress)

    def _load_graph(self, path: Path, progress: Progress | None) -> int:
        try:
            graph = json.loads(path.read_text("utf-8"))
            nodes, edges = graph["nodes"], graph.get("edges", [])
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidInputError(f"{path}: wanted JSON with 'nodes' and 'edges' ({error!r})") from error
        self.add([_node(node, self._model_key[1]) for node in nodes], progress=progress)
        links = [e for e in edges if e.get("target_kind", "memory") == "memory"]
        for edge in links:
            kind = edge_type(RENAMED.get(edge["type"], edge["type"]))
            weight = edge.get("weight", 1.0)
            self.link(edge["source"], kind, edge["target"], weight=weight, confidence=edge.get("confidence", 100.0))
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
        for a server), a folder each; the newest `keep_last_n` of this cube stay. `load` brings one back. Nothing is
        erased if the backup fails.
        """
        self._caller.require_whole_cube("drop")
        within("keep_last_n", keep_last_n, 1, 1_000_000)
        info = self._store.cube(self._cube)
        if info is None:
            return None
        place = (Path(backups) if backups is not None else self._backups()) / self._cube
        stamp = from_micros(info.clock).strftime("%Y%m%dT%H%M%S.%fZ")
        kept = self.dump(place / stamp)
        archive.verify(kept / ARCHIVE)
        self._store.erase(self._cube)
        for old in sorted(p for p in place.iterdir() if p.is_dir())[:-keep_last_n]:
            shutil.rmtree(old)
        return kept

    def _backups(self) -> Path:
        location = self._store.location
        parent = default_path().parent if "://" in location else Path(location).parent
        return parent / "treemem-backups"


#: Edge types of the original.
RENAMED = {"CAUSE": "CAUSES", "RELATE": "RELATES_TO", "CONFLICT": "CONTRADICTS", "MERGED_TO": "MERGED_INTO"}
RENAMED |= {"RELATE_TO": "RELATES_TO", "FOLLOW": "FOLLOWS"}
_FROM_THE_STORE = ("version", "recorded_from", "recorded_to", "updated_at")


def _node(node: Mapping[str, Any], dimension: int) -> dict[str, Any]:
    """Return an exported node as a memory to add; a vector of another model is made again."""
    given = dict(node.get("metadata") or {})
    metadata = {n: v for n, v in given.items() if n not in _FROM_THE_STORE and (v is not None or n in METADATA_FIELDS)}
    if metadata.get("embedding") is not None and len(metadata["embedding"]) != dimension:
        metadata.pop("embedding")
    return {"id": node["id"], "memory": node["memory"], "metadata": metadata}
