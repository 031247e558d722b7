"""A conversation of a memory as the history of a chat in LangChain."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from typing import Any

from treemem.integrations.keeping import hide_seen, missing
from treemem.integrations.talk import conversation, in_pieces, of_pieces, storable
from treemem.memory import TreeTextMemory
from treemem.records import LoggedMessage
from treemem.storable import cleaned

try:
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.messages import (
        AIMessage,
        BaseMessage,
        HumanMessage,
        SystemMessage,
        message_to_dict,
        messages_from_dict,
    )
except ImportError as error:
    raise missing("langchain-core", "langchain", error) from error

#: The key under which a message keeps what LangChain knows of it.
KEPT = "langchain"
_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool"}


class TreememChatMessageHistory(BaseChatMessageHistory):
    """The messages of one conversation, in their order; each is a memory, and found as such.

    Every message that is added is a new one, also if it says what another said. `clear` hides them.
    """

    def __init__(self, memory: TreeTextMemory, conversation_id: str) -> None:
        self.memory = memory
        self.conversation_id = conversation_id

    @property
    def messages(self) -> list[BaseMessage]:
        """The messages as LangChain gave them; those that treemem got elsewhere by what they say and who says it."""
        return [message_of(each) for each in self.memory.messages(conversation(self.conversation_id))]

    @messages.setter
    def messages(self, value: list[BaseMessage]) -> None:
        self.clear()
        self.add_messages(value)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Add messages at the end of the conversation, as one operation."""
        self.memory.add_messages(
            [as_message(each) for each in messages],
            conversation_id=conversation(self.conversation_id),
            operation_id=str(uuid.uuid4()),  # so that all are new, whatever they say
        )

    def clear(self) -> None:
        """Hide all messages of the conversation; `memory.restore` brings them back, `memory.purge` erases them."""
        hide_seen(self.memory, [each.id for each in self.memory.messages(conversation(self.conversation_id))])


def as_message(message: BaseMessage, **more: Any) -> dict[str, Any]:
    """Return a message of LangChain as `add_messages` takes it; the whole of it is kept beside what it says."""
    role = _ROLES.get(message.type) or str(getattr(message, "role", message.type))
    made = {"role": cleaned(role), "content": storable(message.text), KEPT: in_pieces(message_to_dict(message)), **more}
    return made if message.name is None else {**made, "name": cleaned(message.name)}


def message_of(logged: LoggedMessage) -> BaseMessage:
    """Return a message of a conversation as one of LangChain."""
    kept = logged.extra.get(KEPT)
    if kept is not None:
        whole = of_pieces(kept) if isinstance(kept, list) else kept  # a dict was kept before there were pieces
        (message,) = messages_from_dict([whole])
        return message
    kinds = {"assistant": AIMessage, "system": SystemMessage, "developer": SystemMessage}
    made: BaseMessage = kinds.get(logged.role, HumanMessage)(content=logged.content, name=logged.name, id=logged.id)
    return made


def said(messages: Iterable[BaseMessage]) -> list[BaseMessage]:
    """Return the messages of a person and of the model that say something."""
    return [m for m in messages if m.type in ("human", "ai") and m.text.strip()]
