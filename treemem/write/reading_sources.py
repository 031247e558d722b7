"""What is read finely: which memories, as lines in their order, and which of them were read before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from treemem.caller import owners_of
from treemem.changes import Log, State
from treemem.contents import document_of, is_label, is_message, is_read, origin_of, role_of, spoken_text
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.ids import derived_id
from treemem.ingest.reading.answers import PROMPT
from treemem.ingest.reading.windows import MOST_BEFORE, UNREAD_ROLES, Line, pieces
from treemem.read.filed import parts_of_document
from treemem.read.states import batched, each_page, histories, is_loading
from treemem.records import said_at
from treemem.storable import checked_text
from treemem.store.protocol import FIRST, LAST, LIVE
from treemem.temporal import Moment, TimeLike, parse_time

#: The kind of the operation that says that a memory was read, and holds what was read in it.
READ = "read"
#: What is read: memories of these types that are no items, topics, titles or merged texts.
_TYPES = frozenset({"LongTermMemory", "UserMemory", "WorkingMemory", "OuterMemory", "KnowledgeBaseMemory"})
_SHOWN = (*LIVE, "archived")
_PAGE = 200


@dataclass(slots=True)
class Sources:
    """Memories to read: groups of lines that the same people see, in order; their states by id."""

    groups: list[list[Line]] = field(default_factory=list)
    states: dict[str, State] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)


def mark(line: Line) -> str:
    """Return the id of the operation that says that a line was read."""
    return derived_id(READ, PROMPT, line.memory_id, line.version, line.start)


def audience(state: State) -> tuple[object, ...]:
    """Return who sees a memory: only what the same people see is read together."""
    return ("public",) if state.fields.get("visibility") == "public" else owners_of(state.fields)


def sources(
    ctx: Context, ids: Sequence[str] | None, since: TimeLike | None, conversation_id: str | None, *, again: bool
) -> Sources:
    """Return what is to be read of the ids given, or of what was added since, or of a conversation, or of all."""
    found = Sources()
    if is_loading(ctx):
        return found
    chosen = [s for s in _chosen(ctx, ids, since, conversation_id) if _is_readable(s) and ctx.caller.owns(s)]
    found.states = {s.memory_id: s for s in chosen}
    versions = _text_versions(ctx, chosen)
    groups: dict[tuple[object, ...], list[State]] = {}
    for state in chosen:
        groups.setdefault(_group(state), []).append(state)
    for group in groups.values():
        group.sort(key=_order)
        lines = [piece for s in group for piece in pieces(_line(s, versions[s.memory_id]))]
        fresh = _fresh(ctx, lines, again=again)
        if any(line.fresh for line in fresh):
            found.groups.append(_with_others(ctx, group, fresh))
        by_id: dict[str, bool] = {}
        for line in fresh:
            by_id[line.memory_id] = by_id.get(line.memory_id, False) or line.fresh
        found.unchanged += [i for i, some in by_id.items() if not some and _is_said(found.states[i])]
    return found


def _chosen(
    ctx: Context, ids: Sequence[str] | None, since: TimeLike | None, conversation_id: str | None
) -> Iterator[State]:
    moment = Moment(ctx.now())
    if sum(each is not None for each in (ids, since, conversation_id)) > 1:
        raise InvalidInputError("read: give one of ids, since and conversation_id")
    if ids is not None:
        wanted = _with_passages(ctx, ids, moment)
        for batch in batched(wanted):
            yield from _seen(ctx, batch, moment)
    elif since is not None:
        for batch in batched(sorted(_opened_since(ctx, parse_time(since, "since")))):
            yield from _seen(ctx, batch, moment)
    elif conversation_id is not None:
        log = Log(checked_text(conversation_id, "conversation_id"))
        said = ctx.store.conversation(ctx.cube, log, limit=1_000_000, statuses=LIVE, where=ctx.visible)
        for batch in batched([s.memory_id for s in said]):
            yield from _seen(ctx, batch, moment)
    else:
        for page in each_page(ctx, moment, LIVE, vectors=True, where=ctx.visible):
            yield from page.states


def _seen(ctx: Context, ids: Sequence[str], moment: Moment) -> Iterator[State]:
    found = ctx.store.states(ctx.cube, ids, moment, statuses=LIVE, vectors=True)
    yield from (s for s in found if ctx.caller.sees(s))


def _with_passages(ctx: Context, ids: Sequence[str], moment: Moment) -> list[str]:
    """Return the ids, a document or heading as its passages. Raises MemoryNotFoundError, NotAllowedError."""
    found: dict[str, None] = {}
    for batch in batched(ids):
        for memory_id, history in histories(ctx, batch).items():
            known = [s for s in history if s.closed_by is None]
            if not any(map(ctx.caller.sees, known)):
                raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {ctx.cube!r}; add() makes one")
            ctx.caller.require_own(ctx.cube, memory_id, known)
            root = next((document_of(s.fields) for s in known if is_label(s.fields)), None)
            if root is not None:
                found |= dict.fromkeys(sorted(parts_of_document(ctx, root, moment).states))
            else:
                found[memory_id] = None
    return list(found)


def _opened_since(ctx: Context, since: int) -> set[str]:
    """Return the memories of which operations from a time on opened states, but for those of readings."""
    ids: set[str] = set()
    until, seen = None, set[str]()
    while True:
        some = ctx.store.operations(ctx.cube, since=since, until=until, parts=True, limit=_PAGE)
        fresh = [each for each in some if each.id not in seen]
        for each in fresh:
            if each.kind != READ:
                ids |= {s.memory_id for s in ctx.store.touched(ctx.cube, each.id).states_opened}
        seen = {each.id for each in some}
        if len(some) < _PAGE or not fresh:
            return ids
        until = some[-1].recorded_at + 1


def _is_readable(state: State) -> bool:
    fields = state.fields
    made = is_read(fields) or is_label(fields) or "merged_from" in (fields.get("info") or {})
    return fields["memory_type"] in _TYPES and fields.get("type") != "topic" and not made


def _is_said(state: State) -> bool:
    return role_of(state.fields) not in UNREAD_ROLES


def _group(state: State) -> tuple[object, ...]:
    """Return what a memory is read together with: its conversation, or its document, as the same people see it."""
    talk = state.fields.get("conversation_id") if state.fields.get("sequence") is not None else None
    document = None if talk is not None else document_of(state.fields)
    return (talk, document, audience(state))


def _order(state: State) -> tuple[object, ...]:
    number = state.fields.get("sequence")
    if number is not None:
        return (0, number, 0, "")
    origin = origin_of(state.fields) if document_of(state.fields) else {}
    page, line = (n if isinstance(n := origin.get(name), int) else 0 for name in ("page", "line"))
    return (page, line, state.valid_from, state.memory_id)


def _text_versions(ctx: Context, states: Sequence[State]) -> dict[str, int]:
    """Return since which version each memory says what it says: tags that change make no new text."""
    versions = {s.memory_id: s.version for s in states}
    changed = {s.memory_id: s for s in states if s.version > 1}
    for batch in batched(sorted(changed)):
        for memory_id, history in histories(ctx, batch).items():
            text = changed[memory_id].fields["memory"]
            for state in sorted(history, key=lambda s: -s.version):
                if state.version <= versions[memory_id]:
                    if state.fields["memory"] != text:
                        break
                    versions[memory_id] = state.version
    return versions


def _line(state: State, version: int) -> Line:
    fields = state.fields
    origin, text = origin_of(fields), spoken_text(fields)
    at = said_at(origin) if is_message((origin,)) else None
    name = origin.get("name") if origin.get("type") == "chat" else None
    return Line(
        memory_id=state.memory_id,
        version=version,
        text=text,
        role="document" if document_of(fields) else role_of(fields),
        name=str(name or ""),
        said_at=state.valid_from if at is None else at,
        start=len(str(fields["memory"])) - len(text),
    )


def _fresh(ctx: Context, lines: Sequence[Line], *, again: bool) -> list[Line]:
    """Return the lines, those that were read before, or that nobody says, as context alone."""
    done: set[str] = set()
    marks = {} if again else {mark(line): line for line in lines}
    for batch in batched(list(marks)):
        done |= {each.id for each in ctx.store.operations(ctx.cube, ids=batch, limit=len(batch))}
    return [replace(line, fresh=line.role not in UNREAD_ROLES and mark(line) not in done) for line in lines]


def _with_others(ctx: Context, group: Sequence[State], lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a conversation with what was said right before each run of them."""
    talk = group[0].fields.get("conversation_id")
    numbers = {s.memory_id: s.fields.get("sequence") for s in group}
    if talk is None or any(n is None for n in numbers.values()):
        return list(lines)
    found: list[Line] = []
    last: int | None = None
    for line in lines:
        number = numbers[line.memory_id]
        if number is not None and number != last and line.fresh and (last is None or number > last + 1):
            found += _said_before(ctx, str(talk), number, FIRST if last is None else last, audience(group[0]))
        found.append(line)
        last = number
    return found


def _said_before(ctx: Context, talk: str, below: int, above: int, seen_by: tuple[object, ...]) -> Iterable[Line]:
    states = ctx.store.conversation(
        ctx.cube,
        Log(talk),
        above=above,
        below=min(below, LAST),
        newest=True,
        limit=MOST_BEFORE,
        statuses=_SHOWN,
        where=ctx.visible,
    )
    return [replace(_line(s, s.version), fresh=False) for s in states if audience(s) == seen_by]
