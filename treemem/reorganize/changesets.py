"""From an action to the change set that does it, whole or not at all. Pure planning over what was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from treemem import planning
from treemem.canonical import Vectors
from treemem.changes import ChangeSet, Content, Edge, EdgeAssert, EdgeType, NodeKind, State, StateAssert
from treemem.contents import content_of, embedded_text
from treemem.errors import InvalidInputError
from treemem.judge.closing import closes
from treemem.reorganize.attention import activated, put_back
from treemem.reorganize.plan import Action, ActionKind
from treemem.stemming import stemmed
from treemem.storable import check_json, checked_text
from treemem.temporal import END
from treemem.text import words
from treemem.topics import centre_of

#: From a content to its vectors.
Embed = Callable[[dict[str, Any]], Vectors]

#: Lists of a memory that the one it becomes part of takes over.
_JOINED = ("sources", "tags", "entities", "usage")
#: Edges that a memory keeps to itself when it becomes part of another.
_OWN = frozenset({EdgeType.MERGED_INTO})
_SENTENCE_ENDS = ".!?。！？"


@dataclass(frozen=True, slots=True)
class Ground:
    """What an action stands on: the history of its memories, the edges at them that hold now, parents of memories."""

    history: Mapping[str, Sequence[State]]
    edges: Sequence[Edge]
    ancestors: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def known(self, memory_id: str) -> list[State]:
        """Return the states of a memory that are known now, in order of valid time."""
        return sorted((s for s in self.history[memory_id] if s.closed_by is None), key=lambda s: s.valid_from)


def change(base: ChangeSet, action: Action, ground: Ground, memory_id: str, embed: Embed) -> ChangeSet:
    """Return the change set of an action; `memory_id` is that of the memory which a merge makes."""
    made = _BY_KIND[action.kind](base, action, ground, memory_id, embed)
    return planning.with_rows(
        made,
        states=made.states,
        edges=made.edges,
        entities=made.entities,
        expected={**made.expected, **action.versions},
    )


def _deduplicate(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    keep, *others = action.ids
    states: list[StateAssert] = []
    joined = _joined_lists([ground.known(i)[-1].fields for i in action.ids])
    for segment in ground.known(keep):
        fields = {**segment.fields, **joined}
        if fields != segment.fields:
            states.append(_rewritten(segment, _kept(fields)))
    for other in others:
        states += [_merged(segment, keep, segment.valid_from) for segment in ground.known(other)]
    edges = [EdgeAssert(EdgeType.MERGED_INTO, o, keep, valid_from=ground.known(o)[0].valid_from) for o in others]
    edges += _inherited(ground, keep, others, since=None)
    return planning.with_rows(base, states=states, edges=edges)


def _merge(base: ChangeSet, action: Action, ground: Ground, memory_id: str, embed: Embed) -> ChangeSet:
    last = [ground.known(i)[-1] for i in action.ids]
    start = max(state.valid_from for state in last)
    text = merged_text([str(state.fields["memory"]) for state in last])
    fields: dict[str, Any] = {**last[0].fields, **_joined_lists([s.fields for s in last]), "memory": text}
    fields["confidence"] = min(float(s.fields.get("confidence", 100.0)) for s in last)
    if fields["confidence"] == 100.0:
        del fields["confidence"]
    fields["info"] = {**dict(fields.get("info") or {}), "merged_from": list(action.ids)}
    _kept(fields)
    same = embedded_text(fields) == embedded_text(dict(last[0].fields))
    vectors = last[0].content.vectors if same else embed(fields)
    made = planning.creation(base, memory_id, fields, vectors, start, END)
    states = [*made.states]
    for old in action.ids:
        states += [_merged(s, memory_id, max(s.valid_from, start)) for s in ground.known(old) if s.valid_to > start]
    edges = [*made.edges, *(EdgeAssert(EdgeType.MERGED_INTO, i, memory_id, valid_from=start) for i in action.ids)]
    edges += _inherited(ground, memory_id, action.ids, since=start, there={e.target for e in made.edges})
    return planning.with_rows(base, states=states, edges=edges, entities=made.entities)


def _kept(fields: dict[str, Any]) -> dict[str, Any]:
    """Return fields that were made of others' as they are; raise InvalidInputError if no memory can have them."""
    checked_text(fields["memory"], "memory")
    for name in (*_JOINED, "info"):
        check_json(fields.get(name), name)
    return fields


def merged_text(texts: Sequence[str]) -> str:
    """Return the first text with every sentence of the others that it does not say already, in their order."""
    whole = texts[0].strip()
    said = _stems(whole)
    for text in texts[1:]:
        for sentence in _sentences(text):
            stems = _stems(sentence)
            if stems - said:
                whole += ("" if whole[-1:] in _SENTENCE_ENDS else ".") + " " + sentence
                said |= stems
    return whole


def _stems(text: str) -> set[str]:
    """Return the words of a text without their endings, with those that are grammar: "not" makes another sentence."""
    return set(map(stemmed, words(text)))


def _sentences(text: str) -> list[str]:
    found, start = [], 0
    for i, letter in enumerate(text):
        if letter in _SENTENCE_ENDS and (i + 1 == len(text) or text[i + 1].isspace() or letter in "。！？"):
            found.append(text[start : i + 1].strip())
            start = i + 1
    return [s for s in (*found, text[start:].strip()) if s]


def _supersede(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    newer, older = action.ids
    at = ground.known(newer)[-1].valid_from
    held = ground.known(older)
    ends = closes(held[-1]) and held[0].valid_from < at
    return planning.with_rows(
        base,
        states=[StateAssert(older, None, at)] if ends else [],
        edges=[EdgeAssert(EdgeType.SUPERSEDES, newer, older, valid_from=at)],
    )


def _link(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    source, target = action.ids
    since = max(ground.known(source)[0].valid_from, ground.known(target)[0].valid_from)
    edge = EdgeAssert(
        EdgeType(str(action.edge)),
        source,
        target,
        weight=action.weight,
        confidence=100 * action.confidence,
        valid_from=since,
    )
    return planning.with_rows(base, edges=[edge])


def _group(base: ChangeSet, action: Action, ground: Ground, memory_id: str, embed: object) -> ChangeSet:
    starts = {i: ground.known(i)[-1].valid_from for i in action.ids}
    if action.text is None:
        topic, *members = action.ids
        return planning.with_rows(base, edges=[_below(topic, i, max(starts[topic], starts[i])) for i in members])
    state = _topic(base, action.text, [ground.known(i)[-1] for i in action.ids], memory_id)
    return planning.with_rows(base, states=[state], edges=[_below(memory_id, i, starts[i]) for i in action.ids])


def _topic(base: ChangeSet, text: str, last: Sequence[State], memory_id: str) -> StateAssert:
    """Return the state of a new topic over some memories."""
    shared = {n: last[0].fields[n] for n in ("visibility", "user_id", "session_id") if n in last[0].fields}
    fields: dict[str, Any] = {
        **shared,
        "memory": text,
        "memory_type": "LongTermMemory",
        "status": "activated",
        "type": "topic",
        "source": "system",
        "created_at": base.now,
    }
    _kept(fields)
    content = content_of(fields, centre_of([s.content.embedding for s in last]))
    return StateAssert(memory_id, content, min(s.valid_from for s in last), create=True)


def _split(base: ChangeSet, action: Action, ground: Ground, memory_id: str, embed: object) -> ChangeSet:
    """Put those of the members that are still below the topic below a new one in between."""
    topic, *members = action.ids
    below = {e.target: e for e in ground.edges if e.type is EdgeType.PARENT and e.source == topic}
    moved = [i for i in members if i in below]
    if not moved:
        raise InvalidInputError(f"nothing of the action is below {topic!r} any more")
    state = _topic(base, str(action.text), [ground.known(i)[-1] for i in moved], memory_id)
    start = min(ground.known(i)[-1].valid_from for i in moved)
    edges = [_below(topic, memory_id, max(start, ground.known(topic)[-1].valid_from))]
    for i in moved:
        edges += [_as_assert(below[i], topic, i, None, remove=True), _as_assert(below[i], memory_id, i, None)]
    return planning.with_rows(base, states=[state], edges=edges)


def _join(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    """Move what is below the second topic to the first, and archive the second."""
    kept, ended = action.ids
    archived = planning.rewrite(base, "archive", ended, ground.history[ended])
    edges: list[EdgeAssert] = []
    for edge in (e for e in ground.edges if e.type is EdgeType.PARENT and ended in (e.source, e.target)):
        edges.append(_as_assert(edge, edge.source, edge.target, None, remove=True))
        if edge.source == ended:
            edges.append(_as_assert(edge, kept, edge.target, None))
    return planning.with_rows(archived, states=archived.states, edges=edges)


def _below(topic: str, memory_id: str, since: int) -> EdgeAssert:
    return EdgeAssert(EdgeType.PARENT, topic, memory_id, valid_from=since)


def _archive(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    (memory_id,) = action.ids
    return planning.rewrite(base, "archive", memory_id, ground.history[memory_id])


def _expire(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    (memory_id,) = action.ids
    return planning.expire(base, memory_id, ground.history[memory_id], None)


def _promote(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    (memory_id,) = action.ids
    return planning.with_rows(base, states=[_rewritten(s, put_back(s.fields)) for s in ground.known(memory_id)])


def _activate(base: ChangeSet, action: Action, ground: Ground, _: str, embed: object) -> ChangeSet:
    (memory_id,) = action.ids
    return planning.with_rows(base, states=[_rewritten(s, activated(s.fields)) for s in ground.known(memory_id)])


_BY_KIND: dict[ActionKind, Callable[..., ChangeSet]] = {
    ActionKind.DEDUPLICATE: _deduplicate,
    ActionKind.MERGE: _merge,
    ActionKind.SUPERSEDE: _supersede,
    ActionKind.CONTRADICT: _link,
    ActionKind.RELATE: _link,
    ActionKind.GROUP: _group,
    ActionKind.SPLIT: _split,
    ActionKind.JOIN: _join,
    ActionKind.ARCHIVE: _archive,
    ActionKind.EXPIRE: _expire,
    ActionKind.PROMOTE: _promote,
    ActionKind.ACTIVATE: _activate,
}


def _rewritten(segment: State, fields: dict[str, Any]) -> StateAssert:
    content = content_of(fields, segment.content.vectors)
    return StateAssert(segment.memory_id, content, segment.valid_from, segment.valid_to)


def _merged(segment: State, into: str, start: int) -> StateAssert:
    fields = {**segment.fields, "status": "merged"}
    return StateAssert(
        segment.memory_id, Content(fields, segment.content.vectors, segment.tokens), start, segment.valid_to
    )


def _joined_lists(many: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return the lists of several memories, each value once, in order."""
    joined: dict[str, list[Any]] = {}
    for name in _JOINED:
        values: list[Any] = []
        for fields in many:
            values += [value for value in fields.get(name) or () if value not in values]
        if values:
            joined[name] = values
    return joined


def _inherited(
    ground: Ground, keep: str, others: Sequence[str], since: int | None, there: Iterable[str] = ()
) -> list[EdgeAssert]:
    """Return the edges of memories that become part of another, moved to it: once each, no loops, one parent.

    Directions, weights, confidences and times stay; `there` are entities that it mentions already.
    """
    gone = {keep, *others}
    present = {(e.type, e.source, e.target) for e in ground.edges if keep in (e.source, e.target)}
    present |= {(EdgeType.MENTIONS, keep, target) for target in there}
    parented = any(e.type is EdgeType.PARENT and e.target == keep for e in ground.edges)
    found: list[EdgeAssert] = []
    for edge in sorted(ground.edges, key=lambda e: (-e.weight, e.tiebreak)):
        source = keep if edge.source in gone else edge.source
        inner = edge.target_kind is NodeKind.MEMORY and edge.target in gone
        target = keep if inner else edge.target
        key = (edge.type, source, target)
        if edge.type in _OWN or source == target or key in present or not {edge.source, edge.target} & set(others):
            continue
        if edge.type is EdgeType.PARENT:
            if inner:  # its parent becomes the parent of what it is now, if that has none and is not above it
                if parented or keep in ground.ancestors.get(source, frozenset()):
                    continue
                parented = True
            else:  # a child has one parent: it goes over
                found.append(_as_assert(edge, edge.source, edge.target, since, remove=True))
        present.add(key)
        found.append(_as_assert(edge, source, target, since))
    return found


def _as_assert(edge: Edge, source: str, target: str, since: int | None, *, remove: bool = False) -> EdgeAssert:
    start = edge.valid_from if since is None else max(edge.valid_from, since)
    return planning.asserted(replace(edge, source=source, target=target), start, remove=remove)
