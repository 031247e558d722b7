"""TreeTextMemory: the one class that users hold."""

from __future__ import annotations

from pathlib import Path

from treemem.config import from_arguments
from treemem.items import checked_id
from treemem.models.embedders import Embedder
from treemem.store.protocol import GraphStore
from treemem.temporal import Clock, system_clock
from treemem.verbs.keeping import KeepVerbs


class TreeTextMemory(KeepVerbs):
    """The memory of one cube (a tenant), in an embedded file or in Neo4j. Thread-safe; use it as a context manager.

    >>> with TreeTextMemory.open("example.db") as memory:
    ...     (anna,) = memory.add("Anna moved to Lisbon.", at="2026-05-03")
    ...     memory.get(anna).memory
    'Anna moved to Lisbon.'
    """

    @classmethod
    def open(
        cls,
        store: str | Path | None = None,
        *,
        cube: str | None = None,
        embedder: Embedder | None = None,
        clock: Clock = system_clock,
        user: str | None = None,
        password: str | None = None,
        database: str | None = None,
        timeout: float | None = None,
        actor: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
    ) -> TreeTextMemory:
        """Open a memory: a file path for the embedded store, `neo4j://host:7687` for a server, nothing for the default.

        `timeout` is in seconds; `actor` is kept with every operation; `user_id` and `session_id` open it for a caller.
        Raises ConfigError, StoreError.
        """
        settings = {
            "cube": cube,
            "user": user,
            "password": password,
            "database": database,
            "timeout": timeout,
            "actor": actor,
            "user_id": user_id,
            "session_id": session_id,
        }
        return cls(from_arguments(store, settings), embedder=embedder, clock=clock)

    def cube(self, name: str) -> TreeTextMemory:
        """Return the memory of another cube over the same store; closing it leaves the store open."""
        config = self._config.model_copy(update={"cube": checked_id(name, "cube")})
        return TreeTextMemory(config, embedder=self._embedder, clock=self._clock, store=self._store)

    def for_caller(self, user_id: str | None = None, session_id: str | None = None) -> TreeTextMemory:
        """Return the same memory as a caller sees it; closing it leaves the store open.

        Every read and change sees public memories, private ones of this user or of nobody, and those of this session;
        what is added belongs to the caller.
        """
        config = self._config.model_copy(update={"user_id": user_id, "session_id": session_id})
        return TreeTextMemory(config, embedder=self._embedder, clock=self._clock, store=self._store)

    def with_clock(self, clock: Clock) -> TreeTextMemory:
        """Return the same memory with another clock; closing it leaves the store open."""
        return TreeTextMemory(self._config, embedder=self._embedder, clock=clock, store=self._store)

    @property
    def cube_id(self) -> str:
        """The cube this memory reads and writes."""
        return self._cube

    @property
    def store(self) -> GraphStore:
        """The store underneath."""
        return self._store

    def __enter__(self) -> TreeTextMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
