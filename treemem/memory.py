"""TreeTextMemory: the one class that users hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from treemem.caller import Caller
from treemem.config import from_arguments
from treemem.errors import InvalidInputError, NotAllowedError
from treemem.items import checked_id
from treemem.models.embedders import Embedder
from treemem.models.llm import LLM
from treemem.models.rerankers import Reranker
from treemem.store.protocol import GraphStore
from treemem.temporal import Clock, system_clock
from treemem.verbs import beforehand as beforehand  # before forks, once a memory is used
from treemem.verbs.arguments import checked_verbs
from treemem.verbs.keeping import KeepVerbs
from treemem.verbs.reorganizing import ReorganizeVerbs

if TYPE_CHECKING:
    import neo4j


@checked_verbs
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
        bookmarks: Iterable[str] = (),
    ) -> TreeTextMemory:
        """Open a memory: a file path for the embedded store, `neo4j://host:7687` for a server, nothing for the default.

        A `driver` of your own is used as it is and left open; `trusted_certificates` is a PEM file for TLS. What is
        left out comes from the environment (TREEMEM_STORE, TREEMEM_CUBE, ...). `timeout` is in seconds; `actor` is
        kept with every operation; `user_id` and `session_id` open it for a caller. A `reranker` orders the best hits of
        every search; an `llm` serves `search(mode="fine")` and the reorganizer. Without `record_usage` searches do not
        count what they return, and write nothing. `capacity` is how many memories of each type the reorganizer leaves
        active (20 working, 1,500 long-term, 480 user memories); `{}` bounds none. In a Neo4j cluster, what
        the memory that gave the `bookmarks` had seen is seen here. Raises ConfigError, StoreError.
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
        return cls(
            from_arguments(settings),
            embedder=embedder,
            clock=clock,
            driver=driver,
            reranker=reranker,
            llm=llm,
            bookmarks=bookmarks,
        )

    def cube(self, name: str, *, walled: bool = False) -> TreeTextMemory:
        """Return the memory of another cube over the same store; closing it leaves the store open.

        A `walled` one is for code that must not reach other cubes: it gives out neither them nor the store. Raises
        InvalidInputError where this memory is walled itself.
        """
        (name,) = self._reachable([checked_id(name, "cube")])
        return self._view({"cube": name}, walled=walled or self._walled)

    def for_caller(self, user_id: str | None = None, session_id: str | None = None) -> TreeTextMemory:
        """Return the same memory as a caller sees it; closing it leaves the store open.

        A caller sees public memories, private ones of its user or of nobody, and those of its session, state by state.
        It changes what is its own or nobody's, and what it adds is its own. Verbs about the whole cube (`check`,
        `content_hash`, `dump`, `load`, `drop`, `reembed`) and the store raise NotAllowedError in its view, and so does
        asking it for the view of another caller.
        """
        asked = Caller(user_id, session_id)
        if self._caller and asked != self._caller:
            raise NotAllowedError(f"for_caller: this view is that of {self._caller}; ask whoever opened the memory")
        return self._view({"user_id": user_id, "session_id": session_id}, walled=self._walled)

    def _as_caller(self, user_id: str | None, session_id: str | None) -> TreeTextMemory:
        return self.for_caller(user_id, session_id)

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
            workers=self._workers,
        )

    def bookmarks(self) -> list[str]:
        """Return what a memory in another process must be given to see all that was written and read here.

        Only the servers of a Neo4j cluster need it; a memory over a file returns an empty list. Within one memory, and
        all views of it, a read always sees the writes before it.
        """
        return self._store.bookmarks()

    def wait_for(self, bookmarks: Iterable[str]) -> None:
        """Let every later call see what the memory that gave these `bookmarks` had seen.

        Raises InvalidInputError if they are not texts, or later, in the next call, if the server does not know them.
        """
        self._store.wait_for(bookmarks)

    @property
    def cube_id(self) -> str:
        """The cube this memory reads and writes."""
        return self._cube

    @property
    def store(self) -> GraphStore:
        """The store underneath, which reaches every cube and every state.

        Raises InvalidInputError on a walled memory, NotAllowedError on a caller's.
        """
        self._caller.require_whole_cube("store")
        if self._walled:
            raise InvalidInputError(f"cube {self._cube!r}: this view cannot reach the store; ask whoever opened it")
        return self._store

    def __enter__(self) -> TreeTextMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
