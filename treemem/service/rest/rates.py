"""How many requests a project may send: a token bucket each.

A bucket holds what a project may send at once: a second's worth, at least one. Each request takes a token, and they
come back at the rate. So a project's rate over any longer time is at most the one that was set, whatever its keys are.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable

from treemem.errors import ConfigError
from treemem.service.running import BusyError


class Rates:
    """The buckets of one service, `rate` in requests a second. Thread-safe. Raises ConfigError for a rate of 0 or less.

    There are as many buckets as there are projects with keys: nobody else gets this far.
    """

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        if not 0 < rate < float("inf"):
            raise ConfigError(f"rate: wanted more than 0 requests a second, found {rate}")
        self._rate = rate
        self._most = max(1.0, rate)
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}

    def take(self, project: str) -> None:
        """Take a token of a project, or raise BusyError, which says when there is one again."""
        now = self._clock()
        with self._lock:
            left, seen = self._buckets.get(project, (self._most, now))
            left = min(self._most, left + (now - seen) * self._rate)
            enough = left >= 1
            self._buckets[project] = (left - 1 if enough else left, now)
        if not enough:
            seconds = math.ceil((1 - left) / self._rate)
            raise BusyError(f"this project may send {self._rate:g} requests a second; try again in {seconds} s")
