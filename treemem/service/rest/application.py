"""The application: one table of routes, each a request, a right and a function over the key's project."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import BaseModel
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException

from treemem._version import __version__
from treemem.chat.answer import ChatAnswer, ChatStream
from treemem.errors import ConfigError, InvalidInputError, NotAllowedError, TreememError
from treemem.memory import TreeTextMemory
from treemem.service.access import Keys
from treemem.service.rest import adding, asking, bases, changing, chatting, models, moving, requests
from treemem.service.rest.answering import Json, Service, answered, failed, parsed, posted, read
from treemem.service.rest.codes import (
    EMPTY,
    INTERNAL,
    MANY_FILES,
    NOT_FOUND,
    PARAMETERS,
    UNSUPPORTED,
    Refusal,
    code_of,
)
from treemem.service.rest.describing import described
from treemem.service.rest.gate import UNFORESEEN, UPLOAD, Gate
from treemem.service.rest.metrics import Metrics
from treemem.service.rest.models import Models
from treemem.service.rest.own import VERBS
from treemem.service.rest.projects import Project
from treemem.service.rest.rates import Rates
from treemem.service.running import AT_ONCE, WAITING, Runner

if TYPE_CHECKING:
    from treemem.service.rest.tracing import Traces

_logger = logging.getLogger("treemem.service.rest")


@dataclass(frozen=True, slots=True)
class Route:
    """A POST route: what it is asked, which right it wants, and what it does."""

    path: str
    request: type[BaseModel]
    right: str
    work: Callable[[Project, Any], Any]


ROUTES = (
    Route("/add/message", requests.AddMessage, "write", adding.add_message),
    Route("/add/feedback", requests.AddFeedback, "write", adding.add_feedback),
    Route("/get/status", requests.GetStatus, "read", adding.get_status),
    Route("/search/memory", requests.SearchMemory, "read", asking.search_memory),
    Route("/get/memory", requests.GetMemory, "read", asking.get_memory),
    Route("/get/message", requests.GetMessage, "read", asking.get_message),
    Route("/update/memory", requests.UpdateMemory, "write", changing.update_memory),
    Route("/delete/memory", requests.DeleteMemory, "write", changing.delete_memory),
    Route("/create/knowledgebase", requests.CreateBase, "admin", bases.create_base),
    Route("/delete/knowledgebase", requests.OneBase, "admin", bases.delete_base),
    Route("/get/knowledgebase-file", requests.GetFiles, "read", bases.get_files),
    Route("/delete/knowledgebase-file", requests.DeleteFiles, "write", bases.delete_files),
)
#: Routes of the API that this service does not have, and why.
NOT_SUPPORTED = {
    "/bind/profile_template": "profiles are made from templates of the cloud's console",
    "/edit/profile": "profiles are made from templates of the cloud's console",
    "/delete/profile": "profiles are made from templates of the cloud's console",
}


def app(
    memory: TreeTextMemory,
    keys: Keys,
    *,
    models: Models | None = None,
    base_path: str = "",
    hosts: tuple[str, ...] = (),
    at_once: int = AT_ONCE,
    waiting: int = WAITING,
    metrics: bool = False,
    rate: float | None = None,
    traces: Traces | None = None,
    on_end: Callable[[], None] | None = None,
) -> Gate:
    """Return the service over a memory as an ASGI application, for whoever has one of the `keys`.

    Without `models` there is no reranking, no extracting and no chat. Paths are answered with `base_path` before them,
    and without. `at_once` verbs run at a time, `waiting` requests wait. With `metrics`, `GET /metrics`
    shows counts and times of requests for Prometheus, without a key. Each project may send `rate`
    requests a second. With `traces` requests have spans of OpenTelemetry. `on_end` is called when the application ends.
    Raises ConfigError for a memory that was opened for one caller, and for a rate of 0 or less.
    """
    try:
        memory.store  # noqa: B018
    except (NotAllowedError, InvalidInputError) as error:
        raise ConfigError("service: wanted a memory of no caller and without walls; a key says who calls") from error
    service = Service(memory, models, Runner(at_once, waiting))

    @asynccontextmanager
    async def lifespan(api: FastAPI) -> AsyncIterator[None]:
        yield
        if on_end is not None:
            on_end()

    api = FastAPI(
        title="treemem",
        version=__version__,
        description="A memory for agents, over the API that clients of MemOS speak.",
        lifespan=lifespan,
        default_response_class=Json,
        redirect_slashes=False,
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
    )
    for route in ROUTES:
        posted(api, service, route.path, route.right, route.request, route.work)
    for verb in VERBS:
        posted(api, service, verb.path, verb.right, verb.request, verb.work, of_user=True)
    moving.add_routes(api, service)
    _add_others(api, service)
    _add_errors(api)
    described(api, ROUTES, VERBS)
    counted = Metrics(service.runner) if metrics else None
    return Gate(api, keys, base_path, hosts, counted, None if rate is None else Rates(rate), traces)


def _add_others(api: FastAPI, service: Service) -> None:
    """Add what is not a POST of JSON that an envelope answers."""

    @api.get("/get/memory/{memory_id:path}", response_model=None)
    async def get_memory_by_id(request: Request, memory_id: str) -> Json:
        """Return a memory of the project, whosever it is."""
        project = service.project(request, "read")
        return answered(request, await service.run(project, lambda: asking.get_memory_by_id(project, memory_id)))

    @api.post("/rerank", response_model=None)
    async def rerank(request: Request) -> Json:
        """Return documents by how well they answer a question, best first. This answer has no envelope."""
        project = service.project(request, "read")
        some, raw = _models(service), await read(request)
        return Json(await service.run(project, lambda: models.rerank(some, parsed(requests.Rerank, raw))))

    @api.post("/extract/memory", response_model=None)
    async def extract_memory(request: Request) -> Json:
        """Return what adding these messages would have made; nothing is kept."""
        project = service.project(request, "read")
        some, raw = _models(service), await read(request)
        made = await service.run(project, lambda: models.extract(some, parsed(requests.ExtractMemory, raw)))
        return answered(request, made)

    @api.post("/chat", response_model=None)
    async def chat(request: Request) -> Response:
        """Return an answer of the language model, whole or, with `stream`, as events."""
        project = service.project(request, "read")
        body = parsed(requests.Chat, await read(request))
        if body.add_message_on_answer:
            project.require("write")
        llm = None if service.models is None else service.models.llm
        if llm is None:
            raise Refusal(UNSUPPORTED, "chat: this service was started without a language model")
        answer = await service.run(project, lambda: chatting.chat(project, body, llm))
        if isinstance(answer, ChatAnswer):
            said = answer
            await service.run(project, lambda: chatting.remember(project, body, said))
            return answered(request, {"response": said.text, "conversation_id": body.conversation_id})
        stream = answer
        first = await service.run(project, lambda: next(stream, None))
        pieces = _pieces(service, project, body, stream, first)
        return StreamingResponse(pieces, media_type="text/event-stream; charset=utf-8")

    @api.post(UPLOAD, response_model=None)
    async def add_knowledgebase_file(request: Request) -> Json:
        """Add files to a knowledge base: in base64, or as a form, with `knowledgebase_id` in the query then."""
        project = service.project(request, "write")
        if not request.headers.get("content-type", "").startswith("multipart/form-data"):
            raw = await read(request)
            return answered(
                request, await service.run(project, lambda: bases.add_files(project, parsed(requests.AddFiles, raw)))
            )
        base_id = request.query_params.get("knowledgebase_id", "")
        if not base_id:
            raise Refusal(EMPTY, "knowledgebase_id: required in the query, and not given")
        kind = request.query_params.get("type", "document")
        async with request.form(max_files=bases.MOST_FILES + 1, max_fields=bases.MOST_FILES) as form:
            parts = [part for part in form.getlist("file") if isinstance(part, UploadFile)]
            if not parts:
                raise Refusal(EMPTY, "file: required, and not given")
            if len(parts) > bases.MOST_FILES:
                raise Refusal(MANY_FILES, f"file: wanted at most {bases.MOST_FILES}")
            files = [(part.filename or "document.txt", kind, await part.read()) for part in parts]
        return answered(request, await service.run(project, lambda: bases.add_named(project, base_id, files)))

    for path, why in NOT_SUPPORTED.items():
        _refuse_always(api, path, why)

    @api.get("/health", response_model=None)
    async def health(request: Request) -> Json:
        """Say that the service lives."""
        return answered(request, {"status": "up", "version": __version__})

    api.add_api_route("/ping", health, methods=["GET"], response_model=None, include_in_schema=False)

    @api.get("/ready", response_model=None)
    async def ready(request: Request) -> Json:
        """Say that the store answers."""
        await service.runner.run(lambda _: service.memory.store.cube("default"))
        return answered(request, {"status": "ready"})


def _models(service: Service) -> Models:
    if service.models is None:
        raise Refusal(UNSUPPORTED, "this service was started without models for texts that are not kept")
    return service.models


def _refuse_always(api: FastAPI, path: str, why: str) -> None:
    async def answer(request: Request) -> Json:
        return failed(request, UNSUPPORTED, f"not supported: {why}")

    answer.__name__ = path.strip("/").replace("/", "_")
    answer.__annotations__["request"] = Request
    api.post(path, response_model=None, description=f"Not supported: {why}.")(answer)


async def _pieces(
    service: Service, project: Project, body: requests.Chat, stream: ChatStream, first: str | None
) -> AsyncIterator[bytes]:
    """Yield the events of an answer; one that breaks off ends with an error, and never with an end."""
    piece = first
    try:
        while piece is not None:
            yield chatting.event("text", piece)
            piece = await anyio.to_thread.run_sync(next, stream, None)  # an answer that has begun waits for no place
        await service.run(project, lambda: chatting.remember(project, body, stream.answer))
        yield chatting.event("end", "")
    except TreememError as error:
        yield chatting.event("error", str(error))
    finally:
        with anyio.CancelScope(shield=True):  # whoever hangs up cancels this
            await anyio.to_thread.run_sync(stream.close)


def _add_errors(api: FastAPI) -> None:
    @api.exception_handler(TreememError)
    async def refused(request: Request, error: TreememError) -> Json:
        code = code_of(error)
        if code == INTERNAL:
            _logger.error("request %s: %s", request.state.request_id, type(error).__name__)
        return failed(request, code, str(error))

    @api.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Json:
        return failed(request, INTERNAL, UNFORESEEN)

    @api.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Json:
        if isinstance(error.__cause__, Refusal):
            return failed(request, error.__cause__.code, str(error.__cause__))
        code = NOT_FOUND if error.status_code in (404, 405) else PARAMETERS
        told = {404: "there is no such route", 405: "this route takes another method"}
        answer = failed(request, code, told.get(error.status_code, str(error.detail)))
        answer.status_code = error.status_code
        return answer
