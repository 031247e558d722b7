"""Rerankers behind a server (the interface of Cohere, which most others speak), and models of fastembed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from treemem.errors import ConfigError, RerankerError
from treemem.forks import ForkLock
from treemem.keywords import checked_names
from treemem.models.failures import answered
from treemem.models.faults import Fault, fault_of, refused_parameter, without_key
from treemem.models.packages import fastembed_model

#: Where the providers are, and the variable that holds their key.
PROVIDERS = {
    "cohere": ("https://api.cohere.com/v2", "COHERE_API_KEY"),
    "jina": ("https://api.jina.ai/v1", "JINA_API_KEY"),
    "voyage": ("https://api.voyageai.com/v1", "VOYAGE_API_KEY"),
}
#: What servers call the texts: Cohere and who follows it, and Text Embeddings Inference.
_NAMES = ("documents", "texts")
#: Where an answer has its scores, and what it calls one.
_LISTS, _SCORES = ("results", "data"), ("relevance_score", "score")


@checked_names
class ServedReranker:
    """A reranker behind an HTTP interface like Cohere's, `POST {base_url}/rerank` (extra `openai`, whose client sends).

    Cohere, Jina, Voyage, vLLM, llama.cpp, Infinity, LocalAI, Xinference and Text Embeddings Inference speak it.
    `provider` (cohere, jina or voyage) says where, and which variable has the key (COHERE_API_KEY); else give a
    `base_url` such as "http://localhost:8000/v1". Texts go `batch` a request, each cut to `max_characters`; answers
    408, 409, 429 and 5xx and lost connections are tried again `max_retries` times; `timeout` is in seconds a request.
    """

    def __init__(
        self,
        model: str,
        *,
        provider: str | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        batch: int = 100,
        max_characters: int = 8_000,
        timeout: float = 10.0,
        max_retries: int = 2,
    ) -> None:
        if provider is not None and not isinstance(provider, str):
            raise ConfigError(f"provider: wanted one of {', '.join(PROVIDERS)}, found {provider!r:.60}")
        if provider is not None and provider not in PROVIDERS:
            raise RerankerError(
                f"provider: wanted one of {', '.join(PROVIDERS)}, or a base_url, found {provider!r:.60}"
            )
        if provider is None and base_url is None:
            raise RerankerError(f"base_url: wanted where {model!r:.60} is, or a provider: {', '.join(PROVIDERS)}")
        if batch < 1 or max_characters < 1:
            raise RerankerError(f"batch and max_characters: wanted at least 1, found {batch} and {max_characters}")
        try:
            import openai
        except ImportError as error:
            raise RerankerError("openai is not installed; pip install 'treemem[openai]'") from error
        place, variable = PROVIDERS[provider] if provider else (base_url, "")
        key = api_key or (os.environ.get(variable) if variable else None)
        if provider and not key:
            raise RerankerError(f"{model}: {provider} wants a key; give api_key=, or set {variable}")
        self._client = answered(
            lambda: openai.OpenAI(
                base_url=base_url or place, api_key=key or "none", timeout=timeout, max_retries=max_retries
            ),
            lambda told: RerankerError(f"{model}: {without_key(told, key)}"),
        )
        self._model = model
        self._batch = batch
        self._max_characters = max_characters
        self._texts = _NAMES[0]
        self.name = f"{provider or 'server'}/{model}"

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return the server's score of each text. Raises RerankerError saying what the server said."""
        found: list[float] = []
        for start in range(0, len(texts), self._batch):
            found += self._some(question, [text[: self._max_characters] for text in texts[start : start + self._batch]])
        return found

    def _some(self, question: str, texts: list[str]) -> list[float]:
        try:
            try:
                return _scores_of(self._sent(question, texts), len(texts))
            except Fault as fault:
                other = next(name for name in _NAMES if name != self._texts)
                if not refused_parameter(fault, [other, self._texts]):
                    raise
                before, self._texts = self._texts, other
                try:
                    return _scores_of(self._sent(question, texts), len(texts))
                except Fault:
                    self._texts = before
                    raise fault from None
        except Fault as fault:
            raise RerankerError(f"{self.name}: {fault.said}") from fault.because

    def _sent(self, question: str, texts: list[str]) -> Any:
        import openai

        body = {"model": self._model, "query": question, self._texts: texts}
        try:
            return self._client.post("/rerank", body=body, cast_to=object)
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            raise fault_of(error, self._client.api_key) from error


def _scores_of(answer: Any, count: int) -> list[float]:
    """Return the scores of an answer in the order of the texts. Raises Fault unless each has one."""
    rows = answer if isinstance(answer, list) else None
    if isinstance(answer, Mapping):
        rows = next((answer[name] for name in _LISTS if isinstance(answer.get(name), list)), None)
    found: dict[int, float] = {}
    for row in rows or []:
        place = row.get("index") if isinstance(row, Mapping) else None
        score = next((row[name] for name in _SCORES if name in row), None) if isinstance(row, Mapping) else None
        if type(place) is int and isinstance(score, (int, float)) and not isinstance(score, bool):
            found[place] = float(score)
    if rows is None or len(rows) != count or found.keys() != set(range(count)):
        raise Fault(f"no usable answer (wanted each of {count} texts scored once)", "invalid")
    return [found[place] for place in range(count)]


@checked_names
class FastEmbedReranker:
    """A cross-encoder of the fastembed package (extra `fastembed`), by name, or a loaded one.

    "Xenova/ms-marco-MiniLM-L-6-v2" is one. A model that is named is downloaded when it is first used, or read from
    `folder` (a path).
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        batch_size: int = 32,
        folder: str | Path | None = None,
        threads: int | None = None,
    ) -> None:
        if isinstance(model, str):
            name = name or model
            where = "fastembed.rerank.cross_encoder"
            model = fastembed_model(
                where, "TextCrossEncoder", model, folder, threads, RerankerError, " as a cross-encoder"
            )
        self._model = model
        self._batch_size = batch_size
        self._lock = ForkLock()
        self.name = f"fastembed/{name or getattr(model, 'model_name', type(model).__name__)}"

    def scores(self, question: str, texts: Sequence[str]) -> Sequence[float]:
        """Return the model's score of each text."""
        with self._lock:
            return [float(score) for score in self._model.rerank(question, list(texts), batch_size=self._batch_size)]
