"""Embedding models of other packages: sentence-transformers and fastembed."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from treemem.canonical import Vectors
from treemem.errors import EmbedderError, RerankerError
from treemem.forks import ForkLock
from treemem.keywords import checked_names
from treemem.models.embedders import embedded_by
from treemem.models.failures import answered


@checked_names
class SentenceTransformersEmbedder:
    """A model of the sentence-transformers package (extra `sentence-transformers`), by name or path, or a loaded one.

    Questions and texts are embedded each with the prompt that the model has for them, or with `query_prompt` and
    `text_prompt` ("query: ", "passage: ") where its files name none. `name` defaults to the model's own; a cube keeps
    it. It ends in "+prompt" where texts get one, since their vectors are others then. Raises EmbedderError if the
    package is not installed or the model cannot be loaded.
    """

    def __init__(
        self,
        model: Any,
        *,
        name: str | None = None,
        batch_size: int = 32,
        device: str | None = None,
        query_prompt: str | None = None,
        text_prompt: str | None = None,
    ) -> None:
        if isinstance(model, str | Path):
            try:
                from sentence_transformers import SentenceTransformer
            except ImportError as error:
                raise EmbedderError(
                    "sentence-transformers is not installed; pip install 'treemem[sentence-transformers]'"
                ) from error
            path = str(model)
            name = name or path
            model = answered(
                lambda: SentenceTransformer(path, device=device),
                lambda told: EmbedderError(f"{path}: cannot be loaded ({told})"),
            )
        dimension = answered(
            lambda: _dimension_of(model), lambda told: EmbedderError(f"{name}: has no usable dimension ({told})")
        )
        if name is None or dimension is None:
            raise EmbedderError("a loaded model needs a name=, and has to know its dimension")
        self._model = model
        self._batch_size = batch_size
        self._lock = ForkLock()
        self._question = _encoder(model, "encode_query", ("query",), query_prompt)
        self._text = _encoder(model, "encode_document", ("document", "passage", "corpus"), text_prompt)
        self.name = f"sentence-transformers/{name}{'+prompt' if self._text.prompt else ''}"
        self.dimension = int(dimension)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm, of texts to be found; raises EmbedderError."""
        return self._embedded(self._text, texts)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm, of what is searched for; raises EmbedderError."""
        return self._embedded(self._question, texts)

    def _embedded(self, encoder: _Encoder, texts: Sequence[str]) -> Vectors:
        def encode(some: Sequence[str]) -> Any:
            with self._lock:
                return encoder.encode(
                    list(some),
                    batch_size=self._batch_size,
                    convert_to_numpy=True,
                    show_progress_bar=False,
                    **encoder.options,
                )

        return embedded_by(self, encode, texts)


@dataclass(frozen=True, slots=True)
class _Encoder:
    """A method of a sentence-transformers model, its options, and the prompt that it puts before a text."""

    encode: Callable[..., Any]
    options: dict[str, str]
    prompt: str


def _dimension_of(model: Any) -> int | None:
    """Return the dimension of a sentence-transformers model; before version 5.3 the method has a longer name."""
    method = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    dimension: int | None = method()
    return dimension


def _encoder(model: Any, method: str, names: Sequence[str], prompt: str | None) -> _Encoder:
    """Return what encodes one side: `method` where the model has it (version 5 and later), else `encode`.

    `names` are those under which the model may keep its prompt; `prompt` stands before it.
    """
    prompts = getattr(model, "prompts", None) or {}
    known = next((name for name in names if prompts.get(name)), None)
    if prompt is not None:
        return _Encoder(getattr(model, method, model.encode), {"prompt": prompt}, prompt)
    if hasattr(model, method):
        return _Encoder(getattr(model, method), {}, prompts[known] if known else "")
    return _Encoder(model.encode, {"prompt_name": known} if known else {}, prompts[known] if known else "")


def fastembed_model(
    module: str,
    kind: str,
    model: str,
    folder: str | Path | None,
    threads: int | None,
    error: type[EmbedderError | RerankerError],
    what: str = "",
) -> Any:
    """Return a model of the fastembed package by its name, of a class of one of its modules. Raises `error`."""
    try:
        made = getattr(importlib.import_module(module), kind)
    except ImportError as missing:
        raise error("fastembed is not installed; pip install 'treemem[fastembed]'") from missing
    given = {} if folder is None else {"specific_model_path": str(folder)}
    return answered(
        lambda: made(model, threads=threads, **given),
        lambda told: error(f"{model}: cannot be loaded{what} ({told})"),
    )


@checked_names
class FastEmbedEmbedder:
    """A model of the fastembed package (extra `fastembed`), by name ("BAAI/bge-small-en-v1.5"), or a loaded one.

    Questions and texts are embedded each with the prompt that the model has for them. A model that is named is
    downloaded when it is first used, or read from `folder` (a path). Raises EmbedderError if the package is not
    installed or the model cannot be loaded.
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
            model = fastembed_model("fastembed", "TextEmbedding", model, folder, threads, EmbedderError)
        name = name or getattr(model, "model_name", None)
        if not name:
            raise EmbedderError("a loaded model needs a name=")
        self._model = model
        self._batch_size = batch_size
        self._lock = ForkLock()
        self.name = f"fastembed/{name}"
        self.dimension = int(
            answered(lambda: model.embedding_size, lambda told: EmbedderError(f"{name}: has no dimension ({told})"))
        )

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm, of texts to be found; raises EmbedderError."""
        return self._embedded(self._model.passage_embed, texts)

    def embed_questions(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm, of what is searched for; raises EmbedderError."""
        return self._embedded(self._model.query_embed, texts)

    def _embedded(self, embed: Callable[..., Any], texts: Sequence[str]) -> Vectors:
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)

        def run(some: Sequence[str]) -> Any:
            with self._lock:
                return list(embed(list(some), batch_size=self._batch_size))

        return embedded_by(self, run, texts)
