"""messages, conversations: the log of what was said, and what others read of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from treemem.changes import Log, State
from treemem.checks import shown, within
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.ids import checked_id
from treemem.items import STATUSES
from treemem.read.states import batched, is_loading
from treemem.records import Conversation, LoggedMessage
from treemem.storable import checked_text
from treemem.store.protocol import FIRST, LAST

#: What of a conversation is read back: all but what was deleted.
_SHOWN = tuple(status for status in STATUSES if status != "deleted")
_MOST = 1_000_000


def messages(
    ctx: Context, conversation_id: str, limit: int | None, before: int | str | None, after: int | str | None
) -> list[LoggedMessage]:
    """See `TreeTextMemory.messages`."""
    log = Log(checked_text(conversation_id, "conversation_id"))
    if limit is not None:
        within("limit", limit, 1, _MOST)
    if is_loading(ctx):
        return []
    most = _MOST if limit is None else limit
    above, behind = (FIRST, []) if after is None else _cut(ctx, log, after, "after")
    below, ahead = (LAST, []) if before is None else _cut(ctx, log, before, "before")
    newest = after is None
    between = ctx.store.conversation(
        ctx.cube, log, above=above, below=below, newest=newest, limit=most, statuses=_SHOWN, where=ctx.visible
    )
    found = [*behind, *between, *ahead]
    return [LoggedMessage.of(state) for state in as_said(ctx, found[-most:] if newest else found[:most])]


def _cut(ctx: Context, log: Log, given: int | str, name: str) -> tuple[int, list[State]]:
    """Return the number at which a log is cut, and the messages of that very number that lie on the wanted side.

    Two callers may use one conversation id: what is given by its id may have its number in common with others.
    """
    number = _number(ctx, log, given, name)
    if not isinstance(given, str):
        return number, []
    same = ctx.store.conversation(ctx.cube, log, above=number - 1, below=number + 1, statuses=_SHOWN, where=ctx.visible)
    at = next((i for i, state in enumerate(same) if state.memory_id == given), None)
    if at is None:
        return number, []
    return number, same[:at] if name == "before" else same[at + 1 :]


def _number(ctx: Context, log: Log, given: int | str, name: str) -> int:
    """Return the number of a message that is given by its number or its id."""
    if type(given) is int:
        return max(FIRST, min(LAST, given))
    if not isinstance(given, str):
        raise InvalidInputError(f"{name}: wanted the number or the id of a message, found {shown(given)}")
    for state in ctx.store.known(ctx.cube, [checked_id(given, name)]):
        number: Any = state.fields.get("sequence")
        if number is not None and ctx.caller.sees(state) and state.fields.get("conversation_id") == log.conversation:
            return int(number)
    raise MemoryNotFoundError(
        f"{name}: no message {given!r} in conversation {log.conversation!r}; messages() gives the ids"
    )


def conversations(ctx: Context, limit: int | None) -> list[Conversation]:
    """See `TreeTextMemory.conversations`."""
    if limit is not None:
        within("limit", limit, 1, _MOST)
    if is_loading(ctx):
        return []
    found = ctx.store.conversations(ctx.cube, statuses=_SHOWN, where=ctx.visible)
    return [Conversation.of(row) for row in found[:limit]]


def as_said(ctx: Context, states: Sequence[State]) -> list[State]:
    """Return, for the last states of messages, the ones with which they were said: the first that the caller sees."""
    changed = [s.memory_id for s in states if s.version > 1]
    first: dict[str, State] = {}
    for state in _known(ctx, changed):
        if ctx.caller.sees(state):
            told = first.setdefault(state.memory_id, state)
            if state.valid_from < told.valid_from:
                first[state.memory_id] = state
    return [_placed(first.get(s.memory_id, s), s) for s in states]


def _placed(said: State, last: State) -> State:
    """Return what was said, in the conversation and with the number that it has now."""
    if said is last:
        return said
    now = {name: last.fields[name] for name in ("conversation_id", "sequence")}
    return replace(said, fields={**said.fields, **now})


def _known(ctx: Context, ids: Sequence[str]) -> Iterable[State]:
    for batch in batched(ids):
        yield from ctx.store.known(ctx.cube, batch)
