"""What a user holds: memory items with typed metadata, and what search returns."""

from __future__ import annotations

import hashlib
import math
import re
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationError, field_validator, model_validator

from treemem.checks import known_names, shown
from treemem.errors import InvalidInputError
from treemem.pieces import normalized
from treemem.temporal import from_micros, parse_time

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
Status = Literal["generated", "activated", "archived", "merged", "expired", "deleted"]
Visibility = Literal["private", "public", "session"]
Kind = Literal["procedure", "fact", "event", "opinion", "topic", "reasoning", "preference"]
Origin = Literal["conversation", "retrieved", "web", "file", "system"]
PreferenceType = Literal["explicit_preference", "implicit_preference"]

MEMORY_TYPES: tuple[str, ...] = get_args(MemoryType)
#: How many memories of a type the reorganizer leaves active, where nothing else is said.
CAPACITY: dict[str, int] = {"WorkingMemory": 20, "LongTermMemory": 1_500, "UserMemory": 480}
STATUSES: tuple[str, ...] = get_args(Status)

MAX_TEXT = 1_000_000
#: Bounds of a field of metadata: how deep it nests, how many values it holds, how many characters in all.
MAX_DEPTH, MAX_VALUES, MAX_CHARACTERS = 100, 100_000, 4_000_000
M = TypeVar("M", bound=BaseModel)
_SURROGATE = re.compile("[\ud800-\udfff]")
_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_NAMESPACE = uuid.UUID("6f2d9c0e-7a51-4c1b-9f43-2f1d5c3e8a70")


def checked_id(value: object, field: str = "id") -> str:
    """Return an id of 1 to 128 characters out of A-Z a-z 0-9 . _ : -, or raise InvalidInputError.

    "." and ".." are refused: they name folders wherever an id becomes part of a path.
    """
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidInputError(f"{field}: wanted 1 to 128 characters of A-Z a-z 0-9 . _ : -, found {shown(value)}")
    if value in (".", ".."):
        raise InvalidInputError(f"{field}: {value!r} names a folder, not a thing; choose another")
    return value


def checked_text(value: object, field: str = "memory") -> str:
    """Return a text that both stores can keep, or raise InvalidInputError naming `field`."""
    if not isinstance(value, str):
        raise InvalidInputError(f"{field}: wanted a string, found {shown(value)}")
    if not value.strip():
        raise InvalidInputError(f"{field}: wanted a text, found nothing but white space")
    return _storable(value, field)


def _storable(value: str, field: str) -> str:
    problem = _unstorable(value)
    if problem is not None:
        raise InvalidInputError(f"{field}: {problem}")
    return value


def _unstorable(value: str) -> str | None:
    if len(value) > MAX_TEXT:
        return f"{len(value)} characters; at most {MAX_TEXT} fit. Split the text first"
    if "\x00" in value:
        return "contains a NUL character; remove it"
    if not value.isascii() and _SURROGATE.search(value):
        return "contains half of a surrogate pair; decode the text properly first"
    return None


def derived_id(*parts: object) -> str:
    """Return the UUID5 of the parts (RFC 9562, 5.5): the same parts give the same id everywhere.

    Written out, since a search names some seventy ids and `uuid.uuid5` takes four times as long.
    """
    name = "\x1f".join([normalized("NFC", str(part)) for part in parts])
    digest = hashlib.sha1(_NAMESPACE.bytes + name.encode(), usedforsecurity=False).hexdigest()
    variant = "89ab"[int(digest[16], 16) & 3]
    return f"{digest[:8]}-{digest[8:12]}-5{digest[13:16]}-{variant}{digest[17:20]}-{digest[20:32]}"


def _as_embedding(value: Any) -> Any:
    """Take a vector as it is; its numbers are checked, all at once, where it meets the cube's model."""
    if value is None or isinstance(value, list) or hasattr(value, "__array__"):
        return value
    raise InvalidInputError(f"embedding: wanted a list of numbers or an array, found {shown(value)}")


class TreeNodeTextualMemoryMetadata(BaseModel):
    """What is known about a memory beside its text.

    `confidence` runs from 0 to 100. Times are aware UTC datetimes; `memory_time` says when an event happened.
    `version`, `recorded_from`, `recorded_to` and `updated_at` are filled in by the store on reading. Fields that are
    not named here are kept in `info`, whose values must be JSON.
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
        return None if value is None else from_micros(parse_time(value, info.field_name))


METADATA_FIELDS = frozenset(TreeNodeTextualMemoryMetadata.model_fields)


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
        check_json(value.info, "info")
        check_json(value.sources, "sources")
        for name in ("tags", "entities", "usage"):
            check_json(getattr(value, name), name)
        for name in ("key", "background", "user_id", "session_id", "agent_id", "app_id", "conversation_id"):
            text = getattr(value, name)
            if text is not None:
                _storable(text, name)
        return value


#: Where a value lies inside another: what it lies in, and its name or number there.
_Path = tuple[Any, str]


def check_json(value: Any, field: str) -> None:
    """Raise InvalidInputError unless `value` is JSON that comes back as it went in: string keys, finite numbers.

    It may nest MAX_DEPTH deep and hold MAX_VALUES values and MAX_CHARACTERS characters; a value that contains itself
    is too deep, and one that is repeated counts each time, since it is written each time.
    """
    waiting: list[tuple[Any, _Path | str, int]] = [(value, field, 0)]
    values = characters = 0
    while waiting:
        each, path, depth = waiting.pop()
        inner: list[tuple[Any, _Path | str, int]] = []
        if isinstance(each, str):
            characters += len(each)
            problem = _unstorable(each)
        elif isinstance(each, (list, tuple)):
            inner = [(one, (path, f"[{i}]"), depth + 1) for i, one in enumerate(each[: MAX_VALUES + 1])]
            problem = None
        elif isinstance(each, Mapping):
            problem = next((p for p in map(_wrong_name, each) if p is not None), None)
            if problem is None:
                characters += sum(map(len, each))
                inner = [(one, (path, f".{name:.60}"), depth + 1) for name, one in each.items()]
        else:
            problem = _no_json(each)
        if inner and depth == MAX_DEPTH:
            problem = f"nested more than {MAX_DEPTH} deep, or contains itself; flatten it"
        if problem is not None:
            raise InvalidInputError(f"{_named(path)}: {problem}")
        values += len(inner)
        if values > MAX_VALUES or characters > MAX_CHARACTERS:
            raise InvalidInputError(
                f"{field}: more than {MAX_VALUES} values or {MAX_CHARACTERS} characters in all; keep a link instead"
            )
        waiting += reversed(inner)


def _named(path: _Path | str) -> str:
    parts = []
    while not isinstance(path, str):
        path, part = path
        parts.append(part)
    text = path + "".join(reversed(parts))
    return text if len(text) <= 160 else text[:157] + "..."


def _wrong_name(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return f"wanted names that are strings, found {shown(value)}"
    return _unstorable(value)


def _no_json(value: Any) -> str | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int):
        fits = -(1 << 63) <= value < 1 << 63
        return None if fits else f"{shown(value)} does not fit into 64 bits; store it as a string"
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{value} is no JSON number; use None or a string"
    return f"{shown(value)} is no JSON value; wanted a string, number, boolean, None, list or dict"


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
    return validated(TextualMemoryItem, data), "id" in data


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
