"""Counts and times of requests, as Prometheus reads them. They name routes and statuses, never what a request says.

The names of the metrics are those of the OpenMetrics conventions: a unit at the end, `_total` for what only grows.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from treemem._version import __version__
from treemem.service.running import Runner

CONTENT_TYPE = CONTENT_TYPE_PLAIN_1_0_0
#: Borders of the histogram, in seconds: a search takes milliseconds, reading a file seconds.
BORDERS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
#: What a path that is no route, and a method that none takes, are counted as: clients may send any.
NO_ROUTE, OTHER = "none", "other"
_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Metrics:
    """What one service has done since it was started. Thread-safe."""

    def __init__(self, runner: Runner) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("treemem", "The service.", registry=self._registry).info({"version": __version__})
        self._seconds = Histogram(
            "treemem_request_duration_seconds",
            "How long requests took, from their head to the end of the answer.",
            ("method", "route"),
            buckets=BORDERS,
            registry=self._registry,
        )
        self._requests = Counter(
            "treemem_requests",
            "Requests that ended; status 0 where the client had gone.",
            ("method", "route", "status"),
            registry=self._registry,
        )
        calls = Gauge("treemem_verbs", "Verbs that run or wait for a place.", registry=self._registry)
        calls.set_function(lambda: runner.calls)

    def ended(self, method: str, route: str | None, status: int, seconds: float) -> None:
        """Count a request; `route` is the template of its path, None where there is none."""
        said, place = method if method in _METHODS else OTHER, route or NO_ROUTE
        self._seconds.labels(said, place).observe(seconds)
        self._requests.labels(said, place, str(status)).inc()

    def written(self) -> bytes:
        """Return all of it as text."""
        return generate_latest(self._registry)
