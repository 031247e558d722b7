"""A memory as a retriever of LangChain."""

from __future__ import annotations

from typing import Any

from treemem.integrations.keeping import missing
from treemem.integrations.langchain.documents import document_of
from treemem.integrations.talk import storable
from treemem.memory import TreeTextMemory

try:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from pydantic import ConfigDict, Field
except ImportError as error:
    raise missing("langchain-core", "langchain", error) from error


class TreememRetriever(BaseRetriever):
    """What `memory.search` answers, as documents; what treemem knows of each stands in `metadata["treemem"]`.

    `k` is how many; `search` are further arguments of every search (`{"conversation_id": "c1", "preferences": 3}`).
    Both may be given to `invoke` for one question. Questions about the past ("before I moved") are read as such.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: TreeTextMemory
    k: int = 4
    search: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None, **search: Any
    ) -> list[Document]:
        asked = storable(query)
        if not asked.strip():
            return []
        found = self.memory.search(asked, self.k if k is None else k, **{**self.search, **search})
        return [document_of(hit, told=True) for hit in found]
