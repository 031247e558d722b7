"""Export and import as streams, under /v1: a file that is written, or sent, piece by piece.

What travels lies in a file of the service's temporary folder meanwhile, so that neither way takes memory for it: an
export is written whole before its first byte is sent, so that what is sent is never half of one.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

from treemem.errors import TreememError
from treemem.exchange.files import told
from treemem.memory import TreeTextMemory
from treemem.schemas.moved import EXPORTED, Export, Import
from treemem.schemas.plain import plain
from treemem.service.rest.answering import Service, answered, asked_user, parsed, read
from treemem.service.rest.codes import PARAMETERS, Refusal
from treemem.service.rest.gate import IMPORT
from treemem.service.rest.projects import Project
from treemem.service.running import BusyError

_PIECE = 256 * 1024
EXPORT = "/v1/export"
#: What errors call the place where a file lies meanwhile.
_FOLDER = Path("the service's temporary folder")


def add_routes(api: FastAPI, service: Service) -> None:
    """Add both routes."""
    importing: set[str] = set()

    @api.post(EXPORT, response_model=None)
    async def v1_export(request: Request) -> Response:
        """Write the project, or what a user sees of it, as a file: all with history, or for others."""
        project = service.project(request, "read")
        user = asked_user(request, project)
        raw = await read(request)
        with told(_FOLDER, "written"):
            folder = tempfile.TemporaryDirectory(prefix="treemem-export-")

        def write() -> tuple[Path, str]:
            asked = parsed(Export, raw)
            ending, media_type = EXPORTED[asked.format]
            path = Path(folder.name) / f"memory{ending}"
            with _named(path, "export"):
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
        user = asked_user(request, project)
        asked = parsed_query(request)
        if project.name in importing:
            raise BusyError("an import of this project is under way; try again when it has ended")
        importing.add(project.name)
        try:
            return answered(request, await imported(request, project, user, asked))
        finally:
            importing.discard(project.name)

    async def imported(request: Request, project: Project, user: str | None, asked: Import) -> Any:
        with contextlib.ExitStack() as until:
            with told(_FOLDER, "written"):
                folder = until.enter_context(tempfile.TemporaryDirectory(prefix="treemem-import-"))
                path = Path(folder) / "memory"
                async with await anyio.open_file(path, "wb") as file:
                    async for piece in request.stream():
                        await file.write(piece)
            if not path.stat().st_size:
                raise Refusal(PARAMETERS, "body: wanted a file, found nothing")

            def load() -> Any:
                with _named(path, "body"):
                    done = plain(_seen_by(project, user).import_(path, **asked.given()))
                return _without(path, done, "body")

            return await service.run(project, load)


def _seen_by(project: Project, user: str | None) -> TreeTextMemory:
    return project.whole if user is None else project.of_user(user)


@contextlib.contextmanager
def _named(path: Path, name: str) -> Iterator[None]:
    """Let errors call a file by a name: it is the client's, and its place here is not."""
    try:
        yield
    except TreememError as error:
        error.args = tuple(_without(path, error.args, name))
        raise


def _without(path: Path, said: Any, name: str) -> Any:
    """Return what is said of a file without where it lay."""
    if isinstance(said, str):
        for place in (path, path.resolve(), path.parent, path.parent.resolve()):
            said = said.replace(str(place), name)
        return said
    if isinstance(said, (list, tuple)):
        return [_without(path, each, name) for each in said]
    return {key: _without(path, value, name) for key, value in said.items()} if isinstance(said, dict) else said


def parsed_query(request: Request) -> Import:
    """Return what the query says of an import. Raises InvalidInputError."""
    given: dict[str, Any] = {name: value for name, value in request.query_params.items() if name != "user_id"}
    for flag in ("merge", "reembed", "skip"):
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
