"""Topics follow their members: what is deleted, ended, said otherwise or no longer to be seen by the same callers
gives them no words.

A topic is named anew when a word of its name is said by a member that is gone and by none that is left. One without
members goes; a member that other callers see than the topic leaves it. Topics above topics follow in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from treemem import topics
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Receipt, State, StateAssert
from treemem.contents import content_of, is_topic
from treemem.context import Context
from treemem.ids import derived_id
from treemem.store.protocol import GraphStore
from treemem.temporal import Moment
from treemem.text import STOP_WORDS, words
from treemem.write.committing import CHUNK, commit, new_change
from treemem.write.intent import Intent

_SHOWN = ("activated", "archived")


def let_topics_follow(ctx: Context, base: ChangeSet, done: Receipt, ids: Sequence[str]) -> None:
    """Name the topics above changed memories by what is left below them, as an operation of its own.

    It is one that `undo` of the change need not take back first.
    """
    if done.repeated:
        return
    after = new_change(ctx, "rename_topics", Intent(actor=base.actor), request=[base.operation])
    for start in range(0, len(ids), CHUNK):
        some = ids[start : start + CHUNK]
        if followed(ctx.store, after, some).rows:
            one = replace(after, operation=derived_id("rename_topics", base.operation, *some))
            commit(ctx, one, partial(followed, ctx.store, ids=some), repeatable=False)


def followed(store: GraphStore, base: ChangeSet, ids: Sequence[str]) -> ChangeSet:
    """Return the change that lets the topics above these memories, which were just changed, say what is left of them.

    It has no rows where every topic may stay as it is.
    """
    cube, moment = base.cube, Moment(base.now)
    rows: dict[str, StateAssert] = {}
    edges: list[EdgeAssert] = []
    said: dict[str, set[str]] = {}
    level = sorted(ids)
    while level:
        above = store.edges(cube, level, moment, types=[EdgeType.PARENT], direction="in", statuses=None)
        found = sorted({e.source for e in above})
        parents = store.states(cube, found, moment, statuses=_SHOWN, vectors=True) if found else []
        parent_topics = {s.memory_id: s for s in parents if is_topic(s.fields)}
        unread = sorted({e.target for e in above if e.source in parent_topics} - said.keys())
        for state in store.history(cube, unread) if unread else ():
            said.setdefault(state.memory_id, set()).update(_words([state]))
        level = []
        for topic in parent_topics.values():
            changed = {e.target for e in above if e.source == topic.memory_id}
            below = _below(store, cube, topic, moment, rows)
            members = [s for s in below if s.fields["status"] in _SHOWN and topics.together(topic, s)]
            apart = [s.memory_id for s in below if not topics.together(topic, s) and s.memory_id in changed]
            leaving = apart if members else [s.memory_id for s in below]
            edges += [EdgeAssert(EdgeType.PARENT, topic.memory_id, i, remove=True) for i in leaving]
            said_before = set().union(*(said[i] for i in changed)) & _words([topic])
            if members and not said_before - _words(members):
                continue
            fields = dict(topic.fields)
            if members:
                fields["memory"] = topics.name(members)
                vectors = topics.centre_of([s.content.embedding for s in members])
            else:
                fields["status"], vectors = "deleted", topic.content.vectors
            said[topic.memory_id] = _words([topic])
            rows[topic.memory_id] = StateAssert(topic.memory_id, content_of(fields, vectors))
            level.append(topic.memory_id)
    written = store.history(cube, sorted(rows)) if rows else ()
    expected = {s.memory_id: s.version for s in written}  # the last version comes last
    return replace(base, states=tuple(rows.values()), edges=tuple(edges), expected=expected)


def _below(store: GraphStore, cube: str, topic: State, moment: Moment, rows: dict[str, StateAssert]) -> list[State]:
    """Return what stands below a topic, as it will be after the change that is being planned."""
    edges = store.edges(cube, [topic.memory_id], moment, types=[EdgeType.PARENT], direction="out", statuses=None)
    found = []
    for state in store.states(cube, sorted({e.target for e in edges}), moment, statuses=None, vectors=True):
        row = rows.get(state.memory_id)
        new = row.content if row is not None else None
        found.append(state if new is None else replace(state, fields=new.fields, vectors=new.vectors))
    return found


def _words(states: Sequence[State]) -> set[str]:
    return {word for s in states for word in words(str(s.fields["memory"]))} - STOP_WORDS
