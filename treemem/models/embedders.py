"""Embedding models behind one small protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from treemem.errors import EmbedderError
from treemem.forks import ForkLock

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors. `name` identifies the model: a cube keeps it and refuses another.

    A model may have an attribute `english_only`: of questions in another script its vectors then say little, and the
    text arm leads.
    """

    @property
    def name(self) -> str: ...

    @property
    def dimension(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension], each row of unit norm."""
        ...


def checked_vectors(vectors: object, count: int, dimension: int, name: str) -> Vectors:
    """Return vectors as float32 [count, dimension] of unit norm, or raise EmbedderError saying what is wrong."""
    try:
        array = np.asarray(vectors, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise EmbedderError(f"{name}: wanted an array of numbers, found {type(vectors).__name__}") from error
    if array.shape != (count, dimension):
        raise EmbedderError(f"{name}: wanted vectors of shape {(count, dimension)}, found {array.shape}")
    if not np.isfinite(array).all():
        raise EmbedderError(f"{name}: a vector holds NaN or infinity")
    norms = np.linalg.norm(array, axis=1, keepdims=True)
    if (norms < 1e-6).any():
        raise EmbedderError(f"{name}: a vector has length zero, so it has no direction to compare")
    return np.ascontiguousarray(array / norms, dtype=np.float32)


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
                import onnxruntime
                from tokenizers import Tokenizer

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self._threads
                # threads that go on spinning after their work take a core from what a search does next
                options.add_session_config_entry("session.force_spinning_stop", "1")
                options.log_severity_level = 3
                folder = files("treemem.models") / "minilm"
                tokenizer = Tokenizer.from_str((folder / "tokenizer.json").read_text("utf-8"))
                tokenizer.enable_truncation(256)
                tokenizer.no_padding()
                with as_file(folder / "model.onnx") as path:
                    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
                self._loaded = tokenizer, session
            return self._loaded

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), 384] of unit norm."""
        tokenizer, session = self._load()
        encoded = [e.ids for e in tokenizer.encode_batch(list(texts))]
        order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
        out = np.empty((len(encoded), self.dimension), dtype=np.float32)
        for start in range(0, len(order), self._batch_size):
            batch = order[start : start + self._batch_size]
            out[batch] = self._run(session, [encoded[i] for i in batch])
        return out

    @staticmethod
    def _run(session: Any, ids: list[list[int]]) -> Vectors:
        width = max(len(row) for row in ids)
        tokens = np.zeros((len(ids), width), dtype=np.int64)
        mask = np.zeros_like(tokens)
        for i, row in enumerate(ids):
            tokens[i, : len(row)] = row
            mask[i, : len(row)] = 1
        (hidden,) = session.run(None, {"input_ids": tokens, "attention_mask": mask})
        summed = (hidden * mask[:, :, None]).sum(axis=1)
        vectors: Vectors = (summed / np.linalg.norm(summed, axis=1, keepdims=True)).astype(np.float32)
        return vectors


class SentenceTransformersEmbedder:
    """A model of the sentence-transformers package (extra `sentence-transformers`), by name or path, or a loaded one.

    `name` defaults to the model's own; a cube keeps it. Raises EmbedderError if the package is not installed.
    """

    def __init__(self, model: Any, *, name: str | None = None, batch_size: int = 32, device: str | None = None) -> None:
        if isinstance(model, str):
            try:
                from sentence_transformers import SentenceTransformer
            except ImportError as error:
                raise EmbedderError(
                    "sentence-transformers is not installed; pip install 'treemem[sentence-transformers]'"
                ) from error
            name = name or model
            model = SentenceTransformer(model, device=device)
        dimension = model.get_sentence_embedding_dimension()
        if name is None or dimension is None:
            raise EmbedderError("a loaded model needs a name=, and has to know its dimension")
        self._model = model
        self._batch_size = batch_size
        self._lock = ForkLock()
        self.name = f"sentence-transformers/{name}"
        self.dimension = int(dimension)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm; raises EmbedderError."""
        with self._lock:
            made = self._model.encode(
                list(texts), batch_size=self._batch_size, convert_to_numpy=True, show_progress_bar=False
            )
        return checked_vectors(made, len(texts), self.dimension, self.name)


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
        try:
            self._client = openai.OpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=max_retries)
        except openai.OpenAIError as error:
            raise EmbedderError(f"{model}: {error}") from error
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
        import openai

        try:
            answer = self._client.embeddings.create(
                model=self._model, input=texts, encoding_format="float", **self._extra
            )
            rows = sorted(answer.data, key=lambda each: each.index)
        except openai.APITimeoutError as error:
            raise EmbedderError(f"{self.name}: no answer in time; raise timeout=, or check the server") from error
        except openai.AuthenticationError as error:
            raise EmbedderError(f"{self.name}: the server refused the key; set OPENAI_API_KEY or api_key=") from error
        except openai.APIStatusError as error:
            raise EmbedderError(f"{self.name}: the server answered {error.status_code}; nothing was stored") from error
        except (openai.OpenAIError, ValueError, AttributeError, TypeError) as error:
            raise EmbedderError(f"{self.name}: no usable answer ({type(error).__name__}: {error})") from error
        return checked_vectors([each.embedding for each in rows], len(texts), self.dimension, self.name)


class CallableEmbedder:
    """Any function from a list of texts to a list of vectors, as an embedder."""

    def __init__(self, function: Callable[[list[str]], Any], *, name: str, dimension: int) -> None:
        self._function = function
        self.name = name
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm; raises EmbedderError for anything else."""
        return checked_vectors(self._function(list(texts)), len(texts), self.dimension, self.name)
