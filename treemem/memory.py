"""TreeTextMemory: the one class that users hold."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from treemem.config import from_arguments
from treemem.errors import InvalidInputError
from treemem.items import checked_id
from treemem.models.embedders import Embedder
from treemem.models.llm import LLM
from treemem.models.rerankers import Reranker
from treemem.store.protocol import GraphStore
from treemem.temporal import Clock, system_clock
from treemem.verbs import beforehand as beforehand  # before forks, once a memory is used
from treemem.verbs.keeping import KeepVerbs
from treemem.verbs.reorganizing import ReorganizeVerbs

if TYPE_CHECKING:
    import neo4j


class TreeTextMemory(KeepVerbs, ReorganizeVerbs):
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
        driver: neo4j.Driver | None = None,
        user: str | None = None,
        password: str | None = None,
        database: str | None = None,
        trusted_certificates: str | None = None,
        timeout: float | None = None,
        actor: str | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        record_usage: bool | None = None,
        capacity: Mapping[str, int] | None = None,
        reranker: Reranker | None = None,
        llm: LLM | None = None,
    ) -> TreeTextMemory:
        """Open a memory: a file path for the embedded store, `neo4j://host:7687` for a server, nothing for the default.

        A `driver` of your own is used as it is and left open; `trusted_certificates` is a PEM file for TLS. What is
        left out comes from the environment (TREEMEM_STORE, TREEMEM_CUBE, ...). `timeout` is in seconds; `actor` is
        kept with every operation; `user_id` and `session_id` open it for a caller. A `reranker` orders the best hits of
        every search; an `llm` serves `search(mode="fine")` and the reorganizer. Without `record_usage` searches do not
        count what they return, and write nothing. `capacity` is how many memories of each type the reorganizer leaves
        active (20 working, 1,500 long-term, 480 user memories); `{}` bounds none. Raises ConfigError, StoreError.
        """
        settings = {
            "store": store,
            "cube": cube,
            "user": user,
            "password": password,
            "database": database,
            "trusted_certificates": trusted_certificates,
            "timeout": timeout,
            "actor": actor,
            "user_id": user_id,
            "session_id": session_id,
            "record_usage": record_usage,
            "capacity": capacity,
        }
        return cls(from_arguments(settings), embedder=embedder, clock=clock, driver=driver, reranker=reranker, llm=llm)

    def cube(self, name: str, *, walled: bool = False) -> TreeTextMemory:
        """Return the memory of another cube over the same store; closing it leaves the store open.

        A `walled` one is for code that must not reach other cubes: it gives out neither them nor the store. Raises
        InvalidInputError where this memory is walled itself.
        """
        (name,) = self._reachable([checked_id(name, "cube")])
        return self._view({"cube": name}, walled=walled or self._walled)

    def for_caller(self, user_id: str | None = None, session_id: str | None = None) -> TreeTextMemory:
        """Return the same memory as a caller sees it; closing it leaves the store open.

        Every read of memories and every change sees public memories, private ones of this user or of nobody, and those
        of this session; what is added belongs to the caller. `stats`, `check`, `content_hash`, `dump`, `load`, `drop`
        and `reembed` are about the whole cube.
        """
        return self._view({"user_id": user_id, "session_id": session_id}, walled=self._walled)

    def with_clock(self, clock: Clock) -> TreeTextMemory:
        """Return the same memory with another clock; closing it leaves the store open."""
        return self._view({}, walled=self._walled, clock=clock)

    def _view(self, changed: dict[str, str | None], *, walled: bool, clock: Clock | None = None) -> TreeTextMemory:
        config = self._config.model_copy(update=changed)
        return TreeTextMemory(
            config,
            embedder=self._embedder,
            clock=clock or self._clock,
            store=self._store,
            walled=walled,
            reranker=self._reranker,
            llm=self._llm,
            usage=self._usage,
        )

    @property
    def cube_id(self) -> str:
        """The cube this memory reads and writes."""
        return self._cube

    @property
    def store(self) -> GraphStore:
        """The store underneath. Raises InvalidInputError on a walled memory: a store reaches every cube."""
        if self._walled:
            raise InvalidInputError(f"cube {self._cube!r}: this view cannot reach the store; ask whoever opened it")
        return self._store

    def __enter__(self) -> TreeTextMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
