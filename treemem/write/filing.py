"""add_documents, remove_documents: documents as trees of headings and passages that follow their changes.

A document is a memory with its title; its headings hang below it, its passages below their headings, by PARENT edges.
Passages are what is found. A passage keeps its id as long as its text stands under the same headings, so that a changed
document ends what is gone, leaves what stayed as it is, and opens what is new: all in one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
from treemem.ingest.markdown import Page, passages, sections
from treemem.ingest.pictures import check_sees, described, sees
from treemem.items import TextualMemoryItem, as_item, set_fields
from treemem.read.filed import PART, parts_of_document
from treemem.read.states import VISIBLE, batched, edges_at, histories
from treemem.records import AddedDocument
from treemem.storable import checked_text
from treemem.temporal import END, Moment, TimeLike, format_micros, parse_time
from treemem.text import caption
from treemem.write.adding import addition_of
from treemem.write.addition import Progress
from treemem.write.committing import commit, done_before, new_change
from treemem.write.hiding import delete
from treemem.write.intent import Intent
from treemem.write.messaging import OnError, refusing

#: Passages of a document at most: it is written as one transaction.
MOST_PASSAGES = 20_000
#: Characters of a passage's title, which is those of its document and headings.
LONGEST_KEY = 250
#: Metadata that says where a part stands, which a caller does not give.
_OWN = ("id", "embedding", "key", "source", "sources", "type", "valid_from", "valid_to", "conversation_id", "sequence")


@dataclass(frozen=True, slots=True)
class _Part:
    """A memory of a document: its id, what it says, its parent, and the passage before it where it is a passage."""

    id: str
    item: TextualMemoryItem
    parent: str | None = None
    before: str | None = None
    is_passage: bool = False


def add_documents(
    ctx: Context,
    documents: Any,
    at: TimeLike | None,
    on_error: OnError,
    intent: Intent,
    progress: Progress | None,
    metadata: Mapping[str, Any],
) -> list[AddedDocument]:
    """See `TreeTextMemory.add_documents`."""
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
    read: list[tuple[int, Document, list[_Part]]] = []
    for position, each in enumerate(many):
        try:
            document = as_document(each, look=sees(ctx.llm))
            pictures = document.pictures
            if not pictures or not (sees(ctx.llm) or _unchanged(ctx, document, shared, start)):
                if pictures and (
                    not any(page.text for page in document.pages) or _looked_at(ctx, document, shared, start)
                ):
                    check_sees(ctx.llm, shown(document.id))
                read.append((position, document, list(_parts(document, shared))))
            else:
                read.append((position, document, []))
        except InvalidInputError as error:
            refused(position, InvalidInputError(f"documents[{position}]: {error}"))
    twice = [i for i, count in Counter(document.id for _, document, _ in read).items() if count > 1]
    if twice:
        raise InvalidInputError(f"documents: {shown(twice[0])} comes twice in one call")
    found: list[AddedDocument] = []
    total = sum(len(parts) for *_, parts in read)
    done = 0
    for position, document, parts in read:

        def told(embedded: int, before: int = done) -> None:
            if progress is not None:
                progress(before + embedded, total)

        one = intent if len(many) == 1 or not intent.repeatable else _of_many(intent, document.id)
        try:
            if parts:
                found.append(_add(ctx, document, parts, start, one, told))
            else:
                found.append(_add_pictures(ctx, document, shared, start, one, told))
        except (InvalidInputError, NotAllowedError) as error:
            refused(position, error)
        except LLMError as error:
            refused(position, LLMError(f"documents[{position}]: {error}", error.reason))
        done += len(parts)
        told(0, done)
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
    return [_root(name, ctx.caller.signed({})), *([name] if ID.fullmatch(name) else [])]


def _root(name: str, owner: Mapping[str, Any]) -> str:
    """Return the id of a document's memory: one name is another document for each user, and for each session."""
    user = owner.get("user_id")
    return derived_id("document", user or "", "" if user else owner.get("session_id") or "", name)


def _of_many(intent: Intent, document: str) -> Intent:
    """Return the intent of one document of several: its operation has an id of its own."""
    return replace(intent, operation_id=derived_id(intent.operation_id, document))


# ---- what a document is made of


def _parts(document: Document, shared: Mapping[str, Any]) -> Iterator[_Part]:
    """Yield the memories of a document: itself, its headings and its passages, each after its parent."""
    found = sections(document.pages)
    first = next((s for s in found if s.level == 1), None)
    alone = first is not None and sum(s.level == 1 for s in found) == 1 and not any(s.blocks for s in found[:1])
    top = first if alone and found[1:2] == [first] else None
    text = next((block.text for section in found for block in section.blocks), "")
    title = document.title or (top.title if top else None) or document.name or caption(text)
    if not title:
        raise InvalidInputError(f"{shown(document.id)}: there is no text in it")
    root, seen = _root(document.id, shared), Counter[tuple[str, ...]]()

    def item(part: str, memory_id: str, memory: str, key: str | None, place: Mapping[str, Any]) -> TextualMemoryItem:
        source = {"type": part, "document": root, "document_id": document.id, "sha256": document.digest}
        source |= {name: value for name, value in {"name": document.name, **place}.items() if value is not None}
        info = {**(shared.get("info") or {}), "document": document.id, PART: part}
        metadata = {"memory_type": "KnowledgeBaseMemory", **shared, "source": "file", "sources": [source], "info": info}
        return as_item({"id": memory_id, "memory": memory, "metadata": metadata | ({"key": key} if key else {})})[0]

    def own_id(*parts: str) -> str:
        seen[parts] += 1
        return derived_id(*parts, seen[parts])

    yield _Part(root, item("document", root, title, None, {}))
    above = [(0, root, title)]
    before: str | None = None
    many = 0
    for section in found:
        if section.level and section is not top:
            while above[-1][0] >= section.level:
                above.pop()
            heading = own_id("heading", above[-1][1], section.title)
            place = {"line": section.line, "page": section.page}
            yield _Part(heading, item("heading", heading, section.title, None, place), above[-1][1])
            above.append((section.level, heading, section.title))
        key = ": ".join(name for *_, name in above)[:LONGEST_KEY]
        for passage in passages(section):
            memory_id = own_id("passage", above[-1][1], passage.text)
            place = {"line": passage.line, "page": passage.page}
            yield _Part(
                memory_id, item("passage", memory_id, passage.text, key, place), above[-1][1], before, is_passage=True
            )
            before = memory_id
            many += 1
            if many > MOST_PASSAGES:
                raise InvalidInputError(f"{shown(document.id)}: more than {MOST_PASSAGES} passages; split it first")
    if not many:
        raise InvalidInputError(f"{shown(document.id)}: there is no text in it")


# ---- what is written


def _add_pictures(
    ctx: Context,
    document: Document,
    shared: Mapping[str, Any],
    at: int | None,
    intent: Intent,
    told: Callable[[int], None],
) -> AddedDocument:
    """Write a document with pictures as a model describes these. It is asked once, and not where nothing would change:
    it may describe a picture otherwise each time. So what is asked for, when an operation is repeated, is the picture.
    """
    request = ["add_documents", document.id, document.digest, [document.title, document.name, dict(shared)], at]
    base = new_change(ctx, "add_documents", intent, request=request)
    if intent.repeatable and done_before(ctx, base) is not None:
        return _there(document, *_states_of(ctx, document, shared, at))
    unchanged = _unchanged(ctx, document, shared, at)
    if unchanged is not None:
        if intent.repeatable:
            commit(ctx, base, lambda base: base, repeatable=True)
        return unchanged
    looked = [described(page, ctx.llm, shown(document.id)) for page in document.pages]
    title = document.title or (looked[0][0] if document.pages[0].number is None else None)
    seen = replace(document, title=title, pages=tuple(page for _, page in looked))
    return _add(ctx, seen, list(_parts(seen, shared)), at, intent, told, request)


def _unchanged(ctx: Context, document: Document, shared: Mapping[str, Any], at: int | None) -> AddedDocument | None:
    """Return what is there of a document with pictures that is the same and has the same metadata; None if anything
    would change, or a model that sees can look at what none has looked at.
    """
    root, states = _states_of(ctx, document, shared, at)
    ours = [s for s in states.values() if origin_of(s.fields).get("sha256") == document.digest]
    if root not in states or len(ours) < 2 or any(s.fields["status"] not in VISIBLE for s in ours):
        return None
    held = states[root].fields
    titled = replace(document, title=document.title or str(held["memory"]), pages=(Page("-", plain=True),))
    fields = fields_of(next(_parts(titled, shared)).item)
    if _told(held) != _told(fields) or held.get("sources") != fields.get("sources"):
        return None
    there = _there(document, root, states)
    return None if there.unread and sees(ctx.llm) else there


def _there(document: Document, root: str, states: Mapping[str, State]) -> AddedDocument:
    """Return what is there of a document with pictures, as kept."""
    title = str(states[root].fields["memory"]) if root in states else document.title or ""
    origins = {i: origin_of(s.fields) for i, s in states.items() if s.fields["status"] in VISIBLE}
    kept = {i: origin.get("page") for i, origin in origins.items() if origin.get("type") == "passage"}
    unread = tuple(page for page in _numbers(document) if page not in kept.values())
    return AddedDocument(root, document.id, title, added=(), kept=tuple(sorted(kept)), ended=(), unread=unread)


def _looked_at(ctx: Context, document: Document, shared: Mapping[str, Any], at: int | None) -> bool:
    """Return whether a page that is a picture has passages of this version: without a model they would end."""
    pages = {*_numbers(document)}
    origins = [origin_of(s.fields) for s in _states_of(ctx, document, shared, at)[1].values()]
    return any(origin.get("sha256") == document.digest and origin.get("page") in pages for origin in origins)


def _numbers(document: Document) -> list[int]:
    """Return the numbers of the pages that are pictures."""
    return [page.number for page in document.pictures if page.number is not None]


def _states_of(
    ctx: Context, document: Document, shared: Mapping[str, Any], at: int | None
) -> tuple[str, dict[str, State]]:
    """Return the id of a document's memory, and the caller's states of its parts."""
    root = _root(document.id, shared)
    states = parts_of_document(ctx, root, Moment(ctx.now(), at)).states
    return root, {i: s for i, s in states.items() if ctx.caller.owns(s)}


def _add(
    ctx: Context,
    document: Document,
    parts: Sequence[_Part],
    at: int | None,
    intent: Intent,
    told: Callable[[int], None],
    request: list[Any] | None = None,
) -> AddedDocument:
    """Write one document; what of it is there already stays. The request is what its parts say, unless one is given."""
    fields = {part.id: fields_of(part.item) for part in parts}
    if request is None:
        request = ["add_documents", document.id, document.digest, [[i, _told(each)] for i, each in fields.items()], at]
    base = new_change(ctx, "add_documents", intent, request=request)
    made: dict[str, ChangeSet] = {}
    became: dict[str, tuple[str, ...]] = {}

    def plan(base: ChangeSet) -> ChangeSet:
        change = _Change(ctx, base, parts, fields, at)
        fresh = [part.item for part in parts if part.id in change.fresh and part.id not in made]
        addition = addition_of(ctx, base, intent)
        for group in addition.from_items(fresh, (at, END), {}):
            made[group.states[0].memory_id] = group
            told(len(made))
        became.update(change.became())
        return change.rows(made)

    commit(ctx, base, plan, repeatable=intent.repeatable)
    if not became:  # done before, under the same operation id
        became.update(_Change(ctx, base, parts, fields, at).became())
    unread = tuple(_numbers(document))
    return AddedDocument(parts[0].id, document.id, parts[0].item.memory, **became, unread=unread)


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a part says, without where and since when it says it."""
    return {name: value for name, value in fields.items() if name not in ("sources", "created_at")}


class _Change:
    """What of a document is new, stayed and is gone, against what is known of it."""

    def __init__(
        self, ctx: Context, base: ChangeSet, parts: Sequence[_Part], fields: Mapping[str, Any], at: int | None
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
        same = {i for i, s in self._there.items() if i in wanted and _told(s.fields) == _told(fields[i])}
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
