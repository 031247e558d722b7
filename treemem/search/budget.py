"""A search under a time budget: fewer hops if the time runs out, at last the seeds alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from treemem.errors import StoreTimeoutError

R = TypeVar("R")
#: What of the time left one attempt may take, so that a smaller one has a chance after it.
SHARE = 0.6


def degrading(
    ask: Callable[[int, float | None], R], hops: int, deadline: float | None, share: float = 1.0
) -> tuple[R, tuple[str, ...]]:
    """Return what `ask(hops, seconds)` returns for as many hops as the time allows, and notes of what was left out.

    `deadline` is a time of `time.perf_counter`, `share` the part of what is left that may be used here. The last
    attempt, with the seeds alone, has no limit but the store's own, so that there is an answer.
    """
    notes: list[str] = []
    for tried in sorted({hops, min(hops, 1), 0}, reverse=True):
        seconds = None if deadline is None or tried == 0 else SHARE * share * (deadline - time.perf_counter())
        if seconds is None or seconds > 0:
            try:
                return ask(tried, seconds), tuple(notes)
            except StoreTimeoutError:
                if tried == 0:
                    raise
        smaller = "1 hop" if tried > 1 else "the seeds alone"
        notes.append(f"a walk of {tried} hop{'s'[: tried - 1]} did not fit the time budget: {smaller}")
    raise AssertionError("unreachable")
