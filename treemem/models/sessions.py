"""What the models that run here share: a session of onnxruntime, batches of texts of one length, means of vectors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt


def session_of(model: Path | bytes, threads: int) -> Any:
    """Return a session of onnxruntime on the processor; `threads` is how many a run may use, 0 for all cores."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # threads that go on spinning after their work take a core from what a search does next
    options.add_session_config_entry("session.force_spinning_stop", "1")
    options.log_severity_level = 3
    given = model if isinstance(model, bytes) else str(model)
    return onnxruntime.InferenceSession(given, options, providers=["CPUExecutionProvider"])


def batches(texts: Sequence[Sequence[int]], most: int, pieces: int) -> Iterator[list[int]]:
    """Yield the numbers of texts, given as word pieces, in batches of at most `most` texts and about `pieces` word
    pieces, short ones with short ones.
    """
    batch: list[int] = []
    for number in sorted(range(len(texts)), key=lambda i: len(texts[i])):
        if batch and (len(batch) == most or (len(batch) + 1) * len(texts[number]) > pieces):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def padded(texts: Sequence[Sequence[int]], padding: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return word pieces as one array, short texts filled up with `padding`, and its mask: 1 where a text is."""
    width = max(map(len, texts))
    tokens = np.full((len(texts), width), padding, dtype=np.int64)
    mask = np.zeros_like(tokens)
    for row, text in enumerate(texts):
        tokens[row, : len(text)] = text
        mask[row, : len(text)] = 1
    return tokens, mask


def means(hidden: npt.NDArray[np.float32], mask: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the direction of the mean of each text's hidden states, float32 (texts, width) of unit norm."""
    summed = (hidden * mask[:, :, None]).sum(axis=1)
    directions: npt.NDArray[np.float32] = (summed / np.linalg.norm(summed, axis=1, keepdims=True)).astype(np.float32)
    return directions
