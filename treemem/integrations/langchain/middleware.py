"""A middleware for agents of LangChain: memories before the model, what was said into the memory after it."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from treemem.integrations.keeping import id_of, missing
from treemem.integrations.langchain.history import as_message, said
from treemem.integrations.noting import note
from treemem.integrations.talk import conversation
from treemem.memory import TreeTextMemory

try:
    from langchain.agents.middleware import AgentMiddleware, AgentState, ModelRequest, ModelResponse
    from langchain_core.messages import SystemMessage
    from langgraph.config import get_config
    from langgraph.runtime import Runtime
except ImportError as error:
    raise missing("langchain", "langchain", error) from error


class TreememMiddleware(AgentMiddleware):
    """Puts what the memory knows about the user's last message before the model, and keeps what was said.

    Each call of the model gets, at the end of its system message, the memories that answer the last message of the
    user, as `memory.context` writes them, in at most `max_tokens` tokens. When the agent has ended, what the user and
    the model said is added to the conversation that has the thread's id (`{"configurable": {"thread_id": ...}}`); a
    message is known again by its id, so that a thread that goes on adds what is new. Memories of this conversation are
    not shown again, since the model has its messages. Without a thread there is no conversation.

    `memory` is a memory, or a function that gives one for a runtime: `lambda runtime:
    memory.for_caller(runtime.context.user_id)`. With `remember=False` nothing is written. `search` goes to
    `memory.context`.
    """

    def __init__(
        self,
        memory: TreeTextMemory | Callable[[Runtime[Any]], TreeTextMemory],
        *,
        max_tokens: int = 2_000,
        remember: bool = True,
        **search: Any,
    ) -> None:
        super().__init__()
        self._memory = memory
        self._max_tokens = max_tokens
        self._remember = remember
        self._search = search

    def _of(self, runtime: Runtime[Any]) -> TreeTextMemory:
        return self._memory if isinstance(self._memory, TreeTextMemory) else self._memory(runtime)

    # ---- Before the model -------------------------------------------------------------------------------------------

    def wrap_model_call(self, request: ModelRequest[Any], handler: Callable[[Any], ModelResponse[Any]]) -> Any:
        """Call the model with what is known."""
        return handler(self._informed(request, _thread()))

    async def awrap_model_call(
        self, request: ModelRequest[Any], handler: Callable[[Any], Awaitable[ModelResponse[Any]]]
    ) -> Any:
        """Call the model with what is known."""
        return await handler(await asyncio.to_thread(self._informed, request, _thread()))

    def _informed(self, request: ModelRequest[Any], thread: str | None) -> ModelRequest[Any]:
        question = next((m.text for m in reversed(request.messages) if m.type == "human" and m.text.strip()), None)
        if question is None:
            return request
        known = note(self._of(request.runtime), question, self._max_tokens, thread, **self._search)
        if known is None:
            return request
        before = request.system_message
        if before is None:
            return request.override(system_message=SystemMessage(content=known))
        content = [*before.content_blocks, {"type": "text", "text": f"\n\n{known}"}]
        if isinstance(before.content, str):
            return request.override(system_message=SystemMessage(content=f"{before.content}\n\n{known}"))
        return request.override(system_message=SystemMessage(content=content))

    # ---- After the agent --------------------------------------------------------------------------------------------

    def after_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Keep what was said."""
        self._keep(state, runtime, _thread())
        return None

    async def aafter_agent(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Keep what was said."""
        await asyncio.to_thread(self._keep, state, runtime, _thread())
        return None

    def _keep(self, state: AgentState[Any], runtime: Runtime[Any], thread: str | None) -> None:
        messages = said(state["messages"]) if self._remember else []
        if messages:
            scope = thread or str(uuid.uuid4())
            self._of(runtime).add_messages(
                [as_message(m, id=id_of("message", scope, m.id or str(uuid.uuid4()))) for m in messages],
                conversation_id=None if thread is None else conversation(thread),
            )


def _thread() -> str | None:
    """Return the id of the thread that the agent runs in."""
    thread = get_config().get("configurable", {}).get("thread_id")
    return None if thread is None else str(thread)
