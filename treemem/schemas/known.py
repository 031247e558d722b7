"""Requests and answers about tools, skills and knowledge bases, as `answers` and `requests` have the others."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from treemem.schemas.answers import Answer, Count, Quoting, Time
from treemem.schemas.requests import AsOf, Request, Short


class AskTools(Request):
    """See `memory.tools.list` and `memory.tools.search`."""

    question: Annotated[Short | None, Field(description="What is to be done. Default: all tools, by name.")] = None
    as_of: AsOf = None
    limit: Annotated[int, Field(ge=1, le=100, description="How many at most.")] = 10


class AskSkills(Request):
    """See `memory.skills.list` and `memory.skills.get`."""

    skill: Annotated[Short | None, Field(description="The skill that is read whole. Default: a list of all.")] = None
    as_of: AsOf = None
    limit: Annotated[int, Field(ge=1, le=200, description="How many at most.")] = 50


class ToolCall(Answer):
    """A call of a tool, and how it ended."""

    id: str
    tool: str
    text: Annotated[str, Field(description="What was asked, the arguments, the result, in short.")]
    call: Annotated[str, Field(description="The tool with its arguments.")]
    ok: bool
    since: Time
    error: Annotated[str, Field(description="What kind of error it told.")]
    conversation_id: str | None = None
    sources: Annotated[list[str], Field(description="The messages of result, call and question.")]
    user_id: str | None = None
    similarity: float | None = None


class ToolExperience(Answer):
    """What failed, and what then worked."""

    text: str
    failed: Annotated[str, Field(description="The id of the call that failed.")]
    worked: Annotated[str | None, Field(description="The id of the next one that worked.")] = None


class Tool(Answer):
    """A tool, and what came of calling it."""

    id: str
    name: str
    description: str
    parameters: dict[str, Any]
    origin: Annotated[
        Literal["registered", "declared", "called"],
        Field(description="Where description and parameters are from; called: from the arguments of calls."),
    ]
    calls: Count
    failed: Count
    last_used: Time | None = None
    recent: list[ToolCall]
    experience: list[ToolExperience]
    user_id: str | None = None
    declared_in: str | None = None
    similarity: float | None = None


class Tools(Quoting):
    """Tools: the nearest to a question first, or by name."""

    tools: list[Tool]
    more: Annotated[int, Field(ge=0, description="How many further ones are left out.")]


class Skill(Answer):
    """How something is done."""

    id: str
    name: str
    description: str
    steps: list[str]
    examples: list[str]
    text: Annotated[str | None, Field(description="Its whole SKILL.md, where one skill was asked for.")] = None
    version: Count
    since: Time
    until: Time | None = None
    user_id: str | None = None
    sources: list[str]


class Skills(Quoting):
    """Skills, by name."""

    skills: list[Skill]
    more: Annotated[int, Field(ge=0, description="How many further ones are left out.")]


class KnowledgeBase(Answer):
    """Documents that several users read."""

    name: str
    cube_id: str
    description: str
    owner: str | None = None
    readers: list[str]
    everyone: bool
    since: Time


class KnowledgeBases(Quoting):
    """The knowledge bases that may be read, by name."""

    knowledge_bases: list[KnowledgeBase]
