"""Verbs that add to the graph, join memories, and erase. Each builds change sets and hands them to the store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from treemem import erasing, planning
from treemem.adding import Addition, Progress, checked_span, write_parts
from treemem.canonical import canonical_json
from treemem.changes import MAX_ROWS, ChangeSet, EdgeAssert, EdgeType, Receipt, State
from treemem.checks import shown, within
from treemem.contents import fields_of
from treemem.errors import ConflictError, InvalidInputError, MemoryNotFoundError, NotAllowedError
from treemem.filters import joined, of_types
from treemem.items import TextualMemoryItem, as_item, checked_id, checked_text, set_fields
from treemem.temporal import END, Moment, TimeLike, parse_time
from treemem.verbs.arguments import distinct_ids, edge_type, given_metadata
from treemem.verbs.changing import ChangeVerbs, MemoryLike
from treemem.verbs.session import ATTEMPTS, VISIBLE


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
        many = memories_of(memories)
        span = (None if at is None else parse_time(at, "at"), END if until is None else parse_time(until, "until"))
        base = self._base("add", operation_id, actor, reason)
        addition = self._addition(base, operation_id)
        shared = dict(metadata)
        own_id = shared.pop("id", None)
        if own_id is not None:
            many = [_with_id(many, own_id)]
        groups = addition.from_items(many, span, given_metadata("add", shared))
        write_parts(self._store, base, groups, progress, len(many) if isinstance(many, Sequence) else None)
        return addition.ids

    def _addition(self, base: ChangeSet, operation_id: str | None) -> Addition:
        return Addition(self._cube, self._embedder, base, self._caller, stable_ids=operation_id is not None)

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
        """Store a conversation: one memory a message, and return the ids.

        A message is a dict with `content` and, optionally, `role`, `name`, `chat_time`, `id` and `metadata`. Messages
        are joined by FOLLOWS, to the names they mention and to their source; reading one shows the message before it as
        `background`, where that is still there and the reader may see it. With `replay` the `chat_time` is also
        taken as the time the memory learned it, as long as it is not before the cube's last change.
        """
        base = self._base("add_messages", operation_id, actor, reason)
        addition = self._addition(base, operation_id)
        if not isinstance(messages, Iterable) or isinstance(messages, (str, Mapping)):
            raise InvalidInputError(f"messages: wanted a list of messages, found {type(messages).__name__}")
        if conversation_id is not None:
            checked_text(conversation_id, "conversation_id")
        shared = given_metadata("add_messages", metadata)
        groups = addition.from_messages(messages, shared, conversation_id, replay=replay)
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
        many = memories_of(memories)
        given = [as_working(memory) for memory in many]
        base = self._base("replace_working_memory", operation_id, actor, reason)
        addition = self._addition(base, operation_id)
        groups = list(addition.from_items(given, (None, END), {}))
        kept = set(addition.ids)
        request = [[i, fields_of(item)] for i, item in zip(addition.ids, given, strict=True)]
        base = replace(base, request=canonical_json(["replace_working_memory", request]))

        def plan() -> ChangeSet:
            now = self._pages(Moment(base.now), VISIBLE, where=joined(of_types(["WorkingMemory"]), self._visible))
            held = [s.memory_id for page in now for s in page.states if s.memory_id not in kept]
            gone = [i for i, history in self._histories(held).items() if self._caller.owns_all_it_sees(history)]
            deleting = self._plan_rewrite(replace(base, kind="delete"), gone) if gone else base
            histories = self._histories(sorted(kept))
            hidden = {i for i, h in histories.items() if _deleted(h) and all(map(self._caller.owns, h))}
            placed = (s for g in groups for s in g.states)
            whole = planning.with_rows(
                base,
                states=[
                    *deleting.states,
                    # One that was there before and is deleted says what it is given from now on.
                    *(replace(s, create=False) if s.memory_id in hidden else s for s in placed),
                ],
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

        What holds their words goes with them: what they were merged with, what is DERIVED_FROM them, names of topics,
        reasons of operations. A tombstone (id, when, who, why) stays. On the embedded store no byte of the text is left
        in the file; on Neo4j no query reaches it, while its files and transaction logs may keep it until the server
        reuses or prunes them. Archives made before keep it. Raises MemoryNotFoundError, NotAllowedError,
        OperationMismatchError.
        """
        wanted = distinct_ids(ids)
        base = self._base("purge", operation_id, actor, reason, request=["purge", wanted])
        if not wanted:
            raise InvalidInputError("purge: no ids given")
        done = self._done_before(base) if operation_id is not None else None
        if done is not None:
            return done
        base = replace(base, model=None)
        for attempt in range(ATTEMPTS):
            info = self._store.cube(self._cube)
            read_at = base.now if info is None else info.clock
            self._require_purgeable(wanted)
            found = erasing.closure(self._store, self._cube, wanted)
            self._require_own_closure(found)
            self._bring_back(found.back, base)
            try:
                return self._store.purge(base, erasing.erasure(self._store, self._cube, found, read_at))
            except ConflictError:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("unreachable")

    def _require_purgeable(self, wanted: Sequence[str]) -> None:
        histories = self._histories(wanted)
        missing = {memory_id for memory_id, states in histories.items() if not any(map(self._caller.sees, states))}
        if missing and not self._caller:  # a caller is not told what there was once
            missing -= {memory_id for memory_id, *_ in self._store.tombstones(self._cube)}
        if missing:
            raise MemoryNotFoundError(f"no memory {min(missing)!r} in cube {self._cube!r}")
        for memory_id, states in histories.items():
            if states:
                self._caller.require_all_own(self._cube, memory_id, states)

    def _require_own_closure(self, found: erasing.Closure) -> None:
        """Raise NotAllowedError if something that goes with what a caller purges is not its own."""
        for memory_id in found.doomed:
            if not all(map(self._caller.owns, found.histories.get(memory_id, ()))):
                raise NotAllowedError(
                    f"purge: what was made of them is not {self._caller}'s alone; ask whoever opened the memory"
                )

    def _bring_back(self, ids: Iterable[str], purge: ChangeSet) -> None:
        """Restore the memories that were merged into a text which is about to be erased."""
        for memory_id in sorted(ids):
            base = replace(self._base("restore", None, purge.actor, None), reason=f"for purge {purge.operation}")

            def plan(base: ChangeSet = base, memory_id: str = memory_id) -> ChangeSet:
                history = self._histories([memory_id])[memory_id]
                known = [s for s in planning.known_of(history) if not s.fields.get("frozen")]
                return planning.rewrite(base, "restore", memory_id, history, known) if known else base

            self._commit(base, plan, repeatable=False)

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
        self._require_joinable(edge)
        request = [
            kind,
            edge.type,
            edge.source,
            edge.target,
            edge.weight,
            edge.confidence,
            edge.valid_from,
            edge.valid_to,
        ]
        base = self._base(kind, operation_id, actor, reason, request=request)
        return self._commit(base, lambda: planning.with_rows(base, edges=[edge]), repeatable=operation_id is not None)


def memories_of(memories: MemoryLike | Iterable[MemoryLike]) -> Iterable[MemoryLike]:
    """Return one or more memories as an iterable, or raise InvalidInputError."""
    if isinstance(memories, (str, Mapping, TextualMemoryItem)):
        return [memories]
    if not isinstance(memories, Iterable) or isinstance(memories, (bytes, type)):
        raise InvalidInputError(f"memories: wanted memories or an iterable of them, found {shown(memories)}")
    return memories


def _deleted(history: Sequence[State]) -> bool:
    known = planning.known_of(history)
    return bool(known) and all(s.fields["status"] == "deleted" for s in known)


def _with_id(memories: Iterable[MemoryLike], own_id: Any) -> dict[str, Any]:
    """Return the only memory of a call with the id that a keyword gives it."""
    some = list(islice(memories, 2))
    if len(some) != 1:
        raise InvalidInputError("id: goes with one memory; give each of several its own as {'id': ..., 'memory': ...}")
    item, has_id = as_item(some[0])
    if has_id and item.id != own_id:
        raise InvalidInputError(f"id: {own_id!r} beside the memory's own, {item.id!r}; give one of them")
    return {"id": checked_id(own_id), "memory": item.memory, "metadata": set_fields(item.metadata)}


def _memory_edge(value: str | EdgeType) -> EdgeType:
    kind = edge_type(value)
    if kind is EdgeType.MENTIONS:
        raise InvalidInputError("type: MENTIONS is derived from the text; list names in `entities` instead")
    return kind


def as_working(memory: MemoryLike) -> TextualMemoryItem:
    """Return a memory as an item of working memory, with its own id if it has one."""
    item, own_id = as_item(memory)
    metadata = {**set_fields(item.metadata), "memory_type": "WorkingMemory"}
    data = {"memory": item.memory, "metadata": metadata}
    return as_item({"id": item.id, **data} if own_id else data)[0]
