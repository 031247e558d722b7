"""The admin protocol on Neo4j."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from treemem.canonical import Vectors
from treemem.changes import Edge, Entity, Model, Operation, Source, State
from treemem.checks import shown
from treemem.errors import InvalidInputError, StoreError, StoreUnavailableError
from treemem.store.neo4j import erasing, inspecting, loading, rows, schema
from treemem.store.neo4j.admitting import Admitting
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.edges import edges_from
from treemem.store.neo4j.rows import vector
from treemem.store.neo4j.statements import statement
from treemem.store.protocol import FIRST, LIVE, CubeInfo, Rows, Unstaged, Used
from treemem.store.shared import checked_bookmarks
from treemem.temporal import END_TIME

#: How many rows a walk through a whole cube reads at once.
_BATCH = 200


class Admin(Admitting):
    """Cubes as wholes: what goes through one does so in parts, in order of id."""

    @property
    def statements(self) -> int:
        """How many statements ran so far."""
        return self._connection.statements

    def migrate(self) -> list[str]:
        self._connection.verify()
        return schema.migrate(self._connection)

    def inspect(self) -> inspecting.ServerLook:
        """Return what there is, changing nothing. Reads of this store work from then on, as after `migrate`."""
        return inspecting.inspect(self._connection)

    def close(self) -> None:
        self._connection.close()

    def backup(self, target: Path, progress: Callable[[int, int | None], None] | None = None) -> None:
        raise InvalidInputError(
            f"backup: {self.location} is a server, which copies its databases itself (neo4j-admin database dump, or "
            "backup); export() or dump() writes one cube into a file"
        )

    def bookmarks(self) -> list[str]:
        return sorted(self._connection.bookmarks.get_bookmarks())

    def wait_for(self, bookmarks: Iterable[str]) -> None:
        given = set(checked_bookmarks(bookmarks)) - set(self._connection.bookmarks.get_bookmarks())
        if not given:
            return
        self._connection.bookmarks.update_bookmarks((), given)
        try:
            self._read("cube", cube="")  # a read that begins at them: the server says now if it does not know one
        except StoreUnavailableError:
            self._connection.bookmarks.update_bookmarks(given, ())
            raise
        except (StoreError, InvalidInputError) as error:
            self._connection.bookmarks.update_bookmarks(given, ())
            raise InvalidInputError(
                f"bookmarks: {self.location} does not know one of {shown(sorted(given))}; pass what bookmarks() of a "
                "memory over the same database returned"
            ) from error

    def counts(self, cube: str) -> dict[str, int]:
        return dict(self._read("counts", cube=cube, above=FIRST)[0])

    def sizes(self, cube: str, now: int, *, statuses: Sequence[str] = LIVE) -> dict[str, int]:
        found = self._read("sizes", cube=cube, now=rows.time(now), end=END_TIME, statuses=list(statuses))
        return {row["type"]: row["memories"] for row in found}

    def all_states(self, cube: str) -> Iterator[State]:
        for ids in self._ids(cube):
            found = self._read("states_of", cube=cube, ids=ids, known_at=None)
            yield from (rows.state(row["state"]) for row in found)

    def all_edges(self, cube: str) -> Iterator[Edge]:
        for ids in self._ids(cube):
            yield from self._connection.read(lambda tx, ids=ids: edges_from(tx, cube, ids))  # type: ignore[misc]

    def all_entities(self, cube: str) -> Iterator[Entity]:
        for node in self._after("all_entities", cube, "node"):
            yield Entity(node["id"], node["name"], node["kind"])

    def all_sources(self, cube: str) -> Iterator[Source]:
        for node in self._after("all_sources", cube, "node"):
            yield rows.source(node)

    def all_operations(self, cube: str) -> Iterator[Operation]:
        return map(rows.operation, self._after("all_operations", cube, "operation"))

    def all_usage(self, cube: str) -> Iterator[Used]:
        return (Used(**row) for row in self._after("all_usage", cube, "used"))

    def _ids(self, cube: str) -> Iterator[list[str]]:
        after = ""
        while True:
            ids = [row["id"] for row in self._read("memory_ids", cube=cube, after=after, limit=_BATCH)]
            if not ids:
                return
            yield ids
            after = ids[-1]

    def _after(self, name: str, cube: str, what: str) -> Iterator[dict[str, Any]]:
        after = ""
        while found := self._read(name, cube=cube, after=after, limit=_BATCH):
            yield from (row[what] for row in found)
            after = found[-1][what]["id"]

    def begin_load(self, info: CubeInfo, archive: str) -> None:
        self._admitted(info.id, lambda: self._connection.write(lambda tx: loading.begin(tx, info, archive)))

    def load(self, rows: Rows, archive: str) -> None:
        self._admitted(rows.info.id, lambda: self._connection.write(lambda tx: loading.load(tx, rows, archive)))

    def end_load(self, info: CubeInfo, archive: str) -> None:
        self._admitted(info.id, lambda: self._connection.write(lambda tx: loading.end(tx, info, archive)))

    def add_rows(self, info: CubeInfo, batches: Callable[[], Iterable[Rows]]) -> bool:
        return self._admitted(info.id, lambda: self._connection.write(lambda tx: loading.add(tx, info, batches())))

    def unstaged(self, cube: str, model: Model) -> Iterator[list[Unstaged]]:
        after = ""
        while found := self._read("unstaged", cube=cube, after=after, limit=_BATCH, embedder=model.name):
            batch = [Unstaged(row["id"], *each) for row in found for each in row["states"]]
            if batch:
                yield batch
            after = found[-1]["id"]

    def stage(self, cube: str, model: Model, rows: Sequence[tuple[str, int, Vectors]]) -> None:
        texts = [{"id": i, "version": version, "embedding": vector(own[0])} for i, version, own in rows]
        passages = [
            {"id": i, "version": version, "behind": behind, "embedding": vector(each)}
            for i, version, own in rows
            for behind, each in enumerate(own[:0:-1])
        ]

        def work(tx: Transaction) -> None:
            tx.run(statement("stage_vectors"), cube=cube, rows=texts, embedder=model.name)
            if passages:
                tx.run(statement("stage_passages"), cube=cube, rows=passages)

        self._connection.write(work)

    def switch(self, cube: str, model: Model) -> bool:
        named = {"cube": cube, "embedder": model.name}
        found = self._write("begin_switch", **named, dimension=model.dimension)
        if found and not found[0]["ready"]:
            return False
        after: str | None = ""
        while after is not None:
            after = self._write("switch_vectors", **named, after=after, limit=_BATCH)[0]["last"]
        return True

    def erase(self, cube: str, *, only: CubeInfo | None = None, keep: Callable[[CubeInfo], None] | None = None) -> bool:
        if keep is not None:
            return self._admitted(cube, lambda: self._erase_kept(cube, keep))
        begun = self._connection.write(lambda tx: erasing.begin(tx, cube, only))
        self._erase_rest(cube)
        return begun or only is None

    def _erase_kept(self, cube: str, keep: Callable[[CubeInfo], None]) -> bool:
        with erasing.Seal(self._connection, cube) as info:
            if info is None:
                return False
            keep(info)
            return self.erase(cube, only=info)

    def dangling(self, cube: str) -> list[str]:
        problems: list[str] = []
        after = ""
        for ids in self._ids(cube):
            found = self._read("dangling", cube=cube, after=after, limit=_BATCH, end=END_TIME)
            problems += [f"{row['what']} (memory {row['id']})" for row in found]
            after = ids[-1]
        return problems
