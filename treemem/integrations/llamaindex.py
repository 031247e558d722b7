"""LlamaIndex on a memory (extra `llamaindex`): a block for its `Memory`, a retriever, and a chat store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from treemem.integrations.keeping import hide_seen, missing
from treemem.integrations.llamaindex_graph import TreememEmbedding as TreememEmbedding
from treemem.integrations.llamaindex_graph import TreememPropertyGraphStore as TreememPropertyGraphStore
from treemem.integrations.talk import Said, Talk, finished, session, storable
from treemem.memory import TreeTextMemory
from treemem.records import LoggedMessage

try:
    from llama_index.core.base.llms.types import ChatMessage
    from llama_index.core.bridge.pydantic import PrivateAttr
    from llama_index.core.memory import BaseMemoryBlock
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
    from llama_index.core.storage.chat_store.base import BaseChatStore
except ImportError as error:
    raise missing("llama-index-core", "llamaindex", error) from error

#: The key under which a message keeps what LlamaIndex knows of it.
KEPT = "llamaindex"
_ROLES = {"chatbot": "assistant", "model": "assistant", "function": "tool"}
#: Characters that a token has about.
_PER_TOKEN = 4


class TreememMemoryBlock(BaseMemoryBlock[str]):
    """A block of LlamaIndex's `Memory`: what leaves the short-term memory is kept, and what is known is shown.

    Messages become the conversation that has the id of the `Memory`'s session. What is shown are the memories that
    answer the last message of the user, in at most `max_tokens` tokens. `search` goes to `memory.context`.
    """

    name: str = "treemem"
    _memory: Any = PrivateAttr()
    _max_tokens: int = PrivateAttr()
    _search: dict[str, Any] = PrivateAttr()

    def __init__(
        self, memory: TreeTextMemory, *, max_tokens: int = 2_000, search: dict[str, Any] | None = None, **fields: Any
    ) -> None:
        super().__init__(**fields)
        self._memory, self._max_tokens, self._search = memory, max_tokens, search or {}

    async def _aget(self, messages: list[ChatMessage] | None = None, **_: Any) -> str:
        """Return what is known about the last message of the user."""
        said = [message.content for message in messages or [] if message.role.value == "user" and message.content]
        asked = storable(said[-1]) if said else ""
        if not asked.strip():
            return ""
        return str(await finished(self._memory.context, asked, self._max_tokens, **self._search))

    async def _aput(self, messages: list[ChatMessage]) -> None:
        """Keep messages, each session's in its conversation."""
        sessions: dict[str, list[ChatMessage]] = {}
        for message in messages:
            sessions.setdefault(str(message.additional_kwargs.get("session_id") or "llamaindex"), []).append(message)
        for name, some in sessions.items():
            await finished(Talk(self._memory, name, KEPT).write, [_said(each) for each in some])

    async def atruncate(self, content: str, tokens_to_truncate: int) -> str | None:
        """Return the content without its last lines, None where nothing is left."""
        lines, over = content.splitlines(), tokens_to_truncate * _PER_TOKEN
        while lines and over > 0:
            over -= len(lines.pop()) + 1
        return "\n".join(lines) or None


class TreememRetriever(BaseRetriever):
    """Finds memories by `memory.search`; each is a node with its id, score, and dates. `search` goes there, too."""

    def __init__(self, memory: TreeTextMemory, top_k: int = 10, **search: Any) -> None:
        super().__init__()
        self._memory, self._top_k, self._found_by = memory, top_k, search

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Return the memories that answer a question best."""
        asked = storable(query_bundle.query_str)
        if not asked.strip():
            return []
        hits = self._memory.search(asked, self._top_k, **self._found_by)
        return [NodeWithScore(node=_node(hit), score=hit.score) for hit in hits]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        """Return the same."""
        return await finished(self._retrieve, query_bundle)


class TreememChatStore(BaseChatStore):
    """Conversations by key, each message a memory; what is deleted is hidden, and `memory.restore` brings it back.

    A key without messages is none: `get_keys` does not name it.
    """

    _memory: Any = PrivateAttr()

    def __init__(self, memory: TreeTextMemory) -> None:
        super().__init__()
        self._memory = memory

    @classmethod
    def class_name(cls) -> str:
        """Return the name of the class."""
        return "TreememChatStore"

    def _talk(self, key: str) -> Talk:
        return Talk(self._memory, key, KEPT)

    def set_messages(self, key: str, messages: list[ChatMessage]) -> None:
        """Put messages in place of those of a key, which stay where the new ones cannot be kept."""
        self._talk(key).replace([_said(each) for each in messages])

    def get_messages(self, key: str) -> list[ChatMessage]:
        """Return the messages of a key as they were given."""
        talk = self._talk(key)
        return [_message(talk, each) for each in talk.read()]

    def add_message(self, key: str, message: ChatMessage) -> None:
        """Add a message at the end."""
        self._talk(key).write([_said(message)])

    def delete_messages(self, key: str) -> list[ChatMessage] | None:
        """Hide the messages of a key and return them, None where there are none."""
        found = self.get_messages(key)
        self._talk(key).clear()
        return found or None

    def delete_message(self, key: str, idx: int) -> ChatMessage | None:
        """Hide the message at a place and return it, None where there is none."""
        return self._hide(key, lambda found: found[idx])

    def delete_last_message(self, key: str) -> ChatMessage | None:
        """Hide the last message and return it, None where there is none."""
        talk = self._talk(key)
        last = talk.pop()
        return None if last is None else _message(talk, last)

    def get_keys(self) -> list[str]:
        """Return the keys that have messages."""
        return [session(each.id) for each in self._memory.conversations()]

    def _hide(self, key: str, which: Callable[[list[LoggedMessage]], LoggedMessage]) -> ChatMessage | None:
        talk = self._talk(key)
        try:
            message = which(talk.read())
        except IndexError:
            return None
        return _message(talk, message) if hide_seen(self._memory, [message.id]) else None  # None: somebody was faster


def _said(message: ChatMessage) -> Said:
    role = message.role.value
    more = {"name": str(message.additional_kwargs["name"])} if "name" in message.additional_kwargs else None
    return Said(_ROLES.get(role, role), message.content or "", message.model_dump(mode="json"), more)


def _message(talk: Talk, logged: LoggedMessage) -> ChatMessage:
    kept = talk.whole(logged)
    if kept is None:
        return ChatMessage(role=logged.role, content=logged.content)
    return ChatMessage.model_validate(kept)


def _node(hit: Any) -> TextNode:
    shown = {"valid_from": hit.metadata.valid_from, "valid_to": hit.metadata.valid_to}
    metadata = {**hit.metadata.info, **{k: v.isoformat() for k, v in shown.items() if v is not None}}
    hidden = list(metadata)
    return TextNode(
        id_=hit.id,
        text=hit.memory,
        metadata=metadata,
        excluded_embed_metadata_keys=hidden,
        excluded_llm_metadata_keys=hidden,
    )
