"""Spans of OpenTelemetry around requests (extra `opentelemetry`), by its conventions for servers of HTTP.

A request that names a trace (`traceparent`) goes on with it, and the spans of the verbs that it calls lie within its
own (`treemem.integrations.telemetry`). Spans name method, route and status, never a path or what a request says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from treemem.integrations.telemetry import instrument

try:
    from opentelemetry.propagate import extract
    from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider, get_tracer
except ImportError as error:  # telemetry, above, has said so already
    raise AssertionError from error

_METHODS = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})


class Traces:
    """The spans of one service. Making them lets the verbs of all memories of the program be measured, too."""

    def __init__(self, *, tracer_provider: TracerProvider | None = None) -> None:
        instrument(tracer_provider=tracer_provider)
        self._tracer = get_tracer("treemem.service", tracer_provider=tracer_provider)

    @contextmanager
    def request(self, scope: Mapping[str, Any], headers: Mapping[bytes, bytes]) -> Iterator[Ended]:
        """Yield what is told the status of a request; its span is over when the answer is."""
        carried = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers.items()}
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        known = {"http.request.method": method, "url.scheme": scope.get("scheme", "http")}
        with self._tracer.start_as_current_span(
            method, context=extract(carried), kind=SpanKind.SERVER, attributes=known, record_exception=False
        ) as span:
            ended = Ended()
            yield ended
            if ended.route is not None:
                span.update_name(f"{method} {ended.route}")
                span.set_attribute("http.route", ended.route)
            if ended.status:
                span.set_attribute("http.response.status_code", ended.status)
            if ended.status >= 500 or not ended.status:
                span.set_attribute("error.type", str(ended.status or "gone"))
                span.set_status(Status(StatusCode.ERROR))


class Ended:
    """How a request ended; `status` is 0 where the client had gone."""

    route: str | None = None
    status: int = 0
