"""What each route is asked. Names that are not known are left alone: clients of several ages send more than others.

Null counts as left out, since the client writes everything out. What a verb refuses itself is left to the verb.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from treemem.search.context import rough_tokens
from treemem.service.rest.codes import EMPTY, LONG_USER, PARAMETERS, TOO_LONG, TYPE, Refusal
from treemem.storable import storable

#: Tokens of one request's messages or question, and how many messages and memories one has at most.
MOST_TOKENS, MOST_MESSAGES, MOST_HITS, MOST_IDS, MOST_SUBJECTS = 40_000, 200, 25, 100, 20
#: Limits where none is said.
FACTS, OTHERS, MESSAGES, PAGE = 9, 6, 6, 10
#: What a hit must have at least where nothing is said, on the scale of `details.relativity`.
RELATIVITY_DEFAULT = 0.45
VIEWS = ("detail_factual", "preference", "profile", "event", "skill", "tool_memory")

Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(lambda name: storable(name, "name"))]
Views = Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=50)]
Text = Annotated[str, Field(min_length=1, max_length=200_000)]
Tags = Annotated[list[Annotated[str, Field(max_length=2_000)]], Field(max_length=100)]
Bases = Annotated[list[Name], Field(max_length=100)]


def _names(value: Any) -> Any:
    """Return one name or several as a list; raise Refusal for one that no user can have."""
    if value is None:
        return []
    many = value if isinstance(value, list) else [value]
    for each in many:
        if not isinstance(each, str):
            raise Refusal(TYPE, "user_id, agent_id: wanted a text or a list of texts")
        if len(each) > 100:
            raise Refusal(LONG_USER, "user_id, agent_id: wanted at most 100 characters")
        if each:
            storable(each, "user_id, agent_id")
    if len(many) > MOST_SUBJECTS:
        raise Refusal(PARAMETERS, f"user_id, agent_id: wanted at most {MOST_SUBJECTS}, found {len(many)}")
    return [each for each in dict.fromkeys(many) if each]


def _all_or_names(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_names, json_schema_input_type=str | list[str] | None)]
BaseIds = Annotated[Bases | None, BeforeValidator(_all_or_names, json_schema_input_type=str | list[str] | None)]


class Body(BaseModel):
    """What all requests share."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, data: Any) -> Any:
        return {name: value for name, value in data.items() if value is not None} if isinstance(data, dict) else data


class OfSubject(Body):
    """A request of a user, or of an agent."""

    user_id: Name | None = None
    agent_id: Name | None = None

    @model_validator(mode="after")
    def _has_a_subject(self) -> Self:
        if not self.user_id and not self.agent_id:
            raise Refusal(EMPTY, "user_id: required, and not given")
        return self


def _messages_fit(messages: list[dict[str, Any]]) -> None:
    """Raise Refusal for messages whose texts are too long together; a file or a picture does not count."""
    tokens = 0
    for message in messages:
        content = message.get("content")
        parts = content if isinstance(content, list) else [{"text": content}]
        tokens += sum(rough_tokens(p["text"]) for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str))
    if tokens > MOST_TOKENS:
        raise Refusal(TOO_LONG, f"messages: wanted at most {MOST_TOKENS} tokens, found some {tokens}")


Messages = Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_MESSAGES)]


class Written(Body):
    """What says how that which is written is kept."""

    app_id: Name | None = None
    tags: Tags = []
    info: dict[str, Any] = {}
    allow_public: bool = False
    allow_knowledgebase_ids: Bases = []
    async_mode: Annotated[bool, Field(validation_alias=AliasChoices("async_mode", "asyncMode"))] = True


class AddMessage(Written):
    """add/message."""

    messages: Messages
    user_id: Names = []
    agent_id: Names = []
    conversation_id: Name | None = None
    allow_memory_view: Views | None = None

    @model_validator(mode="after")
    def _can_be_added(self) -> Self:
        if not self.user_id and not self.agent_id:
            raise Refusal(EMPTY, "user_id: required, and not given")
        _messages_fit(self.messages)
        _known_views("allow_memory_view", self.allow_memory_view)
        return self


def _kinds(views: list[str] | None, **included: bool) -> set[str]:
    """Return the kinds that a list of views names, or, where there is none, facts and what is `included`."""
    return set(views) if views is not None else {"detail_factual", *(kind for kind, on in included.items() if on)}


def _known_views(name: str, views: list[str] | None) -> None:
    for view in views or ():
        if view not in VIEWS:
            raise Refusal(PARAMETERS, f"{name}: wanted some of {', '.join(VIEWS)}")


class Limits(Body):
    """How many of each kind, and how near to the question."""

    memory_limit_number: Annotated[int, Field(ge=0)] = FACTS
    include_preference: bool = True
    preference_limit_number: Annotated[int, Field(ge=0)] = FACTS
    include_tool_memory: bool = False
    tool_memory_limit_number: Annotated[int, Field(ge=0)] = OTHERS
    include_skill: bool = False
    skill_limit_number: Annotated[int, Field(ge=0)] = OTHERS
    relativity: Annotated[float, Field(ge=0, le=1)] = RELATIVITY_DEFAULT
    knowledgebase_ids: BaseIds = None
    filter: Any = None

    @staticmethod
    def most(number: int) -> int:
        """Return a limit as far as this service goes."""
        return min(number, MOST_HITS)


class SearchMemory(Limits, OfSubject):
    """search/memory."""

    query: Text
    conversation_id: Name | None = None
    include_memory_view: Views | None = None

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if rough_tokens(self.query) > MOST_TOKENS:
            raise Refusal(TOO_LONG, f"query: wanted at most {MOST_TOKENS} tokens")
        _known_views("include_memory_view", self.include_memory_view)
        return self

    @property
    def views(self) -> set[str]:
        """The kinds that are asked for."""
        return _kinds(
            self.include_memory_view,
            preference=self.include_preference,
            tool_memory=self.include_tool_memory,
            skill=self.include_skill,
        )


class GetMemory(OfSubject):
    """get/memory."""

    page: Annotated[int, Field(ge=1, le=1_000_000, validation_alias=AliasChoices("page", "current"))] = 1
    size: Annotated[int, Field(ge=1, le=50)] = PAGE
    include_preference: bool = True
    include_tool_memory: bool = True
    include_memory_view: Views | None = None
    filter: Any = None

    @model_validator(mode="after")
    def _knows_views(self) -> Self:
        _known_views("include_memory_view", self.include_memory_view)
        return self

    @property
    def views(self) -> set[str]:
        """The kinds that are asked for."""
        return _kinds(
            self.include_memory_view, preference=self.include_preference, tool_memory=self.include_tool_memory
        )


class UpdateMemory(Body):
    """update/memory."""

    memory_id: Name
    content: Text | None = None
    title: Annotated[str, Field(min_length=1, max_length=2_000)] | None = None
    status: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.content is None and self.title is None and self.status is None:
            raise Refusal(EMPTY, "content, title or status: required, and none given")
        if self.status is not None and self.status not in ("activated", "resolving", "archived", "deleted"):
            raise Refusal(PARAMETERS, "status: wanted activated, archived or deleted")
        return self


class DeleteMemory(Body):
    """delete/memory. `user_ids` is how older clients say it; beside memory ids it means nothing."""

    memory_ids: Annotated[list[Name], Field(max_length=MOST_IDS)] | None = None
    user_id: Name | None = None
    agent_id: Name | None = None
    user_ids: Annotated[list[Name], Field(max_length=MOST_IDS)] | None = None
    filter: Any = None
    memory_type: str | None = None

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if self.user_ids and not self.memory_ids and self.user_id is None:
            if len(self.user_ids) != 1:
                raise Refusal(PARAMETERS, "user_ids: wanted one user")
            self.user_id = self.user_ids[0]
        given = [bool(self.memory_ids), bool(self.user_id), bool(self.agent_id), self.filter is not None]
        if not any(given):
            raise Refusal(EMPTY, "memory_ids or user_id: required, and neither given")
        if sum(given) != 1:
            raise Refusal(PARAMETERS, "wanted one of memory_ids, user_id, agent_id and filter, found several")
        return self


class GetMessage(Body):
    """get/message."""

    user_id: Name
    conversation_id: Name
    message_limit_number: Annotated[int, Field(ge=1)] = MESSAGES


class GetStatus(Body):
    """get/status."""

    task_id: Annotated[str, Field(min_length=1, max_length=200)]


class AddFeedback(Body):
    """add/feedback."""

    user_id: Name
    feedback_content: Text
    conversation_id: Name | None = None
    allow_public: bool = False
    allow_knowledgebase_ids: Bases = []

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if rough_tokens(self.feedback_content) > MOST_TOKENS:
            raise Refusal(TOO_LONG, f"feedback_content: wanted at most {MOST_TOKENS} tokens")
        return self


class Chat(Limits, Written):
    """chat."""

    user_id: Name
    conversation_id: Name
    query: Text
    agent_id: Name | None = None
    system_prompt: Annotated[str, Field(max_length=200_000)] | None = None
    model_name: str | None = None
    add_message_on_answer: bool = True
    max_tokens: Annotated[int, Field(ge=1, le=1_000_000)] = 8_192
    temperature: float | None = None
    top_p: float | None = None
    stream: bool = False
    internet_search: bool = False


class ExtractMemory(Body):
    """extract/memory."""

    messages: Messages
    extraction_types: Views = ["memory", "preference"]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        _messages_fit(self.messages)
        for kind in self.extraction_types:
            if kind not in ("memory", "preference"):
                raise Refusal(PARAMETERS, "extraction_types: wanted memory, preference or both")
        return self


class Rerank(Body):
    """rerank."""

    query: Text
    documents: Annotated[list[Text], Field(min_length=1, max_length=500)]
    model: str | None = None
    top_n: Annotated[int, Field(ge=1)] | None = None


class CreateBase(Body):
    """create/knowledgebase."""

    knowledgebase_name: Annotated[str, Field(min_length=1, max_length=200)]
    knowledgebase_description: Annotated[str, Field(max_length=2_000)] = ""


class OneBase(Body):
    """delete/knowledgebase."""

    knowledgebase_id: Name


class NewFile(Body):
    """A file of add/knowledgebase-file: its content is base64 or a data URL; nothing is fetched."""

    content: Annotated[str, Field(min_length=1)]
    name: Annotated[str, Field(max_length=255, validation_alias=AliasChoices("name", "file_name"))] = ""
    type: str = "document"


class AddFiles(OneBase):
    """add/knowledgebase-file."""

    file: Annotated[list[NewFile], Field(min_length=1, max_length=200)]


class GetFiles(Body):
    """get/knowledgebase-file."""

    file_ids: Annotated[list[Name], Field(max_length=MOST_IDS)] | None = None
    knowledgebase_id: Name | None = None
    type: str | None = None
    page: Annotated[int, Field(ge=1)] = 1
    page_size: Annotated[int, Field(ge=1, le=200)] = 20

    @model_validator(mode="after")
    def _means_one_thing(self) -> Self:
        if bool(self.file_ids) == bool(self.knowledgebase_id):
            raise Refusal(PARAMETERS, "wanted file_ids or knowledgebase_id, one of them")
        return self


class DeleteFiles(Body):
    """delete/knowledgebase-file."""

    file_ids: Annotated[list[Name], Field(min_length=1, max_length=MOST_IDS)]
