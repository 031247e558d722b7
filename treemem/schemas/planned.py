"""Plans of the reorganizer as a service is asked for them, and given them back to be applied."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import BaseModel, Field

from treemem.schemas.requests import Request, Short


class MakePlan(Request):
    """See `memory.reorganizer.plan`."""

    everything: Annotated[bool, Field(description="Look at all memories, not at what changed since the last run.")] = (
        False
    )
    group: Annotated[bool, Field(description="Put memories without a parent below topics, too.")] = False
    kinds: Annotated[
        list[Short] | None, Field(min_length=1, max_length=20, description="Kinds of actions. Default: all.")
    ] = None
    neighbours: Annotated[int, Field(ge=1, le=50, description="With how many nearest ones each is compared.")] = 8
    capacity: Annotated[
        dict[Short, Annotated[int, Field(ge=0)]] | None,
        Field(description="How many memories of a type may be there; {} bounds nothing. Default: the settings'."),
    ] = None
    ask: Annotated[bool | None, Field(description="Ask the language model about what the rules doubt.")] = None


class ApplyPlan(Request):
    """See `memory.reorganizer.apply`."""

    plan: Annotated[dict[str, Any], Field(description="A plan as v1/plan answered it.")]
    only: Annotated[
        list[int] | None, Field(max_length=10_000, description="Numbers of the actions to do. Default: all.")
    ] = None

    def plan_json(self) -> str:
        """Return the plan as a text."""
        return json.dumps(self.plan)


class Done(BaseModel):
    """What became of an action: done, repeated (done before), or skipped and why."""

    action: int
    kind: str
    status: str
    operation: str
    detail: str = ""


class Applied(BaseModel):
    """What applying a plan did, action by action."""

    plan: str
    outcomes: list[Done]
