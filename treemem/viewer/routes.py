"""The routes of the page: each reads its arguments, calls a verb of the memory and says what it found as JSON."""

from __future__ import annotations

import json
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from treemem.checks import shown
from treemem.errors import (
    ConflictError,
    FrozenMemoryError,
    InvalidInputError,
    LeaseError,
    MemoryNotFoundError,
    NotAllowedError,
    OperationMismatchError,
    OperationNotFoundError,
    StoreError,
    TreememError,
    UndoRefusedError,
)
from treemem.memory import TreeTextMemory
from treemem.reorganize.plan import Plan
from treemem.temporal import parse_time
from treemem.viewer import answers
from treemem.viewer.drawing import Drawing

log = logging.getLogger("treemem.viewer")
STATIC = Path(__file__).with_name("static")
#: How many plans are kept to be accepted from.
_PLANS = 16
_ACTOR = "treemem view"
_MOST_HITS = 100
_MOST_LINES = 500
_STATUS: tuple[tuple[type[TreememError], int], ...] = (
    (MemoryNotFoundError, 404),
    (OperationNotFoundError, 404),
    (NotAllowedError, 403),
    (ConflictError, 409),
    (FrozenMemoryError, 409),
    (LeaseError, 409),
    (OperationMismatchError, 409),
    (UndoRefusedError, 409),
    (InvalidInputError, 400),
    (StoreError, 503),
)
Answer = dict[str, Any]


class Routes:
    """What one memory answers. Plans that were made are kept here: the page says which actions, never what they do."""

    def __init__(self, memory: TreeTextMemory, *, write: bool) -> None:
        self._memory = memory
        self._write = write
        self._drawing = Drawing(memory)
        self._plans: OrderedDict[str, Plan] = OrderedDict()
        self._known: tuple[datetime | None, Answer | None] | None = None
        self._lock = threading.Lock()

    def app(self) -> Starlette:
        """Return the application, still without its guard."""
        reading: dict[str, Callable[[Mapping[str, str]], Answer]] = {
            "about": self._about,
            "graph": self._graph,
            "search": self._search,
            "memory": self._told,
            "operations": self._operations,
            "changed": self._changed,
            "plan": self._plan,
        }
        changing: dict[str, Callable[[Mapping[str, Any]], Answer]] = {"undo": self._undo, "apply": self._apply}
        routes: list[Any] = [Route("/", _page), Mount("/static", StaticFiles(directory=STATIC))]
        routes += [Route(f"/api/{name}", _reads(verb), methods=["GET"]) for name, verb in reading.items()]
        routes += [Route(f"/api/{name}", _changes(verb), methods=["POST"]) for name, verb in changing.items()]
        return Starlette(routes=routes)

    def _about(self, _: Mapping[str, str]) -> Answer:
        stats = self._memory.stats()
        with self._lock:
            if self._known is None or self._known[0] != stats.clock:
                self._known = (stats.clock, answers.known(self._memory))
            known = self._known[1]
        return {**answers.about(stats, write=self._write), "known": known}

    def _graph(self, given: Mapping[str, str]) -> Answer:
        return self._drawing.at(*self._moment(given))

    def _search(self, given: Mapping[str, str]) -> Answer:
        as_of, known_at = self._moment(given)
        result = self._memory.search(
            given.get("q", ""),
            _number(given, "k", 10, _MOST_HITS),
            as_of=as_of,
            known_at=known_at,
            include_superseded=given.get("superseded") == "1",
            explain=True,
        )
        return answers.found(result)

    def _told(self, given: Mapping[str, str]) -> Answer:
        return answers.told(self._memory, given.get("id", ""), *self._moment(given))

    def _operations(self, given: Mapping[str, str]) -> Answer:
        return answers.operations(self._memory, given.get("before"), _number(given, "limit", 50, _MOST_LINES))

    def _changed(self, given: Mapping[str, str]) -> Answer:
        return answers.changed(self._memory, _text(given, "since"), given.get("until"))

    def _moment(self, given: Mapping[str, str]) -> tuple[str | None, str | None]:
        """Return as_of and known_at; all that was known last, or would be later, is what is known now."""
        known_at = given.get("known_at") or None
        if known_at is not None:
            clock = self._memory.stats().clock
            if clock is None or parse_time(known_at, "known_at") >= parse_time(clock, "clock"):
                known_at = None
        return given.get("as_of") or None, known_at

    def _plan(self, given: Mapping[str, str]) -> Answer:
        made = self._memory.reorganizer.plan(
            everything=given.get("everything") == "1", group=given.get("group") == "1", ask=False
        )
        with self._lock:
            self._plans[made.id] = made
            while len(self._plans) > _PLANS:
                self._plans.popitem(last=False)
        return answers.plan(made)

    def _undo(self, given: Mapping[str, Any]) -> Answer:
        receipt = self._memory.undo(_text(given, "operation"), actor=_ACTOR)
        return {"operation": receipt.operation}

    def _apply(self, given: Mapping[str, Any]) -> Answer:
        numbers = given.get("actions")
        if not isinstance(numbers, list) or not all(type(n) is int for n in numbers):
            raise InvalidInputError(f"actions: wanted a list of numbers, found {shown(numbers)}")
        with self._lock:
            made = self._plans.get(_text(given, "plan"))
        if made is None:
            raise InvalidInputError("plan: it is not kept any more; make a new one")
        unknown = sorted(set(numbers) - made.actions.keys())
        if unknown:
            raise InvalidInputError(f"actions: wanted some of {sorted(made.actions)}, found {unknown[0]}")
        done = self._memory.reorganizer.apply(made.without(made.actions.keys() - set(numbers)))
        return answers.report(done)


async def _page(_: Request) -> Response:
    return FileResponse(STATIC / "index.html")


def _reads(verb: Callable[[Mapping[str, str]], Answer]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        return await run_in_threadpool(_answered, lambda: verb(request.query_params))

    return endpoint


def _changes(verb: Callable[[Mapping[str, Any]], Answer]) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_answered, lambda: verb(_object(body)))

    return endpoint


def _answered(call: Callable[[], Answer]) -> Response:
    """Return what a verb says as JSON, or what it refused with a status."""
    try:
        return _json(call(), 200)
    except TreememError as error:
        status = next((code for kind, code in _STATUS if isinstance(error, kind)), 500)
        return _json({"error": str(error), "kind": type(error).__name__}, status)
    except Exception as error:  # the page is told, and whoever started the viewer sees where it came from
        log.exception("the viewer could not answer")
        return _json({"error": f"not foreseen: {type(error).__name__}: {error}", "kind": type(error).__name__}, 500)


def _json(data: Answer, status: int) -> Response:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=str)
    return Response(text.encode("utf-8", "backslashreplace"), status, media_type="application/json")


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"body: wanted JSON, found none ({shown(str(error))})") from error
    if not isinstance(data, dict):
        raise InvalidInputError(f"body: wanted an object, found {type(data).__name__}")
    return data


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str):
        raise InvalidInputError(f"{name}: wanted a text, found {shown(value)}")
    return value


def _number(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= most:
        raise InvalidInputError(f"{name}: wanted a number from 1 to {most}, found {shown(text)}")
    return int(text)
