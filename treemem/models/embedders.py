"""Embedding models behind one small protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from treemem.errors import EmbedderError

Vectors = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors. `name` identifies the model: a cube keeps it and refuses another."""

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

    def __init__(self, *, batch_size: int = 32, threads: int = 0) -> None:
        self._batch_size = batch_size
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: tuple[Any, Any] | None = None

    def _load(self) -> tuple[Any, Any]:
        with self._lock:
            if self._loaded is None:
                import onnxruntime
                from tokenizers import Tokenizer

                options = onnxruntime.SessionOptions()
                options.intra_op_num_threads = self._threads
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


class CallableEmbedder:
    """Any function from a list of texts to a list of vectors, as an embedder."""

    def __init__(self, function: Callable[[list[str]], Any], *, name: str, dimension: int) -> None:
        self._function = function
        self.name = name
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [len(texts), dimension] of unit norm; raises EmbedderError for anything else."""
        return checked_vectors(self._function(list(texts)), len(texts), self.dimension, self.name)
