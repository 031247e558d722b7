"""What kinds of tasks there are, and what is done for each. A new kind is one line in HANDLERS, at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from treemem.checks import known_names, shown
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.queued import WAITING
from treemem.reorganize.reorganizer import Reorganizer
from treemem.write import reading, reindexing
from treemem.write.reading_sources import READ

#: How many waiting tasks are looked at for what can be read along.
_READ_ALONG = 20
#: Says whether the worker is to end, or has lost the task: a handler that takes long asks now and then.
Stopping = Callable[[], bool]
#: Does a task: given the context (its cube, as whoever made it sees that) and the payload, returns counts; None where
#: it was told to stop and left something undone, so that the task is given back.
Run = Callable[[Context, Mapping[str, Any], Stopping], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Handler:
    """How tasks of a kind are done.

    Doing it again after it was cut off must do what is left and nothing twice. What it raises is told apart in
    `faults.py`. `takes` are the names that a payload may have, with the types of their values. One that `asks_llm`
    waits while the cube's budget for the day is spent; one that `needs_llm` is left to workers that have a language
    model. `needs` are the names that a payload must have.
    """

    run: Run
    takes: Mapping[str, type] = field(default_factory=dict)
    asks_llm: bool = False
    needs_llm: bool = False
    needs: frozenset[str] = frozenset()

    def check(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Raise InvalidInputError for a payload that a task of this kind cannot have."""
        known_names(f"a task of kind {kind!r}", payload, self.takes)
        if missing := sorted(self.needs - payload.keys()):
            raise InvalidInputError(f"payload: a task of kind {kind!r} wants {', '.join(missing)}")
        for name, value in payload.items():
            wanted = self.takes[name]
            if not isinstance(value, wanted):
                raise InvalidInputError(f"payload.{name}: wanted {wanted.__name__}, found {shown(value)}")


class _Stopped(Exception):
    """Leaves a verb that tells its progress between two of its parts."""


def _reorganize(ctx: Context, payload: Mapping[str, Any], stopping: Stopping) -> Mapping[str, Any] | None:
    """Plan and apply, as `memory.reorganizer.run(**payload)` does. Raises LeaseError while another one does so."""
    report = Reorganizer(ctx, stopping).run(**payload)
    if stopping():
        return None  # whatever is left is planned again
    return {name: report.count(name) for name in ("done", "repeated", "skipped")}


def _reindex(ctx: Context, payload: Mapping[str, Any], stopping: Stopping) -> Mapping[str, Any] | None:
    """Make the index entries of what an earlier version stored anew, part for part."""

    def progress(done: int, total: int | None) -> None:
        if stopping():
            raise _Stopped

    try:
        return {"states": reindexing.reindex(ctx, progress)}
    except _Stopped:
        return None


def _read(ctx: Context, payload: Mapping[str, Any], stopping: Stopping) -> Mapping[str, Any] | None:
    """Let the language model read memories, as `memory.read(ids)` does; what was read stays read.

    What other tasks of the same caller wait to read of the same conversation is read along, as far as one window goes.
    """

    def progress(done: int, total: int | None) -> None:
        if stopping():
            raise _Stopped

    try:
        report = reading.read_memories(ctx, payload["ids"], progress, beside=_waiting(ctx))
    except _Stopped:
        return None
    counts = {"read": len(report.read), "read_before": len(report.unchanged), "calls": report.calls}
    return counts | {"items": len(report.items), "added": len(report.added), "dropped": len(report.dropped)}


def _waiting(ctx: Context) -> list[str]:
    """Return the ids that tasks of this caller, which are due, are to read."""
    due = ctx.store.due_tasks(ctx.cube, [READ], ctx.now(), 0, _READ_ALONG)
    caller = (ctx.caller.user_id, ctx.caller.session_id)
    mine = [task for task in due if task.state == WAITING and (task.user_id, task.session_id) == caller]
    return [i for task in mine for i in json.loads(task.payload).get("ids", ()) if isinstance(i, str)]


#: Every kind of task that a worker of this version does; those of a newer version are left waiting for one of that.
HANDLERS: Mapping[str, Handler] = {
    "reorganize": Handler(_reorganize, {"everything": bool, "group": bool}, asks_llm=True),
    "reindex": Handler(_reindex),
    READ: Handler(_read, {"ids": list}, asks_llm=True, needs_llm=True, needs=frozenset({"ids"})),
}


def handler_of(kind: str, handlers: Mapping[str, Handler] = HANDLERS) -> Handler:
    """Return how tasks of a kind are done, or raise InvalidInputError for a kind that there is not."""
    if kind not in handlers:
        raise InvalidInputError(f"kind: wanted one of {', '.join(sorted(handlers))}, found {shown(kind)}")
    return handlers[kind]
