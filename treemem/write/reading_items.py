"""From what was read in a line to rows: items with their sources, what they repeat, supersede and contradict.

An item's words come from its sources, so that an edge DERIVED_FROM leads to each of them; the edge says what the source
is for it, in its properties: `part` is "quoted" (the words it rests on, from `start` to before `end` of what the source
says at `version`), "context" (it has words of it), or "again" (the source says it again; its words are not from there).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from treemem import planning
from treemem.caller import WHOSE, owners_of
from treemem.canonical import Vectors
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Entity, State, StateAssert
from treemem.contents import AGAIN, fields_of, is_label, is_read
from treemem.context import Context
from treemem.ids import derived_id
from treemem.ingest.entities import entity
from treemem.ingest.reading.answers import PROMPT, Claim
from treemem.ingest.reading.report import ReadItem
from treemem.ingest.reading.windows import Line
from treemem.ingest.statements import PROJECT
from treemem.items import TextualMemoryItem, as_item
from treemem.judge.closing import closes
from treemem.judge.evidence import Bound, literal_words, valid_time
from treemem.judge.pairs import Judgement, Reading, Relation, judge
from treemem.judge.pairs import read as compared
from treemem.judge.said import is_speaker
from treemem.judge.supersession import elsewhere
from treemem.read.states import histories
from treemem.store.protocol import LIVE
from treemem.temporal import END, Moment, from_micros
from treemem.write.preferring import PREFERENCE

#: What kind of memory each kind of item becomes. `info.kind` has the item's own.
TYPES = {"plan": "event", "relation": "fact"}
#: How many memories nearest to an item are compared with it.
NEAREST = 20
#: Fields of a source that its items have too.
_INHERITED = (*WHOSE, "conversation_id", "source")
PREFERENCES = {"explicit": "explicit_preference", "implicit": "implicit_preference", "": "explicit_preference"}


@dataclass(slots=True)
class Made:
    """What becomes of the items of one line: rows, and what is told of each."""

    states: list[StateAssert] = field(default_factory=list)
    edges: list[EdgeAssert] = field(default_factory=list)
    entities: dict[str, Entity] = field(default_factory=dict)
    expected: dict[str, int] = field(default_factory=dict)
    told: list[ReadItem] = field(default_factory=list)


def item_id(bound: Bound) -> str:
    """Return the id of an item: it follows from its source, its kind and its words."""
    return derived_id("item", bound.line.memory_id, bound.claim.kind, literal_words(bound.claim.text))


def item_from(bound: Bound, source: State, model: str) -> TextualMemoryItem:
    """Return the memory that a claim becomes, as its source's owner has it."""
    claim, line, fields = bound.claim, bound.line, source.fields
    start, end = valid_time(bound)
    origin: dict[str, Any] = {
        "type": "reading",
        "role": line.role if line.role in ("user", "assistant") else "assistant" if line.role != "document" else "tool",
        "memory_id": line.memory_id,
        "version": line.version,
        "start": bound.start,
        "end": bound.end,
    }
    if line.name:
        origin["name"] = line.name
    info: dict[str, Any] = {
        **{name: value for name, value in (fields.get("info") or {}).items() if name in PROJECT},
        "kind": claim.kind,
        "speaker": line.speaker,
        "about": _about(bound),
        "polarity": claim.polarity,
        "modality": bound.modality,
        "time": claim.time.strip() or None,
        "starts": None if bound.days is None else from_micros(bound.days.start).isoformat(),
        "ends": None if bound.days is None or bound.days.end == END else from_micros(bound.days.end).isoformat(),
        "recurs": claim.recurs.strip() or None,
        "reasoning": claim.reasoning.strip() or None,
        "prompt": PROMPT,
        "model": model,
    }
    if claim.kind == "relation":
        info["relation"] = {"subject": claim.subject, "type": claim.relation, "object": claim.object}
    metadata: dict[str, Any] = {name: fields[name] for name in _INHERITED if fields.get(name) is not None}
    held = str(fields["memory_type"])
    metadata |= {
        "memory_type": PREFERENCE if claim.kind == "preference" else _type_beside(held),
        "type": TYPES.get(claim.kind, claim.kind),
        "confidence": round(100 * bound.confidence, 2),
        "entities": _entities(bound),
        "created_at": from_micros(line.said_at),
        "memory_time": None if bound.days is None else from_micros(bound.days.start),
        "valid_from": from_micros(start),
        "valid_to": None if end == END else from_micros(end),
        "sources": [origin],
        "info": {name: value for name, value in info.items() if value is not None},
    }
    if claim.kind == "preference":
        metadata["preference_type"] = PREFERENCES[claim.preference]
    return as_item({"id": item_id(bound), "memory": claim.text.strip(), "metadata": metadata})[0]


def _about(bound: Bound) -> str | None:
    """Return whom or what an item is about: its speaker, in one spelling, where it is he."""
    claim, line = bound.claim, bound.line
    if is_speaker(claim.about or claim.text, line, whole=bool(claim.about.strip())):
        return line.speaker
    return claim.about.strip() or None


def _type_beside(held: str) -> str:
    return "LongTermMemory" if held == "WorkingMemory" else held


def _entities(bound: Bound) -> list[str]:
    claim = bound.claim
    given = (*claim.entities, claim.subject, claim.object)
    return list(dict.fromkeys(name.strip() for name in given if name.strip()))


def told(bound: Bound, source: State, memory_id: str, became: str, **more: Any) -> ReadItem:
    """Return what a report says of an item."""
    quote = str(source.fields["memory"])[bound.start : bound.end]
    claim, line = bound.claim, bound.line
    return ReadItem(
        memory_id, claim.kind, claim.text.strip(), quote, line.memory_id, line.speaker, bound.modality, became, **more
    )


def made_of(
    ctx: Context,
    base: ChangeSet,
    source: State,
    bounds: Sequence[Bound],
    model: str,
    gone: frozenset[str],
    verdicts: Mapping[tuple[str, str], Judgement],
) -> Made:
    """Return the rows of what was read in one line of `source`. Items in `gone` were erased, and do not come back.

    `verdicts` are what a language model said of items and what they stand beside, by their ids.
    """
    made = Made()
    items = [(bound, item_from(bound, source, model)) for bound in bounds]
    there = {s.memory_id for s in ctx.store.known(ctx.cube, [item.id for _, item in items])} if items else set()
    fresh = [(b, item) for b, item in items if item.id not in there and item.id not in gone]
    made.told += [told(b, source, item.id, "there") for b, item in items if item.id in there]
    contents = [fields_of(item) for _, item in fresh]
    vectors = ctx.vectors_of(contents) if contents else []
    near = _near(ctx, base, [v[0] for v in vectors], source)
    added: list[State] = []
    for (bound, item), fields, own, beside in zip(fresh, contents, vectors, near, strict=True):
        near_by = [*beside, *((s, 1.0) for s in added)]
        _add(made, ctx, base, bound, source, item, fields, own, near_by, added, verdicts)
    return made


def beside(
    ctx: Context, base: ChangeSet, source: State, bounds: Sequence[Bound], model: str
) -> list[tuple[State, Sequence[tuple[State, float]]]]:
    """Return the items that a line would make, as states, each with the memories near to it."""
    contents = [(bound, fields_of(item_from(bound, source, model))) for bound in bounds]
    vectors = ctx.vectors_of([fields for _, fields in contents]) if contents else []
    near = _near(ctx, base, [v[0] for v in vectors], source)
    return [
        (State(item_id(bound), 1, fields, *valid_time(bound), base.now, END, base.operation, None, own), some)
        for (bound, fields), own, some in zip(contents, vectors, near, strict=True)
    ]


def _add(
    made: Made,
    ctx: Context,
    base: ChangeSet,
    bound: Bound,
    source: State,
    item: TextualMemoryItem,
    fields: dict[str, Any],
    vectors: Vectors,
    beside: Sequence[tuple[State, float]],
    added: list[State],
    verdicts: Mapping[tuple[str, str], Judgement],
) -> None:
    start, end = valid_time(bound)
    state = State(item.id, 1, fields, start, end, base.now, END, base.operation, None, vectors)
    judged = list(_judged(state, bound, beside, verdicts))
    same = next((old for found, old in judged if found.relation is Relation.SAME), None)
    if same is not None and same.memory_id != source.memory_id:
        if not same.fields.get("frozen"):
            made.edges.append(_derived(same.memory_id, bound, AGAIN, same.valid_from))
        made.told.append(told(bound, source, same.memory_id, "known"))
        return
    group = planning.creation(base, item.id, fields, vectors, start, end)
    made.states += group.states
    made.edges += _related(group.edges, bound.claim, ctx.cube)
    made.entities |= {each.id: each for each in group.entities}
    made.edges.append(_derived(item.id, bound, "quoted", start))
    for giver in {line.memory_id: None for line in bound.context} | dict.fromkeys(bound.known):
        if giver != source.memory_id:
            context = {"part": "context"}
            made.edges.append(EdgeAssert(EdgeType.DERIVED_FROM, item.id, giver, valid_from=start, properties=context))
    superseded, contradicted = [], []
    for found, old in judged:
        if found.relation is Relation.SUPERSEDES and found.source == item.id:
            made.edges.append(EdgeAssert(EdgeType.SUPERSEDES, item.id, old.memory_id, valid_from=start))
            superseded.append(old.memory_id)
            _close(made, ctx, old, start)
        elif found.relation is Relation.CONTRADICTS:
            made.edges.append(EdgeAssert(EdgeType.CONTRADICTS, item.id, old.memory_id, valid_from=start))
            contradicted.append(old.memory_id)
    more = {"superseded": tuple(superseded), "contradicted": tuple(contradicted)}
    made.told.append(told(bound, source, item.id, "added", **more))
    added.append(state)


def _related(edges: Iterable[EdgeAssert], claim: Claim, cube: str) -> Iterator[EdgeAssert]:
    """Yield the mentions of an item; those of a relation's ends say which end each is, and of what relation.

    Two names are no memories, and what is told of them is this item's to say: so the relation is on its own edges, and
    ends, hides and is erased with it.
    """
    ends = {"subject": claim.subject, "object": claim.object} if claim.kind == "relation" else {}
    parts = {entity(cube, name.strip()).id: part for part, name in ends.items()}
    for edge in edges:
        part = parts.get(edge.target)
        properties = {"part": part, "relation": claim.relation.strip()}
        yield edge if part is None else replace(edge, properties=properties)


def _derived(memory_id: str, bound: Bound, part: str, since: int) -> EdgeAssert:
    properties = {"part": part, "version": bound.line.version, "start": bound.start, "end": bound.end}
    return EdgeAssert(EdgeType.DERIVED_FROM, memory_id, bound.line.memory_id, valid_from=since, properties=properties)


def _near(ctx: Context, base: ChangeSet, vectors: Sequence[Any], source: State) -> list[list[tuple[State, float]]]:
    """Return the memories near to each item that the same owner has, and their cosines; not its own source."""
    if not vectors:
        return []
    moment = Moment(base.now)
    found = ctx.store.neighbours(ctx.cube, vectors, NEAREST, moment)
    ids = sorted({i for each in found for i, _ in each} - {source.memory_id})
    states = {s.memory_id: s for s in ctx.store.states(ctx.cube, ids, moment, statuses=LIVE)}
    mine = {
        i: s
        for i, s in states.items()
        if ctx.caller.owns(s) and owners_of(s.fields) == owners_of(source.fields) and not is_label(s.fields)
    }
    return [[(mine[i], cosine) for i, cosine in each if i in mine] for each in found]


def _judged(
    state: State,
    bound: Bound,
    beside: Sequence[tuple[State, float]],
    verdicts: Mapping[tuple[str, str], Judgement],
) -> Iterator[tuple[Judgement, State]]:
    """Yield what the judge says of an item and the memories near to it, as far as it may say so of what is read.

    Only what is asserted contradicts, only what is plainly asserted supersedes, and only what is said alike is the
    same.
    """
    new = compared(state)
    for old, cosine in beside:
        info: Mapping[str, Any] = old.fields.get("info") or {} if is_read(old.fields) else {}
        alike = info.get("modality", "asserted") == bound.modality
        alike = alike and info.get("polarity", bound.claim.polarity) == bound.claim.polarity
        other = compared(old)
        found = verdicts.get((state.memory_id, old.memory_id)) or judge(new, other, cosine)
        if alike and _told_again(new, other, state, old):
            yield replace(found, relation=Relation.SAME), old
        elif found.relation is Relation.SAME:
            if alike:
                yield found, old
        elif bound.modality == info.get("modality", "asserted") == "asserted" and (
            bound.plain or found.relation is not Relation.SUPERSEDES
        ):
            yield found, old


def _told_again(new: Reading, other: Reading, state: State, old: State) -> bool:
    """Return whether both tell of one event in the same words: of the same day, which the words of both say."""
    one, two = state.fields.get("memory_time"), old.fields.get("memory_time")
    if one is None or one != two or not is_read(old.fields) or state.fields.get("type") != old.fields.get("type"):
        return False
    return new.key == other.key and new.belongs == other.belongs and not elsewhere(new.statement, other.statement)


def _close(made: Made, ctx: Context, old: State, at: int) -> None:
    """End an item that a later one supersedes, from when that holds; what people said themselves stays as it is."""
    if not is_read(old.fields) or old.fields.get("frozen") or not closes(old):
        return
    history = histories(ctx, [old.memory_id])[old.memory_id]
    known = planning.known_of(history)
    if not known or any(s.fields.get("frozen") for s in known) or min(s.valid_from for s in known) >= at:
        return
    if not all(map(ctx.caller.owns, known)) or old.memory_id in made.expected:
        return
    made.states.append(StateAssert(old.memory_id, None, at, planned=True))
    made.expected[old.memory_id] = max(s.version for s in history)


def lines_of(bounds: Sequence[Bound], line: Line) -> list[Bound]:
    """Return what was read in a line."""
    return [each for each in bounds if each.line == line]
