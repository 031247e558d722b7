"""What the verbs return beside items: versions, neighbours, operations, pages, statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from treemem.changes import Operation, State
from treemem.contents import item_of, origin_of, role_of
from treemem.errors import InvalidInputError
from treemem.items import TextualMemoryItem
from treemem.store.protocol import ConversationRow, CubeInfo
from treemem.temporal import END, format_micros, from_micros, parse_time
from treemem.zones import local

T = TypeVar("T")


def _when(micros: int) -> datetime | None:
    return None if micros == END else from_micros(micros)


@dataclass(frozen=True, slots=True)
class OperationRecord:
    """One line of the audit trail. `status` is done, open (a batch that was cut off) or failed."""

    id: str
    kind: str
    recorded_at: datetime
    status: str
    actor: str | None
    reason: str | None
    undoes: str | None
    part_of: str | None

    @classmethod
    def of(cls, operation: Operation) -> OperationRecord:
        """Return a store's operation for a user."""
        return cls(
            operation.id,
            operation.kind,
            from_micros(operation.recorded_at),
            operation.status,
            operation.actor,
            operation.reason,
            operation.undoes,
            operation.part_of,
        )


@dataclass(frozen=True, slots=True)
class MemoryVersion:
    """A state of a memory: what it said, when that held, when it was known, and which operations said so.

    An end that is open is None.
    """

    version: int
    item: TextualMemoryItem
    valid_from: datetime
    valid_to: datetime | None
    recorded_from: datetime
    recorded_to: datetime | None
    opened_by: OperationRecord
    closed_by: OperationRecord | None

    @classmethod
    def of(cls, state: State, operations: Mapping[str, Operation]) -> MemoryVersion:
        """Return a store's state for a user."""
        closed = None if state.closed_by is None else OperationRecord.of(operations[state.closed_by])
        return cls(
            state.version,
            item_of(state),
            from_micros(state.valid_from),
            _when(state.valid_to),
            from_micros(state.recorded_from),
            _when(state.recorded_to),
            OperationRecord.of(operations[state.opened_by]),
            closed,
        )


@dataclass(frozen=True, slots=True)
class ChangedMemory:
    """One memory of a diff. `kind` is added, changed or closed; before and after are its texts with their validity."""

    id: str
    kind: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def __str__(self) -> str:
        sign = {"added": "+", "changed": "~", "closed": "-"}[self.kind]
        gone = [f"    was  {text}" for text in self.before if text not in self.after]
        new = [f"    now  {text}" for text in self.after if text not in self.before]
        return "\n".join([f"{sign} {self.id}", *gone, *new])


@dataclass(frozen=True, slots=True)
class MemoryDiff:
    """What was learned after one transaction time up to another; print it to read it."""

    known_at_1: datetime
    known_at_2: datetime
    memories: tuple[ChangedMemory, ...]

    @property
    def added(self) -> tuple[str, ...]:
        """The ids of memories that were not known before."""
        return tuple(m.id for m in self.memories if m.kind == "added")

    @property
    def changed(self) -> tuple[str, ...]:
        """The ids of memories of which something else is known now."""
        return tuple(m.id for m in self.memories if m.kind == "changed")

    @property
    def closed(self) -> tuple[str, ...]:
        """The ids of memories that were deleted, or of which nothing is known to hold any more."""
        return tuple(m.id for m in self.memories if m.kind == "closed")

    @classmethod
    def of(
        cls,
        first: int,
        second: int,
        ids: Sequence[str],
        before: Mapping[str, Sequence[State]],
        after: Mapping[str, Sequence[State]],
    ) -> MemoryDiff:
        """Return the diff of what was known of these memories at two times; what ended as it was is left out."""
        found = []
        for memory_id in ids:
            old, new = _seen(before.get(memory_id, ())), _seen(after.get(memory_id, ()))
            if _said(old) != _said(new):
                kind = "added" if not old else "changed" if new else "closed"
                found.append(ChangedMemory(memory_id, kind, _texts(old), _texts(new)))
        return cls(from_micros(first), from_micros(second), tuple(found))

    def __str__(self) -> str:
        head = f"{len(self.memories)} memories changed from {self.known_at_1:%Y-%m-%d %H:%M} to "
        return "\n".join([f"{head}{self.known_at_2:%Y-%m-%d %H:%M}", *map(str, self.memories)])


def _seen(states: Sequence[State]) -> list[State]:
    return sorted((s for s in states if s.fields["status"] != "deleted"), key=lambda s: s.valid_from)


def _said(states: Sequence[State]) -> list[tuple[int, int, Mapping[str, object]]]:
    return [(s.valid_from, s.valid_to, s.fields) for s in states]


def _texts(states: Sequence[State]) -> tuple[str, ...]:
    """Return each segment as a line: its validity, its text, and what is not as usual about it."""
    lines = []
    for state in states:
        notes = [str(state.fields["status"])] if state.fields["status"] != "activated" else []
        notes += ["frozen"] if state.fields.get("frozen") else []
        span = f"{format_micros(state.valid_from)} to {format_micros(state.valid_to)}"
        lines.append(f"[{span}] {state.fields['memory']}" + (f" ({', '.join(notes)})" if notes else ""))
    return tuple(lines)


@dataclass(frozen=True, slots=True)
class Neighbour:
    """The other end of an edge. `kind` is memory, entity or source; `name` is an entity's, `item` a memory's.

    `properties` are what `link` was given.
    """

    type: str
    direction: str
    id: str
    kind: str
    name: str | None
    item: TextualMemoryItem | None
    weight: float
    confidence: float
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class MemoryPage:
    """Some memories in order of id; `cursor` continues after them, None at the end."""

    items: tuple[TextualMemoryItem, ...]
    cursor: str | None


def said_at(origin: Mapping[str, Any]) -> int | None:
    """Return the time that a message came with, in microseconds, from its source; None where that tells none."""
    try:
        return parse_time(origin["chat_time"])
    except (KeyError, InvalidInputError):
        return None


@dataclass(frozen=True, slots=True)
class LoggedMessage:
    """A message as it was said: its number in its conversation, its memory's id, who said it, the text, and when.

    `content` is empty where nothing was said; `time` is None where the message had none, `recorded_at` is when it came
    in. `extra` is what else the message had: calls of tools, parts that are no text, keys without a meaning here.
    """

    id: str
    conversation_id: str
    sequence: int
    role: str
    content: str
    name: str | None
    time: datetime | None
    recorded_at: datetime
    user_id: str | None
    extra: Mapping[str, Any]

    @classmethod
    def of(cls, state: State) -> LoggedMessage:
        """Return the message that a state was said with."""
        fields = state.fields
        origin = origin_of(fields)
        name = origin.get("name")
        text = "" if origin.get("silent") else str(fields["memory"])
        at, kept = said_at(origin), origin.get("message")
        return cls(
            id=state.memory_id,
            conversation_id=str(fields["conversation_id"]),
            sequence=int(fields["sequence"]),
            role=role_of(fields),
            content=text.removeprefix(f"{name}: ") if name else text,
            name=name if isinstance(name, str) else None,
            time=None if at is None else from_micros(at),
            recorded_at=from_micros(state.recorded_from),
            user_id=fields.get("user_id"),
            extra=kept if isinstance(kept, dict) else {},
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the message as chat programs write it: `role`, `content`, `name` where it has one, and the rest."""
        named = {} if self.name is None else {"name": self.name}
        return {"role": self.role, "content": self.content or None, **named, **self.extra}


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation: how many messages it has, the times of the first and the last, and the users they belong to."""

    id: str
    messages: int
    first: datetime
    last: datetime
    users: tuple[str, ...]

    @classmethod
    def of(cls, row: ConversationRow) -> Conversation:
        """Return a store's row for a user."""
        return cls(row.id, row.messages, from_micros(row.first), from_micros(row.last), row.users)


@dataclass(frozen=True, slots=True)
class Statistics:
    """How much a cube holds, its last transaction time, its embedding model and where it lies."""

    cube: str
    location: str
    clock: datetime | None
    embedder: str | None
    dimension: int | None
    memories: int
    states: int
    edges: int
    entities: int
    sources: int
    operations: int

    @classmethod
    def of(cls, cube: str, location: str, info: CubeInfo | None, counts: Mapping[str, int]) -> Statistics:
        """Return a cube's statistics."""
        model = None if info is None else info.model
        return cls(
            cube,
            location,
            None if info is None else from_micros(info.clock),
            None if model is None else model.name,
            None if model is None else model.dimension,
            **counts,
        )


class Added(list[T]):
    """What was added, as a list, with the ids of the tasks by which a worker reads it (`mode="async"`)."""

    def __init__(self, added: Iterable[T] = (), task_ids: Iterable[str] = ()) -> None:
        super().__init__(added)
        self.task_ids = tuple(task_ids)


@dataclass(frozen=True, slots=True)
class AddedDocument:
    """What became of a document that was added: the ids of its passages that are new, that stayed, and that ended.

    `id` is its memory, `document_id` what its owner calls it. `unread` are the pages, from 1, that are pictures, and
    that no model has looked at.
    """

    id: str
    document_id: str
    title: str
    added: tuple[str, ...]
    kept: tuple[str, ...]
    ended: tuple[str, ...]
    unread: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A document of a cube. `since` is from when on it says what it says now; `sha256` that of its bytes."""

    id: str
    document_id: str
    title: str
    name: str | None
    sha256: str
    since: datetime
    user_id: str | None

    @classmethod
    def of(cls, state: State) -> DocumentRecord:
        """Return the document whose memory says this."""
        origin, name = origin_of(state.fields), origin_of(state.fields).get("name")
        return cls(
            id=state.memory_id,
            document_id=str(origin.get("document_id")),
            title=str(state.fields["memory"]),
            name=name if isinstance(name, str) else None,
            sha256=str(origin.get("sha256")),
            since=from_micros(state.valid_from),
            user_id=state.fields.get("user_id"),
        )


@dataclass(frozen=True, slots=True)
class PreferenceSource:
    """A memory that a preference rests on: its text, since when it holds, and its conversation and number there."""

    memory_id: str
    text: str
    since: datetime
    conversation_id: str | None = None
    sequence: int | None = None


@dataclass(frozen=True, slots=True)
class Preference:
    """What somebody prefers. `kind` is explicit (said so) or implicit (concluded, with its `reasoning`).

    `polarity` is for, against, or always: a standing wish of how to answer or act. It holds from `since` `until`
    (None: open). `sources` are the memories it rests on; of one that was said several times the newest `text` is shown,
    with all sources, and `repeats` are the ids of the others. `superseded_by` is the preference that took its place,
    `contradicts` those that cannot both be meant. `similarity` is the cosine to a question, None where none was asked.
    """

    id: str
    kind: str
    topic: str
    polarity: str
    text: str
    since: datetime
    until: datetime | None = None
    user_id: str | None = None
    reasoning: str | None = None
    sources: tuple[PreferenceSource, ...] = ()
    repeats: tuple[str, ...] = ()
    superseded_by: str | None = None
    contradicts: tuple[str, ...] = ()
    similarity: float | None = None


@dataclass(frozen=True, slots=True)
class Skill:
    """How something is done. `text` is its whole SKILL.md, `steps` and `examples` are what that lists.

    `version` is the number of its state, which holds from `since` `until` (None: open); `sources` are the calls of
    tools that it rests on, where it was found in what was repeated.
    """

    id: str
    name: str
    description: str
    steps: tuple[str, ...]
    examples: tuple[str, ...]
    text: str
    version: int
    since: datetime
    until: datetime | None = None
    user_id: str | None = None
    sources: tuple[str, ...] = ()

    @classmethod
    def of(cls, state: State, sources: Sequence[str]) -> Skill:
        """Return the skill that a state says."""
        said = state.fields["info"]["skill"]
        return cls(
            id=state.memory_id,
            name=said["name"],
            description=said["description"],
            steps=tuple(said["steps"]),
            examples=tuple(said["examples"]),
            text=str(state.fields["memory"]),
            version=state.version,
            since=from_micros(state.valid_from),
            until=_when(state.valid_to),
            user_id=state.fields.get("user_id"),
            sources=tuple(sources),
        )


@dataclass(frozen=True, slots=True)
class KnowledgeBase:
    """A cube of documents that belongs to another cube. `owner` is the user who may write to it, None where that is
    whoever opens the memory; it is read by its owner, its `readers`, or `everyone`. The policy is so `since` a time.
    """

    name: str
    cube_id: str
    description: str
    owner: str | None
    readers: tuple[str, ...]
    everyone: bool
    since: datetime


@dataclass(frozen=True, slots=True)
class PreferenceProfile:
    """What one user prefers at a moment, explicit before implicit; `str()` is a page to read, in Markdown."""

    user: str | None
    as_of: datetime
    preferences: tuple[Preference, ...]

    def __str__(self) -> str:
        who = "" if self.user is None else f" of {_line(self.user)}"
        lines = [f"# Preferences{who}", ""]
        if not self.preferences:
            return "\n".join([*lines, "Nothing is known."])
        for kind, title in (("explicit", "Stated"), ("implicit", "Concluded")):
            some = [each for each in self.preferences if each.kind == kind]
            lines += [f"## {title}", "", *map(_told, some), ""] if some else []
        return "\n".join(lines).rstrip()


def _told(preference: Preference) -> str:
    """Return a preference as an entry of a list: text, topic, since when, why, and what it rests on."""
    about = [_line(preference.topic)] if preference.topic else []
    marks = ", ".join([*about, preference.polarity, f"since {_day(preference.since)}", preference.id])
    lines = [f"- {_line(preference.text)} [{marks}]"]
    if preference.reasoning:
        lines.append(f"    - because: {_line(preference.reasoning)}")
    if preference.contradicts:
        lines.append(f"    - does not go with: {', '.join(preference.contradicts)}")
    for source in preference.sources:
        place = f", in {_line(source.conversation_id)}" if source.conversation_id else ""
        lines.append(f"    - {source.memory_id}, {_day(source.since)}{place}: {_line(source.text)}")
    return "\n".join(lines)


def _line(text: str) -> str:
    return " ".join(text.split())


def _day(moment: datetime) -> str:
    return local(moment).date().isoformat()
