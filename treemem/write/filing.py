"""add_documents, remove_documents: documents as trees of headings and passages that follow their changes.

A document is a memory with its title; its headings hang below it, its passages below their headings, by PARENT edges.
Passages are what is found. A passage keeps its id as long as its text stands under the same headings, so that a changed
document ends what is gone, leaves what stayed as it is, and opens what is new: all in one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from treemem import planning
from treemem.arguments import given_metadata
from treemem.caller import check_session
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Entity, Receipt, State, StateAssert
from treemem.checks import is_several, shown
from treemem.contents import fields_of, origin_of
from treemem.context import Context
from treemem.errors import InvalidInputError, LLMError, MemoryNotFoundError, NotAllowedError
from treemem.ids import ID, derived_id
from treemem.ingest.documents import Document, as_document
from treemem.items import as_item, set_fields
from treemem.read.filed import parts_of_document
from treemem.read.states import VISIBLE, batched, edges_at, histories
from treemem.records import AddedDocument
from treemem.storable import checked_text
from treemem.temporal import END, Moment, TimeLike, format_micros, parse_time
from treemem.write.adding import addition_of
from treemem.write.addition import Amend, Progress
from treemem.write.committing import commit, done_before, new_change
from treemem.write.document_parts import Part, made_of, root_of, told
from treemem.write.hiding import delete
from treemem.write.intent import Intent
from treemem.write.looking import as_kept, looked_at, numbers, states_of, there, wants_a_look
from treemem.write.messaging import OnError, refusing
from treemem.write.sourced import let_items_follow

#: Metadata that says where a part stands, which a caller does not give.
_OWN = ("id", "embedding", "key", "source", "sources", "type", "valid_from", "valid_to", "conversation_id", "sequence")


def add_documents(
    ctx: Context,
    documents: Any,
    at: TimeLike | None,
    on_error: OnError,
    intent: Intent,
    progress: Progress | None,
    metadata: Mapping[str, Any],
    *,
    amend: Amend | None = None,
) -> list[AddedDocument]:
    """See `TreeTextMemory.add_documents`; `amend` may put something into each change set."""
    shared = given_metadata("add_documents", metadata)
    for name in _OWN:
        if name in shared:
            raise InvalidInputError(f"add_documents: {name} is the document's to say, not given with it")
    checked, _ = as_item({"memory": "-", "metadata": shared})  # refuses what no part can have
    check_session(fields_of(checked))
    shared = ctx.caller.signed(set_fields(checked.metadata))
    start = None if at is None else parse_time(at, "at")
    refused = refusing(on_error)
    many = [documents] if isinstance(documents, (str, bytes, bytearray, Mapping)) else documents
    many = list(many) if is_several(many) and not isinstance(many, type) else [many]
    read: list[tuple[int, Document, list[Part] | None]] = []
    for position, each in enumerate(many):
        try:
            document = as_document(each)
            looks = wants_a_look(ctx, document, shared, start)
            read.append((position, document, None if looks else list(made_of(document, shared))))
        except InvalidInputError as error:
            refused(position, InvalidInputError(f"documents[{position}]: {error}"))
    twice = [i for i, count in Counter(document.id for _, document, _ in read).items() if count > 1]
    if twice:
        raise InvalidInputError(f"documents: {shown(twice[0])} comes twice in one call")
    found: list[AddedDocument] = []
    # What a model will see is not known before it looks.
    total = None if any(parts is None for *_, parts in read) else sum(len(parts or ()) for *_, parts in read)
    done = 0

    def counted(parts: int) -> None:
        if progress is not None:
            progress(done + parts, total)

    for position, document, parts in read:
        one = intent if len(many) == 1 or not intent.repeatable else _of_many(intent, document.id)
        written = len(parts or ())
        try:
            if parts is None:
                added, written = _add_looked_at(ctx, document, many[position], shared, start, one, counted, amend)
            else:
                added = _add(ctx, document, parts, start, one, counted, amend)
            found.append(added)
        except (InvalidInputError, NotAllowedError) as error:
            refused(position, error)
        except LLMError as error:
            refused(position, LLMError(f"documents[{position}]: {error}", error.reason))
        done += written
        counted(0)
    return found


def remove_documents(ctx: Context, ids: str | Iterable[str], intent: Intent) -> Receipt:
    """See `TreeTextMemory.remove_documents`."""
    new_change(ctx, "delete", intent)  # refuses an operation id, an actor or a reason that cannot be
    moment, gone = Moment(ctx.now()), set[str]()
    wanted = [ids] if isinstance(ids, str) else list(ids)
    if not wanted:
        raise InvalidInputError("remove_documents: no documents given")
    repeated = intent.repeatable and ctx.store.operations(ctx.cube, ids=[str(intent.operation_id)], limit=1)
    for each in wanted:
        found = next((parts for i in _roots(ctx, each) if (parts := parts_of_document(ctx, i, moment)).states), None)
        if found is None or not any(map(ctx.caller.sees, found.states.values())):
            raise MemoryNotFoundError(f"no document {each!r} in cube {ctx.cube!r}; documents() lists them")
        gone |= {i for i, s in found.states.items() if repeated or s.fields["status"] != "deleted"}
    if not gone:
        raise MemoryNotFoundError(f"{', '.join(wanted)}: removed already; add_documents() adds one again")
    return delete(ctx, gone, intent)


def _roots(ctx: Context, name: str) -> list[str]:
    """Return the ids that the memory of a document may have, by what somebody calls it."""
    checked_text(name, "document")
    return [root_of(name, ctx.caller.signed({})), *([name] if ID.fullmatch(name) else [])]


def _of_many(intent: Intent, document: str) -> Intent:
    """Return the intent of one document of several: its operation has an id of its own."""
    return replace(intent, operation_id=derived_id(intent.operation_id, document))


def _add_looked_at(
    ctx: Context,
    document: Document,
    given: Any,
    shared: Mapping[str, Any],
    at: int | None,
    intent: Intent,
    counted: Callable[[int], None],
    amend: Amend | None,
) -> tuple[AddedDocument, int]:
    """Write a document with pictures as a model describes them; return also of how many parts it is.

    The model is asked once, and not where nothing would change: it may describe a picture otherwise each time. So what
    is asked for, when an operation is repeated, is the picture.
    """
    request = ["add_documents", document.id, document.digest, [document.title, document.name, dict(shared)], at]
    base = new_change(ctx, "add_documents", intent, request=request)
    if intent.repeatable and done_before(ctx, base) is not None:
        return as_kept(document, *states_of(ctx, document, shared, at)), 0
    unchanged = there(ctx, document, shared, *states_of(ctx, document, shared, at))
    if unchanged is not None:
        if intent.repeatable:
            commit(ctx, base, lambda base: base, repeatable=True)
        return unchanged, 0
    seen = looked_at(ctx, document, given)
    parts = list(made_of(seen, shared))
    return _add(ctx, seen, parts, at, intent, counted, amend, request), len(parts)


def _add(
    ctx: Context,
    document: Document,
    parts: Sequence[Part],
    at: int | None,
    intent: Intent,
    counted: Callable[[int], None],
    amend: Amend | None,
    request: list[Any] | None = None,
) -> AddedDocument:
    """Write one document; what of it is there already stays. The request is what its parts say, unless one is given."""
    fields = {part.id: fields_of(part.item) for part in parts}
    if request is None:
        request = ["add_documents", document.id, document.digest, [[i, told(each)] for i, each in fields.items()], at]
    base = new_change(ctx, "add_documents", intent, request=request)
    made: dict[str, ChangeSet] = {}
    became: dict[str, tuple[str, ...]] = {}
    changed: set[str] = set()

    def plan(base: ChangeSet) -> ChangeSet:
        change = _Change(ctx, base, parts, fields, at)
        fresh = [part.item for part in parts if part.id in change.fresh and part.id not in made]
        addition = addition_of(ctx, base, intent)
        for group in addition.from_items(fresh, (at, END), {}):
            made[group.states[0].memory_id] = group
            counted(len(made))
        became.update(change.became())
        changed.clear()
        changed.update(became["ended"], change.returning())
        rows = change.rows(made)
        return rows if amend is None else amend(rows)

    receipt = commit(ctx, base, plan, repeatable=intent.repeatable)
    let_items_follow(ctx, base, receipt, sorted(changed))
    if not became:  # done before, under the same operation id
        became.update(_Change(ctx, base, parts, fields, at).became())
    unread = tuple(numbers(document))
    return AddedDocument(parts[0].id, document.id, parts[0].item.memory, **became, unread=unread)


class _Change:
    """What of a document is new, stayed and is gone, against what is known of it."""

    def __init__(
        self, ctx: Context, base: ChangeSet, parts: Sequence[Part], fields: Mapping[str, Any], at: int | None
    ) -> None:
        self._base, self._at, self._parts = base, at, parts
        root = parts[0].id
        moment = Moment(base.now, at)
        held = parts_of_document(ctx, root, moment)
        self._edges = held.edges
        wanted = {part.id: part for part in parts}
        self._histories: dict[str, list[State]] = {}
        for ids in batched([*wanted, *(held.states.keys() - wanted.keys())]):
            self._histories |= histories(ctx, ids)
        for memory_id, history in self._histories.items():
            known = planning.known_of(history)
            if known:
                ctx.caller.require_own(ctx.cube, memory_id, known)
            later = [s.valid_from for s in known if at is not None and s.valid_from > at]
            if later and memory_id in wanted:
                when = format_micros(min(later))
                raise InvalidInputError(
                    f"at: the document says something else from {when} on; add it as of then or later"
                )
        self._there = {i: s for i, s in held.states.items() if s.fields["status"] in VISIBLE}
        same = {i for i, s in self._there.items() if i in wanted and told(s.fields) == told(fields[i])}
        if root in same and self._there[root].fields.get("sources") != fields[root].get("sources"):
            same.remove(root)  # the document itself says of which version it is
        self.fresh = wanted.keys() - same
        self._gone = {i: s for i, s in self._there.items() if i not in wanted}
        rewritten = sorted(self.fresh & self._there.keys())
        self._mentioned = edges_at(ctx, rewritten, [EdgeType.MENTIONS], moment, direction="out")

    def became(self) -> dict[str, tuple[str, ...]]:
        """Return the ids of the passages that are new, that stayed, and that ended."""
        ours = [part.id for part in self._parts if part.is_passage]
        return {
            "added": tuple(i for i in ours if i not in self._there),
            "kept": tuple(i for i in ours if i in self._there),
            "ended": tuple(sorted(i for i, s in self._gone.items() if origin_of(s.fields).get("type") == "passage")),
        }

    def returning(self) -> list[str]:
        """Return the ids of the parts that ended before and are there again."""
        return [i for i in self.fresh if self._histories[i] and i not in self._there]

    def rows(self, made: Mapping[str, ChangeSet]) -> ChangeSet:
        """Return the change set; `made` holds the rows of what is fresh, as if it were all new."""
        states: list[StateAssert] = []
        edges: list[EdgeAssert] = []
        entities: dict[str, Entity] = {}
        for part in self._parts:
            if part.id in self.fresh:
                group = made[part.id]
                states += (replace(s, create=not self._histories[part.id]) for s in group.states)
                edges += group.edges
                entities |= {each.id: each for each in group.entities}
        states += (StateAssert(i, None, self._at) for i in sorted(self._gone))
        edges += self._placing()
        mentioned = {(e.source, e.target) for e in edges if e.type is EdgeType.MENTIONS}
        edges += (
            EdgeAssert(e.type, e.source, e.target, e.target_kind, valid_from=self._at, remove=True)
            for e in self._mentioned
            if (e.source, e.target) not in mentioned
        )
        changed = {s.memory_id for s in states}
        return planning.with_rows(
            self._base,
            states=states,
            edges=edges,
            entities=entities.values(),
            expected={i: max((s.version for s in self._histories[i]), default=0) for i in sorted(changed)},
        )

    def _placing(self) -> Iterator[EdgeAssert]:
        """Yield the edges that place the parts, as far as they are not there, and the end of those that no more do."""
        wanted = {(EdgeType.PARENT, part.parent, part.id) for part in self._parts if part.parent is not None}
        wanted |= {(EdgeType.FOLLOWS, part.id, part.before) for part in self._parts if part.before is not None}
        ours = {part.id for part in self._parts} | self._gone.keys()
        there = {(e.type, e.source, e.target) for e in self._edges if e.target in ours}
        for kind, source, target in sorted(wanted - there):
            yield EdgeAssert(kind, str(source), str(target), valid_from=self._at)
        for kind, source, target in sorted(there - wanted):
            if source in ours:
                yield EdgeAssert(kind, source, target, valid_from=self._at, remove=True)
