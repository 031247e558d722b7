"""What a user holds: memory items with typed metadata, and what search returns."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, field_validator, model_validator

from treemem.checks import known_names, shown
from treemem.errors import InvalidInputError
from treemem.ids import checked_id
from treemem.storable import MAX_IN_ALL, characters_in, check_json, checked_text, storable
from treemem.temporal import END_TIME, from_micros, parse_time
from treemem.text import cached_if_short

MemoryType = Literal[
    "WorkingMemory",
    "LongTermMemory",
    "UserMemory",
    "OuterMemory",
    "PreferenceMemory",
    "ToolSchemaMemory",
    "ToolTrajectoryMemory",
    "SkillMemory",
    "KnowledgeBaseMemory",
]
#: `logged` is what a conversation holds beside what was said: a call of a tool, an empty answer. It is kept, and read
#: back with the conversation alone.
Status = Literal["generated", "activated", "archived", "merged", "expired", "deleted", "logged"]
Visibility = Literal["private", "public", "session"]
Kind = Literal["procedure", "fact", "event", "opinion", "topic", "reasoning", "preference", "behaviour"]
Origin = Literal["conversation", "retrieved", "web", "file", "system"]
PreferenceType = Literal["explicit_preference", "implicit_preference"]

MEMORY_TYPES: tuple[str, ...] = get_args(MemoryType)
#: How many memories of a type the reorganizer leaves active, where nothing else is said.
CAPACITY: dict[str, int] = {"WorkingMemory": 20, "LongTermMemory": 1_500, "UserMemory": 480}
STATUSES: tuple[str, ...] = get_args(Status)
VISIBILITIES: tuple[str, ...] = get_args(Visibility)
KINDS: tuple[str, ...] = get_args(Kind)
ORIGINS: tuple[str, ...] = get_args(Origin)

M = TypeVar("M", bound=BaseModel)


def _as_embedding(value: Any) -> Any:
    """Take a vector as it is; its numbers are checked, all at once, where it meets the cube's model."""
    if value is None or isinstance(value, list) or hasattr(value, "__array__"):
        return value
    raise InvalidInputError(f"embedding: wanted a list of numbers or an array, found {shown(value)}")


#: Numbers of messages in a conversation are below this; those that a caller gives are below half of it, so that a log
#: can always go on.
MOST_NUMBER = 1 << 53
#: UTF-8 bytes of the id of a conversation: Neo4j indexes values of some 8,000 bytes.
LONGEST_CONVERSATION_ID = 2_000


def check_number(sequence: Any, field: str = "sequence") -> None:
    """Raise InvalidInputError for a number of a message that a caller may not give: from 2^52 on."""
    if sequence is not None and (type(sequence) is not int or abs(sequence) >= MOST_NUMBER // 2):
        raise InvalidInputError(f"{field}: wanted a whole number below 2^52, found {shown(sequence)}")


class TreeNodeTextualMemoryMetadata(BaseModel):
    """What is known about a memory beside its text.

    `confidence` runs from 0 to 100. Times are aware UTC datetimes; `memory_time` says when an event happened.
    `version`, `recorded_from`, `recorded_to` and `updated_at` are filled in by the store on reading. Fields that are
    not named here are kept in `info`, whose values must be JSON; a name that is nearly one of these is an error.
    """

    model_config = ConfigDict(extra="forbid", validate_assignment=True, defer_build=True)

    memory_type: MemoryType = "LongTermMemory"
    status: Status = "activated"
    visibility: Visibility = "private"
    type: Kind | None = None
    key: str | None = None
    background: str | None = None
    tags: list[str] = Field(default_factory=list)
    entities: list[str] = Field(default_factory=list)
    sources: list[Any] = Field(default_factory=list)
    source: Origin | None = None
    confidence: float = Field(default=100.0, ge=0, le=100, allow_inf_nan=False)
    embedding: Annotated[list[float] | None, PlainValidator(_as_embedding)] = Field(default=None, repr=False)
    usage: list[str] = Field(default_factory=list)
    user_id: str | None = None
    session_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None
    conversation_id: str | None = None
    sequence: int | None = Field(default=None, gt=-MOST_NUMBER, lt=MOST_NUMBER)
    preference_type: PreferenceType | None = None
    frozen: bool = False
    memory_time: datetime | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    version: int | None = None
    info: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _unknown_to_info(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.keys() <= METADATA_FIELDS:
            return data
        known = {name: value for name, value in data.items() if name in METADATA_FIELDS}
        extra = {name: value for name, value in data.items() if name not in METADATA_FIELDS}
        for name in extra:
            near = _meant_by(name) if isinstance(name, str) else ""
            if near:
                raise InvalidInputError(
                    f"metadata: there is no {shown(name)}; did you mean {near!r}? A field of that name goes into "
                    "info={...}"
                )
        if extra:
            known["info"] = {**(known.get("info") or {}), **extra}
        return known

    @field_validator("tags", "entities", "sources", "usage", "info", mode="before")
    @classmethod
    def _none_is_empty(cls, value: Any, info: Any) -> Any:
        if value is None:
            return {} if info.field_name == "info" else []
        return value

    @field_validator(
        "memory_time",
        "created_at",
        "updated_at",
        "valid_from",
        "valid_to",
        "recorded_from",
        "recorded_to",
        mode="before",
    )
    @classmethod
    def _any_time(cls, value: Any, info: Any) -> datetime | None:
        if type(value) is datetime and value.tzinfo is UTC and value < END_TIME:
            return value
        return None if value is None else from_micros(parse_time(value, info.field_name))


METADATA_FIELDS = frozenset(TreeNodeTextualMemoryMetadata.model_fields)
_PLAIN_NAMES = {name.replace("_", ""): name for name in sorted(METADATA_FIELDS)}
_JSON = ("info", "sources", "tags", "entities", "usage")
_TEXTS = ("key", "background", "user_id", "session_id", "agent_id", "app_id", "conversation_id")
_LARGE = frozenset(_JSON + _TEXTS)
#: How near a name must be to a field's to be taken for a slip: "visibilty" is, "created_by" is a field of one's own.
_SLIP = 0.85


@cached_if_short()
def _meant_by(name: str) -> str:
    """Return the field that a name is a slip of, "" for a name of its own."""
    lower = name.lower()
    plain = _PLAIN_NAMES.get(lower.replace("_", "").replace("-", ""))
    return plain or next(iter(get_close_matches(lower[:60], METADATA_FIELDS, 1, _SLIP)), "")


class TextualMemoryItem(BaseModel):
    """A memory: an id, a text, and metadata."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, defer_build=True)

    id: str = Field(default_factory=lambda: str(uuid.uuid4()))
    memory: str
    metadata: TreeNodeTextualMemoryMetadata = Field(default_factory=TreeNodeTextualMemoryMetadata)

    @field_validator("id")
    @classmethod
    def _checked_id(cls, value: str) -> str:
        return checked_id(value)

    @field_validator("memory")
    @classmethod
    def _checked_memory(cls, value: str) -> str:
        return checked_text(value)

    @field_validator("metadata", mode="after")
    @classmethod
    def _checked_metadata(cls, value: TreeNodeTextualMemoryMetadata) -> TreeNodeTextualMemoryMetadata:
        for name in _JSON:
            if name in value.model_fields_set:
                check_json(getattr(value, name), name)
        for name in _TEXTS:
            if name in value.model_fields_set and getattr(value, name) is not None:
                storable(getattr(value, name), name)
        talk = value.conversation_id
        if talk is not None and len(talk.encode()) > LONGEST_CONVERSATION_ID:
            raise InvalidInputError(
                f"conversation_id: wanted at most {LONGEST_CONVERSATION_ID} bytes, found {len(talk.encode())}"
            )
        return value


def set_fields(metadata: TreeNodeTextualMemoryMetadata) -> dict[str, Any]:
    """Return the fields of metadata that were set, as they are."""
    return {name: getattr(metadata, name) for name in metadata.model_fields_set}


def as_item(value: TextualMemoryItem | Mapping[str, Any] | str) -> tuple[TextualMemoryItem, bool]:
    """Return a user's memory as an item, and whether it came with an id of its own.

    Raises InvalidInputError that names the field, the value found and what is allowed.
    """
    if isinstance(value, TextualMemoryItem):
        check_json(value.metadata.info, "info")  # may have been changed since it was checked
        check_json(value.metadata.sources, "sources")
        _check_in_all(value.metadata)
        return value, "id" in value.model_fields_set
    data: Mapping[str, Any]
    if isinstance(value, str):
        data = {"memory": value}
    elif isinstance(value, Mapping):
        data = value
    else:
        raise InvalidInputError(f"memories: wanted a string, a dict or a TextualMemoryItem, found {shown(value)}")
    loose = {name: v for name, v in data.items() if name not in TextualMemoryItem.model_fields}
    if loose:
        known_names("memories", loose, METADATA_FIELDS)
        metadata = data.get("metadata")
        if isinstance(metadata, TreeNodeTextualMemoryMetadata):
            metadata = set_fields(metadata)
        if metadata is not None and not isinstance(metadata, Mapping):
            raise InvalidInputError(f"metadata: wanted a dict, found {type(metadata).__name__}")
        kept = {name: v for name, v in data.items() if name in TextualMemoryItem.model_fields}
        data = {**kept, "metadata": {**loose, **(metadata or {})}}
    if data.get("metadata") is None:
        data = {name: v for name, v in data.items() if name != "metadata"}
    item = validated(TextualMemoryItem, data)
    _check_in_all(item.metadata)
    return item, "id" in data


def _check_in_all(metadata: TreeNodeTextualMemoryMetadata) -> None:
    """Raise InvalidInputError if all that metadata says is too much for one memory, though each field is not."""
    found = sum(characters_in(getattr(metadata, name)) for name in metadata.model_fields_set & _LARGE)
    if found > MAX_IN_ALL:
        raise InvalidInputError(
            f"metadata: {found} characters in all its fields; at most {MAX_IN_ALL} fit. Keep a link instead"
        )


def validated(model: type[M], data: Any) -> M:
    """Return a pydantic model of the data, or raise InvalidInputError naming field, value and what is allowed."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidInputError("; ".join(_line(e) for e in error.errors()[:5])) from error


def _line(error: Any) -> str:
    field = ".".join(str(part) for part in error["loc"] if part != "metadata") or "memory"
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    if error["type"] == "missing":
        return f"{field}: required, and not given"
    return f"{field}: {error['msg']}, found {shown(error['input'])}"


#: What stands for a memory: its text, a dict with `memory`, or an item.
MemoryLike = TextualMemoryItem | Mapping[str, Any] | str
