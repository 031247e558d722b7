"""What answers look like, for the description of the API."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field


class Envelope(BaseModel):
    """What every answer is wrapped in, but that of rerank."""

    code: Annotated[int, Field(description="0, or what went wrong: docs/howto/service.md has the table.")]
    message: str
    data: Annotated[Any, Field(description="The answer; null where something went wrong.")]
    request_id: str


#: What can come instead of an answer: 4XX for what is wrong with the request, 5XX for what is wrong here.
RESPONSES: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": Envelope, "description": "The request is refused; `code` says why."},
    "5XX": {"model": Envelope, "description": "It cannot be done here, or not now; `code` says why."},
}
