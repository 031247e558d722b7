"""What becomes of a task that failed: which faults pass by themselves, how long to wait, and what may be told of one.

A message of an error may quote a memory or what a language model was given. The queue outlives a purge, so of such
errors it keeps their kind alone.
"""

from __future__ import annotations

import random

from treemem.errors import (
    ConflictError,
    EmbedderError,
    LeaseError,
    LLMError,
    SchemaError,
    StoreError,
    StoreFullError,
    StoreTimeoutError,
    StoreUnavailableError,
    TreememError,
)

#: Seconds before a task is tried again: after the first attempt, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 3_600.0
#: What a language model's failure means that does not pass: the request itself was refused, or there is no client.
_LASTING = ("refused", "input", "missing")
#: What is told of a language model, by the reason of its error.
_OF_MODELS = {
    "timeout": "the language model did not answer in time",
    "status": "the language model's server answered with an error",
    "connection": "the language model's server cannot be reached",
    "refused": "the language model refused to answer",
    "cut": "the language model's answer was cut",
    "invalid": "the language model gave no valid answer",
    "input": "the language model could not be given the request",
    "missing": "there is no language model",
}
#: What is told of other errors.
_TOLD: tuple[tuple[type[Exception], str], ...] = (
    (StoreUnavailableError, "the database cannot be reached, or fell silent"),
    (StoreTimeoutError, "the database did not answer in time"),
    (StoreFullError, "the database has no space left, or is read-only"),
    (StoreError, "the database refused"),
    (LeaseError, "another worker reorganizes the cube"),
    (ConflictError, "the memory changed meanwhile, again and again"),
    (EmbedderError, "the embedding model failed"),
    (TreememError, "the worker's log says more"),
)


def passes(error: Exception) -> bool:
    """Return whether the same task may succeed later, without anybody doing anything about it."""
    if isinstance(error, LLMError):
        return error.reason not in _LASTING
    if isinstance(error, SchemaError):
        return False
    return isinstance(error, (StoreError, LeaseError, ConflictError, EmbedderError))


def told(error: Exception) -> str:
    """Return why a task failed, in words that quote nothing."""
    kind = type(error).__name__
    if isinstance(error, LLMError):
        return f"{kind}: {_OF_MODELS.get(error.reason, 'the language model failed')}"
    return next((f"{kind}: {text}" for known, text in _TOLD if isinstance(error, known)), f"not foreseen: {kind}")


def pause(attempts: int) -> int:
    """Return for how long a task waits after so many attempts, in microseconds: twice as long each time, and less by
    chance, so that many that failed together are not tried together.
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(attempts - 1, 30))
    return int(random.uniform(0.5, 1.0) * longest * 1_000_000)
