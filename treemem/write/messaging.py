"""add_messages: messages go into their conversation, each once, and become memories."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Literal, get_args

from treemem.arguments import given_metadata
from treemem.caller import check_session
from treemem.changes import ChangeSet, Log
from treemem.checks import is_several, shown
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryExistsError, TreememError
from treemem.ids import checked_id
from treemem.ingest.chat import Message, Refused, plain_all
from treemem.ingest.messages import Key, Place, Reader, key_of, remembered
from treemem.ingest.window import Line
from treemem.storable import checked_text
from treemem.temporal import END, SKEW, format_micros
from treemem.write.adding import addition_of
from treemem.write.addition import Amend, Progress, given_vector, item_span, write_parts
from treemem.write.committing import new_change, planned_again
from treemem.write.intent import Intent
from treemem.write.placing import Given, NumberTakenError, Placement, placed, placed_alone
from treemem.write.remembering import Remember, Remembering
from treemem.write.tooling import calls_noted

log = logging.getLogger("treemem.ingest")
#: What is done about a message that cannot be taken.
OnError = Literal["raise", "skip"] | Refused


def add_messages(
    ctx: Context,
    messages: Iterable[Any],
    conversation_id: str | None,
    replay: bool,
    remember: Remember,
    on_error: OnError,
    intent: Intent,
    progress: Progress | None,
    metadata: Mapping[str, Any],
    *,
    amend: Amend | None = None,
) -> list[str]:
    """See `TreeTextMemory.add_messages`; `amend` may put something into each change set."""
    if remember not in (modes := get_args(Remember)):
        raise InvalidInputError(f"remember: wanted one of {', '.join(modes)}, found {shown(remember)}")
    base = new_change(ctx, "add_messages", intent)
    if not is_several(messages) or isinstance(messages, (str, bytes, Mapping)):
        raise InvalidInputError(f"messages: wanted a list of messages, found {type(messages).__name__}")
    if conversation_id is not None:
        checked_text(conversation_id, "conversation_id")
    refused = refusing(on_error)
    reader = Reader(ctx.cube, given_metadata("add_messages", metadata), conversation_id, ctx.caller.signed)
    if reader.shared:
        reader.said(Message("user", "-"), Place("unplaced", 0))  # refuses what no message can have
    latest = base.now + SKEW if replay else None
    taken = list(_acceptable(ctx, reader, plain_all(messages, refused), refused, latest, base.now))
    if conversation_id is None:
        taken = _without_silent(taken)
    else:
        taken = _without_other_ids(ctx, conversation_id, taken, refused)
    return planned_again(
        ctx, base, partial(_write, ctx, intent, progress, reader, taken, refused, replay, remember, amend)
    )


def _write(
    ctx: Context,
    intent: Intent,
    progress: Progress | None,
    reader: Reader,
    taken: list[tuple[int, Message]],
    refused: Refused,
    replay: bool,
    remember: Remember,
    amend: Amend | None,
    base: ChangeSet,
) -> list[str]:
    placement = _placement(ctx, reader, taken, refused, base.operation if intent.repeatable else None)
    base = replace(base, log=placement.log)
    addition = addition_of(ctx, base, intent)
    said = [message for _, message in taken]
    placed_ones = list(zip(said, placement.places, strict=True))
    judged = Remembering(ctx, base, placement.answered) if remember == "new" else None
    noted = calls_noted(ctx, reader, placed_ones, base.log) if ctx.config.note_tools else None
    groups = addition.from_messages(placed_ones, reader, placement.before, judged, replay=replay, noted=noted)
    total = sum(place is not None and not place.there for place in placement.places)
    end = None if base.log is None else placement.end
    write_parts(ctx.store, base, groups, progress, total, end, amend=amend)
    return addition.ids


def message_change(
    ctx: Context,
    base: ChangeSet,
    intent: Intent,
    text: str,
    conversation_id: str | None,
    whose: Mapping[str, Any],
    *,
    preferences: bool,
) -> tuple[ChangeSet, str]:
    """Return the change that adds one message of a user to the end of a conversation, and the id of its memory.

    `whose` are fields of its owner. It is a new one always, and not judged by what it tells; with `preferences` those
    that it states come with it.
    """
    reader = Reader(ctx.cube, whose, conversation_id, ctx.caller.signed)
    taken = [(0, Message("user", text))]
    placement = _placement(ctx, reader, taken, _raise, base.operation)
    base = replace(base, log=placement.log)
    addition = addition_of(ctx, base, intent, preferences=preferences)
    placed_one = [(taken[0][1], placement.places[0])]
    (change,) = addition.from_messages(placed_one, reader, placement.before, None, replay=False)
    return replace(change, log_end=None if base.log is None else placement.end), addition.ids[0]


def _placement(
    ctx: Context, reader: Reader, taken: list[tuple[int, Message]], refused: Refused, operation: str | None
) -> Placement:
    """Return the places of the messages; one whose number is another's goes to `refused`, and out of `taken`."""
    while True:
        given = [Given(_line(reader, one), one.id, one.sequence) for _, one in taken]
        if reader.conversation is None:
            return placed_alone(ctx.cube, given, operation)
        owner = ctx.caller.signed(reader.shared)
        user = owner.get("user_id")
        apart = user is None or owner.get("visibility") == "session"
        log = Log(reader.conversation, user, owner.get("session_id") if apart else None)
        try:
            return placed(ctx, log, given, operation)
        except NumberTakenError as error:
            position, _ = taken.pop(error.index)
            refused(position, InvalidInputError(f"messages[{position}].{error}"))


def _without_other_ids(
    ctx: Context, conversation: str, taken: list[tuple[int, Message]], refused: Refused
) -> list[tuple[int, Message]]:
    """Return the messages but for those with the id of a memory that says something else; they go to `refused`."""
    own = {str(message.id) for _, message in taken if message.id is not None}
    if not own:
        return taken
    known = ctx.store.known(ctx.cube, sorted(own))
    first = {s.memory_id: s for s in ctx.store.versions(ctx.cube, [(s.memory_id, 1) for s in known])}
    hidden = {s.memory_id for s in known} - {s.memory_id for s in known if ctx.caller.sees(s)}
    kept = []
    for position, message in taken:
        there = first.get(str(message.id))
        told = None if there is None else (there.fields.get("conversation_id"), there.fields["memory"])
        if message.id in hidden or told not in (None, (conversation, remembered(message))):
            refused(position, MemoryExistsError(f"messages[{position}]: {message.id!r} is the id of another memory"))
        else:
            kept.append((position, message))
    return kept


def _line(reader: Reader, message: Message) -> Line:
    metadata = message.metadata or reader.shared
    user = reader.metadata(message).get("user_id") if metadata else reader.signed({}).get("user_id")
    return Line(message.role, remembered(message), user, message.at)


def _acceptable(
    ctx: Context,
    reader: Reader,
    messages: Iterable[tuple[int, Message]],
    refused: Refused,
    latest: int | None,
    now: int,
) -> Iterator[tuple[int, Message]]:
    """Yield the messages that can be taken, with their positions; others go to `refused`, which may raise it.

    `latest` is the last time that a message may have, in microseconds.
    """
    own_span = not reader.shared.keys().isdisjoint(("valid_from", "valid_to"))
    alike: set[Key] = set()  # metadata that was looked at, with nothing in it that a message's time or text bears on
    given: dict[str, tuple[str, str]] = {}
    for position, message in messages:
        try:
            if latest is not None:
                _check_past(message, latest)
            if message.id is not None:
                said = (message.role, message.text)
                if given.setdefault(checked_id(message.id), said) != said:
                    raise InvalidInputError(f"id: {message.id!r} comes twice in one call, with different content")
            if message.metadata or own_span:
                key = None if own_span else key_of(message.metadata)
                if key is not None and key in alike:
                    checked_text(remembered(message))
                else:
                    _check(ctx, reader, message, now)
                    if key is not None and message.metadata.keys().isdisjoint(("valid_from", "valid_to")):
                        alike.add(key)
        except InvalidInputError as error:
            refused(position, InvalidInputError(f"messages[{position}]: {error}"))
        else:
            yield position, message


def _check(ctx: Context, reader: Reader, message: Message, now: int) -> None:
    """Raise InvalidInputError if what a message becomes cannot be written."""
    item = reader.said(message, Place("unplaced", 0)).item
    item_span(item, (now if message.at is None else message.at, END))
    check_session(vars(item.metadata))
    if item.metadata.embedding is not None:
        given_vector(item.metadata.embedding, item.id, ctx.embedder)
    if reader.conversation not in (None, item.metadata.conversation_id):
        raise InvalidInputError(
            f"conversation_id: {item.metadata.conversation_id!r} beside that of the call, {reader.conversation!r}; add "
            "the messages of each conversation by a call of their own"
        )


def _check_past(message: Message, latest: int) -> None:
    if message.at is not None and message.at > latest:
        raise InvalidInputError(
            f"chat_time: {format_micros(message.at)} lies in the future, at {format_micros(latest - SKEW)}; replay "
            "takes it as the time of the transaction, leave replay out"
        )


def _without_silent(messages: Sequence[tuple[int, Message]]) -> list[tuple[int, Message]]:
    """Return the messages that say something: only a conversation keeps the others."""
    said = [one for one in messages if one[1].text]
    if len(said) < len(messages):
        log.info("%d messages of no conversation say nothing and are left out", len(messages) - len(said))
    return said


def _raise(position: int, error: TreememError) -> None:
    raise error


def _leave_out(position: int, error: TreememError) -> None:
    log.warning("left out: %s", error)


def refusing(on_error: OnError) -> Refused:
    """Return what is told of a message, or a document, that cannot be taken."""
    if isinstance(on_error, str) and on_error in ("raise", "skip"):
        return _raise if on_error == "raise" else _leave_out
    if callable(on_error):
        return on_error
    raise InvalidInputError(f"on_error: wanted 'raise', 'skip' or a function, found {shown(on_error)}")
