"""The same memory for asyncio: each verb runs in a pool of threads, with the signature of the one it stands for."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from treemem.memory import TreeTextMemory
from treemem.models.embedders import Embedder
from treemem.models.llm import LLM
from treemem.models.rerankers import Reranker
from treemem.reorganize.reorganizer import Reorganizer
from treemem.store.protocol import GraphStore
from treemem.temporal import Clock, system_clock

if TYPE_CHECKING:
    import neo4j

P = ParamSpec("P")
R = TypeVar("R")
THREADS = 16


def _verb(
    method: Callable[Concatenate[Any, P], R],
) -> Callable[Concatenate[Any, P], Coroutine[Any, Any, R]]:
    """Return a verb as a coroutine function; its documentation and signature stay."""

    @functools.wraps(method)
    async def call(self: Any, *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await self._run(functools.partial(method, self._memory, *args, **kwargs))
        return result

    return call  # type: ignore[return-value]


def _iterating_verb(
    method: Callable[Concatenate[Any, P], Iterator[R]],
) -> Callable[Concatenate[Any, P], AsyncIterator[R]]:
    """Return a verb that yields as an asynchronous generator; its documentation and signature stay."""

    @functools.wraps(method)
    async def call(self: Any, *args: P.args, **kwargs: P.kwargs) -> AsyncIterator[R]:
        source = method(self._memory, *args, **kwargs)
        end = object()
        while (item := await self._run(functools.partial(next, source, end))) is not end:
            yield item

    return call  # type: ignore[return-value]


class AsyncReorganizer:
    """Reorganizer for asyncio, with the same verbs."""

    def __init__(self, reorganizer: Reorganizer, run: Callable[[Callable[[], Any]], Coroutine[Any, Any, Any]]) -> None:
        """Wrap a reorganizer; `run` runs a call off the event loop."""
        self._memory = reorganizer
        self._run = run

    apply = _verb(Reorganizer.apply)
    plan = _verb(Reorganizer.plan)
    run = _verb(Reorganizer.run)  # type: ignore[arg-type]
    schedule = _verb(Reorganizer.schedule)
    start = _verb(Reorganizer.start)  # type: ignore[arg-type]
    status = _verb(Reorganizer.status)
    stop = _verb(Reorganizer.stop)
    wait = _verb(Reorganizer.wait)

    @property
    def failure(self) -> str | None:
        """What went wrong in the last run in the background, None if nothing did."""
        return self._memory.failure


class AsyncTreeTextMemory:
    """TreeTextMemory for asyncio, with the same verbs; many may run at once.

    A call that is cancelled before a thread took it up never runs; one that runs already goes on to its end, so that a
    change is made whole or not at all. `close` waits for those. Use it as an asynchronous context manager.
    """

    def __init__(
        self, memory: TreeTextMemory, *, threads: int = THREADS, pool: ThreadPoolExecutor | None = None
    ) -> None:
        """Wrap a memory that is open; `threads` bounds how many calls run at once."""
        self._memory = memory
        self._owns_pool = pool is None
        self._pool = pool or ThreadPoolExecutor(threads, thread_name_prefix="treemem")

    @classmethod
    async def open(
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
    ) -> AsyncTreeTextMemory:
        """Open a memory as `TreeTextMemory.open` does, off the event loop."""
        opening = functools.partial(
            TreeTextMemory.open,
            store,
            cube=cube,
            embedder=embedder,
            clock=clock,
            driver=driver,
            user=user,
            password=password,
            database=database,
            trusted_certificates=trusted_certificates,
            timeout=timeout,
            actor=actor,
            user_id=user_id,
            session_id=session_id,
            record_usage=record_usage,
            capacity=capacity,
            reranker=reranker,
            llm=llm,
            bookmarks=bookmarks,
        )
        return cls(await asyncio.to_thread(opening))

    async def _run(self, call: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    def _view(self, memory: TreeTextMemory) -> AsyncTreeTextMemory:
        return AsyncTreeTextMemory(memory, pool=self._pool)

    def cube(self, name: str, *, walled: bool = False) -> AsyncTreeTextMemory:
        """Return the memory of another cube over the same store; closing it leaves the store open."""
        return self._view(self._memory.cube(name, walled=walled))

    def for_caller(self, user_id: str | None = None, session_id: str | None = None) -> AsyncTreeTextMemory:
        """Return the same memory as a caller sees it; closing it leaves the store open."""
        return self._view(self._memory.for_caller(user_id, session_id))

    def with_clock(self, clock: Clock) -> AsyncTreeTextMemory:
        """Return the same memory with another clock; closing it leaves the store open."""
        return self._view(self._memory.with_clock(clock))

    @property
    def cube_id(self) -> str:
        """The cube this memory reads and writes."""
        return self._memory.cube_id

    @property
    def reorganizer(self) -> AsyncReorganizer:
        """The reorganizer of this cube."""
        return AsyncReorganizer(self._memory.reorganizer, self._run)

    @property
    def store(self) -> GraphStore:
        """The store underneath; its calls block."""
        return self._memory.store

    async def close(self) -> None:
        """Wait for running calls and release what this memory opened."""
        if self._owns_pool:
            await asyncio.to_thread(self._pool.shutdown)
        await asyncio.to_thread(self._memory.close)

    async def __aenter__(self) -> AsyncTreeTextMemory:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    add = _verb(TreeTextMemory.add)  # type: ignore[arg-type]
    add_messages = _verb(TreeTextMemory.add_messages)  # type: ignore[arg-type]
    archive = _verb(TreeTextMemory.archive)
    bookmarks = _verb(TreeTextMemory.bookmarks)
    check = _verb(TreeTextMemory.check)
    content_hash = _verb(TreeTextMemory.content_hash)
    context = _verb(TreeTextMemory.context)  # type: ignore[arg-type]
    correct = _verb(TreeTextMemory.correct)  # type: ignore[arg-type]
    delete = _verb(TreeTextMemory.delete)
    delete_all = _verb(TreeTextMemory.delete_all)
    diff = _verb(TreeTextMemory.diff)
    drop = _verb(TreeTextMemory.drop)
    dump = _verb(TreeTextMemory.dump)
    expire = _verb(TreeTextMemory.expire)
    freeze = _verb(TreeTextMemory.freeze)
    get = _verb(TreeTextMemory.get)
    get_all = _verb(TreeTextMemory.get_all)
    get_by_ids = _verb(TreeTextMemory.get_by_ids)
    get_relevant_subgraph = _verb(TreeTextMemory.get_relevant_subgraph)  # type: ignore[arg-type]
    get_working_memory = _verb(TreeTextMemory.get_working_memory)
    history = _verb(TreeTextMemory.history)
    link = _verb(TreeTextMemory.link)
    load = _verb(TreeTextMemory.load)
    neighbours = _verb(TreeTextMemory.neighbours)
    operations = _verb(TreeTextMemory.operations)
    pages = _iterating_verb(TreeTextMemory.pages)
    path = _verb(TreeTextMemory.path)
    purge = _verb(TreeTextMemory.purge)
    reembed = _verb(TreeTextMemory.reembed)
    replace_working_memory = _verb(TreeTextMemory.replace_working_memory)
    restore = _verb(TreeTextMemory.restore)
    search = _verb(TreeTextMemory.search)
    stats = _verb(TreeTextMemory.stats)
    subgraph = _verb(TreeTextMemory.subgraph)
    subtree = _verb(TreeTextMemory.subtree)
    tree = _verb(TreeTextMemory.tree)
    undo = _verb(TreeTextMemory.undo)
    unfreeze = _verb(TreeTextMemory.unfreeze)
    unlink = _verb(TreeTextMemory.unlink)
    update = _verb(TreeTextMemory.update)  # type: ignore[arg-type]
    wait_for = _verb(TreeTextMemory.wait_for)
