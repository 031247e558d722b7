"""The OpenAI Agents SDK on a memory (extra `openai-agents`): a session, and tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treemem.checks import whole
from treemem.integrations.keeping import missing
from treemem.integrations.talk import Said, Talk, finished
from treemem.integrations.verbs import memory_functions
from treemem.memory import TreeTextMemory
from treemem.records import LoggedMessage

try:
    from agents import FunctionTool, SessionSettings, function_tool
    from agents.items import TResponseInputItem
    from agents.memory import SessionABC
except ImportError as error:
    raise missing("openai-agents", "openai-agents", error) from error

#: The key under which a message keeps the item that it came as.
KEPT = "openai_agents"
_ROLES = frozenset({"user", "assistant", "system", "developer"})


class TreememSession(SessionABC):
    """The session of an agent: a conversation of a memory, whose messages are memories and are found as such.

    Items come back as they were given. `pop_item` and `clear_session` hide: `memory.restore` brings back,
    `memory.purge` erases. Give a view (`memory.for_caller(user)`) to say whose session it is.
    """

    def __init__(
        self,
        session_id: str,
        memory: TreeTextMemory,
        *,
        session_settings: SessionSettings | Mapping[str, Any] | None = None,
    ) -> None:
        self.session_id = session_id
        self.memory = memory
        given = session_settings
        self.session_settings = SessionSettings(**given) if isinstance(given, Mapping) else given or SessionSettings()

    @property
    def _talk(self) -> Talk:
        return Talk(self.memory, self.session_id, KEPT)

    async def get_items(self, limit: int | None = None) -> list[TResponseInputItem]:
        """Return the items, oldest first: the last `limit` of them, or of the settings' limit, or all.

        As in the SDK's own sessions, a limit below 0 is none. Messages that came in another way are items, too.
        """
        most = self.session_settings.limit if limit is None else limit
        talk = self._talk
        found = await finished(talk.read, None if most is None or whole("limit", most) < 0 else most)
        return [_item(talk, each) for each in found]

    async def add_items(self, items: list[TResponseInputItem]) -> None:
        """Add items at the end, as one operation."""
        await finished(self._talk.write, [_said(dict(item)) for item in items])

    async def pop_item(self) -> TResponseInputItem | None:
        """Hide the last item and return it; None where there is none."""
        talk = self._talk
        last = await finished(talk.pop)
        return None if last is None else _item(talk, last)

    async def clear_session(self) -> None:
        """Hide all items of the session."""
        await finished(self._talk.clear)


def memory_tools(memory: TreeTextMemory) -> list[FunctionTool]:
    """Return the tools remember, recall, history, correct and forget over a memory; `forget` hides."""
    return [function_tool(each) for each in memory_functions(memory)]


def _item(talk: Talk, message: LoggedMessage) -> Any:
    kept = talk.whole(message)
    return {"role": message.role, "content": message.content} if kept is None else kept


def _said(item: dict[str, Any]) -> Said:
    kind, role = str(item.get("type", "")), item.get("role")
    if isinstance(role, str) and role in _ROLES:
        return Said(role, _text(item.get("content")), item)
    if kind.endswith("_output"):
        more = {"call_id": item["call_id"]} if isinstance(item.get("call_id"), str) else {}
        return Said("tool", _text(item.get("output")), item, more)
    if kind == "function_call":
        called = {"id": item.get("call_id"), "function": {k: item.get(k) for k in ("name", "arguments")}}
        return Said("assistant", "", item, {"tool_calls": [called]})
    return Said("assistant", "", item)


def _text(content: Any) -> str:
    """Return the texts among the parts of a content."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    texts = [part.get("text") or part.get("refusal") for part in parts if isinstance(part, Mapping)]
    return "\n".join(text for text in texts if isinstance(text, str))
