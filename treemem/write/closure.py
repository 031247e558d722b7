"""What a purge erases beside the memories it is given: every record in which their words stand.

Derived text follows its source along edges:

- what was merged with a memory into one says the same and goes too; so does a text that was made by merging, and the
  other memories it was made of come back;
- what is DERIVED_FROM a memory goes too, unless it was there before and the memory only says it again, or the memory
  changed it and that was taken back: then only what it said in between goes; an answer whose model was shown the
  memory goes if it shares a word with it;
- what stands below a document, or below a heading of one, goes too;
- topics above a memory are named and placed anew by what is left below them, or go with their last member;
- a message that holds a copy of the one before it loses the copy;
- reasons of operations and of earlier purges lose their text where it shares a word with what is erased.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from treemem import topics
from treemem.canonical import Vectors, canonical_json
from treemem.changes import DERIVING, RUN, Edge, EdgeType, Erasure, NodeKind, State
from treemem.contents import AGAIN, SHOWN, content_of, document_of, is_topic
from treemem.segments import words_in
from treemem.stemming import stemmed
from treemem.store.protocol import GraphStore
from treemem.text import MAX_TOKENS, STOP_WORDS

#: How many memories a store is asked about at once.
_BATCH = 200
#: What treemem itself notes of the message that a memory is made of.
_NOTED = frozenset({"type", "role", "message_id", "chat_time", "silent"})


@dataclass(slots=True)
class Closure:
    """What is erased with some memories, and the memories that come back because what they became is erased."""

    doomed: set[str] = field(default_factory=set)
    back: set[str] = field(default_factory=set)
    edges: list[Edge] = field(default_factory=list)
    histories: dict[str, list[State]] = field(default_factory=dict)
    redacted: dict[tuple[str, int], State] = field(default_factory=dict)
    mentions: set[tuple[str, str]] = field(default_factory=set)


def closure(store: GraphStore, cube: str, wanted: Iterable[str]) -> Closure:
    """Return what has to be erased or rewritten so that no word of these memories is left."""
    found = Closure(set(wanted))
    frontier = sorted(found.doomed)
    asked: set[str] = set(frontier)
    topics_above: set[str] = set()
    while frontier:
        edges = _edges_ever(store, cube, frontier)
        found.edges += edges
        _read_histories(store, cube, found, {i for e in edges for i in (e.source, e.target)} | set(frontier))
        more: set[str] = set()
        for edge in edges:
            more |= _reached(edge, found, asked)
            if edge.type is EdgeType.PARENT and edge.target in found.doomed and _was_topic(found, edge.source):
                topics_above.add(edge.source)
            if edge.type is EdgeType.FOLLOWS and edge.target in found.doomed:
                _without_copies(found, edge.source, edge.target)
        found.doomed |= more
        frontier = sorted(more)
    _rename_topics(store, cube, found, topics_above - found.doomed)
    found.back -= found.doomed
    found.redacted = {key: state for key, state in found.redacted.items() if key[0] not in found.doomed}
    return found


def erasure(store: GraphStore, cube: str, found: Closure, read_at: int) -> Erasure:
    """Return what the store erases and rewrites; `read_at` is the cube's clock when the closure was read."""
    touched = found.doomed | {memory_id for memory_id, _ in found.redacted}
    said = words_of(s for i in found.doomed for s in found.histories.get(i, ()))
    return Erasure(
        ids=tuple(sorted(found.doomed)),
        redacted=tuple(state for _, state in sorted(found.redacted.items())),
        mentions=tuple(sorted(found.mentions)),
        reasons=tuple(_telling(store, cube, touched, said)),
        tombstones=tuple(t.id for t in store.tombstones(cube) if said & forms(t.reason or "")),
        read_at=read_at,
    )


def _edges_ever(
    store: GraphStore, cube: str, ids: Sequence[str], types: Sequence[EdgeType] | None = DERIVING
) -> list[Edge]:
    edges: dict[Edge, None] = {}
    for start in range(0, len(ids), _BATCH):
        edges |= dict.fromkeys(store.edges_ever(cube, ids[start : start + _BATCH], types=types))
    return [e for e in edges if types is None or e.target_kind is NodeKind.MEMORY]


def _read_histories(store: GraphStore, cube: str, found: Closure, ids: Iterable[str]) -> None:
    missing = sorted(set(ids) - found.histories.keys())
    for memory_id in missing:
        found.histories[memory_id] = []
    for start in range(0, len(missing), _BATCH):
        for state in store.history(cube, missing[start : start + _BATCH]):
            found.histories[state.memory_id].append(state)


def _reached(edge: Edge, found: Closure, asked: set[str]) -> set[str]:
    """Return what an edge at a doomed memory dooms too."""
    if edge.type is EdgeType.PARENT:
        below = edge.source in found.doomed and edge.target not in found.doomed and _one_document(found, edge)
        return {edge.target} if below else set()
    if edge.type is EdgeType.DERIVED_FROM:
        part = edge.properties.get("part")
        ours = edge.target in found.doomed and part != AGAIN and (part != SHOWN or _share_words(found, edge))
        if not ours or edge.source in found.doomed:
            return set()
        return set() if _taken_back(found, edge) else {edge.source}
    if edge.type is not EdgeType.MERGED_INTO:
        return set()
    known = any(s.closed_by is None for s in found.histories[edge.target])
    if edge.source in found.doomed and edge.target not in found.doomed:
        if edge.closed_by is None or not known:
            return {edge.target}
        _as_before(found, edge)  # the merge was taken back: only its traces go
    if edge.target in found.doomed and edge.source not in found.doomed and edge.closed_by is None:
        if edge.target in asked or not _made_by_merging(found, edge.target):
            return {edge.source}
        found.back.add(edge.source)
    return set()


def _taken_back(found: Closure, edge: Edge) -> bool:
    """Return whether what ended a derivation let the memory say again what it said before; if so, rewrite the states
    that it had in between. What it has said since stands on that.
    """
    history = found.histories[edge.source]
    before = [s for s in history if s.recorded_from < edge.recorded_from]
    derived = [s for s in history if edge.recorded_from <= s.recorded_from < edge.recorded_to]
    if edge.closed_by is None or not before or any(s.closed_by is None for s in derived):
        return False
    after = [s for s in history if s.opened_by == edge.closed_by]
    if not after or not {_said(s) for s in after} <= {_said(s) for s in before}:
        return False
    last = max(before, key=lambda s: s.version)
    found.mentions |= {(edge.source, operation) for operation in (edge.opened_by, *(s.opened_by for s in derived))}
    for state in derived:
        _redact(found, state, dict(last.fields) | {"status": state.fields["status"]}, last.content.vectors)
    return True


def _said(state: State) -> str:
    return canonical_json({**state.fields, "status": None})


def _share_words(found: Closure, edge: Edge) -> bool:
    """Return whether an answer ever had a word of what its model was shown, stop words apart."""
    answers = {str(state.fields["memory"]) for state in found.histories[edge.source]}
    return bool(set().union(*map(forms, answers)) & words_of(found.histories[edge.target]))


def _made_by_merging(found: Closure, memory_id: str) -> bool:
    return any("merged_from" in (s.fields.get("info") or {}) for s in found.histories[memory_id])


def _one_document(found: Closure, edge: Edge) -> bool:
    """Return whether both ends of an edge are parts of one document: a heading, and what stands below it."""
    above, below = (found.histories[i] for i in (edge.source, edge.target))
    return bool({document_of(s.fields) for s in above} & {document_of(s.fields) for s in below} - {None})


def _was_topic(found: Closure, memory_id: str) -> bool:
    return any(is_topic(s.fields) for s in found.histories[memory_id])


def _as_before(found: Closure, edge: Edge) -> None:
    """Rewrite the states that a merge gave to what it kept as before, and forget what it let it mention."""
    history = found.histories[edge.target]
    found.mentions.add((edge.target, edge.opened_by))
    for state in history:
        earlier = [s for s in history if s.version < state.version and s.opened_by != edge.opened_by]
        if state.opened_by == edge.opened_by and earlier:
            before = max(earlier, key=lambda s: s.version)
            _redact(found, state, dict(before.fields) | {"status": state.fields["status"]}, before.content.vectors)


def _without_copies(found: Closure, follower: str, before: str) -> None:
    """Rewrite the states of a message that hold the text of the one before it, without that text."""
    said = {s.fields["memory"] for s in found.histories[before]}
    for state in found.histories[follower]:
        if state.fields.get("background") in said:
            fields = {name: value for name, value in state.fields.items() if name != "background"}
            _redact(found, state, fields, state.content.vectors)


def _redact(found: Closure, state: State, fields: dict[str, Any], vectors: Vectors) -> None:
    content = content_of(fields, vectors)
    new = replace(state, fields=content.fields, vectors=content.vectors, tokens=content.tokens)
    found.redacted[state.memory_id, state.version] = new


def _rename_topics(store: GraphStore, cube: str, found: Closure, affected: set[str]) -> None:
    """Rewrite every state of the topics above what is erased by what is left below them; doom those with nothing left.

    Topics above them are named by their names, so that they are rewritten after them.
    """
    level = sorted(affected)
    while level:
        edges = _edges_ever(store, cube, level)
        found.edges += edges
        _read_histories(store, cube, found, {i for e in edges for i in (e.source, e.target)} | set(level))
        below: dict[str, list[str]] = defaultdict(list)
        for edge in edges:
            if edge.type is EdgeType.PARENT and edge.closed_by is None and edge.target not in found.doomed:
                below[edge.source].append(edge.target)
        for topic in level:
            members = [s for i in sorted(set(below[topic])) if (s := _latest(found, i)) is not None]
            if not members:
                found.doomed.add(topic)
                continue
            name, centre = topics.name(members), topics.centre_of([s.content.embedding for s in members])
            for state in found.histories[topic]:
                if is_topic(state.fields):
                    _redact(found, state, {**state.fields, "memory": name}, centre)
        above = {e.source for e in edges if e.type is EdgeType.PARENT and e.target in set(level)}
        level = sorted(i for i in above - found.doomed - set(level) if _was_topic(found, i))


def _latest(found: Closure, memory_id: str) -> State | None:
    """Return what a memory says now, as it will be rewritten; None where nothing of it is known."""
    known = [s for s in found.histories.get(memory_id, ()) if s.closed_by is None and s.fields["status"] != "deleted"]
    if not known:
        return None
    last = max(known, key=lambda s: s.version)
    return found.redacted.get((memory_id, last.version), last)


def words_of(states: Iterable[State]) -> set[str]:
    """Return the words of all texts of states and their stems; a text that several have is read once."""
    return set().union(*map(forms, {text for state in states for text in _texts_of(state)}))


def _texts_of(state: State) -> Iterator[str]:
    fields = state.fields
    yield str(fields["memory"])
    yield from (str(fields.get(name) or "") for name in ("key", "background"))
    yield from (json.dumps(fields.get(name) or "", ensure_ascii=False) for name in ("tags", "entities", "info"))
    yield from (json.dumps(_told_by(each), ensure_ascii=False) for each in fields.get("sources") or ())


def _told_by(source: Any) -> Any:
    """Return what a source says, without what treemem notes of every message."""
    if not isinstance(source, dict):
        return source
    return [value for name, value in source.items() if name not in _NOTED]


def forms(text: str) -> set[str]:
    """Return the words of a text and their stems, so that "harp" is found in "the harps"."""
    said = set(islice(words_in(text, singles=True), MAX_TOKENS))
    return {*said, *map(stemmed, said)} - STOP_WORDS


def _telling(store: GraphStore, cube: str, gone: set[str], said: set[str]) -> Iterator[str]:
    """Yield the operations whose reason shares a word with what is erased that nothing else they touched says."""
    for operation in store.all_operations(cube):
        told = said & forms(operation.reason or "") if operation.kind != RUN else set()
        if told:
            touched = store.touched(cube, operation.id)
            states = (*touched.states_opened, *touched.states_closed)
            left = words_of(s for s in states if s.memory_id not in gone)
            if told - left or any(s.memory_id in gone for s in states):
                yield operation.id
