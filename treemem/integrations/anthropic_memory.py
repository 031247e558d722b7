"""Anthropic's memory tool on a memory (extra `anthropic-memory`), for the tool runners of the package anthropic.

Without that package, `treemem.integrations.files.MemoryFiles` answers the same commands.
"""

from __future__ import annotations

from typing import Any

from treemem.integrations.files import MemoryFiles
from treemem.integrations.keeping import missing
from treemem.integrations.talk import finished
from treemem.memory import TreeTextMemory

try:
    from anthropic.lib.tools import BetaAbstractMemoryTool, BetaAsyncAbstractMemoryTool, ToolError
except ImportError as error:
    raise missing("anthropic", "anthropic-memory", error) from error


class TreememMemoryTool(BetaAbstractMemoryTool):
    """The tool `memory` of Claude: files under /memories, each a memory with its history."""

    def __init__(self, memory: TreeTextMemory, **settings: Any) -> None:
        super().__init__(**settings)
        self.files = MemoryFiles(memory)

    def execute(self, command: Any) -> str:
        """Do a command; what cannot be done is raised as ToolError, which the runner tells the model."""
        return _answer(*self.files.run(_plain(command)))

    def view(self, command: Any) -> str:
        """Show a directory or a file."""
        return self.execute(command)

    create = str_replace = insert = delete = rename = view

    def clear_all_memory(self) -> str:
        """Hide all files."""
        return self.files.clear()


class TreememAsyncMemoryTool(BetaAsyncAbstractMemoryTool):
    """The same for asynchronous clients."""

    def __init__(self, memory: TreeTextMemory, **settings: Any) -> None:
        super().__init__(**settings)
        self.files = MemoryFiles(memory)

    async def execute(self, command: Any) -> str:
        """Do a command; what cannot be done is raised as ToolError, which the runner tells the model."""
        return _answer(*await finished(self.files.run, _plain(command)))

    async def view(self, command: Any) -> str:
        """Show a directory or a file."""
        return await self.execute(command)

    create = str_replace = insert = delete = rename = view

    async def clear_all_memory(self) -> str:
        """Hide all files."""
        return await finished(self.files.clear)


def _plain(command: Any) -> dict[str, Any]:
    return dict(command) if isinstance(command, dict) else dict(command.to_dict())


def _answer(text: str, refused: bool) -> str:
    if refused:
        raise ToolError(text)
    return text
