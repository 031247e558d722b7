"""Calls of tools become memories of their own, in the change that adds their result.

Such a memory is a ToolTrajectoryMemory: what was asked, the call, how it ended, in short. It is DERIVED_FROM the
result, the call and the question, whose owner it has, and is archived from the beginning, as preferences are: a search
finds the messages, and `memory.tools` the call. It follows its messages (see `treemem.write.echoing`): into erasure,
behind walls, out of sight. A schema that somebody registered is a ToolSchemaMemory; one that a system prompt declares
stays there.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from treemem.caller import WHOSE, owners_of
from treemem.changes import Log, State
from treemem.contents import TOOL_CALL, TOOL_REGISTERED, TOOL_SCHEMA, TOOL_TRAJECTORY, fields_of, is_tool
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.ids import derived_id
from treemem.ingest.calls import Call, answers_calls, calls_of
from treemem.ingest.chat import Message
from treemem.ingest.messages import Place, Reader
from treemem.ingest.tooling import ToolSchema, arguments_of, declared_in, error_of, told, types_of
from treemem.items import STATUSES, TextualMemoryItem, validated
from treemem.records import LoggedMessage
from treemem.store.protocol import FIRST, LAST
from treemem.temporal import from_micros
from treemem.write.intent import Intent
from treemem.write.named import Named, write_named
from treemem.write.preferring import KEPT, Noted

_log = logging.getLogger("treemem.ingest")
#: Messages before a result that are looked through for its call, the question, and the prompt that declares the tool.
LOOKED_BACK = 50
_THERE = tuple(status for status in STATUSES if status != "deleted")
_INSTRUCTING = ("system", "developer")
#: When a message was there: from, to, and its state.
_Span = tuple[int, int, State]


@dataclass(frozen=True, slots=True)
class _Line:
    """A message of a conversation, and whose it is."""

    said: LoggedMessage
    owner: Mapping[str, Any]
    new: bool


class _Prompts:
    """Which prompt declared a tool last before a call: asked in the order of calls, each text is read once."""

    def __init__(self, lines: Sequence[_Line]) -> None:
        self._lines = lines
        self._at = 0
        self._last: dict[tuple[Any, ...], str] = {}
        self._read: dict[str, Mapping[str, ToolSchema]] = {}

    def declaring(self, call: Call, result: _Line) -> dict[str, str]:
        """Return, by name, the last prompt before a call that declares its tool, of the owner of the result."""
        while self._at < len(self._lines) and self._lines[self._at].said.id != call.message_id:
            self._take(self._lines[self._at])
            self._at += 1
        declared = self._last.get((owners_of(result.owner), call.name))
        return {} if declared is None else {"declared": declared}

    def _take(self, line: _Line) -> None:
        text = line.said.content
        if line.said.role not in _INSTRUCTING:
            return
        if text not in self._read:
            self._read[text] = declared_in(text)
        for name in self._read[text]:
            self._last[owners_of(line.owner), name] = line.said.id


def calls_noted(
    ctx: Context, reader: Reader, placed_ones: Sequence[tuple[Message, Place | None]], log: Log | None
) -> dict[str, list[Noted]]:
    """Return the calls that new messages answer, by the message of their result; nothing is read where none does."""
    answers = [place for one, place in placed_ones if place is not None and _is_answer(one, place)]
    if log is None or not answers:
        return {}
    lines = {line.said.id: line for line in _lines(ctx, reader, placed_ones, log)}
    found: dict[str, list[Noted]] = {}
    prompts = _Prompts(list(lines.values()))
    for turn in calls_of(line.said for line in lines.values()):
        for call in turn:
            result = lines.get(call.result_id or "")
            if result is not None and result.new and _one_owner(result, lines[call.message_id]):
                try:
                    noted = _noted(ctx.cube, call, lines, result, prompts)
                except (InvalidInputError, ValueError, RecursionError) as error:
                    _log.warning("a call of %s was not noted, its messages are kept: %.300s", call.name, error)
                else:
                    found.setdefault(result.said.id, []).append(noted)
    return found


def _is_answer(one: Message, place: Place) -> bool:
    return not place.there and answers_calls(one.role, one.kept)


def _lines(ctx: Context, reader: Reader, placed_ones: Sequence[tuple[Message, Place | None]], log: Log) -> list[_Line]:
    """Return the messages of a call, and those before them, in their order."""
    now = from_micros(ctx.now())
    given = []
    for one, place in placed_ones:
        if place is not None and place.number is not None:
            said = LoggedMessage(
                place.memory_id, log.conversation, place.number, one.role, one.text, None, None, now, None, one.kept
            )
            given.append(_Line(said, reader.metadata(one), not place.there))
    first = min((line.said.sequence for line in given), default=LAST)
    before = ctx.store.conversation(
        ctx.cube,
        log,
        above=FIRST,
        below=first,
        newest=True,
        limit=LOOKED_BACK,
        statuses=_THERE,
        where=ctx.visible,
    )
    kept = [_Line(LoggedMessage.of(state), state.fields, False) for state in before]
    return [*kept, *sorted(given, key=lambda line: line.said.sequence)]


def _one_owner(one: _Line, other: _Line) -> bool:
    return owners_of(one.owner) == owners_of(other.owner)


def _noted(cube: str, call: Call, lines: Mapping[str, _Line], result: _Line, prompts: _Prompts) -> Noted:
    asked = lines.get(call.asked_id or "")
    asked = asked if asked is not None and _one_owner(asked, result) else None
    rests = [result.said.id, call.message_id, *([asked.said.id] if asked is not None else ())]
    memory_id = derived_id("tool_call", cube, *rests[:2], call.number)
    metadata = {
        **_whose(result.owner),
        "memory_type": TOOL_TRAJECTORY,
        "type": "procedure",
        "status": KEPT,
        "source": "conversation",
        "sources": [{"type": TOOL_CALL, "role": "tool"}],
        "info": {
            "tool": call.name,
            "call": f"{call.name}({arguments_of(call)})",
            "outcome": "failed" if call.failed else "ok",
            **({"error": error_of(call)} if call.failed else {}),
            "arguments": types_of(call),
            "conversation": result.said.conversation_id,
            "sequence": result.said.sequence,
            "messages": rests,
            **prompts.declaring(call, result),
        },
    }
    text = told(call, asked.said.content if asked is not None else None)
    fields = fields_of(validated(TextualMemoryItem, {"id": memory_id, "memory": text, "metadata": metadata}))
    return Noted(memory_id, tuple(dict.fromkeys(rests)), fields)


def following(
    template: Mapping[str, Any], noted_at: int, histories: Sequence[Sequence[State]]
) -> list[tuple[int, int, dict[str, Any]]]:
    """Return what a call says that was noted at a time of the record, and when: while all its messages are there, say
    what they said then, and belong to the same. `histories` are all states of its messages.
    """
    spans: list[_Span] | None = None
    for some in histories:
        then = {_said(s) for s in some if s.recorded_from <= noted_at < s.recorded_to}
        there = [s for s in some if s.closed_by is None and s.fields["status"] != "deleted" and _said(s) in then]
        own = [(s.valid_from, s.valid_to, s) for s in there]
        spans = own if spans is None else _both(spans, own)
    plain = {name: value for name, value in template.items() if name not in WHOSE}
    return [(start, end, {**plain, **_whose(state.fields)}) for start, end, state in spans or ()]


def _both(one: Sequence[_Span], other: Sequence[_Span]) -> list[_Span]:
    """Return where intervals of both overlap and are owned alike, with the state of the first."""
    found = []
    for start, end, state in one:
        for begun, ended, beside in other:
            a, b = max(start, begun), min(end, ended)
            if a < b and owners_of(state.fields) == owners_of(beside.fields):
                found.append((a, b, state))
    return found


def _whose(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name in WHOSE if (value := fields.get(name)) is not None}


def _said(state: State) -> str:
    """Return what a message says, its calls and parts among it."""
    origin = next((each for each in state.fields.get("sources") or () if isinstance(each, dict)), {})
    return f"{state.fields['memory']}\n{origin.get('message')}"


def write_tool(ctx: Context, schema: ToolSchema, at: int | None, intent: Intent) -> str:
    """Store the schema of a tool, or its next version, and return its id, as `write_named` does."""
    metadata = {
        "memory_type": TOOL_SCHEMA,
        "type": "procedure",
        "status": KEPT,
        "sources": [{"type": TOOL_REGISTERED}],
        "info": {
            "tool": schema.name,
            "description": schema.description,
            "parameters": dict(schema.parameters),
        },
    }
    one = Named("tool", schema.name, schema.text, metadata, is_tool, request=metadata["info"])
    return write_named(ctx, one, at, intent)
