"""Tools with which a model of LangChain uses a memory by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from treemem.errors import TreememError
from treemem.integrations.keeping import missing
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

    def remember(text: str) -> str:
        """Remember a fact, in one sentence that can be understood by itself."""
        (memory_id,) = memory.add(text)
        return f"Remembered [{memory_id}]."

    def recall(question: str, top_k: int = 5) -> str:
        """Find what is remembered that answers a question. Each line begins with the id of the memory."""
        lines = [f"[{hit.id}] {_line(hit.memory)}" for hit in memory.search(question, top_k)]
        return "\n".join(lines) or "Nothing is remembered about this."

    def history(memory_id: str) -> str:
        """Tell what a memory said over time, and why that changed."""
        lines = []
        for version in memory.history(memory_id):
            until = "" if version.valid_to is None else f" until {version.valid_to:%Y-%m-%d %H:%M}"
            done = version.opened_by.kind
            lines.append(f"{done}: from {version.valid_from:%Y-%m-%d %H:%M}{until}: {_line(version.item.memory)}")
        return "\n".join(lines) or f"There is no memory [{memory_id}]."

    def correct(memory_id: str, text: str) -> str:
        """Correct a memory that was wrong: `text` is what it should have said all along."""
        memory.correct(memory_id, text)
        return f"Corrected [{memory_id}]."

    def forget(memory_id: str) -> str:
        """Forget a memory: it is no longer found."""
        memory.delete(memory_id)
        return f"Forgotten [{memory_id}]."

    return [_tool(verb) for verb in (remember, recall, history, correct, forget)]


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


def _line(text: str) -> str:
    return " ".join(text.split())
