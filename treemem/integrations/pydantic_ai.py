"""PydanticAI on a memory (extra `pydantic-ai`): a capability, a message history, and a toolset."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from treemem.integrations.keeping import missing
from treemem.integrations.noting import note
from treemem.integrations.talk import Said, Talk, finished
from treemem.integrations.verbs import memory_functions
from treemem.memory import TreeTextMemory
from treemem.records import LoggedMessage

try:
    from pydantic_ai import FunctionToolset, RunContext
    from pydantic_ai.capabilities import AbstractCapability
    from pydantic_ai.messages import (
        ModelMessage,
        ModelMessagesTypeAdapter,
        ModelRequest,
        ModelResponse,
        TextPart,
        UserPromptPart,
    )
    from pydantic_ai.run import AgentRunResult
except ImportError as error:
    raise missing("pydantic-ai-slim", "pydantic-ai", error) from error

#: The key under which a message keeps what PydanticAI knows of it.
KEPT = "pydantic_ai"


class TreememHistory:
    """The messages of one conversation, for `message_history`; each is a memory, and found as such.

    Messages come back as they were given. `clear` hides them: `memory.restore` brings back, `memory.purge` erases.
    """

    def __init__(self, memory: TreeTextMemory, conversation_id: str) -> None:
        self._talk = Talk(memory, conversation_id, KEPT)

    def load(self, limit: int | None = None) -> list[ModelMessage]:
        """Return the messages, or the last `limit` of them; those that treemem got elsewhere by what they say."""
        return [self._message(each) for each in self._talk.read(limit)]

    def save(self, messages: Sequence[ModelMessage]) -> None:
        """Add messages at the end, as one operation: `history.save(result.new_messages())`."""
        whole = ModelMessagesTypeAdapter.dump_python(list(messages), mode="json")
        self._talk.write([_said(message, kept) for message, kept in zip(messages, whole, strict=True)])

    def clear(self) -> None:
        """Hide all messages."""
        self._talk.clear()

    async def aload(self, limit: int | None = None) -> list[ModelMessage]:
        """Return the messages, as `load` does."""
        return await finished(self.load, limit)

    async def asave(self, messages: Sequence[ModelMessage]) -> None:
        """Add messages, as `save` does."""
        await finished(self.save, messages)

    def _message(self, logged: LoggedMessage) -> ModelMessage:
        kept = self._talk.whole(logged)
        if kept is not None:
            (message,) = ModelMessagesTypeAdapter.validate_python([kept])
            return message
        if logged.role == "assistant":
            return ModelResponse(parts=[TextPart(logged.content)])
        return ModelRequest(parts=[UserPromptPart(logged.content)])


@dataclass
class TreememCapability(AbstractCapability[Any]):
    """Shows an agent what is known about the question of a run, gives it the tools of a memory, keeps what was said.

    `memory` is a memory, or a function that gives one for a run: `lambda ctx: memory.for_caller(ctx.deps.user)`. What
    is known stands in the instructions, in at most `max_tokens` tokens; memories of the run's own conversation do not.
    With `remember` the new messages of a run become the end of the conversation that the run names
    (`agent.run(..., conversation_id="c1")`), from where `TreememHistory(memory, "c1")` reads them. `search` goes to
    `memory.context`.
    """

    memory: TreeTextMemory | Callable[[RunContext[Any]], TreeTextMemory]
    max_tokens: int = 2_000
    remember: bool = True
    tools: bool = True
    search: dict[str, Any] = field(default_factory=dict)

    def _of(self, ctx: RunContext[Any]) -> TreeTextMemory:
        return self.memory if isinstance(self.memory, TreeTextMemory) else self.memory(ctx)

    def get_instructions(self) -> Callable[[RunContext[Any]], Awaitable[str | None]]:
        """Return what tells the model what is known."""

        async def known(ctx: RunContext[Any]) -> str | None:
            asked = _prompt(ctx.prompt)
            return await finished(note, self._of(ctx), asked, self.max_tokens, ctx.conversation_id, **self.search)

        return known

    def get_toolset(self) -> Any:
        """Return the tools, over the memory of the run."""
        if not self.tools:
            return None
        if isinstance(self.memory, TreeTextMemory):
            return memory_toolset(self.memory)
        return lambda ctx: memory_toolset(self._of(ctx))

    async def after_run(self, ctx: RunContext[Any], *, result: AgentRunResult[Any]) -> AgentRunResult[Any]:
        """Keep what was said."""
        if self.remember and ctx.conversation_id is not None:
            await TreememHistory(self._of(ctx), ctx.conversation_id).asave(result.new_messages())
        return result

    @classmethod
    def get_serialization_name(cls) -> str | None:
        """Return None: a memory is nothing that a file describes."""
        return None


def memory_toolset(memory: TreeTextMemory) -> FunctionToolset[Any]:
    """Return the tools remember, recall, history, correct and forget over a memory; `forget` hides."""
    return FunctionToolset(memory_functions(memory))


def _said(message: ModelMessage, whole: Any) -> Said:
    parts = whole["parts"]
    if whole["kind"] == "response":
        texts = [part["content"] for part in parts if part["part_kind"] == "text"]
        calls = [
            {"id": part["tool_call_id"], "function": {"name": part["tool_name"], "arguments": part["args"]}}
            for part in parts
            if part["part_kind"] == "tool-call"
        ]
        return Said("assistant", "\n".join(texts), whole, {"tool_calls": calls} if calls else None)
    for kind, role in (("user-prompt", "user"), ("tool-return", "tool"), ("system-prompt", "system")):
        found = [part for part in parts if part["part_kind"] == kind]
        if found:
            text = "\n".join(_prompt(part["content"]) for part in found)
            more = {"tool_call_id": found[0]["tool_call_id"]} if role == "tool" and len(found) == 1 else None
            return Said(role, text, whole, more)
    return Said("user", "", whole)


def _prompt(content: Any) -> str:
    """Return the texts of a prompt, or of what a tool answered."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else []
    texts = [each.get("content") if isinstance(each, dict) else getattr(each, "content", each) for each in parts]
    return "\n".join(each for each in texts if isinstance(each, str))
