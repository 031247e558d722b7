"""Spans around requests of the service: a trace that a client began goes on, verbs lie within, no word is told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind

from tests.rest_server import Caller, running, some_keys
from treemem import TreeTextMemory
from treemem.integrations.telemetry import uninstrument
from treemem.service.rest import app
from treemem.service.rest.tracing import Traces

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def exporter() -> Iterator[InMemorySpanExporter]:
    yield InMemorySpanExporter()
    uninstrument()


def test_a_request_is_a_span_with_its_verbs_within(exporter: InMemorySpanExporter, tmp_path: Path) -> None:
    tracers = TracerProvider()
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    with TreeTextMemory.open(tmp_path / "m.db") as memory:
        with running(app(memory, some_keys("traced"), traces=Traces(tracer_provider=tracers))) as address:
            caller = Caller(address)
            caller.http.headers["traceparent"] = f"00-{TRACE}-b7ad6b7169203331-01"
            caller.add("anna", "My sister keeps bees in Porto.")
            caller.refused("v1/get?user_id=anna", 40307, 404, memory_id="none")
            assert caller.http.get(f"{address}/a/secret/path").status_code == 404
            assert Caller(address, "wrong").http.post(f"{address}/add/message").status_code == 401
    spans = {span.name: span for span in exporter.get_finished_spans()}
    served, verb = spans["POST /add/message"], spans["create_memory"]
    assert served.kind is SpanKind.SERVER
    assert dict(served.attributes or {}) == {
        "http.request.method": "POST",
        "url.scheme": "http",
        "http.route": "/add/message",
        "http.response.status_code": 200,
    }
    assert served.context is not None
    assert format(served.context.trace_id, "032x") == TRACE
    assert verb.parent is not None
    assert verb.parent.span_id == served.context.span_id
    assert (verb.attributes or {})["gen_ai.memory.store.id"] == "traced"
    assert (spans["POST /v1/get"].attributes or {})["http.response.status_code"] == 404
    assert (spans["GET"].attributes or {}).keys() >= {"http.response.status_code"}
    told = " ".join(span.to_json() for span in exporter.get_finished_spans())
    assert "bees" not in told
    assert "secret" not in told
