"""Verbs that add to the graph, join memories, and erase. Each builds change sets and hands them to the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from treemem import planning
from treemem.adding import Addition, Progress, checked_span, write_parts
from treemem.canonical import canonical_json
from treemem.changes import MAX_ROWS, ChangeSet, EdgeAssert, EdgeType, Receipt
from treemem.contents import fields_of
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.filters import joined, of_types
from treemem.items import TextualMemoryItem, as_item, checked_id
from treemem.temporal import END, Moment, TimeLike, parse_time
from treemem.verbs.arguments import distinct_ids, edge_type, within
from treemem.verbs.changing import ChangeVerbs, MemoryLike
from treemem.verbs.session import VISIBLE


class WriteVerbs(ChangeVerbs):
    """add, add_messages, replace_working_memory, purge, link, unlink."""

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
        many = [memories] if isinstance(memories, (str, Mapping, TextualMemoryItem)) else memories
        if not isinstance(many, Iterable):
            raise InvalidInputError(f"memories: wanted memories or an iterable of them, found {type(many).__name__}")
        span = (None if at is None else parse_time(at, "at"), END if until is None else parse_time(until, "until"))
        base = self._base("add", operation_id, actor, reason)
        addition = self._addition(base, operation_id)
        groups = addition.from_items(many, span, metadata)
        write_parts(self._store, base, groups, progress, len(many) if isinstance(many, Sequence) else None)
        return addition.ids

    def _addition(self, base: ChangeSet, operation_id: str | None) -> Addition:
        owner = {"user_id": self._config.user_id, "session_id": self._config.session_id}
        return Addition(
            self._cube,
            self._embedder,
            base,
            stable_ids=operation_id is not None,
            owner={name: value for name, value in owner.items() if value is not None},
        )

    def add_messages(
        self,
        messages: Iterable[Mapping[str, Any]],
        *,
        conversation_id: str | None = None,
        replay: bool = False,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
        progress: Progress | None = None,
        **metadata: Any,
    ) -> list[str]:
        """Store a conversation: one memory a message, each with the message before as `background`; return the ids.

        A message is a dict with `content` and, optionally, `role`, `name`, `chat_time`, `id` and `metadata`. Messages
        are joined by FOLLOWS, to the names they mention and to their source. With `replay` the `chat_time` is also
        taken as the time the memory learned it, as long as it is not before the cube's last change.
        """
        base = self._base("add_messages", operation_id, actor, reason)
        addition = self._addition(base, operation_id)
        groups = addition.from_messages(messages, metadata, conversation_id, replay=replay)
        write_parts(self._store, base, groups, progress, len(messages) if isinstance(messages, Sequence) else None)
        return addition.ids

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
        many = [memories] if isinstance(memories, (str, Mapping, TextualMemoryItem)) else list(memories)
        given = [as_working(memory) for memory in many]
        base = self._base("replace_working_memory", operation_id, actor, reason)
        addition = self._addition(base, operation_id)
        groups = list(addition.from_items(given, (None, END), {}))
        kept = set(addition.ids)
        request = [[i, fields_of(item)] for i, item in zip(addition.ids, given, strict=True)]
        base = replace(base, request=canonical_json(["replace_working_memory", request]))

        def plan() -> ChangeSet:
            now = self._pages(Moment(base.now), VISIBLE, where=joined(of_types(["WorkingMemory"]), self._visible))
            gone = [state.memory_id for page in now for state in page.states if state.memory_id not in kept]
            deleting = self._plan_rewrite(replace(base, kind="delete"), gone) if gone else base
            whole = planning.with_rows(
                base,
                states=[*deleting.states, *(s for g in groups for s in g.states)],
                edges=[e for g in groups for e in g.edges],
                entities={e.id: e for g in groups for e in g.entities}.values(),
                expected=deleting.expected,
            )
            if whole.rows > MAX_ROWS:
                raise InvalidInputError(
                    f"replace_working_memory: {whole.rows} rows do not fit into one transaction of {MAX_ROWS}; working "
                    "memory is meant for few memories, add() the others as LongTermMemory"
                )
            return whole

        self._commit(base, plan, repeatable=operation_id is not None)
        return addition.ids

    def purge(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Erase memories for good: states, vectors, sources, edges, and entities nothing else mentions.

        A tombstone (id, when, who, why) stays. On the embedded store no byte of the text is left in the file; on
        Neo4j no query reaches it, while its files and transaction logs may keep it until the server reuses or prunes
        them.
        """
        wanted = distinct_ids(ids)
        missing = set(wanted) - {s.memory_id for s in self._history(wanted)}
        if missing:
            missing -= {memory_id for memory_id, *_ in self._store.tombstones(self._cube)}
        if missing or not wanted:
            raise MemoryNotFoundError(f"no memory {min(missing) if missing else wanted!r} in cube {self._cube!r}")
        base = self._base("purge", operation_id, actor, reason)
        return self._store.purge(
            self._cube, wanted, operation=base.operation, now=base.now, actor=base.actor, reason=reason
        )

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
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Join two memories by a typed edge that holds from `at` (default: now) until `until` (default: open).

        Raises InvalidChangeError if an end is missing or PARENT would get a second parent or a cycle, and
        MemoryNotFoundError if the caller may not see an end.
        """
        start, end = checked_span(
            None if at is None else parse_time(at, "at"), END if until is None else parse_time(until, "until")
        )
        edge = EdgeAssert(
            _memory_edge(type),
            checked_id(source, "source"),
            checked_id(target, "target"),
            weight=within("weight", weight, 0, 1_000_000),
            confidence=within("confidence", confidence, 0, 100),
            valid_from=start,
            valid_to=end,
        )
        return self._change_edge("link", edge, operation_id, actor, reason)

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
        kind, start = _memory_edge(type), None if at is None else parse_time(at, "at")
        edge = EdgeAssert(
            kind,
            checked_id(source, "source"),
            checked_id(target, "target"),
            valid_from=start,
            remove=True,
            present=True,
        )
        return self._change_edge("unlink", edge, operation_id, actor, reason)

    def _change_edge(
        self, kind: str, edge: EdgeAssert, operation_id: str | None, actor: str | None, reason: str | None
    ) -> Receipt:
        self._require_shown([edge.source, edge.target])
        base = self._base(kind, operation_id, actor, reason)
        return self._commit(base, lambda: planning.with_rows(base, edges=[edge]), repeatable=operation_id is not None)


def _memory_edge(value: str | EdgeType) -> EdgeType:
    kind = edge_type(value)
    if kind is EdgeType.MENTIONS:
        raise InvalidInputError("type: MENTIONS is derived from the text; list names in `entities` instead")
    return kind


def as_working(memory: MemoryLike) -> TextualMemoryItem:
    """Return a memory as an item of working memory, with its own id if it has one."""
    item, own_id = as_item(memory)
    metadata = {**item.metadata.model_dump(exclude_unset=True), "memory_type": "WorkingMemory"}
    data = {"memory": item.memory, "metadata": metadata}
    return as_item({"id": item.id, **data} if own_id else data)[0]
