"""Single statements, each in a transaction of its own: what the parts of the store are built on."""

from __future__ import annotations

from typing import Any

from treemem.changes import NodeKind
from treemem.store.neo4j.connection import Connection
from treemem.store.neo4j.statements import statement


class Calls:
    """A connection, and ways to run one statement on it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def location(self) -> str:
        return self._connection.uri

    def _read(self, name: str, /, *, target: NodeKind | None = None, **parameters: Any) -> list[dict[str, Any]]:
        return self._connection.read(lambda tx: tx.run(statement(name, target=target), **parameters))

    def _write(self, name: str, /, **parameters: Any) -> list[dict[str, Any]]:
        return self._connection.write(lambda tx: tx.run(statement(name), **parameters))
