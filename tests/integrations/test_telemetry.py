"""Spans and metrics: their names and attributes, what is told by opt-in alone, and that nothing is there without it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from treemem import AsyncTreeTextMemory, MemoryNotFoundError, TreeTextMemory
from treemem.integrations.telemetry import instrument, uninstrument

SECRET = "Anna lives in Porto."


class Told:
    """What was exported."""

    def __init__(self) -> None:
        self.exporter, self.reader = InMemorySpanExporter(), InMemoryMetricReader()
        self.tracers, self.meters = TracerProvider(), MeterProvider([self.reader])
        self.tracers.add_span_processor(SimpleSpanProcessor(self.exporter))

    def start(self, **settings: Any) -> None:
        instrument(tracer_provider=self.tracers, meter_provider=self.meters, **settings)

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self.exporter.get_finished_spans())

    def one(self, name: str) -> dict[str, Any]:
        (span,) = [span for span in self.spans if span.name == name]
        assert span.kind is SpanKind.INTERNAL
        return dict(span.attributes or {})

    def metrics(self) -> dict[str, list[dict[str, Any]]]:
        data = self.reader.get_metrics_data()
        assert data is not None
        found = [metric for each in data.resource_metrics for scope in each.scope_metrics for metric in scope.metrics]
        assert {metric.unit for metric in found} == {"s"}
        return {metric.name: [dict(point.attributes or {}) for point in metric.data.data_points] for metric in found}


@pytest.fixture
def told() -> Iterator[Told]:
    made = Told()
    yield made
    uninstrument()


def _of(memory: TreeTextMemory, operation: str, verb: str) -> dict[str, Any]:
    return {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": "treemem",
        "gen_ai.memory.store.id": memory.cube_id,
        "treemem.verb": verb,
    }


def test_operations_are_told_without_texts(memory: TreeTextMemory, told: Told) -> None:
    told.start()
    (memory_id,) = memory.add(SECRET)
    result = memory.search("Where does Anna live?", conversation_id="c1")
    memory.update(memory_id, "Anna lives in Lisbon.")
    memory.delete([memory_id])
    assert told.one("create_memory") == _of(memory, "create_memory", "add") | {"gen_ai.memory.record.count": 1}
    assert told.one("update_memory") == _of(memory, "update_memory", "update") | {
        "gen_ai.memory.record.id": memory_id,
        "gen_ai.memory.record.count": 1,
    }
    assert told.one("delete_memory") == _of(memory, "delete_memory", "delete") | {"gen_ai.memory.record.count": 1}
    stages = {f"treemem.search.stage.{stage}.duration": seconds for stage, seconds in result.timings.items()}
    assert {"embed", "read", "rank"} <= set(result.timings)
    assert told.one("search_memory") == _of(memory, "search_memory", "search") | stages | {
        "gen_ai.conversation.id": "c1",
        "gen_ai.memory.record.count": 1,
    }
    assert "Anna" not in str([span.to_json() for span in told.spans])
    durations = told.metrics()
    names = {point["gen_ai.operation.name"] for point in durations["gen_ai.client.operation.duration"]}
    assert names == {"create_memory", "search_memory", "update_memory", "delete_memory"}
    assert {p["treemem.search.stage"] for p in durations["treemem.search.stage.duration"]} == set(result.timings)


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_texts_are_told_where_that_is_asked_for(
    embedded: TreeTextMemory, told: Told, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true" if by == "environment" else "false")
    told.start(**({"capture_content": True} if by == "argument" else {}))
    (memory_id,) = embedded.add([SECRET])
    score = embedded.search("Where does Anna live?")[0].score
    assert json.loads(told.one("create_memory")["gen_ai.memory.records"]) == [{"content": SECRET}]
    searched = told.one("search_memory")
    assert searched["gen_ai.memory.query.text"] == "Where does Anna live?"
    assert json.loads(searched["gen_ai.memory.records"]) == [{"id": memory_id, "content": SECRET, "score": score}]


@pytest.mark.parametrize("capture", [False, True])
def test_what_fails_is_told(embedded: TreeTextMemory, told: Told, capture: bool) -> None:
    told.start(capture_content=capture)
    with pytest.raises(MemoryNotFoundError):
        embedded.update("nothing-of-this-name", SECRET)
    (span,) = told.spans
    assert span.status.status_code is StatusCode.ERROR
    assert told.one("update_memory")["error.type"] == "MemoryNotFoundError"
    assert bool(span.status.description) is bool(span.events) is capture
    (point,) = told.metrics()["gen_ai.client.operation.duration"]
    assert point["error.type"] == "MemoryNotFoundError"


def test_reorganizer_and_tasks_are_told(embedded: TreeTextMemory, told: Told) -> None:
    embedded.add([SECRET, "Anna lives in Porto. Anna lives in Porto."])
    told.start()
    report = embedded.reorganizer.run()
    assert told.one("upsert_memory") == {
        "gen_ai.operation.name": "upsert_memory",
        "gen_ai.provider.name": "treemem",
        "treemem.verb": "reorganizer.run",
        "gen_ai.memory.record.count": report.count("done"),
    }
    embedded.tasks.add("reorganize")
    embedded.tasks.work(once=True)
    task = told.one("treemem.task")
    assert task == {"treemem.task.kind": "reorganize", "gen_ai.memory.store.id": embedded.cube_id}
    assert [s.name for s in told.spans].count("upsert_memory") == 2  # the one of the task, too
    assert told.one("treemem.tasks.add") == {"treemem.verb": "tasks.add"}
    assert told.metrics()["treemem.task.duration"] == [{"treemem.task.kind": "reorganize"}]


async def test_spans_of_asynchronous_memories_stand_below_the_callers(embedded: TreeTextMemory, told: Told) -> None:
    told.start()
    memory = AsyncTreeTextMemory(embedded)
    with told.tracers.get_tracer("test").start_as_current_span("agent") as agent:
        await memory.add(SECRET)
        await memory.search("Anna")
    parents = {span.name: span.parent.span_id if span.parent else None for span in told.spans}
    mine = agent.get_span_context().span_id
    assert parents == {"create_memory": mine, "search_memory": mine, "agent": None}


def test_nothing_is_left_behind(embedded: TreeTextMemory, told: Told) -> None:
    plain: list[Callable[..., Any]] = [TreeTextMemory.add, TreeTextMemory.search]
    told.start()
    told.start()
    assert [TreeTextMemory.add, TreeTextMemory.search] != plain
    embedded.add(iter([SECRET]))
    assert told.one("create_memory")["gen_ai.memory.record.count"] == 1
    uninstrument()
    assert [TreeTextMemory.add, TreeTextMemory.search] == plain
    embedded.add("More.")
    assert len(told.spans) == 1
