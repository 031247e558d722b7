"""A memory as a vector store of LangChain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from treemem.errors import InvalidInputError
from treemem.filters import FilterLike
from treemem.integrations.keeping import all_of, hide, missing, put
from treemem.integrations.langchain.documents import document_of, of_metadata, record_of
from treemem.integrations.langchain.embedding import LangChainEmbedder
from treemem.integrations.nearest import nearest
from treemem.integrations.talk import storable
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.search.results import SearchHit

try:
    from langchain_core.documents import Document
    from langchain_core.embeddings import Embeddings
    from langchain_core.vectorstores import VectorStore
    from langchain_core.vectorstores.utils import maximal_marginal_relevance
except ImportError as error:
    raise missing("langchain-core", "langchain", error) from error


class TreememVectorStore(VectorStore):
    """The memories of a cube as documents, found as `memory.search` finds them.

    A document that is added again under its id is updated, and `memory.history(id)` tells what it said before; `delete`
    hides it, and `memory.purge(id)` erases it. What a search looks at is what holds now, unless `when=`, `as_of=` or
    `known_at=` say otherwise; every argument of `memory.search` may be given. Scores lie in [0, 1].
    """

    def __init__(self, memory: TreeTextMemory, *, embeddings: Embeddings | None = None) -> None:
        """`embeddings` is for `.embeddings` alone: what embeds is the model that the memory was opened with."""
        self.memory = memory
        self._embeddings = embeddings

    @property
    def embeddings(self) -> Embeddings | None:
        """The model of LangChain that the store was made with, if any."""
        return self._embeddings

    @classmethod
    def from_texts(
        cls,
        texts: list[str],
        embedding: Embeddings,
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: list[str] | None = None,
        memory: TreeTextMemory | None = None,
        store: str | Path | None = None,
        **settings: Any,
    ) -> TreememVectorStore:
        """Make a store that holds these texts, over a `memory`, or over one that is opened at `store` with `embedding`.

        `settings` are those of `TreeTextMemory.open`. Close what was opened with `.memory.close()`.
        """
        if memory is not None and (store is not None or settings):
            raise InvalidInputError("from_texts: give a memory, or where to open one, not both")
        if memory is None:
            memory = TreeTextMemory.open(store, embedder=LangChainEmbedder(embedding), **settings)
        made = cls(memory, embeddings=embedding)
        made.add_texts(texts, metadatas, ids=ids)
        return made

    # ---- Writing ----------------------------------------------------------------------------------------------------

    def add_texts(
        self,
        texts: Iterable[str],
        metadatas: list[dict[str, Any]] | None = None,
        *,
        ids: Sequence[str | None] | None = None,
        **metadata: Any,
    ) -> list[str]:
        """Add texts, and return their ids; `metadata` (tags=..., user_id=...) goes to each memory."""
        some = list(texts)
        many = metadatas if metadatas is not None else [{}] * len(some)
        names = ids if ids is not None else [None] * len(some)
        if not len(some) == len(many) == len(names):
            raise InvalidInputError(f"add_texts: {len(some)} texts, {len(many)} metadatas, {len(names)} ids")
        made = [Document(id=i, page_content=t, metadata=m) for i, t, m in zip(names, some, many, strict=True)]
        return self.add_documents(made, **metadata)

    def add_documents(
        self, documents: list[Document], *, ids: Sequence[str | None] | None = None, **metadata: Any
    ) -> list[str]:
        """Add documents, or update those whose id is there, and return their ids; the documents stay as they are."""
        if ids is not None:
            if len(ids) != len(documents):
                raise InvalidInputError(f"add_documents: {len(documents)} documents, {len(ids)} ids; give as many")
            pairs = zip(documents, ids, strict=True)
            documents = [Document(id=i or d.id, page_content=d.page_content, metadata=d.metadata) for d, i in pairs]
        records = [{**record_of(document), **metadata} for document in documents]
        put(self.memory, records)
        return [record["id"] for record in records]

    def delete(self, ids: list[str] | None = None, **_: Any) -> bool | None:
        """Hide documents; without `ids` all of the cube. Ids that are not there are passed over."""
        if ids is None:
            self.memory.delete_all()
        else:
            hide(self.memory, ids)
        return True

    # ---- Reading ----------------------------------------------------------------------------------------------------

    def get_by_ids(self, ids: Sequence[str], /) -> list[Document]:
        """Return the documents of these ids that are there, in this order."""
        return [document_of(item) for item in self.memory.get_by_ids(ids)]

    def similarity_search(
        self, query: str, k: int = 4, *, filter: FilterLike | None = None, **search: Any
    ) -> list[Document]:
        """Return the `k` documents that answer a question best; `filter` is over their metadata."""
        return [document_of(hit) for hit in self._search(query, k, filter, search)]

    def similarity_search_with_score(
        self, query: str, k: int = 4, *, filter: FilterLike | None = None, **search: Any
    ) -> list[tuple[Document, float]]:
        """The same with scores in [0, 1]; they compare documents of one search only."""
        return [(document_of(hit), hit.score) for hit in self._search(query, k, filter, search)]

    def _select_relevance_score_fn(self) -> Any:
        return lambda score: score

    def similarity_search_by_vector(
        self, embedding: list[float], k: int = 4, *, filter: FilterLike | None = None, **_: Any
    ) -> list[Document]:
        """Return the `k` documents whose vectors are nearest to one, by cosine. Every document is looked at."""
        return [document_of(item) for item, _, _ in self._nearest(embedding, k, filter)]

    def max_marginal_relevance_search(
        self,
        query: str,
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        *,
        filter: FilterLike | None = None,
        **search: Any,
    ) -> list[Document]:
        """Return documents that answer a question and repeat each other little (`dedup="mmr"`): 1 weighs relevance."""
        given = search.pop("options", None) or SearchOptions()
        options = replace(given, mmr_relevance=lambda_mult, vector_limit=fetch_k, text_limit=fetch_k)
        found = self._search(query, k, filter, {**search, "options": options, "dedup": "mmr"})
        return [document_of(hit) for hit in found]

    def max_marginal_relevance_search_by_vector(
        self,
        embedding: list[float],
        k: int = 4,
        fetch_k: int = 20,
        lambda_mult: float = 0.5,
        *,
        filter: FilterLike | None = None,
        **_: Any,
    ) -> list[Document]:
        """The same for a vector, over the `fetch_k` documents nearest to it."""
        near = self._nearest(embedding, fetch_k, filter)
        vectors = [vector for _, vector, _ in near]
        chosen = maximal_marginal_relevance(np.asarray(embedding), vectors, lambda_mult, k) if near else []
        return [document_of(near[i][0]) for i in chosen]

    def _search(self, query: str, k: int, where: FilterLike | None, search: dict[str, Any]) -> Sequence[SearchHit]:
        asked_for = storable(query)
        if not asked_for.strip():
            return []
        options = search.pop("options", None) or SearchOptions()
        if k > min(options.vector_limit, options.text_limit) and "dedup" not in search:
            limit = min(max(k, options.vector_limit), MAX_TOP_K)
            options = replace(options, vector_limit=limit, text_limit=max(limit, options.text_limit))
        asked = {"when": "now", **search, "options": options}
        return self.memory.search(asked_for, k, filter=of_metadata(where), **asked).hits

    def _nearest(
        self, embedding: Sequence[float], k: int, where: FilterLike | None
    ) -> list[tuple[TextualMemoryItem, list[float], float]]:
        return nearest(all_of(self.memory, of_metadata(where)), embedding)[:k]

    # ---- For asyncio: the same, in threads --------------------------------------------------------------------------

    async def aadd_documents(self, documents: list[Document], **metadata: Any) -> list[str]:
        """See `add_documents`."""
        return await asyncio.to_thread(self.add_documents, documents, **metadata)

    async def aadd_texts(
        self, texts: Iterable[str], metadatas: list[dict[str, Any]] | None = None, **metadata: Any
    ) -> list[str]:
        """See `add_texts`."""
        return await asyncio.to_thread(self.add_texts, texts, metadatas, **metadata)

    async def adelete(self, ids: list[str] | None = None, **_: Any) -> bool | None:
        """See `delete`."""
        return await asyncio.to_thread(self.delete, ids)

    async def asimilarity_search_by_vector(self, embedding: list[float], k: int = 4, **search: Any) -> list[Document]:
        """See `similarity_search_by_vector`."""
        return await asyncio.to_thread(self.similarity_search_by_vector, embedding, k, **search)

    async def amax_marginal_relevance_search_by_vector(
        self, embedding: list[float], k: int = 4, fetch_k: int = 20, lambda_mult: float = 0.5, **search: Any
    ) -> list[Document]:
        """See `max_marginal_relevance_search_by_vector`."""
        return await asyncio.to_thread(
            self.max_marginal_relevance_search_by_vector, embedding, k, fetch_k, lambda_mult, **search
        )
