"""Tools with which a model of LangChain uses a memory by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from treemem.errors import TreememError
from treemem.integrations.keeping import missing
from treemem.integrations.verbs import verbs
from treemem.memory import TreeTextMemory

try:
    from langchain_core.tools import BaseTool, StructuredTool, ToolException
except ImportError as error:
    raise missing("langchain-core", "langchain", error) from error


def memory_tools(memory: TreeTextMemory) -> list[BaseTool]:
    """Return the tools remember, recall, history, correct and forget over a memory, synchronous and asynchronous.

    An answer names memories by their ids, in brackets. What treemem refuses the model is told as the tool's answer.
    `forget` hides; it erases nothing. Give a view (`memory.for_caller(user)`) to bind whose memory it is.
    """
    return [_tool(verb) for verb in verbs(memory)]


def _tool(verb: Callable[..., str]) -> BaseTool:
    def told(**arguments: Any) -> str:
        try:
            return verb(**arguments)
        except TreememError as problem:
            raise ToolException(str(problem)) from problem

    async def told_later(**arguments: Any) -> str:
        return await asyncio.to_thread(told, **arguments)

    schema = StructuredTool.from_function(verb).args_schema
    return StructuredTool.from_function(
        told,
        coroutine=told_later,
        name=verb.__name__,
        description=str(verb.__doc__),
        args_schema=schema,
        handle_tool_error=True,
    )
