"""Spans and metrics of OpenTelemetry around the verbs of memories (extra `opentelemetry`).

They follow the semantic conventions for memory operations of generative AI. Nothing is measured before `instrument`,
and texts are told only where that is asked for.
"""

from __future__ import annotations

import functools
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from treemem.integrations.keeping import missing
from treemem.memory import TreeTextMemory
from treemem.reorganize.reorganizer import Reorganizer
from treemem.search.results import SearchResult
from treemem.tasks.handlers import HANDLERS, Handler
from treemem.tasks.verbs import Tasks

try:
    from opentelemetry.metrics import MeterProvider, get_meter
    from opentelemetry.trace import SpanKind, Status, StatusCode, TracerProvider, get_tracer
except ImportError as error:
    raise missing("opentelemetry-api", "opentelemetry", error) from error

#: What each verb of a memory is by the conventions.
OPERATIONS: dict[str, str] = {
    **dict.fromkeys(("search", "context"), "search_memory"),
    **dict.fromkeys(("add", "add_messages", "add_events"), "create_memory"),
    **dict.fromkeys(("add_documents", "feedback", "read", "replace_working_memory"), "upsert_memory"),
    **dict.fromkeys(("update", "correct", "expire", "archive", "restore", "freeze", "unfreeze"), "update_memory"),
    **dict.fromkeys(("delete", "delete_all", "remove_documents", "purge"), "delete_memory"),
    "drop": "delete_memory_store",
}
#: What changes memories without the caller choosing which, and verbs of the queue, which is no memory.
_REORGANIZER, _TASKS = ("apply", "run"), ("add", "work")
#: The variable by which instrumentations of generative AI are told to capture content, and what says so.
CAPTURE, _YES = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", ("true", "span_only", "span_and_event")
_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300)
_PROVIDER = "treemem"
_undo: list[Callable[[], None]] = []


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    capture_content: bool | None = None,
) -> None:
    """Measure all memories of this program from now on, until `uninstrument`; again, in another way.

    The providers are the program's, if none are given. Questions, memories and what errors say are told only with
    `capture_content`, or where the environment's OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT says so.
    """
    uninstrument()
    if capture_content is None:
        capture_content = os.environ.get(CAPTURE, "").lower() in _YES
    meter = get_meter("treemem", meter_provider=meter_provider)
    histogram = functools.partial(meter.create_histogram, unit="s", explicit_bucket_boundaries_advisory=_BUCKETS)
    made = _Telemetry(
        tracer=get_tracer("treemem", tracer_provider=tracer_provider),
        operations=histogram("gen_ai.client.operation.duration", description="Duration of an operation of a memory"),
        stages=histogram("treemem.search.stage.duration", description="Duration of a stage of a search"),
        tasks=histogram("treemem.task.duration", description="Duration of doing a task"),
        capture=capture_content,
    )
    for verb, operation in OPERATIONS.items():
        _wrap(TreeTextMemory, verb, made.around_verb(verb, operation))
    for verb in _REORGANIZER:
        _wrap(Reorganizer, verb, made.around_other(f"reorganizer.{verb}", "upsert_memory"))
    for verb in _TASKS:
        _wrap(Tasks, verb, made.around_other(f"tasks.{verb}", None))
    handlers: Any = HANDLERS
    for kind, handler in list(HANDLERS.items()):
        handlers[kind] = replace(handler, run=made.around_task(kind, handler))
        _undo.append(functools.partial(handlers.__setitem__, kind, handler))


def uninstrument() -> None:
    """Measure nothing any more."""
    while _undo:
        _undo.pop()()


def _wrap(owner: type[Any], verb: str, around: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    plain = getattr(owner, verb)
    setattr(owner, verb, functools.wraps(plain)(around(plain)))
    _undo.append(functools.partial(setattr, owner, verb, plain))


@dataclass(frozen=True)
class _Telemetry:
    """What spans and durations are told to, and whether texts may be told."""

    tracer: Any
    operations: Any
    stages: Any
    tasks: Any
    capture: bool

    @contextmanager
    def _told(self, name: str, attributes: Mapping[str, Any], durations: Any, of: Mapping[str, Any]) -> Iterator[Any]:
        """Yield a span; how long it took is told to `durations` with the attributes `of`, and how it failed to both."""
        began, kind = time.perf_counter(), SpanKind.INTERNAL
        measured = dict(of)
        with self.tracer.start_as_current_span(
            name, kind=kind, attributes=attributes, record_exception=self.capture, set_status_on_exception=False
        ) as span:
            try:
                yield span
            except BaseException as error:
                measured["error.type"] = type(error).__qualname__
                span.set_attribute("error.type", measured["error.type"])
                span.set_status(Status(StatusCode.ERROR, str(error) if self.capture else None))
                raise
            finally:
                if durations is not None:
                    durations.record(time.perf_counter() - began, measured)

    def around_verb(self, verb: str, operation: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return what measures a verb of a memory."""
        of = {"gen_ai.operation.name": operation, "gen_ai.provider.name": _PROVIDER}

        def around(plain: Callable[..., Any]) -> Callable[..., Any]:
            def measured(memory: TreeTextMemory, *args: Any, **kwargs: Any) -> Any:
                known = {**of, "gen_ai.memory.store.id": memory.cube_id, "treemem.verb": verb}
                with self._told(operation, known, self.operations, of) as span:
                    asked = _asked(operation, args, kwargs)
                    span.set_attributes({k: v for k, v in asked.items() if self.capture or k not in _TEXTS})
                    result = plain(memory, *args, **kwargs)
                    told = self._came(operation, result)
                    span.set_attributes({k: v for k, v in told.items() if self.capture or k not in _TEXTS})
                    return result

            return measured

        return around

    def _came(self, operation: str, result: Any) -> dict[str, Any]:
        """Return what is told of a result."""
        if isinstance(result, SearchResult):
            told: dict[str, Any] = {}
            for stage, seconds in result.timings.items():
                self.stages.record(seconds, {"treemem.search.stage": stage})
                told[f"treemem.search.stage.{stage}.duration"] = seconds
            if result.degraded:
                told["treemem.search.degraded"] = len(result.degraded)
            if self.capture:
                hits = [{"id": hit.id, "content": hit.memory, "score": hit.score} for hit in result]
                told["gen_ai.memory.records"] = json.dumps(hits, ensure_ascii=False)
            return told | {"gen_ai.memory.record.count": len(result)}
        if operation in ("create_memory", "upsert_memory") and isinstance(result, list):
            return {"gen_ai.memory.record.count": len(result)}
        return {}

    def around_other(self, verb: str, operation: str | None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return what measures a verb of the reorganizer or of the queue of tasks."""
        of = {} if operation is None else {"gen_ai.operation.name": operation, "gen_ai.provider.name": _PROVIDER}
        durations = None if operation is None else self.operations

        def around(plain: Callable[..., Any]) -> Callable[..., Any]:
            def measured(owner: Any, *args: Any, **kwargs: Any) -> Any:
                with self._told(operation or f"treemem.{verb}", {**of, "treemem.verb": verb}, durations, of) as span:
                    result = plain(owner, *args, **kwargs)
                    if operation is not None:
                        span.set_attribute("gen_ai.memory.record.count", result.count("done"))
                    return result

            return measured

        return around

    def around_task(self, kind: str, handler: Handler) -> Callable[..., Any]:
        """Return what measures doing a task of a kind."""

        def measured(ctx: Any, payload: Mapping[str, Any], stopping: Callable[[], bool]) -> Any:
            of = {"treemem.task.kind": kind}
            known = {**of, "gen_ai.memory.store.id": ctx.cube}
            with self._told("treemem.task", known, self.tasks, of):
                return handler.run(ctx, payload, stopping)

        return measured


_TEXTS = frozenset({"gen_ai.memory.query.text", "gen_ai.memory.records"})


def _asked(operation: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is told of the arguments; an iterator among them is left as it is."""
    told: dict[str, Any] = {}
    conversation = kwargs.get("conversation_id")
    if isinstance(conversation, str):
        told["gen_ai.conversation.id"] = conversation
    first = args[0] if args else next((kwargs[k] for k in ("query", "question", "memories") if k in kwargs), None)
    if first is None:
        first = kwargs.get("ids", kwargs.get("memory_id"))
    if operation == "search_memory" and isinstance(first, str):
        told["gen_ai.memory.query.text"] = first
    elif operation in ("update_memory", "delete_memory") and isinstance(first, str):
        told |= {"gen_ai.memory.record.id": first, "gen_ai.memory.record.count": 1}
    elif operation in ("update_memory", "delete_memory") and isinstance(first, Collection):
        told["gen_ai.memory.record.count"] = len(first)
    elif operation == "create_memory" and isinstance(first, (str, list, tuple)):
        texts = [first] if isinstance(first, str) else [each for each in first if isinstance(each, str)]
        told["gen_ai.memory.records"] = json.dumps([{"content": text} for text in texts], ensure_ascii=False)
    return told
