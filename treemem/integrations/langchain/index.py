"""A memory as a document index of LangChain."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from treemem.errors import InvalidInputError
from treemem.integrations.keeping import hide, missing, put
from treemem.integrations.langchain.documents import document_of, record_of
from treemem.integrations.talk import storable
from treemem.memory import TreeTextMemory

try:
    from langchain_core.callbacks import CallbackManagerForRetrieverRun
    from langchain_core.documents import Document
    from langchain_core.indexing import DeleteResponse, UpsertResponse
    from langchain_core.indexing.base import DocumentIndex
    from pydantic import ConfigDict
except ImportError as error:
    raise missing("langchain-core", "langchain", error) from error


class TreememDocumentIndex(DocumentIndex):
    """Documents by id, and found as `memory.search` finds them. An upsert is an update with history; delete hides."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    memory: TreeTextMemory
    k: int = 4

    def upsert(self, items: Sequence[Document], /, **metadata: Any) -> UpsertResponse:
        """Add documents, or update those whose id is there; `metadata` goes to each memory. All or an error."""
        records = [{**record_of(document), **metadata} for document in items]
        put(self.memory, records)
        return UpsertResponse(succeeded=[record["id"] for record in records], failed=[])

    def delete(self, ids: list[str] | None = None, **_: Any) -> DeleteResponse:
        """Hide documents; ids that are not there are passed over."""
        if ids is None:
            raise InvalidInputError("delete: wanted ids; memory.delete_all() hides everything")
        gone = hide(self.memory, ids)
        return DeleteResponse(succeeded=gone, num_deleted=len(gone), failed=[], num_failed=0)

    def get(self, ids: Sequence[str], /, **_: Any) -> list[Document]:
        """Return the documents of these ids that are there."""
        return [document_of(item) for item in self.memory.get_by_ids(ids)]

    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun, k: int | None = None, **search: Any
    ) -> list[Document]:
        asked = storable(query)
        if not asked.strip():
            return []
        found = self.memory.search(asked, self.k if k is None else k, **{"when": "now", **search})
        return [document_of(hit) for hit in found]
