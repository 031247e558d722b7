"""Fast reading of conversations: one memory a message, joined to the message before by FOLLOWS, no LLM."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treemem.changes import EdgeAssert, EdgeType, Entity, NodeKind, Source
from treemem.ids import derived_id
from treemem.ingest.chat import Message
from treemem.ingest.entities import entity
from treemem.ingest.terms import mentioned_in
from treemem.items import TextualMemoryItem, validated
from treemem.storable import checked_text
from treemem.temporal import from_micros, parse_time
from treemem.text import ASKS, words

SPEAKER_WEIGHT = 0.5
#: How much a message belongs to the one before it: what follows a question answers it.
ANSWER_WEIGHT, FOLLOWS_WEIGHT = 0.7, 0.4


@dataclass(frozen=True, slots=True)
class Said:
    """What one message becomes by itself: a memory, and the source that it is derived from."""

    item: TextualMemoryItem
    source: Source
    speaker: str | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one message becomes among others. `at` is its time in microseconds, None where the message has none."""

    item: TextualMemoryItem
    at: int | None
    source: Source
    entities: tuple[Entity, ...]
    edges: tuple[EdgeAssert, ...]


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the messages of one call.

    `shared` is metadata for all; `signed` gives a message's metadata its owner. A message of no time and no
    conversation has an id of its own each time, or, with the id of an `operation`, the same whenever that is repeated.
    """

    cube: str
    shared: Mapping[str, Any]
    conversation: str | None
    signed: Callable[[Mapping[str, Any]], dict[str, Any]] = dict
    operation: str | None = None

    def said(self, position: int, message: Message) -> Said:
        """Return what a message becomes by itself. Raises InvalidInputError naming the field."""
        at, conversation = message.at, self.conversation
        metadata = self.signed({"source": "conversation", "info": {}, **self.shared, **message.metadata})
        place = ["message", self.cube, conversation or "", position if conversation else "", at]
        place += [message.role, message.text]
        if metadata.get("user_id") is not None:  # two callers may speak in conversations of one name
            place.append(checked_text(metadata["user_id"], "user_id"))
        source = Source(id=derived_id(*place), kind="message", role=message.role, content=message.text, chat_time=at)
        origin: dict[str, Any] = {"type": "chat", "role": source.role, "message_id": source.id}
        if conversation is not None:
            metadata.setdefault("conversation_id", conversation)
            origin["position"] = position
        if at is not None:
            metadata.setdefault("created_at", from_micros(at))
            metadata.setdefault("valid_from", from_micros(at))
        if message.kept:
            origin["message"] = dict(message.kept)
        metadata.setdefault("sources", [origin])
        memory = f"{message.name}: {message.text}" if message.name else message.text
        data: dict[str, Any] = {"memory": memory, "metadata": metadata}
        if message.id is not None:
            data["id"] = message.id
        elif at is not None or conversation is not None:
            data["id"] = derived_id("memory", self.cube, memory, source.id, at)
        elif self.operation is not None:
            data["id"] = derived_id(self.operation, position)
        return Said(validated(TextualMemoryItem, data), source, message.name)

    def readings(self, messages: Iterable[Said]) -> Iterator[Reading]:
        """Yield what each message becomes, in order: it follows the one before, and knows the names of all before."""
        before: TextualMemoryItem | None = None
        known: dict[str, set[str]] = {}
        for said in messages:
            item, source, at = said.item, said.source, said.source.chat_time
            entities, edges = _mentions(self.cube, item, said.speaker, known)
            edges.append(EdgeAssert(EdgeType.DERIVED_FROM, item.id, source.id, NodeKind.SOURCE, valid_from=at))
            if before is not None:
                weight = ANSWER_WEIGHT if ASKS.search(before.memory) else FOLLOWS_WEIGHT
                edges.append(EdgeAssert(EdgeType.FOLLOWS, item.id, before.id, weight=weight, valid_from=at))
            before = item
            yield Reading(item, at, source, tuple(entities), tuple(edges))


def _mentions(
    cube: str, item: TextualMemoryItem, speaker: str | None, known: dict[str, set[str]]
) -> tuple[list[Entity], list[EdgeAssert]]:
    text = item.memory if speaker is None else item.memory[len(speaker) + 2 :]
    names = [*filter(words, item.metadata.entities), *mentioned_in(text, known)]
    found = {each.id: (each, 1.0) for each in (entity(cube, name) for name in names)}
    if speaker is not None and words(speaker):  # "👍" names nobody
        each = entity(cube, speaker)
        found.setdefault(each.id, (each, SPEAKER_WEIGHT))
    for each, _ in found.values():
        said = words(each.name)
        known.setdefault(said[0], set()).add(" ".join(said))
    at = item.metadata.valid_from
    start = None if at is None else parse_time(at)
    edges = [
        EdgeAssert(EdgeType.MENTIONS, item.id, each.id, NodeKind.ENTITY, weight=weight, valid_from=start)
        for each, weight in found.values()
    ]
    return [each for each, _ in found.values()], edges
