"""Strands Agents on a memory (extra `strands`): a store for its memory manager."""

from __future__ import annotations

import uuid
from typing import Any

from treemem.integrations.keeping import id_of, missing
from treemem.integrations.nearest import plain
from treemem.integrations.talk import as_it_was, conversation, exactly, finished, storable, without_exact
from treemem.memory import TreeTextMemory
from treemem.storable import cleaned

try:
    from strands.memory import MemoryEntry, MemoryStore
except ImportError as error:
    raise missing("strands-agents", "strands", error) from error


class TreememStore(MemoryStore):
    """A store of Strands' `MemoryManager`: what is added, and what was said, are memories; `search` finds them.

    With `extraction=True` the messages of an agent become a conversation, `conversation_id` or one of its own. `search`
    goes to `memory.search`.
    """

    def __init__(
        self,
        memory: TreeTextMemory,
        *,
        name: str = "treemem",
        description: str | None = "What is remembered of earlier conversations.",
        max_search_results: int | None = None,
        writable: bool = True,
        extraction: Any = None,
        conversation_id: str | None = None,
        **search: Any,
    ) -> None:
        self.memory = memory
        self.name, self.description = name, description
        self.max_search_results, self.writable, self.extraction = max_search_results, writable, extraction
        self.conversation_id = conversation_id or str(uuid.uuid4())
        self._search = search
        self._run = str(uuid.uuid4())

    async def search(self, query: str, options: Any = None) -> list[MemoryEntry]:
        """Return the memories that answer a question best."""
        asked = storable(query)
        if not asked.strip():
            return []
        most = (options or {}).get("max_search_results") or self.max_search_results or 5
        hits = await finished(self.memory.search, asked, most, **self._search)
        return [
            MemoryEntry(
                content=as_it_was(hit), metadata={**without_exact(hit.metadata.info), "id": hit.id, "score": hit.score}
            )
            for hit in hits
        ]

    async def add(self, content: str, metadata: dict[str, Any] | None = None) -> str:
        """Add a memory and return its id; `metadata` is its `info`."""
        info = {**cleaned(metadata or {}), **exactly(content)}
        (memory_id,) = await finished(self.memory.add, plain(content), info=info)
        return memory_id

    async def add_messages(self, messages: list[Any], context: Any = None) -> list[str]:
        """Add messages to the conversation; a batch that is tried again adds what is new."""
        numbers = getattr(context, "sequence_numbers", None) or [None] * len(messages)
        said: list[dict[str, Any]] = []
        for message, number in zip(messages, numbers, strict=True):
            text = "\n".join(block["text"] for block in message["content"] if "text" in block)
            if text.strip():
                made = {"role": message["role"], "content": plain(text)}
                if kept := exactly(text):
                    made["metadata"] = {"info": kept}
                if number is not None:
                    made["id"] = id_of("strands", self.conversation_id, self._run, str(number), text)
                said.append(made)
        if not said:
            return []
        return await finished(self.memory.add_messages, said, conversation_id=conversation(self.conversation_id))
