"""A model that LangChain embeds with, as the model of a memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from langchain_core.embeddings import Embeddings


class LangChainEmbedder:
    """LangChain's `Embeddings` as an embedder: documents and questions are embedded as it does each of them.

    A cube keeps the `name` of its model and refuses another: the default is the class and the model that it names.
    Without a `dimension` one text is embedded to find it.
    """

    def __init__(self, embeddings: Embeddings, *, name: str | None = None, dimension: int | None = None) -> None:
        self.embeddings = embeddings
        model = next((str(m) for m in (getattr(embeddings, n, None) for n in ("model", "model_name")) if m), "")
        self.name = name or "/".join(part for part in ("langchain", type(embeddings).__name__, model) if part)
        self.dimension = len(embeddings.embed_query("dimension")) if dimension is None else dimension

    def embed(self, texts: Sequence[str]) -> Any:
        """Return the vectors of what is stored."""
        return np.asarray(self.embeddings.embed_documents(list(texts)), dtype=np.float32)

    def embed_questions(self, texts: Sequence[str]) -> Any:
        """Return the vectors of what is searched for."""
        return np.asarray([self.embeddings.embed_query(text) for text in texts], dtype=np.float32)
