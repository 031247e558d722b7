"""Fast reading of conversations: one memory a message, joined to the message before by FOLLOWS, no LLM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from treemem.canonical import canonical_json
from treemem.changes import ChangeSet, EdgeAssert, EdgeType, Entity, NodeKind, Source
from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ids import checked_id, derived_id
from treemem.ingest.chat import Message
from treemem.ingest.entities import entity
from treemem.ingest.terms import mentioned_in
from treemem.items import TextualMemoryItem, validated
from treemem.storable import check_json, checked_text
from treemem.temporal import from_micros, parse_time
from treemem.text import ASKS, has_words, words

SPEAKER_WEIGHT = 0.5
#: How much a message belongs to the one before it: what follows a question answers it.
ANSWER_WEIGHT, FOLLOWS_WEIGHT = 0.7, 0.4
#: The same between a user and an assistant, where each turn may be about something else.
ANSWER_OF_ASSISTANT, FOLLOWS_ASSISTANT = 0.3, 0.2
#: How many names and how many terms a message mentions at most, the first that it says; what an assistant says is long,
#: and full of names that nobody comes back to. On LoCoMo and BEAM more of them find nothing more.
MENTIONED, MENTIONED_BY_ASSISTANT = (5, 3), (1, 1)
#: The types of memories that nothing else is said of.
JUDGED = ("LongTermMemory", "UserMemory", "WorkingMemory")


class Spoken(NamedTuple):
    """A message beside another one: the id of its memory, its text, and the role of who said it."""

    memory_id: str
    text: str
    role: str


#: Who neither asks nor answers, and how many of their messages may stand between a question and its answer.
ASIDE, BETWEEN = ("tool", "system", "developer"), 16


class Answered(NamedTuple):
    """What the first of some messages may answer, and how many messages of others than people and assistants stand
    between.
    """

    spoken: Spoken | None = None
    between: int = 0


NOTHING = Answered()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: the id of its memory, and its number in its conversation, None outside of one.

    With `append` the number is the least it may have. `there` is whether the memory is there already. An `older` one
    comes before all that the conversation holds, and `next_there` is the one after it, which follows it.
    """

    memory_id: str
    number: int | None = None
    append: bool = False
    there: bool = False
    older: bool = False
    next_there: Spoken | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What one message becomes by itself: a memory, and the source that it is derived from.

    A message in which nothing is said is a `silent` one. `judged` is whether its status is chosen by what it tells:
    nobody gave it one, or a special type. `closing` is a change of the question that it answers, made with it.
    """

    item: TextualMemoryItem
    source: Source
    speaker: str | None
    place: Place
    silent: bool
    judged: bool = False
    closing: ChangeSet | None = None

    @property
    def text(self) -> str:
        """What is said, without the name of who says it."""
        return self.source.content or ""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message becomes among others. `at` is its time in microseconds, None where the message has none."""

    said: Said
    at: int | None
    entities: tuple[Entity, ...]
    edges: tuple[EdgeAssert, ...]


#: Metadata of a few short texts, by which it is known again.
Key = frozenset[tuple[str, str]]
#: How many of a call are kept, how many texts such metadata has, and how many characters each.
_MOST_GIVEN, _MOST_TEXTS, _LONGEST_TEXT = 64, 8, 200


def key_of(metadata: Mapping[str, Any]) -> Key | None:
    """Return what metadata is known again by, None where it is more than a few short texts."""
    if len(metadata) > _MOST_TEXTS:
        return None
    for value in metadata.values():
        if type(value) is not str or len(value) > _LONGEST_TEXT:
            return None
    return frozenset(metadata.items())


def remembered(message: Message) -> str:
    """Return the text of the memory that a message becomes; where nothing is said, what else it holds, as JSON."""
    text = message.text or canonical_json(dict(message.kept))
    return f"{message.name}: {text}" if message.name else text


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the messages of one call.

    `shared` is metadata for all; `signed` gives a message's metadata its owner.
    """

    cube: str
    shared: Mapping[str, Any]
    conversation: str | None
    signed: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    #: What was given for messages before, validated: most messages of a call are given the same.
    _given: dict[tuple[bool, Key], TextualMemoryItem] = field(default_factory=dict, repr=False, compare=False)

    def metadata(self, message: Message) -> dict[str, Any]:
        """Return the metadata that is given for a message, for all or for it alone."""
        return self.signed({"source": "conversation", "info": {}, **self.shared, **message.metadata})

    def said(self, message: Message, place: Place) -> Said:
        """Return what a message becomes by itself. Raises InvalidInputError naming the field."""
        at, silent = message.at, not message.text
        given = self._validated(message, silent=silent)
        there = given.metadata.model_fields_set
        source_id = derived_id("message", self.cube, place.memory_id)
        source = Source(id=source_id, kind="message", role=message.role, content=message.text, chat_time=at)
        origin: dict[str, Any] = {"type": "chat", "role": source.role, "message_id": source.id}
        if message.name:
            origin["name"] = message.name
        if silent:
            origin["silent"] = True
        own: dict[str, Any] = {"sources": [origin, *given.metadata.sources]}
        if self.conversation is not None:
            own["sequence"] = place.number
        if at is not None:
            moment = from_micros(at)
            origin["chat_time"] = moment.isoformat()
            own |= {name: moment for name in ("created_at", "valid_from") if name not in there}
        if message.kept:
            origin["message"] = dict(message.kept)
        if message.kept or given.metadata.sources:
            check_json(own["sources"], "sources")
        metadata = given.metadata.model_copy(update=own)
        text = {"id": checked_id(place.memory_id), "memory": checked_text(remembered(message)), "metadata": metadata}
        judged = not silent and "status" not in there and metadata.memory_type in JUDGED
        return Said(given.model_copy(update=text), source, message.name, place, silent, judged)

    def _validated(self, message: Message, *, silent: bool) -> TextualMemoryItem:
        """Return an item with the metadata that is given for a message. Raises InvalidInputError naming the field."""
        key = key_of(message.metadata)
        found = None if key is None else self._given.get((silent, key))
        if found is not None:
            return found
        metadata = self.metadata(message)
        if silent:
            metadata["status"] = "logged"
        if self.conversation is not None:
            metadata.setdefault("conversation_id", self.conversation)
            metadata.pop("sequence", None)  # its number is its place
        more = metadata.pop("sources", None)
        if more is not None and not isinstance(more, (list, tuple)):
            raise InvalidInputError(f"sources: wanted a list, found {shown(more)}")
        metadata["sources"] = [*(more or ())]
        found = validated(TextualMemoryItem, {"id": "unplaced", "memory": "-", "metadata": metadata})
        if key is not None:
            if len(self._given) >= _MOST_GIVEN:
                self._given.clear()
            self._given[silent, key] = found
        return found

    def readings(self, messages: Iterable[Said], before: Spoken | None = None) -> Iterator[Reading]:
        """Yield what each message becomes, in order: it follows the one before, and knows the names of all before.

        `before` is what the first of them follows, unless it is older than all.
        """
        known: dict[str, set[str]] = {}
        last: Spoken | None = None
        planned = False  # whether what comes before was read, rather than given
        start = True
        for said in messages:
            if start and not said.place.older:
                last, planned, start = before, True, False
            item, source, at = said.item, said.source, said.source.chat_time
            edges = [EdgeAssert(EdgeType.DERIVED_FROM, item.id, source.id, NodeKind.SOURCE, valid_from=at)]
            entities: list[Entity] = []
            if not said.silent:
                entities, mentions = _mentions(self.cube, said, known)
                edges += mentions
                one = Spoken(item.id, said.text, source.role or "user")
                if last is not None:
                    edges.append(_follows(one, last, at, planned=planned))
                if said.place.next_there is not None:
                    edges.append(_follows(said.place.next_there, one, at, planned=True))
                last, planned = one, False
            yield Reading(said, at, tuple(entities), tuple(edges))


def _follows(after: Spoken, before: Spoken, at: int | None, *, planned: bool) -> EdgeAssert:
    among_people = "assistant" not in (after.role, before.role)
    answer, other = (ANSWER_WEIGHT, FOLLOWS_WEIGHT) if among_people else (ANSWER_OF_ASSISTANT, FOLLOWS_ASSISTANT)
    weight = answer if ASKS.search(before.text) else other
    return EdgeAssert(
        EdgeType.FOLLOWS, after.memory_id, before.memory_id, weight=weight, valid_from=at, planned=planned
    )


def _mentions(cube: str, said: Said, known: dict[str, set[str]]) -> tuple[list[Entity], list[EdgeAssert]]:
    item, speaker = said.item, said.speaker
    most = MENTIONED_BY_ASSISTANT if said.source.role == "assistant" else MENTIONED
    names = [*filter(has_words, item.metadata.entities), *mentioned_in(said.text, known, *most)]
    found = {each.id: (each, 1.0) for each in (entity(cube, name) for name in names)}
    if speaker is not None and words(speaker):  # "👍" names nobody
        each = entity(cube, speaker)
        found.setdefault(each.id, (each, SPEAKER_WEIGHT))
    for each, _ in found.values():
        name = words(each.name)
        known.setdefault(name[0], set()).add(" ".join(name))
    at = item.metadata.valid_from
    start = None if at is None else parse_time(at)
    edges = [
        EdgeAssert(EdgeType.MENTIONS, item.id, each.id, NodeKind.ENTITY, weight=weight, valid_from=start)
        for each, weight in found.values()
    ]
    return [each for each, _ in found.values()], edges
