"""Rerankers: models that read a question beside each text. Slower than the search, so for its best hits only."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, Field

from treemem.errors import InvalidInputError, LLMError, RerankerError, TreememError
from treemem.keywords import checked_names
from treemem.models.embedders import Embedder, embedded_questions, embedded_texts
from treemem.models.failures import answered
from treemem.models.llm import LLM, ask
from treemem.prompts import prompt

_RERANK = "rerank.v1"


class Reranker(Protocol):
    """Says how well texts answer a question."""

    @property
    def name(self) -> str: ...

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return one finite number a text, in their order; more is better, the scale is the reranker's own.

        Raises any error: the search then keeps the order it had, and says so.
        """
        ...


def checked_scores(reranker: Reranker, question: str, texts: Sequence[str]) -> list[float]:
    """Return a reranker's scores, one finite number a text; raise RerankerError for whatever it does instead."""
    name = getattr(reranker, "name", type(reranker).__name__)

    def scores() -> list[float]:
        found = list(reranker.scores(question, texts))
        if any(isinstance(score, str | bytes) for score in found):
            raise TypeError("a text is no score")
        numbers = [float(score) for score in found]
        if len(numbers) != len(texts) or not all(map(math.isfinite, numbers)):
            raise ValueError(f"wanted {len(texts)} finite scores, found {len(numbers)}: {str(numbers)[:80]}")
        return numbers

    try:
        return answered(scores, lambda told: RerankerError(f"reranker {name} failed ({told})"))
    except RerankerError:
        raise
    except TreememError as error:
        raise RerankerError(f"reranker {name} failed ({error})") from error


@checked_names
class CallableReranker:
    """Any function from a question and texts to scores."""

    def __init__(self, function: Callable[[str, Sequence[str]], Sequence[float]], name: str = "callable") -> None:
        self._function = function
        self.name = name

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return what the function returns."""
        return self._function(question, texts)


@checked_names
class CosineReranker:
    """The cosine in [-1, 1] between question and text by an embedding model, as a rule another than the cube's."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = f"cosine/{embedder.name}"

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return the cosines. Raises EmbedderError."""
        asked = embedded_questions(self._embedder, [question])[0]
        return [float(cosine) for cosine in embedded_texts(self._embedder, texts) @ asked]


@checked_names
class CrossEncoderReranker:
    """A cross-encoder of sentence-transformers (extra `sentence-transformers`), by name, path or as an object.

    Its scores are the model's logits or probabilities.
    """

    def __init__(self, model: str | Path | Any, *, batch_size: int = 32, device: str | None = None) -> None:
        if isinstance(model, str | Path):
            try:
                from sentence_transformers import CrossEncoder
            except ImportError as error:
                raise RerankerError(
                    "sentence-transformers is not installed; pip install 'treemem[sentence-transformers]'"
                ) from error
            try:
                self._model = CrossEncoder(str(model), device=device)
            except Exception as error:
                raise RerankerError(f"{model}: cannot be loaded as a cross-encoder ({error})") from error
        else:
            self._model = model
        self._batch_size = batch_size
        self.name = f"cross-encoder/{model if isinstance(model, str | Path) else type(model).__name__}"

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return the model's score of each pair."""
        pairs = [(question, text) for text in texts]
        found = self._model.predict(pairs, batch_size=self._batch_size, show_progress_bar=False)
        return [float(score) for score in found]


class _Scored(BaseModel):
    n: int
    score: float = Field(ge=0, le=10, allow_inf_nan=False)


class _Scores(BaseModel):
    scores: list[_Scored]


@checked_names
class LLMReranker:
    """A language model that scores up to `batch` texts a request; its answer must score each text exactly once.

    Texts are cut to `max_characters`. The prompt treats them as data.
    """

    def __init__(self, llm: LLM, *, batch: int = 20, max_characters: int = 2_000) -> None:
        if batch < 1 or max_characters < 1:
            raise InvalidInputError(
                f"batch and max_characters: wanted at least 1, found {batch} and {max_characters}; leave them out"
            )
        self._llm = llm
        self._batch = batch
        self._max_characters = max_characters
        self.name = f"llm/{llm.name}"

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return scores from 0 to 10. Raises LLMError."""
        found: list[float] = []
        for start in range(0, len(texts), self._batch):
            found += self._some(question, texts[start : start + self._batch])
        return found

    def _some(self, question: str, texts: Sequence[str]) -> list[float]:
        memories = [{"n": n, "text": text[: self._max_characters]} for n, text in enumerate(texts, 1)]
        data = json.dumps({"question": question, "memories": memories}, ensure_ascii=False)
        answer = ask(self._llm, prompt(_RERANK), data, _Scores, max_tokens=64 + 32 * len(texts)).value
        scores = {each.n: each.score for each in answer.scores}
        if len(answer.scores) != len(texts) or scores.keys() != set(range(1, len(texts) + 1)):
            raise LLMError(f"{self._llm.name}: wanted each of {len(texts)} texts scored once", "invalid")
        return [scores[n] for n in range(1, len(texts) + 1)]
