"""Embedding models behind one small protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from typing import Any, Protocol

import numpy as np

from treemem.canonical import Vectors
from treemem.checks import shown
from treemem.errors import ConfigError, EmbedderError
from treemem.forks import ForkLock
from treemem.keywords import checked_names
from treemem.models.failures import answered
from treemem.models.faults import fault_of, without_key
from treemem.models.sessions import batches, means, padded, session_of

#: Characters of a model's name, and dimensions of its vectors, that a cube keeps and an archive holds.
MOST_CHARACTERS, MOST_NUMBERS = 1_000, 1_000_000


class Embedder(Protocol):
    """Turns texts into vectors. `name` identifies the model: a cube keeps it and refuses another.

    Two more attributes are optional. `embed_questions(texts)`, as `embed`, is for models that treat what is searched
    for otherwise than what is stored (a prefix "query: "); without it questions are embedded like texts. With
    `english_only` the vector arm counts for nothing in a question of another script, of which its vectors say nothing.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension], each row of unit norm."""
        ...


def checked_embedder(embedder: Any) -> Embedder:
    """Return an embedder that has a name, a dimension and `embed`; raise EmbedderError saying what it lacks."""
    kind = type(embedder).__name__
    name, dimension, embed = answered(
        lambda: tuple(getattr(embedder, each, None) for each in ("name", "dimension", "embed")),
        lambda told: EmbedderError(f"embedder: {kind} failed when it was asked what it is ({told})"),
    )
    if not isinstance(name, str) or not name.strip():
        raise EmbedderError(f"embedder: {kind}.name: wanted the model's name, found {type(name).__name__}")
    if not name_fits(name):
        raise EmbedderError(
            f"embedder: {kind}.name: wanted at most {MOST_CHARACTERS} characters, all to be seen, on one line, found "
            f"{shown(name)}; a cube keeps the name"
        )
    if isinstance(dimension, bool) or not isinstance(dimension, (int, np.integer)) or dimension < 1:
        raise EmbedderError(f"embedder: {kind}.dimension: wanted a number of at least 1, found {dimension!r:.60}")
    if dimension > MOST_NUMBERS:
        raise EmbedderError(f"embedder: {kind}.dimension: wanted at most {MOST_NUMBERS}, found {shown(dimension)}")
    if not callable(embed):
        raise EmbedderError(f"embedder: {kind} has no embed(texts); CallableEmbedder makes one of a function")
    checked: Embedder = embedder
    return checked


def name_fits(name: str) -> bool:
    """Return whether a cube keeps a model of this name: not too long, nothing in it that ends a line or is not seen."""
    return 0 < len(name) <= MOST_CHARACTERS and name.isprintable()


def embedded_texts(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Return the vectors of what is stored, float32 [len(texts), dimension] of unit norm.

    Raises EmbedderError for whatever the model raises or returns instead.
    """
    return embedded_by(embedder, embedder.embed, texts)


def embedded_questions(embedder: Embedder, texts: Sequence[str]) -> Vectors:
    """Return the vectors of what is searched for, as `embedded_texts` does for what is stored."""
    return embedded_by(embedder, getattr(embedder, "embed_questions", embedder.embed), texts)


def embedded_by(embedder: Embedder, embed: Callable[[Sequence[str]], Any], texts: Sequence[str]) -> Vectors:
    """Return what a call of a model gives for texts, checked; raise EmbedderError in the model's name for all else."""
    made = answered(lambda: embed(texts), lambda told: EmbedderError(f"{embedder.name}: failed ({told})"))
    return checked_vectors(made, len(texts), embedder.dimension, embedder.name)


def checked_vectors(vectors: object, count: int, dimension: int, name: str) -> Vectors:
    """Return vectors as float32 [count, dimension] of unit norm, or raise EmbedderError saying what is wrong."""
    array = answered(
        lambda: _numbers(vectors),
        lambda told: EmbedderError(f"{name}: wanted an array of numbers, found {type(vectors).__name__} ({told})"),
    )
    if array.shape != (count, dimension):
        raise EmbedderError(f"{name}: wanted vectors of shape {(count, dimension)}, found {array.shape}")
    with np.errstate(over="ignore", invalid="ignore"):
        norms = np.sqrt(np.add.reduce(array * array, axis=1, keepdims=True))
    if not (norms.min(initial=1.0) >= 1e-6 and norms.max(initial=1.0) <= 1e18):  # NaN fails both
        raise EmbedderError(f"{name}: {_fault(array, norms)}")
    return np.ascontiguousarray(array / norms, dtype=np.float32)


def _fault(array: Vectors, norms: Vectors) -> str:
    """Return why a vector has no direction to compare."""
    if not np.isfinite(array).all():
        return "a vector holds NaN or infinity"
    if (norms < 1e-6).any():
        return "a vector has length zero, so it has no direction to compare"
    return "a vector is longer than 1e18; scale it to length 1"


def _numbers(vectors: object) -> Vectors:
    """Return what is made of numbers as float32; None becomes NaN, and a text is no number, even if it reads as one."""
    array = np.asarray(vectors)
    if array.dtype == np.float32:
        return array
    texts = array.dtype.kind in "USTmM" or (
        array.dtype == object and any(isinstance(each, (str, bytes)) for each in array.flat)
    )
    if texts or array.dtype.kind == "c":
        raise TypeError(f"{array.dtype.name} holds no real numbers")
    with np.errstate(over="ignore", invalid="ignore"):
        return array.astype(np.float32, copy=False)


#: Characters of a text that the carried model's tokenizer gets: 256 word pieces of the longest words there are (100)
#: with the blanks between them. A million characters would take it seconds.
TOKENIZED = 32_768


@checked_names
class MiniLM:
    """The carried all-MiniLM-L6-v2: 384 dimensions, English, int8 ONNX, the first 256 word pieces of a text.

    A text's vector is the mean of the token vectors under the attention mask, scaled to unit norm.
    """

    name = "all-MiniLM-L6-v2/int8"
    dimension = 384
    english_only = True

    def __init__(self, *, batch_size: int = 32, threads: int = 0) -> None:
        self._batch_size = batch_size
        self._threads = threads
        self._lock = ForkLock()
        self._loaded: tuple[Any, Any] | None = None

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                from tokenizers import Tokenizer

                folder = files("treemem.models") / "minilm"
                tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
                tokenizer.enable_truncation(256)
                tokenizer.no_padding()
                with as_file(folder / "model.onnx") as path:
                    self._loaded = tokenizer, session_of(path, self._threads)
            return self._loaded

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), 384] of unit norm."""
        tokenizer, session = self._load()
        encoded = [e.ids for e in tokenizer.encode_batch([text[:TOKENIZED] for text in texts])]
        out = np.empty((len(encoded), self.dimension), dtype=np.float32)
        for batch in batches(encoded, self._batch_size, self._batch_size * 256):
            tokens, mask = padded([encoded[i] for i in batch], 0)
            (hidden,) = session.run(None, {"input_ids": tokens, "attention_mask": mask})
            out[batch] = means(hidden, mask)
        return out


@checked_names
class OpenAIEmbedder:
    """A model behind an OpenAI-compatible HTTP interface (extra `openai`): OpenAI, Ollama, vLLM, Azure and others.

    Texts go in batches; answers 408, 409, 429 and 5xx and lost connections are tried again `max_retries` times with
    growing pauses; `timeout` is in seconds a request. The key comes from `api_key` or OPENAI_API_KEY.
    """

    def __init__(
        self,
        model: str,
        *,
        dimension: int,
        base_url: str | None = None,
        api_key: str | None = None,
        batch_size: int = 128,
        timeout: float = 30.0,
        max_retries: int = 4,
        shorten: bool = False,
    ) -> None:
        """`shorten` asks the server for vectors of `dimension` (for models that can be cut)."""
        try:
            import openai
        except ImportError as error:
            raise EmbedderError("openai is not installed; pip install 'treemem[openai]'") from error
        self._client = answered(
            lambda: openai.OpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=max_retries),
            lambda told: EmbedderError(f"{model}: {without_key(told, api_key)}"),
        )
        self._model = model
        self._batch_size = batch_size
        self._extra: dict[str, Any] = {"dimensions": dimension} if shorten else {}
        self.name = f"openai/{model}"
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm; raises EmbedderError saying what the server said."""
        if not texts:
            return np.empty((0, self.dimension), dtype=np.float32)
        parts = [texts[i : i + self._batch_size] for i in range(0, len(texts), self._batch_size)]
        return np.concatenate([self._embed_batch(list(part)) for part in parts])

    def _embed_batch(self, texts: list[str]) -> Vectors:
        return checked_vectors(self._vectors(texts), len(texts), self.dimension, self.name)

    def _vectors(self, texts: list[str]) -> list[list[float]]:
        """Return what the server answers. Raises EmbedderError."""
        import openai

        try:
            answer = self._client.embeddings.create(
                model=self._model, input=texts, encoding_format="float", **self._extra
            )
            rows = sorted(answer.data, key=lambda each: each.index)
            return [each.embedding for each in rows]
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            fault = fault_of(error, self._client.api_key)
            raise EmbedderError(f"{self.name}: {fault.said}") from fault.because


#: Where Ollama answers if nothing is said.
_OLLAMA = "http://localhost:11434/v1"


@checked_names
class OllamaEmbedder(OpenAIEmbedder):
    """A model of Ollama's ("nomic-embed-text"), on this machine or at `base_url` (extra `openai`, whose client sends).

    Without a `dimension` one text is embedded to find it.
    """

    def __init__(
        self,
        model: str,
        *,
        dimension: int | None = None,
        base_url: str | None = None,
        api_key: str | None = None,
        batch_size: int = 128,
        timeout: float = 30.0,
        max_retries: int = 4,
    ) -> None:
        if dimension is not None and (isinstance(dimension, bool) or not isinstance(dimension, int) or dimension < 1):
            raise ConfigError(
                f"dimension: wanted a number of at least 1, or None to ask Ollama, found {dimension!r:.60}"
            )
        place = (base_url or _OLLAMA).rstrip("/")
        super().__init__(
            model,
            dimension=dimension or 1,
            base_url=place if place.endswith("/v1") else f"{place}/v1",
            api_key=api_key or "none",
            batch_size=batch_size,
            timeout=timeout,
            max_retries=max_retries,
        )
        self.name = f"ollama/{model}"
        if dimension is None:
            self.dimension = self._found()

    def _found(self) -> int:
        """Return how many numbers the vector of a text has. Raises EmbedderError."""
        rows: list[Any] = self._vectors(["dimension"])
        if not rows or not isinstance(rows[0], list) or not rows[0]:
            raise EmbedderError(f"{self.name}: wanted the vector of a text, found {rows!r:.60}; does it embed texts?")
        return int(checked_vectors(rows, 1, len(rows[0]), self.name).shape[1])


@checked_names
class CallableEmbedder:
    """Any function from a list of texts to a list of vectors, as an embedder."""

    def __init__(self, function: Callable[[list[str]], Any], *, name: str, dimension: int) -> None:
        self._function = function
        self.name = name
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm; raises EmbedderError for anything else."""
        return embedded_by(self, lambda some: self._function(list(some)), texts)
