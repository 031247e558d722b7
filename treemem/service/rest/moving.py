"""Export and import as streams, under /v1: a file that is written, or sent, piece by piece.

What travels lies in a file of the service's temporary folder meanwhile, so that neither way takes memory for it: an
export is written whole before its first byte is sent, so that what is sent is never half of one.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from treemem.errors import InvalidInputError, NotAllowedError
from treemem.memory import TreeTextMemory
from treemem.schemas.moved import EXPORTED, Export, Import
from treemem.schemas.plain import plain
from treemem.service.rest.answering import Service, answered, parsed, read
from treemem.service.rest.codes import PARAMETERS, Refusal
from treemem.service.rest.gate import IMPORT
from treemem.service.rest.projects import Project

_PIECE = 256 * 1024
EXPORT = "/v1/export"


def add_routes(api: FastAPI, service: Service) -> None:
    """Add both routes."""

    @api.post(EXPORT, response_model=None)
    async def v1_export(request: Request) -> Response:
        """Write the project, or what a user sees of it, as a file: all with history, or for others."""
        project = service.project(request, "read")
        user = _user(request, project)
        raw = await read(request)
        folder = tempfile.TemporaryDirectory(prefix="treemem-export-")

        def write() -> tuple[Path, str]:
            asked = parsed(Export, raw)
            ending, media_type = EXPORTED[asked.format]
            path = Path(folder.name) / f"memory{ending}"
            _seen_by(project, user).export(path, **asked.given())
            return path, media_type

        try:
            path, media_type = await service.run(project, write)
        except BaseException:
            folder.cleanup()
            raise
        headers = {
            "content-disposition": f'attachment; filename="{path.name}"',
            "content-length": str(path.stat().st_size),
        }
        return StreamingResponse(_pieces(path, folder), media_type=media_type, headers=headers)

    @api.post(IMPORT, response_model=None)
    async def v1_import(request: Request) -> Response:
        """Read a file, the body, into the project, or as what a user says: an archive, or what other programs wrote."""
        project = service.project(request, "write")
        user = _user(request, project)
        asked = parsed_query(request)
        with tempfile.TemporaryDirectory(prefix="treemem-import-") as folder:
            path = Path(folder) / "memory"
            async with await anyio.open_file(path, "wb") as file:
                async for piece in request.stream():
                    await file.write(piece)
            if not path.stat().st_size:
                raise Refusal(PARAMETERS, "body: wanted a file, found nothing")

            def load() -> Any:
                try:
                    done = plain(_seen_by(project, user).import_(path, **asked.given()))
                except (InvalidInputError, NotAllowedError) as error:
                    raise type(error)(_of_the_body(str(error), path)) from None
                return _of_the_body(done, path)

            return answered(request, await service.run(project, load))


def _user(request: Request, project: Project) -> str | None:
    """Return whose view is asked for; the whole project wants the right "admin". Raises Refusal."""
    user = request.query_params.get("user_id")
    if user is None:
        project.require("admin")
    return user


def _seen_by(project: Project, user: str | None) -> TreeTextMemory:
    return project.whole if user is None else project.of_user(user)


def _of_the_body(told: Any, path: Path) -> Any:
    """Return what is told of a file without where it lay: it is the client's, and its place here is not."""
    if isinstance(told, str):
        return told.replace(str(path), "body")
    if isinstance(told, (list, tuple)):
        return [_of_the_body(each, path) for each in told]
    return {name: _of_the_body(each, path) for name, each in told.items()} if isinstance(told, dict) else told


def parsed_query(request: Request) -> Import:
    """Return what the query says of an import. Raises InvalidInputError."""
    given: dict[str, Any] = {name: value for name, value in request.query_params.items() if name != "user_id"}
    for flag in ("merge", "skip"):
        if flag in given:
            given[flag] = {"true": True, "false": False}.get(given[flag].lower(), given[flag])
    return Import.read("import", given)


async def _pieces(path: Path, folder: tempfile.TemporaryDirectory[str]) -> AsyncIterator[bytes]:
    try:
        async with await anyio.open_file(path, "rb") as file:
            while piece := await file.read(_PIECE):
                yield piece
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(folder.cleanup)
