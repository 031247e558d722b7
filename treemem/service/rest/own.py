"""What only treemem has, under /v1: every verb that the Model Context Protocol has here, and plans of the reorganizer.

Requests and answers are those of the command line and of the other services (`treemem/schemas`). `user_id` in the query
says whose view it is; without it the whole project is seen, which wants the right "admin".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from treemem.memory import TreeTextMemory
from treemem.reorganize.plan import Plan
from treemem.reorganize.turn import Status
from treemem.schemas import planned, requests
from treemem.service.mcp.binding import Binding
from treemem.service.mcp.knowing import KNOWING
from treemem.service.mcp.reading import READING
from treemem.service.mcp.tools import Tool
from treemem.service.mcp.writing import WRITING

#: The right that each effect of a verb wants.
_RIGHTS = {"reads": "read", "adds": "write", "changes": "write", "erases": "admin"}


@dataclass(frozen=True, slots=True)
class Verb:
    """A route of treemem's own: what it is asked, what it answers, which right it wants, and what it does."""

    path: str
    request: type[requests.Request]
    answer: type[BaseModel]
    right: str
    work: Callable[[TreeTextMemory, Any], Any]


def _as_verb(tool: Tool) -> Verb:
    def work(memory: TreeTextMemory, asked: Any) -> dict[str, Any]:
        return tool.call(Binding(memory), asked, _silent).json_able()

    work.__doc__ = tool.description
    return Verb(f"/v1/{tool.name}", tool.request, tool.answer, _RIGHTS[tool.effect], work)


def _silent(done: int, total: int | None) -> None:
    """Nobody waits for progress here."""


def _plan(memory: TreeTextMemory, asked: planned.MakePlan) -> dict[str, Any]:
    """Return what the reorganizer would do: merge, relate, close, archive, group. Nothing is changed."""
    return memory.reorganizer.plan(**asked.given()).model_dump(mode="json")


def _apply(memory: TreeTextMemory, asked: planned.ApplyPlan) -> dict[str, Any]:
    """Do the actions of a plan, all or some, each an operation that undo takes back; what was done is done once."""
    plan = Plan.from_json(asked.plan_json())
    if asked.only is not None:
        plan = plan.without(plan.actions.keys() - set(asked.only))
    return memory.reorganizer.apply(plan).model_dump(mode="json")


def _status(memory: TreeTextMemory, asked: requests.Nothing) -> dict[str, Any]:
    """Return how reorganizing stands: what waits, who works, what failed."""
    return memory.reorganizer.status().model_dump(mode="json")


VERBS = (
    *map(_as_verb, (*READING, *WRITING, *KNOWING)),
    Verb("/v1/plan", planned.MakePlan, Plan, "read", _plan),
    Verb("/v1/plan/apply", planned.ApplyPlan, planned.Applied, "write", _apply),
    Verb("/v1/plan/status", requests.Nothing, Status, "read", _status),
)
