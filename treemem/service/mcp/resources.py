"""The resources: the cube, each memory and each conversation under an address, as JSON of the same shape as the tools'.

    treemem://cube                       what is served, and how much it holds
    treemem://memory/{id}                a memory, with ?as_of= and ?known_at= at another moment
    treemem://conversation/{id}          the last messages of a conversation

What stands in a list is made of ids and counts; a text is only in what is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote

from mcp_types import Resource, ResourceTemplate

from treemem.checks import known_names, shown
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.schemas import answers
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.reading import statistics

MIME = "application/json"
CUBE = "treemem://cube"
MEMORY, CONVERSATION = "treemem://memory/{id}", "treemem://conversation/{id}"
#: How many memories a page of the list has, and how many conversations stand before the first.
PAGE = 100
#: How many messages of a conversation are read.
MESSAGES = 200
#: How many values complete an argument: the protocol allows no more.
COMPLETED = 100
#: How many conversations, the last ones, or memories, in order of id, are looked at to complete the id of one.
_LOOKED_AT = 1_000
_URI = re.compile(r"treemem://(memory|conversation)/([^/?#]{1,6000})(?:\?([^#]{0,500}))?")


class Profile(answers.Statistics):
    """What a server is bound to, and how much that holds."""

    user_id: str | None = None
    read_only: bool
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list of resources."""

    resources: list[Resource]
    cursor: str | None


TEMPLATES = (
    ResourceTemplate(
        name="memory",
        title="A memory",
        uri_template=MEMORY + "{?as_of,known_at}",
        description="One memory by its id, now or as it was at another time.",
        mime_type=MIME,
    ),
    ResourceTemplate(
        name="conversation",
        title="A conversation",
        uri_template=CONVERSATION,
        description=f"The last {MESSAGES} messages of a conversation as they were said.",
        mime_type=MIME,
    ),
)


def listed(on: Binding, cursor: str | None) -> Listed:
    """Return a page: at first the cube and its last conversations, then memories in order of id."""
    first: list[Resource] = []
    if cursor is None:
        first = [
            Resource(uri=CUBE, name="cube", title="The cube", description="What is served here.", mime_type=MIME),
            *(
                Resource(
                    uri=CONVERSATION.format(id=quote(talk.id, safe="")),
                    name=f"conversation {shown(talk.id)}",
                    description=f"{talk.messages} messages, the last one of {talk.last:%Y-%m-%d}",
                    mime_type=MIME,
                )
                for talk in on.memory.conversations(limit=PAGE)
            ),
        ]
    page = next(on.memory.pages(cursor=cursor, limit=PAGE), None)
    if page is None:
        return Listed(first, None)
    memories = [
        Resource(
            uri=MEMORY.format(id=item.id),
            name=f"memory {item.id}",
            description=f"{item.metadata.memory_type}, {item.metadata.status}",
            mime_type=MIME,
        )
        for item in page.items
    ]
    return Listed([*first, *memories], page.cursor)


def read(on: Binding, uri: str) -> answers.Answer:
    """Return what stands under an address. Raises InvalidInputError and MemoryNotFoundError."""
    if uri == CUBE:
        profile = statistics(on).model_dump()
        return Profile(**profile, user_id=on.user_id, read_only=on.read_only, zone=on.memory.zone)
    parts = _URI.fullmatch(uri)
    if parts is None:
        wanted = f"{CUBE}, {MEMORY} or {CONVERSATION}"
        raise InvalidInputError(f"uri: wanted {wanted}, found {shown(uri)}")
    kind, name, query = parts[1], unquote(parts[2]), dict(parse_qsl(parts[3] or "", keep_blank_values=True))
    if kind == "memory":
        known_names("uri", query, ("as_of", "known_at"))
        return answers.OneMemory(memory=answers.Memory.of(on.memory.get(name, **query)))
    known_names("uri", query, ())
    found = on.memory.messages(name, limit=MESSAGES)
    if not found:
        raise MemoryNotFoundError(f"no conversation {shown(name)} in cube {on.memory.cube_id!r}")
    return answers.Messages(messages=[answers.Message.of(message) for message in found])


def completed(on: Binding, template: str, name: str, begun: str) -> tuple[list[str], bool]:
    """Return the ids that begin with some characters, and whether there may be more of them."""
    if name != "id" or not template.startswith((MEMORY, CONVERSATION)):
        return [], False
    if template.startswith(CONVERSATION):
        talks = [quote(talk.id, safe="") for talk in on.memory.conversations(limit=_LOOKED_AT)]
        found = sorted(talk for talk in talks if talk.startswith(begun))
        return found[:COMPLETED], len(found) > COMPLETED
    page = next(on.memory.pages(limit=_LOOKED_AT), None)
    if page is None:
        return [], False
    found = [item.id for item in page.items if item.id.startswith(begun)]
    return found[:COMPLETED], len(found) > COMPLETED or page.cursor is not None
