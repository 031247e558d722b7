"""The command `browser`: a style, saved queries and a guide for Neo4j Browser, on disk or served to it."""

from __future__ import annotations

import contextlib
import html
import io
import re
import signal
import sys
import threading
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from treemem.cli.shell import AsJson, app, say
from treemem.errors import InvalidInputError
from treemem.exchange import files as files_
from treemem.locations import require_file
from treemem.store.neo4j.statements import folder

STYLE, QUERIES, GUIDE = "treemem.grass", "treemem-queries.zip", "treemem-guide.html"
_TYPES = {STYLE: "text/plain; charset=utf-8", QUERIES: "application/zip", GUIDE: "text/html; charset=utf-8"}
#: How many are answered at once. Browser opens six connections at most.
MOST = 32
#: A fixed time, so that the same queries are the same bytes: the earliest that a ZIP archive can say.
_WHEN = (1980, 1, 1, 0, 0, 0)
_PLACE = re.compile(r"\{\{(\w{1,40})\}\}")


def kit() -> dict[str, bytes]:
    """Return the files by name: the style in GraSS, the queries as Browser imports them, the guide as HTML."""
    texts = {p.name.partition(".")[0]: p.read_text("utf-8") for p in (folder() / "explore").iterdir()}
    browser = folder() / "browser"
    return {
        STYLE: (browser / STYLE).read_bytes(),
        QUERIES: _zipped(texts),
        GUIDE: _guide((browser / GUIDE).read_text("utf-8"), texts),
    }


def title(text: str) -> str:
    """Return what the first line of a query, a comment, calls it."""
    return text.partition("\n")[0].removeprefix("// ")


def _zipped(texts: dict[str, str]) -> bytes:
    """Return the queries in a folder of a ZIP archive, which both Browsers import; one takes the names of the files."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("treemem/", _WHEN), "")
        for name in sorted(texts):
            shown = title(texts[name]).replace(":", " -")
            archive.writestr(zipfile.ZipInfo(f"treemem/{shown}.cypher", _WHEN), texts[name], zipfile.ZIP_DEFLATED)
    return kept.getvalue()


def _guide(page: str, texts: dict[str, str]) -> bytes:
    """Return the guide with the queries in their places."""
    return _PLACE.sub(lambda place: html.escape(texts[place[1]].strip(), quote=False), page).encode()


class _Handler(BaseHTTPRequestHandler):
    """Answers with a file of the kit, to pages of any origin: Browser asks from its own, and the files are public."""

    files: dict[str, bytes]
    #: Seconds that a client may be silent.
    timeout = 10

    def do_OPTIONS(self) -> None:
        """Allow the headers with which Browser asks for a guide."""
        self.send_response(204)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Access-Control-Allow-Headers", "*")
        self.end_headers()

    def do_HEAD(self) -> None:
        self._head()

    def do_GET(self) -> None:
        self.wfile.write(self._head())

    def _head(self) -> bytes:
        """Send all but the body, and return that."""
        name = self.path.partition("?")[0].removeprefix("/")
        body = self.files.get(name)
        self.send_response(404 if body is None else 200)
        self.send_header("Access-Control-Allow-Origin", "*")
        self.send_header("Content-Type", _TYPES.get(name, "text/plain; charset=utf-8"))
        body = b"There is no such file here.\n" if body is None else body
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        return body

    def send_response(self, code: int, message: str | None = None) -> None:
        """Begin an answer without the header that names the version of Python."""
        self.send_response_only(code, message)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing of what is asked for."""


class _Server(ThreadingHTTPServer):
    """Hangs up on those who come when so many are being answered already."""

    def __init__(self, port: int, handler: type[_Handler]) -> None:
        self._free = threading.BoundedSemaphore(MOST)
        super().__init__(("127.0.0.1", port), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        try:
            super().process_request(request, client_address)
        except BaseException:
            self._free.release()
            raise

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that hung up or was silent for too long."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def server(port: int) -> ThreadingHTTPServer:
    """Return a server of the kit on this machine alone; `port` 0 takes a free one. Raises InvalidInputError."""
    handler = type("Handler", (_Handler,), {"files": kit()})
    try:
        return _Server(port, handler)
    except (OSError, OverflowError) as error:
        raise InvalidInputError(f"port {port} cannot be listened on: {error}; choose another, or 0 for any") from error


def _writer(body: bytes) -> Callable[[IO[bytes]], int]:
    return lambda file: file.write(body)


@app.command()
def browser(
    port: Annotated[int, typer.Option(help="The port to serve on; 0 takes a free one.")] = 7480,
    to: Annotated[Path | None, typer.Option(help="Write the files into this folder, and serve nothing.")] = None,
    as_json: AsJson = False,
) -> None:
    """Give Neo4j Browser a style, saved queries and a guide, served on this machine until Ctrl-C."""
    if to is not None:
        require_file(to, "to")
        found = kit()
        files_.private_folder(to)
        files_.write_together(to, {name: _writer(body) for name, body in found.items()})
        say(as_json, {"folder": str(to), "files": sorted(found)}, f"{to}: {', '.join(sorted(found))}")
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt), server(port) as serving:
        where = f"http://localhost:{serving.server_address[1]}"
        told = (
            "In Neo4j Browser:",
            f"  :style {where}/{STYLE}",
            f"  :play {where}/{GUIDE}",
            f"Saved queries: {where}/{QUERIES} is a file to import under Saved Cypher, or to drop on Browser.",
            "Ctrl-C ends.",
        )
        links = {"style": f"{where}/{STYLE}", "guide": f"{where}/{GUIDE}", "queries": f"{where}/{QUERIES}"}
        say(as_json, links, "\n".join(told), soft_wrap=True)  # a link that is cut in two leads nowhere
        sys.stdout.flush()  # whoever started it reads the links through a pipe
        serving.serve_forever()
