"""What a service may be asked for. Each model is the arguments of one verb, with the bounds that a service sets.

Values are taken as they come: the text "5" is no number. An argument that is not foreseen is refused by its name.
Whatever a verb itself refuses, a filter that makes no sense say, is left to the verb.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError

from treemem.checks import known_names, shown
from treemem.errors import InvalidInputError
from treemem.items import Kind, MemoryType, Visibility

#: Characters of one text that a service takes; a longer one is a document.
LONGEST = 100_000
#: Characters of a document.
LONGEST_DOCUMENT = 2_000_000
#: How many memories or messages one call adds.
MOST_AT_ONCE = 200

Id = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9._:-]+$")]
MemoryId = Annotated[Id, Field(description="The id of a memory.")]
Ids = Annotated[list[Id], Field(min_length=1, max_length=100, description="Ids of memories.")]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST)]
Short = Annotated[str, Field(min_length=1, max_length=2_000)]
Moment = Annotated[str, Field(min_length=1, max_length=100)]
AsOf = Annotated[
    Moment | None, Field(description="What held in the world then: ISO 8601, such as 2025-03-01. Default: now.")
]
KnownAt = Annotated[Moment | None, Field(description="As it was known then: ISO 8601. Default: now.")]
At = Annotated[Moment | None, Field(description="Since when it holds in the world: ISO 8601. Default: now.")]
Until = Annotated[Moment | None, Field(description="Until when it holds: ISO 8601. Default: open.")]
Reason = Annotated[Short | None, Field(description="Why; kept with the operation.")]
OperationId = Annotated[Id | None, Field(description="An id of your own: repeating a call with it changes nothing.")]
Tags = Annotated[list[Short] | None, Field(max_length=100, description="Tags, to filter by.")]
Filter = Annotated[
    dict[str, Any] | None,
    Field(description='Tests of fields, such as {"tags": {"contains": "home"}} or {"and": [{...}, {...}]}.'),
]
MemoryTypes = Annotated[list[MemoryType] | None, Field(min_length=1, max_length=9, description="Types of memories.")]
EdgeTypes = Annotated[
    list[Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{1,63}$")]] | None,
    Field(min_length=1, max_length=50, description="Types of edges, such as CAUSES. Default: all."),
]
EdgeName = Annotated[
    str,
    Field(
        pattern=r"^[A-Z][A-Z0-9_]{1,63}$",
        description="RELATES_TO, CAUSES, PARENT, FOLLOWS, SUPERSEDES, CONTRADICTS, or one of your own: capital "
        "letters, digits and low lines, such as WORKS_AT.",
    ),
]


class Request(BaseModel):
    """The arguments of a verb."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @classmethod
    def read(cls, name: str, arguments: Mapping[str, Any]) -> Self:
        """Return what was asked for; raise InvalidInputError that names the argument, what was wanted and found."""
        known_names(name, arguments, cls.model_fields)
        try:
            return cls.model_validate(dict(arguments))
        except ValidationError as error:
            lines = dict.fromkeys(_line(each) for each in error.errors(include_url=False))
            raise InvalidInputError(f"{name}: " + "; ".join(islice(lines, 5))) from None

    def given(self, *without: str) -> dict[str, Any]:
        """Return the arguments that say something, by name, but for those in `without`."""
        return self.model_dump(exclude_none=True, exclude=set(without))


#: What pydantic puts into the place of an error beside names of fields and positions: which type of several was meant.
_TYPES = frozenset({"text", "object", "int", "constrained-str"})


def _line(error: Any) -> str:
    """Return what was wrong with an argument: where, what was wanted, what was found."""
    place = [part for part in error["loc"] if part not in _TYPES]
    where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")
    if error["type"] == "missing":
        return f"{where}: required, and not given"
    if error["type"] == "extra_forbidden":
        return f"{where}: there is no such argument"
    return f"{where}: {error['msg']}, found {shown(error['input'])}"


class Nothing(Request):
    """No arguments."""


class NewMemory(Request):
    """A memory to be added: its text, and what is known about it."""

    memory: Annotated[Text, Field(description="The text: one statement that stands on its own.")]
    id: Annotated[Id | None, Field(description="An id of your own. Default: a new one.")] = None
    key: Annotated[Short | None, Field(description="A title.")] = None
    tags: Tags = None
    entities: Annotated[list[Short] | None, Field(max_length=100, description="Names that it mentions.")] = None
    memory_type: MemoryType | None = None
    type: Kind | None = None
    visibility: Visibility | None = None
    confidence: Annotated[float | None, Field(ge=0, le=100)] = None
    info: Annotated[dict[str, Any] | None, Field(description="Fields of your own.")] = None


TextOrMemory = Annotated[
    Annotated[Text, Tag("text")] | Annotated[NewMemory, Tag("object")],
    Discriminator(lambda given: "text" if isinstance(given, str) else "object"),
]


class Add(Request):
    """See `TreeTextMemory.add`."""

    memories: Annotated[
        list[TextOrMemory],
        Field(min_length=1, max_length=MOST_AT_ONCE, description="Texts, or objects that say more of a memory."),
    ]
    at: At = None
    until: Until = None
    operation_id: OperationId = None
    reason: Reason = None

    def given(self, *without: str) -> dict[str, Any]:
        """Return the arguments; a memory is its text or the fields that say something."""
        many = [m if isinstance(m, str) else m.given() for m in self.memories]
        return {**super().given("memories", *without), "memories": many}


class NewMessage(Request):
    """A message of a conversation."""

    content: Annotated[str, Field(max_length=LONGEST, description="What was said.")]
    role: Annotated[Short, Field(description="user, assistant, system, tool, or a name.")] = "user"
    name: Annotated[Short | None, Field(description="Who said it.")] = None
    chat_time: Annotated[Moment | None, Field(description="When it was said: ISO 8601.")] = None
    id: Annotated[Id | None, Field(description="Its id, by which it is known again.")] = None
    sequence: Annotated[int | None, Field(gt=-(2**52), lt=2**52, description="Its number.")] = None


class AddMessages(Request):
    """See `TreeTextMemory.add_messages`."""

    messages: Annotated[list[NewMessage], Field(min_length=1, max_length=MOST_AT_ONCE)]
    conversation_id: Annotated[
        Short | None, Field(description="The conversation. A call goes on where it ends; what is there comes in once.")
    ] = None
    remember: Annotated[
        Literal["new", "all"], Field(description="all: let searches find what tells nothing new, too.")
    ] = "new"
    operation_id: OperationId = None
    reason: Reason = None


class Search(Request):
    """See `TreeTextMemory.search`."""

    query: Annotated[Text, Field(description="The question, in words.")]
    top_k: Annotated[int, Field(ge=1, le=100, description="How many hits at most.")] = 10
    as_of: AsOf = None
    known_at: KnownAt = None
    when: Annotated[
        Annotated[str, Field(min_length=1, max_length=200)] | None,
        Field(
            description="The time asked about: auto (read from the question), now, ever, 'at T', 'before T', 'after T' "
            "or 'during T1 to T2'."
        ),
    ] = None
    include_superseded: Annotated[bool, Field(description="Also what does not hold any more.")] = False
    filter: Filter = None
    memory_types: MemoryTypes = None
    conversation_id: Annotated[Short | None, Field(description="Hits of this conversation are preferred.")] = None
    relativity: Annotated[float | None, Field(ge=-1, le=1, description="The cosine that a hit must have.")] = None


class Ask(Request):
    """See `TreeTextMemory.context`."""

    question: Annotated[Text, Field(description="The question, in words.")]
    max_tokens: Annotated[int, Field(ge=1, le=20_000, description="How long the text may be.")] = 2_000
    as_of: AsOf = None
    known_at: KnownAt = None
    filter: Filter = None
    memory_types: MemoryTypes = None
    conversation_id: Annotated[Short | None, Field(description="Memories of it are preferred.")] = None


class Get(Request):
    """See `TreeTextMemory.get`."""

    memory_id: MemoryId
    as_of: AsOf = None
    known_at: KnownAt = None


class Pages(Request):
    """See `TreeTextMemory.pages`."""

    cursor: Annotated[Short | None, Field(description="The cursor of the page before.")] = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many memories at most.")] = 50
    filter: Filter = None
    memory_types: MemoryTypes = None
    as_of: AsOf = None
    known_at: KnownAt = None


class History(Request):
    """See `TreeTextMemory.history`."""

    memory_id: MemoryId
    limit: Annotated[int, Field(ge=1, le=200, description="How many of the last states.")] = 50


class Messages(Request):
    """See `TreeTextMemory.messages`."""

    conversation_id: Short
    limit: Annotated[int, Field(ge=1, le=200, description="How many messages at most: the last ones.")] = 20
    before: Annotated[int | Id | None, Field(description="Those before this number or id of a message.")] = None
    after: Annotated[int | Id | None, Field(description="The first ones after this number or id.")] = None


class Conversations(Request):
    """See `TreeTextMemory.conversations`."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


class Change(Request):
    """See `TreeTextMemory.update` and `correct`."""

    memory_id: MemoryId
    memory: Annotated[Text | None, Field(description="The new text. Default: as it is.")] = None
    at: Annotated[Moment | None, Field(description="A time at which it holds: ISO 8601. Default: now.")] = None
    key: Annotated[Short | None, Field(description="A title.")] = None
    tags: Tags = None
    confidence: Annotated[float | None, Field(ge=0, le=100)] = None
    operation_id: OperationId = None
    reason: Reason = None


class Expire(Request):
    """See `TreeTextMemory.expire`."""

    memory_id: MemoryId
    at: Annotated[Moment | None, Field(description="Since when it does not hold: ISO 8601. Default: now.")] = None
    operation_id: OperationId = None
    reason: Reason = None


class Several(Request):
    """See `TreeTextMemory.delete`, `restore` and `purge`."""

    ids: Ids
    operation_id: OperationId = None
    reason: Reason = None


class Link(Request):
    """See `TreeTextMemory.link`."""

    source: Annotated[Id, Field(description="The memory where the edge starts.")]
    type: EdgeName
    target: Annotated[Id, Field(description="The memory where it ends.")]
    weight: Annotated[float, Field(ge=0, le=1_000_000)] = 1.0
    confidence: Annotated[float, Field(ge=0, le=100)] = 100.0
    at: At = None
    until: Until = None
    properties: Annotated[dict[str, Any] | None, Field(description="Values by name, kept with the edge.")] = None
    operation_id: OperationId = None
    reason: Reason = None


class Unlink(Request):
    """See `TreeTextMemory.unlink`."""

    source: Annotated[Id, Field(description="The memory where the edge starts.")]
    type: EdgeName
    target: Annotated[Id, Field(description="The memory where it ends.")]
    at: Annotated[Moment | None, Field(description="Since when it does not hold: ISO 8601. Default: now.")] = None
    operation_id: OperationId = None
    reason: Reason = None


class Neighbours(Request):
    """See `TreeTextMemory.neighbours`."""

    memory_id: MemoryId
    types: EdgeTypes = None
    direction: Literal["out", "in", "both"] = "both"
    limit: Annotated[int, Field(ge=1, le=200, description="How many edges at most, the strongest first.")] = 50
    as_of: AsOf = None
    known_at: KnownAt = None


class Subgraph(Request):
    """See `TreeTextMemory.subgraph`."""

    ids: Ids
    depth: Annotated[int, Field(ge=0, le=5, description="How many steps.")] = 2
    types: EdgeTypes = None
    max_nodes: Annotated[int, Field(ge=1, le=500, description="How many memories at most.")] = 100
    as_of: AsOf = None
    known_at: KnownAt = None


class Path(Request):
    """See `TreeTextMemory.path`."""

    source: Annotated[Id, Field(description="The memory where the way starts.")]
    target: Annotated[Id, Field(description="The memory where it ends.")]
    types: EdgeTypes = None
    directed: Annotated[bool, Field(description="Walk edges in their direction alone.")] = False
    as_of: AsOf = None
    known_at: KnownAt = None


class AddDocument(Request):
    """See `TreeTextMemory.add_documents`. A document is its text: no path of the machine that serves, no address."""

    id: Annotated[Short, Field(description="What the document is called, such as handbook.")]
    text: Annotated[
        str, Field(min_length=1, max_length=LONGEST_DOCUMENT, description="Its whole text, Markdown or plain.")
    ]
    title: Annotated[Short | None, Field(description="Its title. Default: its first heading.")] = None
    at: Annotated[Moment | None, Field(description="When it began to say so: ISO 8601. Default: now.")] = None
    tags: Tags = None
    operation_id: OperationId = None
    reason: Reason = None


class RemoveDocuments(Request):
    """See `TreeTextMemory.remove_documents`."""

    ids: Annotated[list[Short], Field(min_length=1, max_length=100, description="What the documents are called.")]
    operation_id: OperationId = None
    reason: Reason = None


class Diff(Request):
    """See `TreeTextMemory.diff`."""

    known_at_1: Annotated[Moment, Field(description="After this transaction time: ISO 8601.")]
    known_at_2: Annotated[Moment | None, Field(description="Up to this one: ISO 8601. Default: now.")] = None
    limit: Annotated[int, Field(ge=1, le=500, description="How many memories at most.")] = 100


class Operations(Request):
    """See `TreeTextMemory.operations`."""

    since: Annotated[Moment | None, Field(description="From this transaction time on: ISO 8601.")] = None
    until: Annotated[Moment | None, Field(description="Before this one: ISO 8601.")] = None
    limit: Annotated[int, Field(ge=1, le=200)] = 20


class Undo(Request):
    """See `TreeTextMemory.undo`."""

    operation: Annotated[Id, Field(description="The id of the operation.")]
    operation_id: OperationId = None
    reason: Reason = None


class Feedback(Request):
    """See `TreeTextMemory.feedback`."""

    text: Annotated[Text, Field(description="What was said, in the words of whoever said it.")]
    conversation_id: Annotated[Short | None, Field(description="The conversation in which it was said.")] = None
    about: Annotated[
        Ids | None, Field(description="The memories that are meant, such as those shown before. Default: found.")
    ] = None
    apply: Annotated[bool, Field(description="false: say what would change, and change nothing.")] = True
    operation_id: OperationId = None
    reason: Reason = None


class Preferences(Request):
    """See `memory.preferences.list`."""

    kind: Annotated[
        Literal["explicit", "implicit"] | None, Field(description="What was stated, or what was concluded.")
    ] = None
    topic: Annotated[Short | None, Field(description="Words that the topic has.")] = None
    as_of: AsOf = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50


class Explain(Request):
    """See `TreeTextMemory.explain`."""

    memory_id: MemoryId
