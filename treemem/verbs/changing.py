"""Verbs that change what memories say or whether they are seen, and undo."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from treemem import planning
from treemem.adding import given_vector
from treemem.caller import OWNERSHIP, check_session
from treemem.changes import ChangeSet, EdgeType, Receipt, State
from treemem.contents import embedded_text, fields_of, item_of
from treemem.errors import InvalidInputError, NotAllowedError, OperationNotFoundError, UndoRefusedError
from treemem.items import (
    TextualMemoryItem,
    TreeNodeTextualMemoryMetadata,
    as_item,
    check_json,
    checked_id,
    checked_text,
    derived_id,
    set_fields,
    validated,
)
from treemem.reorganize.following import followed
from treemem.temporal import Moment, TimeLike, parse_time
from treemem.verbs.arguments import distinct_ids, given_metadata
from treemem.verbs.session import VISIBLE, Session

MemoryLike = TextualMemoryItem | Mapping[str, Any] | str
CHUNK = 100


class ChangeVerbs(Session):
    """update, correct, expire, delete, delete_all, archive, restore, freeze, unfreeze, undo."""

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
        return self._change("update", memory_id, new, metadata, at, operation_id, actor, reason)

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
        return self._change("correct", memory_id, new, metadata, at, operation_id, actor, reason)

    def _change(
        self,
        kind: str,
        memory_id: str,
        new: MemoryLike | None,
        metadata: Mapping[str, Any],
        at: TimeLike | None,
        operation_id: str | None,
        actor: str | None,
        reason: str | None,
    ) -> Receipt:
        checked_id(memory_id)
        start = None if at is None else parse_time(at, "at")
        text, changed = _changes(memory_id, new, metadata)
        if changed.get("embedding") is not None:
            changed["embedding"] = given_vector(changed["embedding"], memory_id, self._embedder)
        if text is None and not changed:
            raise InvalidInputError(f"{kind}: give a new text, metadata, or both")
        for name, value in changed.items():
            if name != "embedding" and isinstance(value, (list, tuple, Mapping)):
                check_json(value, name)  # before it is written out as part of the request
        request = [kind, memory_id, text, changed, start]
        base = self._base(kind, operation_id, actor, reason, request=request)
        receipt = self._commit(
            base, lambda: self._plan_change(base, memory_id, text, changed, start), repeatable=operation_id is not None
        )
        if not changed.keys().isdisjoint(OWNERSHIP):
            self._let_topics_follow(base, receipt, [memory_id])
        return receipt

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
        checked_id(memory_id)
        start = None if at is None else parse_time(at, "at")
        base = self._base("expire", operation_id, actor, reason, request=["expire", memory_id, start])

        def plan() -> ChangeSet:
            history = self._histories([memory_id])[memory_id]
            self._known(memory_id, history)
            point = planning.transaction_time(base, history) if start is None else start
            self._require_free(memory_id, [s for s in planning.known_of(history) if s.valid_to > point])
            return planning.expire(base, memory_id, history, start)

        return self._commit(base, plan, repeatable=operation_id is not None)

    def _plan_change(
        self, base: ChangeSet, memory_id: str, text: str | None, changed: Mapping[str, Any], start: int | None
    ) -> ChangeSet:
        history = self._histories([memory_id])[memory_id]
        known = planning.changeable(self._cube, memory_id, self._known(memory_id, history))
        now = planning.transaction_time(base, history)
        if base.kind == "correct":
            segment = planning.segment_at(base.cube, memory_id, known, start, now)
            start, until = segment.valid_from, segment.valid_to
        else:
            every = planning.known_of(history)
            segment, until = planning.segment_for_update(known, every, start, now)
            point = now if start is None else start
            self._require_free(memory_id, [s for s in every if s.valid_from <= point < s.valid_to])
        item = item_of(replace(segment, embedding=None))
        metadata = {**item.metadata.model_dump(exclude={"embedding", "info"}), **changed}
        given = metadata.pop("embedding", None)
        metadata["info"] = {**item.metadata.info, **dict(changed.get("info") or {})}
        fields = fields_of(as_item({"id": memory_id, "memory": text or item.memory, "metadata": metadata})[0])
        fields["created_at"] = segment.fields["created_at"]
        check_session(fields)
        self._caller.require_same_owner(segment, fields)
        moment = Moment(base.now, start)
        linked = self._store.edges(
            self._cube, [memory_id], moment, types=[EdgeType.MENTIONS], direction="out", statuses=None
        )
        vector = self._vector_for(fields, segment) if given is None else given
        last = max(s.version for s in history)
        return planning.update(base, segment, fields, vector, start, until, linked, last)

    def _require_free(self, memory_id: str, replaced: Iterable[State]) -> None:
        """Raise NotAllowedError if one of the states that a change would end is not the caller's."""
        if not all(map(self._caller.owns, replaced)):
            raise NotAllowedError(f"memory {memory_id!r} is not {self._caller}'s at that time; nothing was changed")

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
        return self._rewrite("delete", ids, operation_id, actor, reason)

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
        return self._rewrite("archive", ids, operation_id, actor, reason)

    def delete_all(self, *, actor: str | None = None, reason: str | None = None) -> Receipt | None:
        """Hide every memory of the cube, whenever it held or holds; None if there was none.

        A caller hides what is its own altogether; a memory that at some time says what is somebody else's stays.
        """
        known = [s for s in self._store.all_states(self._cube) if s.closed_by is None and self._caller.sees(s)]
        ids = {s.memory_id for s in known if s.fields["status"] in VISIBLE}
        ids -= {s.memory_id for s in known if not self._caller.owns(s)}
        return self.delete(sorted(ids), actor=actor, reason=reason) if ids else None

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
        return self._rewrite("restore", ids, operation_id, actor, reason)

    def freeze(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Refuse every change to these memories but `unfreeze` (and `purge`). Raises as `delete` does."""
        return self._rewrite("freeze", ids, operation_id, actor, reason)

    def unfreeze(
        self,
        ids: str | Iterable[str],
        *,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> Receipt:
        """Allow changes to frozen memories again. Raises MemoryNotFoundError, ConflictError."""
        return self._rewrite("unfreeze", ids, operation_id, actor, reason)

    def _rewrite(
        self, kind: str, ids: str | Iterable[str], operation_id: str | None, actor: str | None, reason: str | None
    ) -> Receipt:
        wanted = distinct_ids(ids)
        if not wanted:
            raise InvalidInputError(f"{kind}: no ids given")
        base = self._base(kind, operation_id, actor, reason, request=[kind, wanted])
        if len(wanted) <= CHUNK:
            done = self._commit(base, lambda: self._plan_rewrite(base, wanted), repeatable=operation_id is not None)
        else:
            done = self._rewrite_in_parts(base, wanted, repeatable=operation_id is not None)
        if kind == "delete":
            self._let_topics_follow(base, done, wanted)
        return done

    def _rewrite_in_parts(self, base: ChangeSet, wanted: Sequence[str], *, repeatable: bool) -> Receipt:
        if not self._store.operations(self._cube, ids=[f"{base.operation}/0"], limit=1):
            self._settled(lambda: self._plan_rewrite(base, wanted))  # refused as a whole, before the first part
        chunks = [wanted[i : i + CHUNK] for i in range(0, len(wanted), CHUNK)]
        plans = [partial(self._plan_rewrite, ids=chunk) for chunk in chunks]
        return self._commit_parts(base, plans, repeatable=repeatable)

    def _let_topics_follow(self, base: ChangeSet, done: Receipt, ids: Sequence[str]) -> None:
        """Name the topics above changed memories by what is left below them, as an operation of its own.

        It is one that `undo` of the change need not take back first.
        """
        if done.repeated:
            return
        after = self._base("rename_topics", None, base.actor, None, request=[base.operation])
        for start in range(0, len(ids), CHUNK):
            some = ids[start : start + CHUNK]
            if followed(self._store, after, some).rows:
                one = replace(after, operation=derived_id("rename_topics", base.operation, *some))
                self._commit(one, partial(followed, self._store, one, some), repeatable=False)

    def _plan_rewrite(self, base: ChangeSet, ids: Sequence[str]) -> ChangeSet:
        groups = [
            planning.rewrite(base, base.kind, memory_id, history, self._known(memory_id, history))
            for memory_id, history in self._histories(ids).items()
        ]
        return planning.with_rows(
            base,
            states=[row for group in groups for row in group.states],
            expected={memory_id: version for group in groups for memory_id, version in group.expected.items()},
        )

    def undo(
        self, operation: str, *, operation_id: str | None = None, actor: str | None = None, reason: str | None = None
    ) -> Receipt:
        """Take an operation back by a new one: close what it opened, open copies of what it closed.

        A batch is taken back part by part, the last one first; undoing the undo brings it back. Raises
        OperationNotFoundError, and UndoRefusedError naming the later operations that stand on it.
        """
        found = self._store.operations(self._cube, ids=[operation])
        if not found or (self._caller and not self._sees_operation(operation)):
            raise OperationNotFoundError(f"no operation {operation!r} in cube {self._cube!r}; operations() lists them")
        if found[0].kind == "purge":
            raise InvalidInputError(f"operation {operation!r} erased memories; a purge cannot be undone")
        base = replace(self._base("undo", operation_id, actor, reason, request=["undo", operation]), undoes=operation)
        parts = self._store.operations(self._cube, part_of=operation, limit=1_000_000)
        if not parts:
            done = self._commit(base, lambda: self._plan_undo(base, operation), repeatable=operation_id is not None)
        else:
            parts = sorted(parts, key=lambda p: -int(p.id.rpartition("/")[2]))
            plans = [partial(self._plan_undo, operation=part.id) for part in parts]
            done = self._commit_parts(base, plans, repeatable=operation_id is not None)
        for name in [part.id for part in parts] or [operation]:
            opened = self._store.touched(self._cube, name).states_opened
            self._let_topics_follow(base, done, sorted({s.memory_id for s in opened}))
        return done

    def _plan_undo(self, base: ChangeSet, operation: str) -> ChangeSet:
        touched = self._touched(operation, to_change=True)
        ids = {s.memory_id for s in (*touched.states_opened, *touched.states_closed)}
        try:
            return planning.undo(base, operation, touched, self._last_versions(sorted(ids)))
        except UndoRefusedError as refusal:
            raise self._shown_refusal(operation, refusal) from None

    def _shown_refusal(self, operation: str, refusal: UndoRefusedError) -> UndoRefusedError:
        """Return a refusal that names no operation which the caller may not see."""
        if not self._caller or all(map(self._sees_operation, refusal.operations)):
            return refusal
        shown = [name for name in refusal.operations if self._sees_operation(name)]
        return UndoRefusedError(
            f"operation {operation!r} cannot be undone: operations stand on it, some of them somebody else's",
            shown,
        )

    def _sees_operation(self, operation: str) -> bool:
        try:
            self._touched(operation)
        except OperationNotFoundError:
            return False
        return True

    def _vector_for(self, fields: dict[str, Any], segment: State) -> Any:
        """Return the vector of a content: that of the state it is made from, where its text is the same."""
        if embedded_text(fields) == embedded_text(dict(segment.fields)):
            return segment.content.embedding
        return self._embed([embedded_text(fields)])[0]


#: What the store says of a state, and what other verbs set.
_NOT_BY_UPDATE = {
    "valid_from": "at=... says from when the new content holds",
    "valid_to": "expire(id, at=...) says that it ends",
    **dict.fromkeys(("version", "recorded_from", "recorded_to", "updated_at", "created_at"), "the store keeps it"),
}


def _changes(memory_id: str, new: MemoryLike | None, metadata: Mapping[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """Return the new text, or None, and the metadata that an update sets.

    Of an item, which may have been read from the store, what the store says of it is left out.
    """
    given = given_metadata("update", metadata)
    if new is None or isinstance(new, str):
        return (None if new is None else checked_text(new)), _settable(given)
    if isinstance(new, TextualMemoryItem):
        own = set_fields(new.metadata)
        own = {name: value for name, value in own.items() if name not in _NOT_BY_UPDATE and name != "embedding"}
        _same_id(memory_id, new.id)
        return new.memory, {**own, **_settable(given)}
    if not isinstance(new, Mapping):
        raise InvalidInputError(f"update: wanted a text, a dict or an item, found {type(new).__name__}")
    loose = given_metadata("update", {name: v for name, v in new.items() if name not in ("id", "memory")})
    _same_id(memory_id, new.get("id", memory_id))
    text = new.get("memory")
    return (None if text is None else checked_text(text)), _settable({**loose, **given})


def _same_id(memory_id: str, other: Any) -> None:
    if other != memory_id:
        raise InvalidInputError(f"id: wanted {memory_id!r}, the memory that is changed, found {other!r}; an id stays")


def _settable(given: Mapping[str, Any]) -> dict[str, Any]:
    for name in _NOT_BY_UPDATE:
        if name in given:
            raise InvalidInputError(f"{name}: cannot be set by an update; {_NOT_BY_UPDATE[name]}")
    return set_fields(validated(TreeNodeTextualMemoryMetadata, dict(given)))
