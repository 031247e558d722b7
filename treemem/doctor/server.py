"""Checks of a Neo4j server: its version, schema, indexes and clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from treemem.doctor.finding import Finding, ok, problem, warning
from treemem.queued import FAILED, QueuedTask
from treemem.store.protocol import CubeInfo
from treemem.temporal import SKEW

if TYPE_CHECKING:
    from treemem.store.neo4j.inspecting import ServerLook
    from treemem.store.neo4j.store import Neo4jStore

#: Seconds that two clocks may differ before it is told, and before it is in the way.
_A_LITTLE, _TOO_MUCH = 5.0, SKEW / 1e6


class Server:
    """A store on a server, whose schema nobody migrated for this."""

    def __init__(self, store: Neo4jStore) -> None:
        self._store = store
        self._fixed: dict[str, int] = {}
        self.readable = False

    def findings(self) -> Iterator[Finding]:
        look = self._store.inspect()
        self._fixed = look.dimensions
        named = f"{self._store.location}, database {look.database}: Neo4j {look.version}, {look.edition} edition"
        if look.too_old:
            yield problem("store", named, "treemem needs 5.26 LTS, or 2026.02 or newer; upgrade the server")
            return
        yield ok("store", named)
        yield ok("disk", "the server's own, which is not seen from here")
        yield from self._written(look)
        yield from self._clocks(look)
        yield from self._schema(look)

    @staticmethod
    def _written(look: ServerLook) -> Iterator[Finding]:
        if look.writable is None:
            yield ok("permissions", "the server does not tell this user whether the database can be written")
        elif look.writable:
            yield ok("permissions", "the database is online and can be written")
        else:
            yield warning(
                "permissions",
                f"the database {look.database} is read-only or not online",
                "reading may work; SHOW DATABASES tells more, ALTER DATABASE makes it writable",
            )

    @staticmethod
    def _clocks(look: ServerLook) -> Iterator[Finding]:
        far = abs(look.ahead)
        told = f"the server's clock is {far:.1f} seconds {'ahead of' if look.ahead > 0 else 'behind'} this machine's"
        if far > _TOO_MUCH:
            yield problem("clock", told, "set both by a time server: times in the memory come from the clients")
        elif far > _A_LITTLE:
            yield warning("clock", told, "let a time server set both")
        else:
            yield ok("clock", told)

    def _schema(self, look: ServerLook) -> Iterator[Finding]:
        if look.newer:
            yield problem("schema", f"{look.newer[-1]} is newer than this treemem knows", "upgrade treemem")
            return
        if look.in_the_way:
            yield problem(
                "schema",
                "others' constraints and indexes are in the way: " + "; ".join(look.in_the_way),
                "drop them as written there, or use another database",
            )
            return
        if look.missing:
            yield warning("schema", f"lacks {', '.join(look.missing)}", "treemem migrate, or any command, brings it")
            return
        yield ok("schema", "up to date")
        for each in look.indexes:
            making = each.wrong.startswith("is being made")
            if making:
                yield warning("indexes", f"{each.name} {each.wrong}", "wait: searches do until it is there")
            else:
                yield problem(
                    "indexes",
                    f"{each.name} {each.wrong}",
                    "drop it if it is there, delete the (:TreememMigration) nodes, then treemem migrate",
                )
        if not look.indexes:
            taken = "vectors of one length alone" if look.dimensions else "vectors of any length are taken"
            yield ok("indexes", f"all there, as they must be, and online; {taken}")
        self.readable = True

    def cube(self, name: str) -> CubeInfo | None:
        return self._store.cube(name)

    def fixed_dimensions(self) -> dict[str, int]:
        return self._fixed

    def failed_tasks(self, cube: str, limit: int) -> Sequence[QueuedTask]:
        return self._store.listed_tasks(cube, FAILED, None, limit)

    def close(self) -> None:
        self._store.close()
