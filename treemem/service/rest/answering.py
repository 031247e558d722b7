"""From a request to an answer: the key's right, then the body, then all that takes time in a thread.

Reading JSON, checking it, the verb and writing the answer are one piece of work of one thread, so that a large body
holds up nobody, and an answer costs one change of threads.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, ValidationError

from treemem.memory import TreeTextMemory
from treemem.service.rest.codes import EMPTY, LONG_USER, OK, PARAMETERS, Refusal, envelope, of_validation, status_of
from treemem.service.rest.gate import written
from treemem.service.rest.models import Models
from treemem.service.rest.projects import Project
from treemem.service.running import Runner
from treemem.storable import storable

T = TypeVar("T")
B = TypeVar("B", bound=BaseModel)
_JSON = "application/json; charset=utf-8"
#: Characters of a user's id.
LONGEST_USER = 100


class Json(JSONResponse):
    """An answer as JSON, with its charset said."""

    def __init__(self, content: Any, status_code: int = 200, headers: dict[str, str] | None = None) -> None:
        super().__init__(content, status_code, headers, media_type=_JSON)

    def render(self, content: Any) -> bytes:
        """Return the bytes of an answer."""
        return written(content)


@dataclass
class Service:
    """What the routes of one application share."""

    memory: TreeTextMemory
    models: Models | None
    runner: Runner = field(default_factory=Runner)

    def project(self, request: Request, right: str) -> Project:
        """Return the project of a request's key. Raises Refusal where it lacks the right."""
        project = Project(self.memory, request.state.access)
        project.require(right)
        return project

    async def run(self, project: Project, work: Callable[[], T]) -> T:
        """Return what `work` returns, done in a thread when it is the project's turn. Raises BusyError."""
        return await self.runner.run(lambda _: work(), owner=project.name)


def posted(
    api: FastAPI,
    service: Service,
    path: str,
    right: str,
    model: type[BaseModel],
    work: Callable[..., Any],
    *,
    of_user: bool = False,
) -> None:
    """Add a POST of JSON that an envelope answers.

    `work` is given the project, or, with `of_user`, the memory as the user in the query sees it, and the body.
    """

    async def answer(request: Request) -> Response:
        project = service.project(request, right)
        user = asked_user(request, project) if of_user else None
        raw = await read(request)

        def done() -> bytes:
            body = parsed(model, raw)
            on = project if not of_user else project.whole if user is None else project.of_user(user)
            return written(envelope(work(on, body), request_id=request.state.request_id))

        return Response(await service.run(project, done), media_type=_JSON)

    answer.__name__ = path.strip("/").replace("/", "_").replace("-", "_")
    api.post(path, response_model=None, description=work.__doc__)(answer)


def asked_user(request: Request, project: Project) -> str | None:
    """Return whose view the query asks for; None, the whole project, wants the right "admin". Raises Refusal."""
    user = request.query_params.get("user_id")
    if user is None:
        project.require("admin")
        return None
    if not user:
        raise Refusal(EMPTY, "user_id: wanted a user, found an empty text; leave it out for the whole project")
    if len(user) > LONGEST_USER:
        raise Refusal(LONG_USER, f"user_id: wanted at most {LONGEST_USER} characters")
    return storable(user, "user_id")


async def read(request: Request) -> bytes:
    """Return the bytes of a JSON body. Raises Refusal for what says that it is something else."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Refusal(PARAMETERS, "body: wanted Content-Type: application/json")
    return await request.body()


def parsed(model: type[B], raw: bytes) -> B:
    """Return a body as what was asked for. Raises Refusal, which repeats no value of it."""
    if not raw:
        raise Refusal(EMPTY, "body: required, and not given")
    try:
        data = json.loads(raw)
    except (ValueError, RecursionError):
        raise Refusal(PARAMETERS, "body: wanted JSON") from None
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise Refusal(*of_validation(error.errors(include_url=False))) from None


def answered(request: Request, data: Any) -> Json:
    """Return data in its envelope."""
    return Json(envelope(data, request_id=request.state.request_id))


def failed(request: Request, code: int, message: str) -> Json:
    """Return what went wrong in its envelope."""
    assert code != OK
    headers = {"retry-after": "1"} if status_of(code) in (429, 503) else None
    return Json(envelope(None, code, message, request.state.request_id), status_of(code), headers)
