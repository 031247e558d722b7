"""The fine mode: a language model splits the question, each part is searched, the hits become one list."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

from pydantic import BaseModel, Field

from treemem.errors import LLMError
from treemem.models.llm import LLM, ask
from treemem.prompts import prompt
from treemem.search.finish import Hits, Key, ahead, kept_in_time
from treemem.search.results import SearchResult
from treemem.text import distinct

MAX_PARTS = 4
_DECOMPOSE = "decompose.v1"
_MAX_CHARACTERS = 500


class _Parts(BaseModel):
    questions: list[str] = Field(max_length=2 * MAX_PARTS)


def parts_of(question: str, llm: LLM) -> tuple[tuple[str, ...], str | None]:
    """Return the simpler questions that a language model makes of one, the question itself first, and what went wrong.

    When the model fails, the question stands alone.
    """
    try:
        answer = ask(llm, prompt(_DECOMPOSE), json.dumps({"question": question}, ensure_ascii=False), _Parts)
    except LLMError as error:
        return (question,), f"the question was not split: {error}"
    parts = [part.strip()[:_MAX_CHARACTERS] for part in answer.value.questions]
    usable = [part for part in parts if part and part.isprintable()]
    return tuple(distinct([question, *usable])[: MAX_PARTS + 1]), None


def fused(results: Sequence[SearchResult]) -> SearchResult:
    """Return the results of several questions as one: each hit once, with its best score."""
    best: dict[Key, tuple[float, int]] = {}
    hits = {}
    older: dict[Key, Key] = {}
    for result in results:
        older = ahead(result.hits) | older
        for hit in result.hits:
            key = hit.cube_id, hit.id
            if key not in best or hit.score > best[key][0]:
                best[key], hits[key] = (hit.score, len(best)), hit
    order: Hits = tuple(hits[key] for key in sorted(best, key=lambda key: (-best[key][0], best[key][1])))
    whole = results[0]
    timings = {name: sum(r.timings.get(name, 0.0) for r in results) for name in whole.timings}
    notes = tuple(distinct(note for r in results for note in r.degraded))
    return replace(whole, hits=kept_in_time(order, older), timings=timings, degraded=notes)
