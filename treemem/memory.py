"""TreeTextMemory: the one class that users hold. Every verb is here; what it does is one call away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

from treemem import beforehand as beforehand  # before forks, once a memory is used
from treemem.changes import EdgeType, Receipt
from treemem.chat import answering
from treemem.chat.answer import ChatAnswer, ChatStream
from treemem.config import TreeTextMemoryConfig, from_arguments
from treemem.context import Context, open_context
from treemem.errors import InvalidInputError
from treemem.exchange import copies, exporting, frames, importing, keeping, networks
from treemem.exchange.frames import Frames
from treemem.exchange.importing import Imported
from treemem.filters import FilterLike
from treemem.graphs import MemoryGraph, MemoryPath, MemoryTree
from treemem.ingest.documents import DocumentLike
from treemem.ingest.events import event_items
from treemem.ingest.reading.report import Provenance, ReadingReport
from treemem.items import MemoryLike, TextualMemoryItem
from treemem.knowledge import feedback as corrections
from treemem.knowledge.bases import KnowledgeBases
from treemem.knowledge.plans import FeedbackPlan
from treemem.knowledge.preferences import Preferences, with_preferences
from treemem.knowledge.skills import Skills
from treemem.knowledge.tools import Tools, with_tools
from treemem.models.embedders import Embedder
from treemem.models.llm import LLM
from treemem.models.rerankers import Reranker
from treemem.read import audit, conversing, explaining, filed, getting, graph
from treemem.read.states import VISIBLE
from treemem.records import (
    Added,
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
from treemem.reorganize.reorganizer import Reorganizer
from treemem.search import asking
from treemem.search.context import rough_tokens
from treemem.search.finish import Dedup
from treemem.search.options import SearchOptions
from treemem.search.results import SearchResult
from treemem.search.when import WhenLike
from treemem.signatures import checked_verbs
from treemem.store.protocol import LIVE, GraphStore
from treemem.tasks.verbs import Tasks
from treemem.temporal import Clock, TimeLike, system_clock
from treemem.write import (
    adding,
    changing,
    filing,
    hiding,
    linking,
    messaging,
    purging,
    reading,
    reading_later,
    reembedding,
    reindexing,
    undoing,
)
from treemem.write.addition import Progress
from treemem.write.intent import Intent
from treemem.write.messaging import OnError
from treemem.write.remembering import Remember

if TYPE_CHECKING:
    import neo4j
    import networkx


@checked_verbs
class TreeTextMemory:
    """The memory of one cube (a tenant), in an embedded file or in Neo4j. Thread-safe; use it as a context manager.

    >>> with TreeTextMemory.open("example.db") as memory:
    ...     (anna,) = memory.add("Anna moved to Lisbon.", at="2026-05-03")
    ...     memory.get(anna).memory
    'Anna moved to Lisbon.'
    """

    def __init__(
        self,
        config: TreeTextMemoryConfig | None = None,
        *,
        embedder: Embedder | str | None = None,
        clock: Clock = system_clock,
        store: GraphStore | None = None,
        driver: Any = None,
        bookmarks: Iterable[str] = (),
        walled: bool = False,
        reranker: Reranker | None = None,
        llm: LLM | None = None,
    ) -> None:
        """Open the memory that `config` describes, or one over a `store` that the caller closes.

        What the configuration leaves out comes from the environment; `embedder` (a model, or the name of a kind as in
        `open`) and `driver` stand before it. Reads see what the `bookmarks` stand for. A `walled` memory cannot reach
        another cube.
        """
        context = open_context(
            config,
            embedder=embedder,
            clock=clock,
            store=store,
            driver=driver,
            bookmarks=bookmarks,
            walled=walled,
            reranker=reranker,
            llm=llm,
        )
        self._take(context, is_view=False)
        self._owns_store = store is None
        if context.config.reorganize:
            try:
                self.reorganizer.start()
            except BaseException:
                self.close()
                raise

    def _take(self, context: Context, *, is_view: bool) -> None:
        self._context = context
        self._is_view = is_view
        self._owns_store = False
        self._reorganizer: Reorganizer | None = None
        self._tasks: Tasks | None = None

    @classmethod
    def open(
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
        note_preferences: bool | None = None,
        note_tools: bool | None = None,
        zone: str | None = None,
        capacity: Mapping[str, int] | None = None,
        reranker: Reranker | None = None,
        llm: LLM | None = None,
        bookmarks: Iterable[str] = (),
    ) -> TreeTextMemory:
        """Open a memory: a file path for the embedded store, `neo4j://host:7687` for a server, nothing for the default.

        `embedder` is a model or the name of a kind: "minilm", which is carried, or "multilingual", of that extra. A
        `driver` of your own is used as it is and left open; `trusted_certificates` is a PEM file for TLS. What is left
        out comes from the environment (TREEMEM_STORE, TREEMEM_CUBE, ...). `timeout` is in seconds; `actor` is kept
        with every operation; `user_id` and `session_id` open it for a caller. A `reranker` orders the best hits of
        every search; an `llm` serves `read`, `search(mode="fine")` and the reorganizer. Without `record_usage` searches
        do not count what they return, and write nothing. With `note_preferences=False` what users state that they
        prefer is not noted apart when their messages are added, with `note_tools=False` calls of tools are not. `zone`
        ("Europe/Lisbon") is where times without one are read, and the days and weeks of questions; without it, where
        the machine is. `capacity` is how many memories of each type the reorganizer leaves active (20 working, 1,500
        long-term, 480 user memories); `{}` bounds none. In a Neo4j cluster, what the memory that gave the `bookmarks`
        had seen is seen here. Raises ConfigError, StoreError.
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
            "note_preferences": note_preferences,
            "note_tools": note_tools,
            "zone": zone,
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
        return self._view(self._context.of_cube(name, walled=walled))

    def for_caller(self, user_id: str | None = None, session_id: str | None = None) -> TreeTextMemory:
        """Return the same memory as a caller sees it; closing it leaves the store open.

        A caller sees public memories, private ones of its user or of nobody, and those of its session, state by state.
        It changes what is its own or nobody's, and what it adds is its own; a session without a user adds what its
        session sees. Verbs about the whole cube (`check`, `content_hash`, `dump`, `load`, `drop`, `reembed`, `reindex`)
        and the store raise NotAllowedError in its view, and so does asking it for the view of another caller.
        """
        return self._view(self._context.of_caller(user_id, session_id))

    def with_clock(self, clock: Clock) -> TreeTextMemory:
        """Return the same memory with another clock; closing it leaves the store open."""
        return self._view(replace(self._context, clock=clock))

    @classmethod
    def _view(cls, context: Context) -> TreeTextMemory:
        view = cls.__new__(cls)
        view._take(context, is_view=True)
        return view

    def close(self) -> None:
        """End the background workers and release the store's connections, if this memory opened the store."""
        if self._is_view:
            return
        self._context.workers.close()
        if self._context.usage is not None:
            self._context.usage.close()
        if self._owns_store:
            self._context.store.close()

    def bookmarks(self) -> list[str]:
        """Return what a memory in another process must be given to see all that was written and read here.

        Only the servers of a Neo4j cluster need it; a memory over a file returns an empty list. Within one memory, and
        all views of it, a read always sees the writes before it.
        """
        return self._context.store.bookmarks()

    def wait_for(self, bookmarks: Iterable[str]) -> None:
        """Let every later call see what the memory that gave these `bookmarks` had seen; waits until the server has it.

        Raises InvalidInputError if they are not texts or the server does not know them; nothing is changed then.
        """
        self._context.store.wait_for(bookmarks)

    @property
    def cube_id(self) -> str:
        """The cube this memory reads and writes."""
        return self._context.cube

    @property
    def user_id(self) -> str | None:
        """The user whose view this memory is; None for that of no user."""
        return self._context.caller.user_id

    @property
    def session_id(self) -> str | None:
        """The session whose view this memory is; None for that of no session."""
        return self._context.caller.session_id

    @property
    def zone(self) -> str | None:
        """The IANA name of the zone in which times without one are read, None for the machine's."""
        return self._context.config.zone

    @property
    def embedder(self) -> Embedder:
        """The model that makes the vectors of this memory."""
        return self._context.embedder

    @property
    def store(self) -> GraphStore:
        """The store underneath, which reaches every cube and every state.

        Raises InvalidInputError on a walled memory, NotAllowedError on a caller's.
        """
        self._context.caller.require_whole_cube("store")
        if self._context.walled:
            raise InvalidInputError(f"cube {self.cube_id!r}: this view cannot reach the store; ask whoever opened it")
        return self._context.store

    @property
    def reorganizer(self) -> Reorganizer:
        """The reorganizer of this cube."""
        if self._reorganizer is None:
            self._reorganizer = Reorganizer(self._context)
        return self._reorganizer

    @property
    def tasks(self) -> Tasks:
        """What is done later in this cube: the queue, and workers for it."""
        if self._tasks is None:
            self._tasks = Tasks(self._context)
        return self._tasks

    @property
    def preferences(self) -> Preferences:
        """What the users of this memory prefer."""
        return Preferences(self._context)

    @property
    def knowledge_bases(self) -> KnowledgeBases:
        """The knowledge bases of this cube."""
        return KnowledgeBases(self._context)

    @property
    def skills(self) -> Skills:
        """How things are done: skills that were added, imported, or found in what was repeated."""
        return Skills(self._context)

    @property
    def tools(self) -> Tools:
        """The tools that conversations called, with what came of it."""
        return Tools(self._context)

    def __enter__(self) -> TreeTextMemory:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- Adding -----------------------------------------------------------------------------------------------------

    def add(
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
        return adding.add(self._context, memories, at, until, Intent(operation_id, actor, reason), progress, metadata)

    def add_messages(
        self,
        messages: Iterable[Any],
        *,
        conversation_id: str | None = None,
        mode: str = "fast",
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

        With `mode="fine"` the memory's `llm` reads what was added, once it is committed, as `read` does. Without one
        nothing is written; where the reading fails, ReadingError says so, and the messages are kept. With
        `mode="async"` a worker reads it (see `tasks`): the tasks for it are committed with the messages, and their ids
        are the `task_ids` of what comes back, which is a list as ever.
        """
        reading.check_mode(self._context, mode, "add_messages")
        intent = Intent(operation_id, actor, reason)
        queue = reading_later.QueuedReading(self._context) if mode == "async" else None
        ids = messaging.add_messages(
            self._context,
            messages,
            conversation_id,
            replay,
            remember,
            on_error,
            intent,
            progress,
            metadata,
            amend=queue,
        )
        if mode == "fine":
            reading.read_added(self._context, ids, intent)
        return ids if queue is None else Added(ids, queue.task_ids)

    def messages(
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
        return conversing.messages(self._context, conversation_id, limit, before, after)

    def conversations(self, *, limit: int | None = None) -> list[Conversation]:
        """Return the conversations, the one that went on last first."""
        return conversing.conversations(self._context, limit)

    def add_documents(
        self,
        documents: DocumentLike | Iterable[DocumentLike],
        *,
        mode: str = "fast",
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
        again. Nothing is fetched from anywhere. With `mode="fine"` the `llm` reads the new passages once they are
        committed, as `read` does; where that fails, ReadingError says so, and the documents are kept. With
        `mode="async"` a worker reads what is new, by tasks that are committed with it; their ids are the `task_ids` of
        the list that comes back.
        """
        ctx = self._context
        reading.check_mode(ctx, mode, "add_documents")
        intent = Intent(operation_id, actor, reason)
        queue = reading_later.QueuedReading(ctx) if mode == "async" else None
        added = filing.add_documents(ctx, documents, at, on_error, intent, progress, metadata, amend=queue)
        if mode == "fine":
            reading.read_added(ctx, [i for each in added for i in (*each.added, *each.kept)], intent)
        return added if queue is None else Added(added, queue.task_ids)

    def add_events(
        self,
        events: Mapping[str, Any] | Iterable[Mapping[str, Any]],
        *,
        mode: str = "fast",
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
        **metadata: Any,
    ) -> list[str]:
        """Store what somebody did in an application, as it was told, and return the ids: one memory an event.

        An event is a dict with an `action` ("bookmarked"), and optionally an `object`, `at`, `by` and an `id` by which
        it is known again; all else is kept in `info["behaviour"]`. It becomes a UserMemory of type "behaviour" that
        holds from then on. All events are looked at before the first is written. Nothing is concluded from them
        without a language model: with `mode="fine"` the memory's `llm` reads them once they are committed, as `read`
        does, and what they show becomes implicit preferences, each DERIVED_FROM its event; where that fails,
        ReadingError says so, and the events are kept. With `mode="async"` a worker reads them; the ids of its tasks are
        the `task_ids` of the list. Raises InvalidInputError, MemoryExistsError.
        """
        ctx = self._context
        reading.check_mode(ctx, mode, "add_events")
        intent = Intent(operation_id, actor, reason)
        queue = reading_later.QueuedReading(ctx) if mode == "async" else None
        items, shared = event_items(events, metadata)
        ids = adding.add(ctx, items, None, None, intent, progress, shared, amend=queue)
        if mode == "fine":
            reading.read_added(ctx, ids, intent)
        return ids if queue is None else Added(ids, queue.task_ids)

    def read(
        self,
        ids: str | Iterable[str] | None = None,
        *,
        since: TimeLike | None = None,
        conversation_id: str | None = None,
        llm: LLM | None = None,
        dry_run: bool = False,
        again: bool = False,
        confirm: bool | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
    ) -> ReadingReport:
        """Let a language model read what was added, and remember what it finds there: facts, events, opinions,
        preferences, plans, procedures and relations, each with the words that it rests on.

        What is read are messages, passages of documents (or a document by its id), and plain memories: those of `ids`,
        those added or changed `since` a transaction time, those of a conversation, or all; of a caller, its own. Up to
        twenty lines are one window, and one call. What was read with this prompt before is not read again, unless
        `again`; so repeating it after a failure does what is left. With `dry_run` nothing is written.

        An item is kept only if its quote stands in what it was read from, and its names, numbers, dates, yes or no and
        speaker do too; the report tells what was dropped, and why. It is a memory with its kind, speaker, polarity and
        modality in `info`, DERIVED_FROM what it was read from, and follows that: into erasure, out of sight, behind
        walls. What is known already gets one more source. An item supersedes another one only where the judge sees that
        its speaker says so, and ends no more than an item. What was added stays as it is.

        With `confirm` (by default the setting `confirm_readings`) the model is asked once more a window, where items
        are near to what is known and the rules are not sure, whether they repeat or deny that; their words bind it.

        `llm` stands before the memory's. A model that fails does not raise: the report's `failed` and `left` say so.
        Raises InvalidInputError, also without a model, MemoryNotFoundError, NotAllowedError.
        """
        intent = Intent(None, actor, reason)
        wanted = ids if ids is None or isinstance(ids, str) else list(ids)
        return reading.read(
            self._context, wanted, since, conversation_id, llm, dry_run, again, confirm, intent, progress
        )

    def remove_documents(
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
        return filing.remove_documents(self._context, ids, Intent(operation_id, actor, reason))

    def documents(self) -> list[DocumentRecord]:
        """Return the documents of this cube, as they are now, by what they are called."""
        return filed.documents(self._context)

    def replace_working_memory(
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
        return adding.replace_working_memory(self._context, memories, Intent(operation_id, actor, reason))

    # ---- Changing what memories say ---------------------------------------------------------------------------------

    def update(
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
        return changing.update(self._context, memory_id, new, at, Intent(operation_id, actor, reason), metadata)

    def correct(
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
        return changing.correct(self._context, memory_id, new, at, Intent(operation_id, actor, reason), metadata)

    def feedback(
        self,
        text: str,
        *,
        conversation_id: str | None = None,
        about: str | Iterable[str] | None = None,
        llm: LLM | None = None,
        apply: bool = True,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> FeedbackPlan:
        """Let what somebody says about what is remembered change it: correct, add, replace a name, retract, prefer.

        "No, my dentist is Dr. Okafor", "The limit is 600, not 800", "Call it Orion instead of Apollo",
        "That is wrong, forget it" (`about=` the memory), "From now on, answer in German"; in the languages of the
        packs. The words are kept as a message, of `conversation_id` if given; all that they change is one operation,
        which `undo` takes back. With `apply=False` nothing is written: the plan says what would change, from which text
        to which, and why.

        `about` are the ids of the memories that are meant, those that were shown, say; without it a search finds them.
        Without a language model the cues of the language packs and the judge decide; what they do not plainly say
        changes nothing, and the plan says so. An `llm`, else that of the memory, is asked once where the words are not
        plain by themselves; only memories that it was shown change, and names and numbers must stand in the feedback
        or in the memory. A caller's feedback changes its own memories alone; what is frozen stays. Raises
        InvalidInputError, MemoryNotFoundError, NotAllowedError, ConflictError.
        """
        return corrections.feedback(
            self._context,
            text,
            conversation_id,
            about,
            llm,
            apply,
            Intent(operation_id, actor, reason),
        )

    def expire(
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
        return changing.expire(self._context, memory_id, at, Intent(operation_id, actor, reason))

    # ---- Hiding, freezing, taking back, erasing ---------------------------------------------------------------------

    def delete(
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
        return hiding.delete(self._context, ids, Intent(operation_id, actor, reason))

    def delete_all(self, *, actor: str | None = None, reason: str | None = None) -> Receipt | None:
        """Hide every memory of the cube, whenever it held or holds; None if there was none.

        A caller hides what is its own altogether; a memory that at some time says what is somebody else's stays.
        """
        return hiding.delete_all(self._context, Intent(None, actor, reason))

    def archive(
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
        return hiding.archive(self._context, ids, Intent(operation_id, actor, reason))

    def restore(
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
        return hiding.restore(self._context, ids, Intent(operation_id, actor, reason))

    def freeze(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Refuse every change to these memories but `unfreeze` (and `purge`). Raises as `delete` does."""
        return hiding.freeze(self._context, ids, Intent(operation_id, actor, reason))

    def unfreeze(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Allow changes to frozen memories again. Raises MemoryNotFoundError, ConflictError."""
        return hiding.unfreeze(self._context, ids, Intent(operation_id, actor, reason))

    def undo(
        self, operation: str, *, operation_id: str | None = None, actor: str | None = None, reason: str | None = None
    ) -> Receipt:
        """Take an operation back by a new one: close what it opened, open copies of what it closed.

        A batch is taken back part by part, the last one first; undoing the undo brings it back. Raises
        OperationNotFoundError, and UndoRefusedError naming the later operations that stand on it.
        """
        return undoing.undo(self._context, operation, Intent(operation_id, actor, reason))

    def purge(
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
        return purging.purge(self._context, ids, Intent(operation_id, actor, reason))

    # ---- Joining ----------------------------------------------------------------------------------------------------

    def link(
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
        PRECEDING, FOLLOWING) are understood, here and wherever types are asked for. Its SUMMARY, INFERS, MATERIAL and
        AGGREGATE_TO are DERIVED_FROM, from what was made to what it was made from, so that a purge takes both; the
        property `memos_types` keeps the name.

        Raises InvalidChangeError if an end is missing or PARENT would get a second parent or a cycle, and
        MemoryNotFoundError if the caller may not see an end.
        """
        return linking.link(
            *(self._context, source, type, target, weight, confidence, at, until, properties),
            Intent(operation_id, actor, reason),
        )

    def unlink(
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
        return linking.unlink(self._context, source, type, target, at, Intent(operation_id, actor, reason))

    # ---- Reading ----------------------------------------------------------------------------------------------------

    def get(
        self, memory_id: str, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> TextualMemoryItem:
        """Return one memory as it held at `as_of`, as known at `known_at`. Raises MemoryNotFoundError."""
        return getting.get(self._context, memory_id, as_of, known_at)

    def get_by_ids(
        self, ids: Iterable[str], *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> list[TextualMemoryItem]:
        """Return the memories that hold at the moment, in the order of `ids`; the others are left out."""
        return getting.get_by_ids(self._context, ids, as_of, known_at)

    def get_all(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the whole graph at a moment as `{"nodes": [...], "edges": [...]}` of plain, JSON-able values.

        `pages` reads it piece by piece.
        """
        return getting.get_all(self._context, as_of, known_at)

    def get_working_memory(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None
    ) -> list[TextualMemoryItem]:
        """Return the working memory, in order of id."""
        return getting.get_working_memory(self._context, as_of, known_at)

    def pages(
        self,
        *,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        filter: FilterLike | None = None,
        memory_types: Sequence[str] | None = None,
        statuses: Sequence[str] = VISIBLE,
        cursor: str | None = None,
        limit: int = 500,
    ) -> Iterator[MemoryPage]:
        """Yield pages of the memories that pass `filter`, in order of id, all at one moment.

        A page's `cursor` continues after it.
        """
        return getting.pages(self._context, as_of, known_at, filter, memory_types, statuses, cursor, limit)

    # ---- Asking -----------------------------------------------------------------------------------------------------

    def _seen_by(self, user_id: str | None, session_id: str | None) -> Context:
        """Return the context of the caller that a search names, or this memory's own."""
        if user_id is None and session_id is None:
            return self._context
        return self._context.of_caller(user_id, session_id)

    def search(
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
        knowledge_bases: Sequence[str] | None = None,
        user_id: str | None = None,
        session_id: str | None = None,
        budget: float | None = None,
        options: SearchOptions | None = None,
        explain: bool = False,
        preferences: int = 0,
        tools: int = 0,
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
        with one ranking; the `knowledge_bases` named are searched beside it, their hits say from which they are.
        `user_id` and `session_id` name the caller, who sees nothing that is not theirs to see, in hits and paths alike.

        `budget` is in seconds: where they do not suffice, the walk is shorter and a reranker is left out, and the
        result's `degraded` says so. A model that fails never fails the search; `degraded` says that too. With
        `explain`, the result's `explanation` tells what each stage did and took. Raises InvalidInputError, and
        EmbedderError where the question cannot be embedded. Of a question, the model reads what it can, everything else
        the first 10,000 characters.

        With `preferences` so many of the caller's preferences in this cube come apart (`result.preferences`): standing
        wishes, then those nearest to the question, with `result.preference_note` for a prompt. With `tools` so many
        tools come the same way (`result.tools`, `result.tool_note`), with the calls nearest to the question. The hits
        are as without.
        """
        caller = self._seen_by(user_id, session_id)
        result = asking.search(
            caller,
            query,
            top_k,
            mode,
            as_of,
            known_at,
            when,
            include_superseded,
            filter,
            memory_types,
            statuses,
            limits,
            dedup,
            relativity,
            conversation_id,
            cubes,
            knowledge_bases,
            budget,
            options,
            explain,
        )
        result = with_preferences(caller, result, query, preferences, known_at)
        return with_tools(caller, result, query, tools, known_at)

    def context(
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
        ctx = self._seen_by(search.pop("user_id", None), search.pop("session_id", None))
        return asking.context(ctx, question, max_tokens, count_tokens, top_k, search)

    @overload
    def chat(
        self,
        message: str | Iterable[Any],
        *,
        conversation_id: str | None = None,
        system: str | None = None,
        top_k: int = 6,
        preferences: int = 6,
        tools: int = 0,
        token_budget: int = 4_000,
        max_tokens: int = 1_024,
        count_tokens: Callable[[str], int] = rough_tokens,
        remember: bool | Remember = True,
        stream: Literal[False] = False,
        llm: LLM | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        **search: Any,
    ) -> ChatAnswer: ...
    @overload
    def chat(
        self,
        message: str | Iterable[Any],
        *,
        conversation_id: str | None = None,
        system: str | None = None,
        top_k: int = 6,
        preferences: int = 6,
        tools: int = 0,
        token_budget: int = 4_000,
        max_tokens: int = 1_024,
        count_tokens: Callable[[str], int] = rough_tokens,
        remember: bool | Remember = True,
        stream: Literal[True],
        llm: LLM | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        **search: Any,
    ) -> ChatStream: ...
    def chat(
        self,
        message: str | Iterable[Any],
        *,
        conversation_id: str | None = None,
        system: str | None = None,
        top_k: int = 6,
        preferences: int = 6,
        tools: int = 0,
        token_budget: int = 4_000,
        max_tokens: int = 1_024,
        count_tokens: Callable[[str], int] = rough_tokens,
        remember: bool | Remember = True,
        stream: bool = False,
        llm: LLM | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        **search: Any,
    ) -> ChatAnswer | ChatStream:
        """Answer a message with what the memory knows, and keep what was said.

        The `top_k` memories that answer the message best, and the last lines of its conversation, go to the language
        model that the memory was opened with, or to `llm`: as data, each memory a line that nothing in it can end. They
        take at most `token_budget` tokens, counted by `count_tokens`, the conversation at most half of them. So many
        `preferences` of whoever asks as bear on the message are told beside them, as what to keep to, and so many
        `tools` with the calls that were made of them. Of several messages the last is answered, and those before it are
        the conversation; `system` is told as well.

        Question and answer are added to the conversation as `add_messages` adds them, in one operation; without a
        `conversation_id` a new one is begun, which the answer names. The answer's `info["used"]` has the ids of the
        memories that the model was shown, and no texts. With `remember=False` nothing is written; "all" and "new" are
        as in `add_messages` (True is "new"). With an `operation_id` a repeated call asks no model: it returns the
        answer of the first, without hits. Raises OperationMismatchError where the id was used for anything else.

        With `stream=True` the answer comes piece by piece, and is written when it is whole (see `ChatStream`). A model
        that fails or says nothing, or whose answer is cut at `max_tokens`, raises LLMError, and nothing is written.
        Without a language model it raises InvalidInputError. `search` goes to `search()`.
        """
        ctx = self._seen_by(search.pop("user_id", None), search.pop("session_id", None))
        return answering.chat(
            ctx,
            message,
            conversation_id,
            system,
            top_k,
            preferences,
            tools,
            token_budget,
            max_tokens,
            count_tokens,
            remember,
            stream,
            llm,
            Intent(operation_id, actor, reason),
            search,
        )

    def get_relevant_subgraph(
        self, query: str, top_k: int = 10, depth: int = 1, *, max_nodes: int = 200, **search: Any
    ) -> MemoryGraph:
        """Return the best hits of a search and what lies within `depth` steps of them, with the edges among them.

        The hits are there with score and path, also those that ended before the moment looked at. `plain()` gives
        nodes and edges for drawing, `to_networkx()` a networkx graph. `search` goes to `search()`, but for `cubes`.
        Raises InvalidInputError.
        """
        ctx = self._seen_by(search.pop("user_id", None), search.pop("session_id", None))
        return asking.get_relevant_subgraph(ctx, query, top_k, depth, max_nodes, search)

    # ---- The graph --------------------------------------------------------------------------------------------------

    def neighbours(
        self,
        memory_id: str,
        *,
        types: Sequence[str | EdgeType] | None = None,
        direction: str = "both",
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
    ) -> list[Neighbour]:
        """Return the edges at a memory that hold at the moment, each with the memory at its other end.

        `direction` is out, in or both. Entities and sources come as ids without a memory. Strongest first. A name of
        MemOS's among `types` stands for the type that it means, and its direction is that of the name: what `a INFERS
        b` made is found out of a, as an edge DERIVED_FROM that leads into it.
        """
        return graph.neighbours(self._context, memory_id, types, direction, as_of, known_at)

    def subgraph(
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
        return graph.subgraph(self._context, ids, depth, types, max_nodes, as_of, known_at)

    def path(
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
        return graph.path(self._context, source, target, types, directed, as_of, known_at)

    def tree(
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
        return graph.tree(self._context, root, orphans, as_of, known_at)

    def subtree(
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
        return graph.subtree(self._context, memory_id, depth, as_of, known_at)

    # ---- What happened ----------------------------------------------------------------------------------------------

    def history(self, memory_id: str) -> list[MemoryVersion]:
        """Return every state the memory ever had, in the order it was learned, with who, when and why.

        A caller sees its states, and who and why of operations that touched nothing else.
        """
        return audit.history(self._context, memory_id)

    def explain(self, memory_id: str) -> Provenance:
        """Return where a memory comes from. Of an item that was read: its words in the memory they stand in, who said
        them and when, and the prompt and the model that made it. Print it to read it.

        Raises MemoryNotFoundError.
        """
        return explaining.explain(self._context, memory_id)

    def operations(
        self, *, since: TimeLike | None = None, until: TimeLike | None = None, limit: int = 100
    ) -> list[OperationRecord]:
        """Return the audit trail, newest first: who did what, when and why. Times are transaction times.

        A caller sees the operations that touched nothing but what the caller may see.
        """
        return audit.operations(self._context, since, until, limit)

    def diff(self, known_at_1: TimeLike, known_at_2: TimeLike | None = None) -> MemoryDiff:
        """Return what was learned after `known_at_1` up to `known_at_2` (default: now): added, changed, closed.

        The cost grows with what changed in between. Raises InvalidInputError if the times are in the wrong order.
        """
        return audit.diff(self._context, known_at_1, known_at_2)

    def stats(self) -> Statistics:
        """Return how many rows of each kind the cube has, its clock, model and where it lies.

        For a caller: how many it sees now, and the operations that touched nothing else.
        """
        return audit.stats(self._context)

    def check(self) -> list[str]:
        """Return a line for every broken invariant of the cube; an empty list means that it is sound."""
        return audit.check(self._context)

    def content_hash(self, *, known_at: TimeLike | None = None) -> str:
        """Return a hash of what the cube says at a transaction time; equal after an undo and between stores."""
        return audit.content_hash(self._context, known_at)

    # ---- The whole cube ---------------------------------------------------------------------------------------------

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
        return keeping.dump(self._context, folder, as_of, known_at, progress)

    def load(self, folder: str | Path, *, progress: Progress | None = None) -> int:
        """Load what `dump` wrote, history and embeddings included, and return the number of rows.

        The cube must be empty, or hold part of the same archive after a crash. A folder with `textual_memory.json`
        alone is added as memories and links. The whole file is checked first: a damaged one raises InvalidInputError
        that names line and reason, and nothing is written. Raises ConflictError if the cube is erased meanwhile.
        """
        return keeping.load(self._context, folder, progress)

    def backup(self, path: str | Path, *, progress: Progress | None = None) -> Path:
        """Copy the whole embedded store, all its cubes, into a new file and return its path. Others may go on writing.

        The copy is the store at one moment; it is looked through before it is there, and is opened like any other. It
        keeps what is purged later. Raises InvalidInputError if something is there already, or for a server, which
        copies its databases itself, StoreFullError, StoreError.
        """
        return copies.backup(self._context, path, progress)

    def export(
        self,
        path: str | Path,
        *,
        format: str | None = None,
        filter: FilterLike | None = None,
        below: str | None = None,
        as_of: TimeLike | None = None,
        known_at: TimeLike | None = None,
        progress: Progress | None = None,
    ) -> Path:
        """Write the cube into one file and return its path. What ends its name says the format, or `format` does.

        `archive` (.jsonl; .jsonl.zst packed, with the extra `zstd`) is everything, with history, as in `dump`;
        `memos` (.json) what holds now, as MemOS reads it; `graphml` (.graphml) the same for Gephi, yEd and networkx.
        `import_` reads all three. `cypher` (.cypher) is a script that makes everything in an empty Neo4j, `neo4j-csv`
        a folder of CSV for `neo4j-admin`, `neo4j-parquet` one of Parquet (extra `parquet`). With `as_of` and `known_at`
        the cube at another moment.

        An archive may be of a part: of the memories that match a `filter` at that moment and are not deleted, of those
        `below` a memory in the tree, with it, each with its history; of a caller, always of what it sees. It says what
        it was cut by, leaves out the edges that lead out of it and counts them, and is imported as a cube of its own.
        The other formats give a caller what it sees, too, but for the last three, which are about the whole cube.

        A file that is there is replaced. Only the owner can read it; a symbolic link is refused. Raises
        InvalidInputError, MemoryNotFoundError, NotAllowedError, StoreFullError, StoreError, and ConflictError if the
        cube is dropped or embedded anew meanwhile, or a part of it is purged from.
        """
        return exporting.export(self._context, path, format, filter, below, as_of, known_at, progress)

    def archive_hash(self, path: str | Path | None = None, *, known_at: TimeLike | None = None) -> str:
        """Return the hash that an archive of the cube has now, or the one of the archive at `path`, which is checked.

        Two cubes of the same name have the same hash if all they ever recorded is equal, on whichever stores they lie;
        a file has that of the cube that it was written from, until something is written there or recalled. Raises
        InvalidInputError, StoreError, ConflictError if the cube is dropped meanwhile.
        """
        return keeping.archive_hash(self._context, path, known_at)

    def import_(
        self,
        path: str | Path,
        *,
        format: str = "auto",
        conversation_id: str | None = None,
        group_ids: Sequence[str] | None = None,
        remember: Remember = "new",
        on_error: Literal["raise", "skip"] = "raise",
        merge: bool = False,
        reembed: bool = False,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
    ) -> Imported:
        """Read a file of this library or of another program into the cube: an archive, MemOS's `textual_memory.json`,
        memories or histories of mem0, what Zep and Letta give as JSON, GraphML, or chats as ChatGPT, Claude, Telegram,
        Slack, WhatsApp and others export them (`treemem formats`).

        The URI of a Neo4j database that Graphiti wrote (`neo4j://host:7687/database`) reads that graph, or some
        `group_ids` of it, and changes nothing there. User and password stand in the URI, or in the
        environment (TREEMEM_GRAPHITI_USER, TREEMEM_GRAPHITI_PASSWORD).

        An archive becomes a cube, of whatever name, that is empty before. Readers see nothing of it until all is there;
        what was cut off is finished by importing it again, or taken back by `drop`. With `merge=True` it is added to
        what the cube holds, in one transaction: what both have must be equal, and is refused by name where it is not.
        With `reembed=True` its vectors are made again if they are of another model.

        A graph is added as one operation, which `undo` takes back; what MemOS says that has no place here goes into
        `info`, vectors are made again. Chats go into their conversations, of which a file with only one can be given
        the `conversation_id`. Importing again adds what is new; an edge that was ended here
        stays so. An archive, a graph or a history is looked through before anything is written, of chats each
        conversation. What cannot be read, or does not fit the cube, is refused, by place and reason, or with
        `on_error="skip"` left out and told. Raises InvalidInputError, MemoryExistsError, InvalidChangeError,
        NotAllowedError.
        """
        intent = Intent(None, actor, reason)
        return importing.import_(
            self._context,
            path,
            format,
            conversation_id,
            group_ids,
            remember,
            on_error,
            merge,
            reembed,
            intent,
            progress,
        )

    def to_networkx(
        self, *, as_of: TimeLike | None = None, known_at: TimeLike | None = None, flat: bool = False
    ) -> networkx.MultiDiGraph[str]:
        """Return what holds at a moment as a networkx graph.

        A node has its `kind` (memory, entity, source) and a short `label`, a memory also its text (`memory`) and its
        fields; an edge, whose key is its type, has `type`, `weight`, `confidence`, times and `properties`. Times are
        texts. An entity or a source whose id a memory has, too, is called by its kind and its id, with a blank between.

        With `flat` all attributes are texts, numbers and booleans, as `write_graphml`, `write_gexf` and `write_gml`
        want them: a list or a dict is JSON, with `__json` behind its name. `from_networkx` reads both.
        """
        return networks.to_networkx(self._context, as_of, known_at, flat)

    def to_frames(
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
        return frames.to_frames(self._context, library, as_of, known_at)

    def from_networkx(
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
        become `properties`. Times become texts, Decimals numbers or texts. What cannot be kept, such as NaN or a node's
        edge to itself, is left out; parallel edges of one type become one, with what the others say in its property
        `parallel`; the `notes` of the result say so.

        Raises InvalidInputError, MemoryExistsError, InvalidChangeError, NotAllowedError.
        """
        return importing.from_networkx(self._context, graph, on_error, Intent(None, actor, reason), progress)

    def drop(self, keep_last_n: int = 30, *, backups: str | Path | None = None) -> Path | None:
        """Back the cube up, then erase it with its history; return the backup's folder, None if the cube was empty.

        Backups lie under `backups` (default: `treemem-backups` beside the embedded file, or in the user's data folder
        for a server), in a folder named after the cube, a folder each; the newest `keep_last_n` of this cube stay, and
        whatever treemem did not make. `load` brings one back. What others write meanwhile is in the backup, or in the
        cube afterwards. Nothing is erased if the backup fails, and nothing is left of that backup.

        Raises InvalidInputError, StoreFullError, StoreError.
        """
        return keeping.drop(self._context, keep_last_n, backups)

    def reembed(self, *, progress: Progress | None = None) -> int:
        """Give the cube the model that this memory was opened with; return how many states were embedded.

        New vectors are made in batches and kept beside the old ones, so that others search on with the old model, then
        put in place. After a crash, calling it again goes on where it stopped. Every state is embedded from its text,
        past ones too; vectors that were given with a memory are replaced. Raises EmbedderError, StoreError.
        """
        return reembedding.reembed(self._context, progress)

    def reindex(self, *, progress: Progress | None = None) -> int:
        """Make the index entries of what is stored as this version makes them; return how many states were renewed.

        Memories of an earlier version of treemem are found like those of today then: by the passages of a long text,
        by words in their basic forms. No text, time or id changes; the vector of a text stays, and those of passages
        that have none are made. It goes through the cube in parts, beside readers and writers; what is as it should be
        is left alone, so that repeating it after a crash goes on. Raises ModelMismatchError if the cube has another
        model, EmbedderError, StoreError.
        """
        return reindexing.reindex(self._context, progress)
