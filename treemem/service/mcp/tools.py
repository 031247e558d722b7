"""What a tool is: a verb of a memory with its arguments, what it answers, and what it does to the memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from treemem.schemas import answers, requests
from treemem.schemas.tidying import schema_of
from treemem.service.mcp.binding import Binding
from treemem.service.running import Progress

if TYPE_CHECKING:
    from mcp_types import Tool as ListedTool

#: What a tool does to a memory: nothing; it adds; it changes or hides what is there, which `undo` takes back; it
#: erases.
Effect = Literal["reads", "adds", "changes", "erases"]
Call = Callable[[Binding, Any, Progress], answers.Answer]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool. A `repeatable` one does nothing more when it is called again with the same arguments."""

    name: str
    title: str
    description: str
    request: type[requests.Request]
    answer: type[answers.Answer]
    effect: Effect
    call: Call
    repeatable: bool = False

    def listed(self) -> ListedTool:
        """Return the tool as a client sees it. This alone wants the SDK: the REST service has the same verbs."""
        from mcp_types import Tool as ListedTool
        from mcp_types import ToolAnnotations

        reads = self.effect == "reads"
        return ListedTool(
            name=self.name,
            title=self.title,
            description=self.description,
            input_schema=schema_of(self.request),
            output_schema=schema_of(self.answer),
            annotations=ToolAnnotations(
                title=self.title,
                read_only_hint=reads,
                destructive_hint=self.effect in ("changes", "erases"),
                idempotent_hint=reads or self.repeatable,
                open_world_hint=False,
            ),
        )


def offered(tools: Iterable[Tool], binding: Binding) -> dict[str, Tool]:
    """Return the tools that a server has by name: those that write only where it may, `purge` where it was allowed."""
    effects = {"reads"} if binding.read_only else {"reads", "adds", "changes"}
    if binding.allow_purge and not binding.read_only:
        effects.add("erases")
    return {tool.name: tool for tool in tools if tool.effect in effects}
