"""extract/memory and rerank: what models make of texts that are not kept."""

from __future__ import annotations

import tempfile
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from treemem.config import TreeTextMemoryConfig
from treemem.memory import TreeTextMemory
from treemem.models.embedders import Embedder
from treemem.models.llm import LLM
from treemem.models.rerankers import CosineReranker, Reranker, checked_scores
from treemem.search.context import rough_tokens
from treemem.service.rest import details, requests
from treemem.service.rest.adding import readable
from treemem.service.rest.asking import listed


@dataclass(frozen=True, slots=True)
class Models:
    """The models of a service: those that its memory was opened with."""

    embedder: Embedder
    llm: LLM | None = None
    reranker: Reranker | None = None


def rerank(models: Models, body: requests.Rerank) -> dict[str, Any]:
    """Return documents by how well they answer a question, best first. This answer has no envelope."""
    reranker = models.reranker or CosineReranker(models.embedder)
    scores = checked_scores(reranker, body.query, body.documents)
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))[: body.top_n]
    tokens = sum(map(rough_tokens, body.documents)) + rough_tokens(body.query)
    results = [
        {"index": i, "document": {"text": body.documents[i]}, "relevance_score": round(scores[i], 6)} for i in order
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"id": f"rerank-{uuid.uuid4().hex}", "model": reranker.name, "usage": usage, "results": results}


def extract(models: Models, body: requests.ExtractMemory) -> dict[str, Any]:
    """Return what adding these messages would have made, by the language model if there is one; nothing is kept.

    They are added to a memory in a folder of their own, which is gone afterwards.
    """
    with tempfile.TemporaryDirectory(prefix="treemem-extract-") as folder:
        config = TreeTextMemoryConfig(store=str(Path(folder) / "extract.db"), record_usage=False)
        with TreeTextMemory(config, embedder=models.embedder, llm=models.llm) as memory:
            mode = "fast" if models.llm is None else "fine"
            memory.add_messages([readable(m) for m in body.messages], conversation_id="extract", mode=mode)
            facts = listed(memory, details.FACTS, None)[::-1]
            preferences = listed(memory, details.PREFERENCES, None)[::-1]
    fields = ("memory_key", "memory_value", "memory_type", "tags")
    told = [{name: details.fact(item)[name] for name in fields} for item in facts]
    wishes = [
        {name: details.preference_item(item)[name] for name in ("preference", "reasoning", "preference_type")}
        for item in preferences
    ]
    return {
        "success": True,
        "memory_detail_list": told if "memory" in body.extraction_types else [],
        "preference_detail_list": wishes if "preference" in body.extraction_types else [],
    }
