"""What answers look like, for the description of the API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class Envelope(BaseModel):
    """What every answer is wrapped in, but that of rerank, and files."""

    code: Annotated[int, Field(description="0, or what went wrong: docs/howto/service.md has the table.")]
    message: str
    data: Annotated[Any, Field(description="The answer; null where something went wrong.")]
    request_id: str


class RankedText(BaseModel):
    """A document, as it was sent."""

    text: str


class RankedOne(BaseModel):
    """A document with its place in the request, and how well it answers."""

    index: int
    document: RankedText
    relevance_score: float


class Ranked(BaseModel):
    """Documents, best first."""

    id: str
    model: str
    usage: dict[str, int]
    results: list[RankedOne]
