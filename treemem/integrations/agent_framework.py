"""Microsoft's Agent Framework on a memory (extra `agent-framework`): a context provider and a history provider."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from treemem.integrations.keeping import missing
from treemem.integrations.noting import note
from treemem.integrations.talk import Said, Talk, finished
from treemem.integrations.verbs import memory_functions
from treemem.memory import TreeTextMemory

try:
    from agent_framework import ContextProvider, HistoryProvider, Message
except ImportError as error:
    raise missing("agent-framework-core", "agent-framework", error) from error

#: The key under which a message keeps what the framework knows of it.
KEPT = "agent_framework"
_ROLES = frozenset({"user", "assistant", "system", "tool", "developer"})


class TreememHistoryProvider(HistoryProvider):
    """The messages of each session, each a memory; they come back as they were given."""

    def __init__(self, memory: TreeTextMemory, source_id: str = "treemem_history", **settings: Any) -> None:
        super().__init__(source_id, **settings)
        self.memory = memory

    async def get_messages(self, session_id: str | None, **_: Any) -> list[Message]:
        """Return the messages of a session; of none there are none."""
        if session_id is None:
            return []
        talk = Talk(self.memory, session_id, KEPT)
        found = []
        for logged in await finished(talk.read):
            whole = talk.whole(logged)
            found.append(Message(logged.role, [logged.content]) if whole is None else Message.from_dict(whole))
        return found

    async def save_messages(self, session_id: str | None, messages: Sequence[Message], **_: Any) -> None:
        """Add messages at the end of a session's conversation; without a session nothing is kept."""
        if session_id is not None:
            said = [
                Said(each.role if each.role in _ROLES else "user", each.text or "", each.to_dict()) for each in messages
            ]
            await finished(Talk(self.memory, session_id, KEPT).write, said)


class TreememContextProvider(ContextProvider):
    """Shows an agent what is known about what it is asked, and gives it the tools of a memory.

    What is known stands in the instructions, in at most `max_tokens` tokens; memories of the session's own conversation
    do not. `memory` is a memory, or a function that gives one for a session. `search` goes to `memory.context`.
    """

    def __init__(
        self,
        memory: TreeTextMemory | Callable[[Any], TreeTextMemory],
        source_id: str = "treemem",
        *,
        max_tokens: int = 2_000,
        tools: bool = True,
        **search: Any,
    ) -> None:
        super().__init__(source_id)
        self._memory, self._max_tokens, self._tools, self._search = memory, max_tokens, tools, search

    async def before_run(self, *, agent: Any, session: Any, context: Any, state: dict[str, Any]) -> None:
        """Add what is known to the instructions, and the tools."""
        memory = self._memory if isinstance(self._memory, TreeTextMemory) else self._memory(session)
        asked = [message.text for message in context.input_messages if message.role == "user" and message.text]
        if asked:
            known = await finished(note, memory, asked[-1], self._max_tokens, context.session_id, **self._search)
            if known is not None:
                context.extend_instructions(self.source_id, known)
        if self._tools:
            context.extend_tools(self.source_id, memory_functions(memory))
