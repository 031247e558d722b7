"""Requests that fail for a while are sent again: growing pauses, what the server asks to wait, one end for all."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from treemem.models.faults import Fault, timed_out

R = TypeVar("R")
#: Seconds of the first pause and the longest; a server that asks to wait longer is not asked again.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
#: What a pause of our own grows to.
_GROWS_TO = 8.0


class Deadline:
    """When a call has to be over, retries and pauses included."""

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def left(self) -> float:
        """Return how many seconds are left; raise the fault of a server that does not answer if none are."""
        seconds = self._end - time.monotonic()
        if seconds <= 0:
            raise timed_out()
        return seconds

    def fits(self, seconds: float) -> bool:
        """Return whether so many seconds are left."""
        return time.monotonic() + seconds < self._end


def tried_again(call: Callable[[], R], retries: int, deadline: Deadline) -> R:
    """Return what a call returns; a passing fault is tried again, at most `retries` times and before the deadline."""
    jitter = random.uniform(0.75, 1.0)

    def pause(state: RetryCallState) -> float:
        error = None if state.outcome is None else state.outcome.exception()
        if isinstance(error, Fault) and error.pause is not None:
            return error.pause
        return min(_GROWS_TO, FIRST_PAUSE * 2.0 ** (state.attempt_number - 1)) * jitter

    def over(state: RetryCallState) -> bool:
        seconds = pause(state)
        return state.attempt_number > retries or seconds > LONGEST_PAUSE or not deadline.fits(seconds)

    passing = retry_if_exception(lambda error: isinstance(error, Fault) and error.is_passing)
    return Retrying(retry=passing, wait=pause, stop=over, sleep=time.sleep, reraise=True)(call)
