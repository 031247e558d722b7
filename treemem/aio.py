"""The same memory for asyncio: each verb runs in a thread. Made from memory.py by .ci/make_aio.py."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar

from treemem.changes import EdgeType, Receipt
from treemem.exchange.frames import Frames
from treemem.exchange.moving import Imported
from treemem.filters import FilterLike
from treemem.graphs import MemoryGraph, MemoryPath, MemoryTree
from treemem.ingest.documents import DocumentLike
from treemem.items import MemoryLike, TextualMemoryItem
from treemem.keywords import checked_names
from treemem.memory import TreeTextMemory
from treemem.models.embedders import Embedder
from treemem.models.llm import LLM
from treemem.models.rerankers import Reranker
from treemem.read.states import VISIBLE
from treemem.records import (
    AddedDocument,
    Conversation,
    DocumentRecord,
    LoggedMessage,
    MemoryDiff,
    MemoryPage,
    MemoryVersion,
    Neighbour,
    OperationRecord,
    Statistics,
)
from treemem.reorganize.plan import Plan, Report
from treemem.reorganize.reorganizer import Reorganizer
from treemem.reorganize.turn import Status
from treemem.search.context import rough_tokens
from treemem.search.finish import Dedup
from treemem.search.options import SearchOptions
from treemem.search.results import SearchResult
from treemem.search.when import WhenLike
from treemem.store.protocol import LIVE, GraphStore
from treemem.temporal import Clock, TimeLike, system_clock
from treemem.write.addition import Progress
from treemem.write.messaging import OnError
from treemem.write.remembering import Remember

if TYPE_CHECKING:
    import neo4j
    import networkx

P = ParamSpec("P")
R = TypeVar("R")
Run = Callable[[Callable[[], Any]], Awaitable[Any]]
#: How many calls of one memory run at once.
THREADS = 16
_END = object()


@checked_names
class AsyncReorganizer:
    """Reorganizer for asyncio, with the same verbs."""

    def __init__(self, reorganizer: Reorganizer, run: Run) -> None:
        """Use `memory.reorganizer`; `run` runs a call off the event loop."""
        self._reorganizer = reorganizer
        self._in_thread = run

    async def _run(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        result: R = await self._in_thread(functools.partial(verb, *args, **kwargs))
        return result

    @property
    def zone(self) -> str | None:
        """The zone of the memory, in which times without one are read."""
        return self._reorganizer.zone

    async def plan(
        self,
        *,
        everything: bool = False,
        neighbours: int = 8,
        least: float = 0.2,
        capacity: Mapping[str, int] | None = None,
        expiry: Mapping[str, float] | None = None,
        group: bool = False,
        kinds: Sequence[str] | None = None,
        ask: bool | None = None,
        max_tokens: int = 50_000,
    ) -> Plan:
        """Return what to do about what changed since the last run (or about `everything`); nothing is changed.

        Each changed memory is compared with its `neighbours` nearest of a cosine of at least `least`. The least
        valuable memories of a type beyond its `capacity` are archived, never deleted, and working memories that were
        recalled often promoted; topics do not count. The default is the configuration's (`Reorganizer.CAPACITY`: 20
        WorkingMemory, 1,500 LongTermMemory, 480 UserMemory); `{}` bounds nothing. With an
        `expiry` ({"WorkingMemory": 30}, in days), memories that were neither learned nor recalled for so long no longer
        hold from now on. Both look at the whole cube, and leave frozen memories alone. With `group`, memories without a
        parent join the nearest topic or, four or more alike, make a new one; topics of forty or more, or of little in
        common, are split, topics that are alike become one, and topics come below topics (`memory.tree()` shows them).
        `kinds` are the kinds of actions wanted.

        With `ask` (the default where the memory was opened with an `llm`), pairs about which the rules are not sure go
        to the language model, twenty a request, for about `max_tokens` of prompt. It relates and flags; alone
        it closes and merges nothing, and what the rules would close stays open where it does not agree.
        Where it fails, the rules' judgement stands, and the plan's `notes` say so. It also names new topics. A
        caller plans over what it sees. Raises InvalidInputError.
        """
        return await self._run(
            self._reorganizer.plan,
            everything=everything,
            neighbours=neighbours,
            least=least,
            capacity=capacity,
            expiry=expiry,
            group=group,
            kinds=kinds,
            ask=ask,
            max_tokens=max_tokens,
        )

    async def schedule(
        self, conversation: str | Iterable[str | Mapping[str, Any]], *, size: int = 20, least: float = 0.3
    ) -> Plan:
        """Return what to bring into working memory for a running conversation, and what to put back; apply it then.

        `conversation` is a text, or texts or messages of which the last six count, the last one most. Working memory
        is to hold at most `size` memories: those with a cosine of at least `least` to what is said (or reached from
        such), weighed by freshness, by use, and by being there already. What leaves goes back to the type it had. The
        memories are those that this memory's caller may see. Raises InvalidInputError.
        """
        return await self._run(
            self._reorganizer.schedule,
            conversation,
            size=size,
            least=least,
        )

    async def apply(self, plan: Plan, *, wait: float = 0.0) -> Report:
        """Do the actions of a plan, each in one transaction, and return what became of them.

        Applying a plan again does what is not done yet and nothing twice. An action whose memories changed since it was
        planned is skipped. Raises InvalidInputError for a plan of another cube, or with an action that cannot be done,
        LeaseError while another worker reorganizes this one, after `wait` seconds; StoreError when the store fails in
        the middle: apply it again then.
        """
        return await self._run(
            self._reorganizer.apply,
            plan,
            wait=wait,
        )

    async def run(self, *, wait: float = 0.0, **plan: Any) -> Report:
        """Plan and apply in one turn; the arguments are those of `plan`. Raises as `apply` does."""
        return await self._run(
            self._reorganizer.run,
            wait=wait,
            **plan,
        )

    async def status(self) -> Status:
        """Return how reorganizing this cube stands: what waits, who works, what failed. Raises StoreError.

        Why it failed is told to whoever opened the memory alone: a model's error may quote what it was given.
        """
        return await self._run(self._reorganizer.status)

    async def wait(self, timeout: float = 60.0) -> Status:
        """Return the status as soon as nothing is `pending` or `running`, or after `timeout` seconds. Raises
        StoreError.
        """
        return await self._run(
            self._reorganizer.wait,
            timeout,
        )

    async def start(self, interval: float = 60.0, **plan: Any) -> None:
        """Run in the background, now and every `interval` seconds, until `stop`. Starting twice is once.

        What to look at is in the store (all that was changed since the last run), so nothing is lost with the process.
        A run that finds another worker at it waits for that one's turn to end; `failure` holds what went wrong last.
        """
        return await self._run(
            self._reorganizer.start,
            interval,
            **plan,
        )

    async def stop(self, timeout: float = 30.0) -> bool:
        """End the background worker after the action it is at; return whether it ended within `timeout` seconds."""
        return await self._run(
            self._reorganizer.stop,
            timeout,
        )

    @property
    def failure(self) -> str | None:
        """What went wrong in the last run in the background, None if nothing did."""
        return self._reorganizer.failure


@checked_names
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

    async def _in_thread(self, call: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def _run(self, verb: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await self._in_thread(functools.partial(verb, *args, **kwargs))

    def _view(self, memory: TreeTextMemory) -> AsyncTreeTextMemory:
        return AsyncTreeTextMemory(memory, pool=self._pool)

    async def close(self) -> None:
        """Wait for running calls and release what this memory opened."""
        if self._owns_pool:
            await asyncio.to_thread(self._pool.shutdown)
        await asyncio.to_thread(self._memory.close)

    async def __aenter__(self) -> AsyncTreeTextMemory:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def reorganizer(self) -> AsyncReorganizer:
        """The reorganizer of this cube."""
        return AsyncReorganizer(self._memory.reorganizer, self._in_thread)

    @classmethod
    async def open(
        cls,
        store: str | Path | None = None,
        *,
        cube: str | None = None,
        embedder: Embedder | str | None = None,
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
        zone: str | None = None,
        capacity: Mapping[str, int] | None = None,
        reranker: Reranker | None = None,
        llm: LLM | None = None,
        bookmarks: Iterable[str] = (),
    ) -> AsyncTreeTextMemory:
        """Open a memory: a file path for the embedded store, `neo4j://host:7687` for a server, nothing for the default.

        `embedder` is a model or the name of a kind: "minilm", which is carried, or "multilingual", of that extra. A
        `driver` of your own is used as it is and left open; `trusted_certificates` is a PEM file for TLS. What is left
        out comes from the environment (TREEMEM_STORE, TREEMEM_CUBE, ...). `timeout` is in seconds; `actor` is kept
        with every operation; `user_id` and `session_id` open it for a caller. A `reranker` orders the best hits of
        every search; an `llm` serves `search(mode="fine")` and the reorganizer. Without `record_usage` searches do not
        count what they return, and write nothing. `zone` ("Europe/Lisbon") is where times without a zone are read, and
        the days and weeks of questions; without it, where the machine is. `capacity` is how many memories of each type
        the reorganizer leaves active (20 working, 1,500 long-term, 480 user memories); `{}` bounds none. In a Neo4j
        cluster, what the memory that gave the `bookmarks` had seen is seen here. Raises ConfigError, StoreError.
        """
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
            zone=zone,
            capacity=capacity,
            reranker=reranker,
            llm=llm,
            bookmarks=bookmarks,
        )
        return cls(await asyncio.to_thread(opening))

    def cube(self, name: str, *, walled: bool = False) -> AsyncTreeTextMemory:
        """Return the memory of another cube over the same store; closing it leaves the store open.

        A `walled` one is for code that must not reach other cubes: it gives out neither them nor the store. Raises
        InvalidInputError where this memory is walled itself.
        """
        return self._view(self._memory.cube(name, walled=walled))

    def for_caller(self, user_id: str | None = None, session_id: str | None = None) -> AsyncTreeTextMemory:
        """Return the same memory as a caller sees it; closing it leaves the store open.

        A caller sees public memories, private ones of its user or of nobody, and those of its session, state by state.
        It changes what is its own or nobody's, and what it adds is its own; a session without a user adds what its
        session sees. Verbs about the whole cube (`check`, `content_hash`, `dump`, `load`, `drop`, `reembed`, `reindex`)
        and the store raise NotAllowedError in its view, and so does asking it for the view of another caller.
        """
        return self._view(self._memory.for_caller(user_id, session_id))

    def with_clock(self, clock: Clock) -> AsyncTreeTextMemory:
        """Return the same memory with another clock; closing it leaves the store open."""
        return self._view(self._memory.with_clock(clock))

    async def bookmarks(self) -> list[str]:
        """Return what a memory in another process must be given to see all that was written and read here.

        Only the servers of a Neo4j cluster need it; a memory over a file returns an empty list. Within one memory, and
        all views of it, a read always sees the writes before it.
        """
        return await self._run(self._memory.bookmarks)

    async def wait_for(self, bookmarks: Iterable[str]) -> None:
        """Let every later call see what the memory that gave these `bookmarks` had seen; waits until the server has it.

        Raises InvalidInputError if they are not texts or the server does not know them; nothing is changed then.
        """
        return await self._run(
            self._memory.wait_for,
            bookmarks,
        )

    @property
    def cube_id(self) -> str:
        """The cube this memory reads and writes."""
        return self._memory.cube_id

    @property
    def zone(self) -> str | None:
        """The IANA name of the zone in which times without one are read, None for the machine's."""
        return self._memory.zone

    @property
    def store(self) -> GraphStore:
        """The store underneath, which reaches every cube and every state.

        Raises InvalidInputError on a walled memory, NotAllowedError on a caller's.
        """
        return self._memory.store

    async def add(
        self,
        memories: MemoryLike | Iterable[MemoryLike],
        *,
        at: TimeLike | None = None,
        until: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
        **metadata: Any,
    ) -> list[str]:
        """Store memories (strings, dicts, items, or an iterable of them) and return their ids, in order.

        They hold in the world from `at` (default: now) until `until` (default: open). `metadata` goes to each. A large
        iterable streams through in parts of at most 1,000 rows; with an `operation_id`, repeating the call after a
        crash does what is left. `progress(done, total or None)` is called after each part.

        Raises InvalidInputError, MemoryExistsError (the id has other content), ModelMismatchError, StoreError.
        """
        return await self._run(
            self._memory.add,
            memories,
            at=at,
            until=until,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
            progress=progress,
            **metadata,
        )

    async def add_messages(
        self,
        messages: Iterable[Any],
        *,
        conversation_id: str | None = None,
        replay: bool = False,
        remember: Remember = "new",
        on_error: OnError = "raise",
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
        **metadata: Any,
    ) -> list[str]:
        """Store messages of a conversation: one memory a message, and return the ids.

        A message is a dict with `content` and, optionally, `role`, `name`, `chat_time`, `id`, `sequence` and
        `metadata`; those of OpenAI, Anthropic, Gemini and LangChain are read as they come. One that says nothing, a
        call of a tool say, becomes no memory, but `messages` reads it back; keys without a meaning here, and parts that
        are no text, are kept in `sources`. All are looked at before the first is written: one that cannot be taken
        refuses the whole call, or, with `on_error="skip"`, is left out with a warning; a function is called with its
        position and the error.

        With a `conversation_id` a call goes on where the conversation ends, so that adding turn by turn is adding all
        at once, and of a window that is sent again only what is new comes in. A message is known again by its `id`, its
        `sequence` number or its time; without these a window is, by texts that are equal and together 20 bytes long at
        least; a single message is a new one then. In a call with an `operation_id` all are new that have no id or
        number; the same call again adds nothing.

        What tells nothing new is archived: kept and read back, but not searched. That is a short answer of an assistant
        that repeats, sentence for sentence, what the memory holds; the question that it answers so; and "ok, thanks".
        What people state is never archived, and with `remember="all"` nothing is.

        Messages are joined by FOLLOWS, to the names they mention and to their source; reading one shows the message
        before it as `background`, where that is still there and the reader may see it. With `replay` the `chat_time` is
        also taken as the time the memory learned it, as long as it is not before the cube's last change.
        """
        return await self._run(
            self._memory.add_messages,
            messages,
            conversation_id=conversation_id,
            replay=replay,
            remember=remember,
            on_error=on_error,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
            progress=progress,
            **metadata,
        )

    async def messages(
        self,
        conversation_id: str,
        *,
        limit: int | None = None,
        before: int | str | None = None,
        after: int | str | None = None,
    ) -> list[LoggedMessage]:
        """Return the messages of a conversation as they were said, oldest first: all, or the last `limit` of them.

        `before` and `after` are numbers or ids of messages; with `after` the first `limit` ones behind it come back.
        What was updated since reads as it was said; what was deleted or purged is left out. Raises InvalidInputError,
        MemoryNotFoundError.
        """
        return await self._run(
            self._memory.messages,
            conversation_id,
            limit=limit,
            before=before,
            after=after,
        )

    async def conversations(self, *, limit: int | None = None) -> list[Conversation]:
        """Return the conversations, the one that went on last first."""
        return await self._run(
            self._memory.conversations,
            limit=limit,
        )

    async def add_documents(
        self,
        documents: DocumentLike | Iterable[DocumentLike],
        *,
        at: TimeLike | None = None,
        on_error: OnError = "raise",
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
        **metadata: Any,
    ) -> list[AddedDocument]:
        """Add documents as trees of headings and passages; say of each which passages are new, stayed and ended.

        A document is a `Path`, bytes, a text (Markdown), or a dict with `path`, `text` or `content`, and what it is
        called: `id` ("handbook", an address; else the file's path, or a hash), `name` (a file name, whose ending says
        what it is) and `title`. Under an id that is there already the document has changed: what is gone ends, what
        stayed is left alone, what is new begins, `at` a time or now. Each document is one operation, whole or not at
        all. Passages have the headings above them as `key`, page and line in `sources`, and are KnowledgeBaseMemory
        where the `metadata` says nothing else. What cannot be read is refused; with `on_error` "skip" or a function
        (position, error) the others go in. Other formats than text, Markdown, CSV, JSON and XML want
        treemem[documents]. Of a picture (PNG, JPEG, GIF, WebP, a scanned page of a PDF) the memory's `llm`, which must
        be one that sees, says what is on it and what can be read there; one that did not change is not looked at
        again. Nothing is fetched from anywhere.
        """
        return await self._run(
            self._memory.add_documents,
            documents,
            at=at,
            on_error=on_error,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
            progress=progress,
            **metadata,
        )

    async def remove_documents(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Delete documents with all their parts, by what they are called or by the ids of their memories.

        `undo` brings them back; `purge` of a document's memory erases it with all its parts. Raises
        MemoryNotFoundError.
        """
        return await self._run(
            self._memory.remove_documents,
            ids,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def documents(self) -> list[DocumentRecord]:
        """Return the documents of this cube, as they are now, by what they are called."""
        return await self._run(self._memory.documents)

    async def replace_working_memory(
        self,
        memories: MemoryLike | Iterable[MemoryLike],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> list[str]:
        """Put these memories in the place of all WorkingMemory, in one transaction, and return their ids.

        A memory that is there already (same id) stays; the others are hidden as by `delete`. An empty list clears the
        working memory. Raises InvalidInputError, MemoryExistsError, FrozenMemoryError, ConflictError.
        """
        return await self._run(
            self._memory.replace_working_memory,
            memories,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def update(
        self,
        memory_id: str,
        new: MemoryLike | None = None,
        *,
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        **metadata: Any,
    ) -> Receipt:
        """Say that the world changed: from `at` (default: now) to the next known change, the memory says `new`.

        What it said before stays readable with `as_of`. Raises MemoryNotFoundError, FrozenMemoryError, ConflictError.
        """
        return await self._run(
            self._memory.update,
            memory_id,
            new,
            at=at,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
            **metadata,
        )

    async def correct(
        self,
        memory_id: str,
        new: MemoryLike | None = None,
        *,
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        **metadata: Any,
    ) -> Receipt:
        """Say that we were wrong: what holds at `at` (default: now) said `new` over its whole validity.

        What we believed before stays readable with `known_at`. Raises as `update` does, and MemoryNotFoundError if
        nothing holds at `at`.
        """
        return await self._run(
            self._memory.correct,
            memory_id,
            new,
            at=at,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
            **metadata,
        )

    async def expire(
        self,
        memory_id: str,
        *,
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Say that the memory no longer holds from `at` (default: now) on, and nothing took its place.

        Raises MemoryNotFoundError, FrozenMemoryError, ConflictError, and InvalidInputError if it never held before.
        """
        return await self._run(
            self._memory.expire,
            memory_id,
            at=at,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def delete(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Hide memories from reading and searching; `restore` brings them back, `known_at` still sees them.

        Many ids are done in parts. Raises MemoryNotFoundError, FrozenMemoryError, ConflictError.
        """
        return await self._run(
            self._memory.delete,
            ids,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def delete_all(self, *, actor: str | None = None, reason: str | None = None) -> Receipt | None:
        """Hide every memory of the cube, whenever it held or holds; None if there was none.

        A caller hides what is its own altogether; a memory that at some time says what is somebody else's stays.
        """
        return await self._run(
            self._memory.delete_all,
            actor=actor,
            reason=reason,
        )

    async def archive(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Keep memories out of search by default; `get` still reads them, `restore` brings them back.

        Raises as `delete` does.
        """
        return await self._run(
            self._memory.archive,
            ids,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def restore(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Bring deleted, archived, merged or expired memories back as they were before.

        Raises as `delete` does.
        """
        return await self._run(
            self._memory.restore,
            ids,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def freeze(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Refuse every change to these memories but `unfreeze` (and `purge`). Raises as `delete` does."""
        return await self._run(
            self._memory.freeze,
            ids,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def unfreeze(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Allow changes to frozen memories again. Raises MemoryNotFoundError, ConflictError."""
        return await self._run(
            self._memory.unfreeze,
            ids,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def undo(
        self, operation: str, *, operation_id: str | None = None, actor: str | None = None, reason: str | None = None
    ) -> Receipt:
        """Take an operation back by a new one: close what it opened, open copies of what it closed.

        A batch is taken back part by part, the last one first; undoing the undo brings it back. Raises
        OperationNotFoundError, and UndoRefusedError naming the later operations that stand on it.
        """
        return await self._run(
            self._memory.undo,
            operation,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def purge(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Erase memories for good: states, vectors, sources, edges, and entities nothing else mentions.

        What holds their words goes with them: what they were merged with, what is DERIVED_FROM them, names of topics,
        reasons of operations. A tombstone (id, when, who, why) stays. On the embedded store no byte of the text is left
        in the file; on Neo4j no query reaches it, while its files and transaction logs may keep it until the server
        reuses or prunes them. Archives made before keep it. Raises MemoryNotFoundError, NotAllowedError,
        OperationMismatchError.
        """
        return await self._run(
            self._memory.purge,
            ids,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def link(
        self,
        source: str,
        type: str | EdgeType,
        target: str,
        *,
        weight: float = 1.0,
        confidence: float = 100.0,
        at: TimeLike | None = None,
        until: TimeLike | None = None,
        properties: Mapping[str, Any] | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Join two memories by a typed edge that holds from `at` (default: now) until `until` (default: open).

        `type` is an `EdgeType` or one of your own, such as WORKS_AT: 2 to 64 capital letters, digits and low lines. A
        search walks edges of your own types. `properties` are JSON-able values by name; they are kept with the edge and
        come back in `neighbours`, `subgraph` and exports. MemOS's names of types (CAUSE, RELATE, CONFLICT, MERGED_TO,
        PRECEDING, FOLLOWING) are understood.

        Raises InvalidChangeError if an end is missing or PARENT would get a second parent or a cycle, and
        MemoryNotFoundError if the caller may not see an end.
        """
        return await self._run(
            self._memory.link,
            source,
            type,
            target,
            weight=weight,
            confidence=confidence,
            at=at,
            until=until,
            properties=properties,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def unlink(
        self,
        source: str,
        type: str | EdgeType,
        target: str,
        *,
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Say that an edge no longer holds from `at` (default: now) on. Raises InvalidChangeError if there is none."""
        return await self._run(
            self._memory.unlink,
            source,
            type,
            target,
            at=at,
            operation_id=operation_id,
            actor=actor,
            reason=reason,
        )

    async def get(
        self, memory_id: str, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> TextualMemoryItem:
        """Return one memory as it held at `as_of`, as known at `known_at`. Raises MemoryNotFoundError."""
        return await self._run(
            self._memory.get,
            memory_id,
            as_of=as_of,
            known_at=known_at,
        )

    async def get_by_ids(
        self, ids: Iterable[str], *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> list[TextualMemoryItem]:
        """Return the memories that hold at the moment, in the order of `ids`; the others are left out."""
        return await self._run(
            self._memory.get_by_ids,
            ids,
            as_of=as_of,
            known_at=known_at,
        )

    async def get_all(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the whole graph at a moment as `{"nodes": [...], "edges": [...]}` of plain, JSON-able values.

        `pages` reads it piece by piece.
        """
        return await self._run(
            self._memory.get_all,
            as_of=as_of,
            known_at=known_at,
        )

    async def get_working_memory(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> list[TextualMemoryItem]:
        """Return the working memory, in order of id."""
        return await self._run(
            self._memory.get_working_memory,
            as_of=as_of,
            known_at=known_at,
        )

    async def pages(
        self,
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        filter: FilterLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = VISIBLE,
        cursor: str | None = None,
        limit: int = 500,
    ) -> AsyncIterator[MemoryPage]:
        """Yield pages of the memories that pass `filter`, in order of id, all at one moment.

        A page's `cursor` continues after it.
        """
        pages = self._memory.pages(
            as_of=as_of,
            known_at=known_at,
            filter=filter,
            memory_types=memory_types,
            statuses=statuses,
            cursor=cursor,
            limit=limit,
        )
        while (page := await self._run(next, pages, None)) is not None:
            yield page

    async def search(
        self,
        query: str,
        top_k: int = 10,
        *,
        mode: str = "fast",
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        when: WhenLike = "auto",
        include_superseded: bool = False,
        filter: FilterLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = LIVE,
        limits: Mapping[str, int] | None = None,
        dedup: Dedup = "none",
        relativity: float | None = None,
        conversation_id: str | None = None,
        cubes: Sequence[str] | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        budget: float | None = None,
        options: SearchOptions | None = None,
        explain: bool = False,
    ) -> SearchResult:
        """Return the memories that answer a question best, at most `top_k`, each with score, path and dates.

        Vector and full-text seeds, a walk of two hops over the graph, personalised PageRank; then the reranker that the
        memory was opened with, if any. With `mode="fine"` its language model splits the question, each part is
        searched, and the hits are reranked, by the language model where there is no other reranker.

        What is seen held at `as_of`, as known at `known_at`; or at some time of `when` (`When.during(...)`,
        "before 2025-03-01", "ever"); or, with `when="auto"`, at the time that the question's words tell ("last week",
        "before I moved", "used to"), preferred and not exclusively, else now. The result's `when` says what was
        understood. A hit comes after a newer one that supersedes it, by an edge or because its speaker says that this
        has changed, and carries `superseded_by`; where the newer one only says another value of the same thing, it
        carries `may_supersede`, and both may be true. `include_superseded` also brings back
        what does not hold any more, right behind what took its place.

        `filter` and `memory_types` bind the hits, not the memories walked through; `limits` is how many hits of a
        memory type there may be ({"UserMemory": 3}). `dedup` leaves out hits that repeat others ("similarity") or
        weighs relevance against repetition ("mmr"). `relativity` is the cosine in [-1, 1] that a hit, or the seed it
        was reached from, must have. Hits of `conversation_id` are preferred. `cubes` are searched instead of this one,
        with one ranking. `user_id` and `session_id` name the caller, who sees nothing that is not theirs to see, in
        hits and paths alike.

        `budget` is in seconds: where they do not suffice, the walk is shorter and a reranker is left out, and the
        result's `degraded` says so. A model that fails never fails the search; `degraded` says that too. With
        `explain`, the result's `explanation` tells what each stage did and took. Raises InvalidInputError, and
        EmbedderError where the question cannot be embedded. Of a question, the model reads what it can, everything else
        the first 10,000 characters.
        """
        return await self._run(
            self._memory.search,
            query,
            top_k,
            mode=mode,
            as_of=as_of,
            known_at=known_at,
            when=when,
            include_superseded=include_superseded,
            filter=filter,
            memory_types=memory_types,
            statuses=statuses,
            limits=limits,
            dedup=dedup,
            relativity=relativity,
            conversation_id=conversation_id,
            cubes=cubes,
            user_id=user_id,
            session_id=session_id,
            budget=budget,
            options=options,
            explain=explain,
        )

    async def context(
        self,
        question: str,
        max_tokens: int = 2_000,
        *,
        count_tokens: Callable[[str], int] = rough_tokens,
        top_k: int = 50,
        **search: Any,
    ) -> str:
        """Return what is known about a question as text for a prompt: one dated line a memory, best first.

        A line is `- [2025-01-10] Anna lives in Porto. (source: conversation; conversation: c1)`. What a memory says
        cannot end its line or forge another: line ends, control characters and what opens or closes a tag are escaped
        (`\\n`, `\\u003c`).

        At most `max_tokens` tokens, counted by `count_tokens` (default: a quarter of the UTF-8 bytes, rounded up); a
        memory that does not fit is left out, and shorter ones after it may still fit. Empty if nothing was found.
        `search` goes to `search()`. Raises InvalidInputError.
        """
        return await self._run(
            self._memory.context,
            question,
            max_tokens,
            count_tokens=count_tokens,
            top_k=top_k,
            **search,
        )

    async def get_relevant_subgraph(
        self, query: str, top_k: int = 10, depth: int = 1, *, max_nodes: int = 200, **search: Any
    ) -> MemoryGraph:
        """Return the best hits of a search and what lies within `depth` steps of them, with the edges among them.

        The hits are there with score and path, also those that ended before the moment looked at. `plain()` gives
        nodes and edges for drawing, `to_networkx()` a networkx graph. `search` goes to `search()`, but for `cubes`.
        Raises InvalidInputError.
        """
        return await self._run(
            self._memory.get_relevant_subgraph,
            query,
            top_k,
            depth,
            max_nodes=max_nodes,
            **search,
        )

    async def neighbours(
        self,
        memory_id: str,
        *,
        types: Sequence[str | EdgeType] | None = None,
        direction: str = "both",
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> list[Neighbour]:
        """Return the edges at a memory that hold at the moment, each with the memory at its other end.

        `direction` is out, in or both. Entities and sources come as ids without a memory. Strongest first.
        """
        return await self._run(
            self._memory.neighbours,
            memory_id,
            types=types,
            direction=direction,
            as_of=as_of,
            known_at=known_at,
        )

    async def subgraph(
        self,
        ids: str | Iterable[str],
        depth: int = 2,
        *,
        types: Sequence[str | EdgeType] | None = None,
        max_nodes: int = 1_000,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> MemoryGraph:
        """Return the memories within `depth` steps of some memories, at most `max_nodes`, and the edges among them.

        Walks every type between memories and shows the entities mentioned, unless `types` says otherwise; nothing that
        does not hold at the moment is walked through. Ids that do not hold then are left out. Raises InvalidInputError.
        """
        return await self._run(
            self._memory.subgraph,
            ids,
            depth,
            types=types,
            max_nodes=max_nodes,
            as_of=as_of,
            known_at=known_at,
        )

    async def path(
        self,
        source: str,
        target: str,
        *,
        types: Sequence[str | EdgeType] | None = None,
        directed: bool = False,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> MemoryPath | None:
        """Return the cheapest way between two memories at a moment, None if there is none.

        An edge costs 1 / weight (Dijkstra, 1959); edges are walked both ways unless `directed`. At most 10,000
        memories are looked at. A shared name is no way: `subgraph` shows names. Raises MemoryNotFoundError if an end
        does not hold then, InvalidInputError.
        """
        return await self._run(
            self._memory.path,
            source,
            target,
            types=types,
            directed=directed,
            as_of=as_of,
            known_at=known_at,
        )

    async def tree(
        self,
        root: str | None = None,
        *,
        orphans: bool = False,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> tuple[MemoryTree, ...]:
        """Return the forest of PARENT edges at a moment: the tree below `root`, or below every memory that has
        children and no parent, in order of id. Print one to see it. With `orphans` also the memories that have
        neither, so that every memory of the cube is in it.

        Raises MemoryNotFoundError if `root` does not hold then.
        """
        return await self._run(
            self._memory.tree,
            root,
            orphans=orphans,
            as_of=as_of,
            known_at=known_at,
        )

    async def subtree(
        self,
        memory_id: str,
        depth: int | None = None,
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> MemoryTree:
        """Return a memory with what lies below it by PARENT at a moment, `depth` levels of it (default: all).

        Raises MemoryNotFoundError if the memory does not hold then, and InvalidInputError.
        """
        return await self._run(
            self._memory.subtree,
            memory_id,
            depth,
            as_of=as_of,
            known_at=known_at,
        )

    async def history(self, memory_id: str) -> list[MemoryVersion]:
        """Return every state the memory ever had, in the order it was learned, with who, when and why.

        A caller sees its states, and who and why of operations that touched nothing else.
        """
        return await self._run(
            self._memory.history,
            memory_id,
        )

    async def operations(
        self, *, since: TimeLike | None = None, until: TimeLike | None = None, limit: int = 100
    ) -> list[OperationRecord]:
        """Return the audit trail, newest first: who did what, when and why. Times are transaction times.

        A caller sees the operations that touched nothing but what the caller may see.
        """
        return await self._run(
            self._memory.operations,
            since=since,
            until=until,
            limit=limit,
        )

    async def diff(self, known_at_1: TimeLike, known_at_2: TimeLike | None = None) -> MemoryDiff:
        """Return what was learned after `known_at_1` up to `known_at_2` (default: now): added, changed, closed.

        The cost grows with what changed in between. Raises InvalidInputError if the times are in the wrong order.
        """
        return await self._run(
            self._memory.diff,
            known_at_1,
            known_at_2,
        )

    async def stats(self) -> Statistics:
        """Return how many rows of each kind the cube has, its clock, model and where it lies.

        For a caller: how many it sees now, and the operations that touched nothing else.
        """
        return await self._run(self._memory.stats)

    async def check(self) -> list[str]:
        """Return a line for every broken invariant of the cube; an empty list means that it is sound."""
        return await self._run(self._memory.check)

    async def content_hash(self, *, known_at: TimeLike | None = None) -> str:
        """Return a hash of what the cube says at a transaction time; equal after an undo and between stores."""
        return await self._run(
            self._memory.content_hash,
            known_at=known_at,
        )

    async def dump(
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
        return await self._run(
            self._memory.dump,
            folder,
            as_of=as_of,
            known_at=known_at,
            progress=progress,
        )

    async def load(self, folder: str | Path, *, progress: Progress | None = None) -> int:
        """Load what `dump` wrote, history and embeddings included, and return the number of rows.

        The cube must be empty, or hold part of the same archive after a crash. A folder with `textual_memory.json`
        alone is added as memories and links. The whole file is checked first: a damaged one raises InvalidInputError
        that names line and reason, and nothing is written. Raises ConflictError if the cube is erased meanwhile.
        """
        return await self._run(
            self._memory.load,
            folder,
            progress=progress,
        )

    async def backup(self, path: str | Path, *, progress: Progress | None = None) -> Path:
        """Copy the whole embedded store, all its cubes, into a new file and return its path. Others may go on writing.

        The copy is the store at one moment; it is looked through before it is there, and is opened like any other. It
        keeps what is purged later. Raises InvalidInputError if something is there already, or for a server, which
        copies its databases itself, StoreFullError, StoreError.
        """
        return await self._run(
            self._memory.backup,
            path,
            progress=progress,
        )

    async def export(
        self,
        path: str | Path,
        *,
        format: str | None = None,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write the cube into one file and return its path. What ends its name says the format, or `format` does.

        `archive` (.jsonl; .jsonl.zst packed, with the extra `zstd`) is everything, with history, as in `dump`;
        `memos` (.json) what holds now, as MemOS reads it; `graphml` (.graphml) the same for Gephi, yEd and networkx.
        `import_` reads all three. `cypher` (.cypher) is a script that makes everything in an empty Neo4j, `neo4j-csv`
        a folder of CSV for `neo4j-admin`. With `as_of` and `known_at` the cube at another moment. A caller exports
        what it sees, and nothing with history. A file that is there is replaced. Only the owner can read it; a
        symbolic link is refused. Raises InvalidInputError, NotAllowedError, StoreFullError, StoreError, and
        ConflictError if the cube is dropped or embedded anew meanwhile.
        """
        return await self._run(
            self._memory.export,
            path,
            format=format,
            as_of=as_of,
            known_at=known_at,
            progress=progress,
        )

    async def import_(
        self,
        path: str | Path,
        *,
        format: str = "auto",
        conversation_id: str | None = None,
        remember: Remember = "new",
        on_error: Literal["raise", "skip"] = "raise",
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
    ) -> Imported:
        """Read a file of this library or of another program into the cube: an archive, MemOS's `textual_memory.json`,
        memories or histories of mem0, GraphML, or chats as ChatGPT, Claude, Telegram, Slack, WhatsApp and others export
        them (`treemem formats`).

        An archive wants an empty cube. A graph is added as one operation, which `undo` takes back; what MemOS says that
        has no place here goes into `info`, vectors are made again. Chats go into their conversations, of which a file
        with only one can be given the `conversation_id`. Importing again adds what is new; an edge that was ended here
        stays so. An archive or a graph is looked through before anything is written, of chats each conversation, of a
        history each event. What cannot be read, or does not fit the cube, is refused, by place and reason, or with
        `on_error="skip"` left out and told. Raises InvalidInputError, MemoryExistsError, InvalidChangeError,
        NotAllowedError.
        """
        return await self._run(
            self._memory.import_,
            path,
            format=format,
            conversation_id=conversation_id,
            remember=remember,
            on_error=on_error,
            actor=actor,
            reason=reason,
            progress=progress,
        )

    async def to_networkx(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> networkx.MultiDiGraph[str]:
        """Return what holds at a moment as a networkx graph.

        A node has its `kind` (memory, entity, source) and a short `label`, a memory also its text (`memory`) and its
        fields; an edge, whose key is its type, has `type`, `weight`, `confidence`, times and `properties`. Times are
        texts. `treemem.exchange.graphml.flat` makes of it a graph that every writer of networkx takes.
        """
        return await self._run(
            self._memory.to_networkx,
            as_of=as_of,
            known_at=known_at,
        )

    async def to_frames(
        self,
        library: Literal["pandas", "polars"] = "pandas",
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> Frames:
        """Return what holds at a moment as two tables, `memories` and `edges`, each a DataFrame of pandas or polars.

        A row of the first is a memory with its fields, of the second an edge, both with their times (UTC). Tags, names
        and usage are lists; `sources`, `info` and `properties` are JSON texts, so that the frames can be written as
        Parquet. Raises ConfigError where the library is not installed.
        """
        return await self._run(
            self._memory.to_frames,
            library,
            as_of=as_of,
            known_at=known_at,
        )

    async def from_networkx(
        self,
        graph: networkx.Graph[Any],
        *,
        on_error: Literal["raise", "skip"] = "raise",
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
    ) -> Imported:
        """Add the nodes of a networkx graph of any kind as memories, and its edges as edges, as one operation.

        What `to_networkx` gave comes back as it was. Of graphs of others, the text of a node is its `memory`, `text`,
        `label`, `name` or `title`, else the node itself, and its other attributes go into `info` unless they are a
        `key`, `tags`, `entities`, `confidence` or times; what is no id becomes one. An edge's type is its `type`,
        `label`, `relation` or key, in capital letters and low lines, RELATES_TO where it has none; its other attributes
        become `properties`. Raises InvalidInputError, MemoryExistsError, InvalidChangeError, NotAllowedError.
        """
        return await self._run(
            self._memory.from_networkx,
            graph,
            on_error=on_error,
            actor=actor,
            reason=reason,
            progress=progress,
        )

    async def drop(self, keep_last_n: int = 30, *, backups: str | Path | None = None) -> Path | None:
        """Back the cube up, then erase it with its history; return the backup's folder, None if the cube was empty.

        Backups lie under `backups` (default: `treemem-backups` beside the embedded file, or in the user's data folder
        for a server), in a folder named after the cube, a folder each; the newest `keep_last_n` of this cube stay, and
        whatever treemem did not make. `load` brings one back. What others write meanwhile is in the backup, or in the
        cube afterwards. Nothing is erased if the backup fails, and nothing is left of that backup.

        Raises InvalidInputError, StoreFullError, StoreError.
        """
        return await self._run(
            self._memory.drop,
            keep_last_n,
            backups=backups,
        )

    async def reembed(self, *, progress: Progress | None = None) -> int:
        """Give the cube the model that this memory was opened with; return how many states were embedded.

        New vectors are made in batches and kept beside the old ones, so that others search on with the old model, then
        put in place. After a crash, calling it again goes on where it stopped. Every state is embedded from its text,
        past ones too; vectors that were given with a memory are replaced. Raises EmbedderError, StoreError.
        """
        return await self._run(
            self._memory.reembed,
            progress=progress,
        )

    async def reindex(self, *, progress: Progress | None = None) -> int:
        """Make the index entries of what is stored as this version makes them; return how many states were renewed.

        Memories of an earlier version of treemem are found like those of today then: by the passages of a long text,
        by words in their basic forms. No text, time or id changes; the vector of a text stays, and those of passages
        that have none are made. It goes through the cube in parts, beside readers and writers; what is as it should be
        is left alone, so that repeating it after a crash goes on. Raises ModelMismatchError if the cube has another
        model, EmbedderError, StoreError.
        """
        return await self._run(
            self._memory.reindex,
            progress=progress,
        )
