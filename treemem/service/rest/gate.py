"""What stands before the routes: paths as clients write them, keys, sizes, and a request id on every answer.

A request is refused here before its body is read, where that can be. Nothing of a request is logged but its method, the
route and how it ended.
"""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect

from treemem.errors import TreememError
from treemem.service.access import Access, FixedKeys, Keys, NoKeys
from treemem.service.rest.codes import (
    BAD_KEY,
    INTERNAL,
    LARGE_FILE,
    NO_KEY,
    NO_RIGHT,
    Refusal,
    code_of,
    envelope,
    status_of,
)
from treemem.service.rest.metrics import CONTENT_TYPE, Metrics
from treemem.service.rest.rates import Rates

if TYPE_CHECKING:
    from treemem.service.rest.tracing import Traces

_logger = logging.getLogger("treemem.service.rest")
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

#: What is told of a mistake of the service's own.
UNFORESEEN = "not foreseen: the service made a mistake; its log says more"
#: Bytes of a request with JSON, of one that brings messages or texts, and of one with files.
LARGEST, LARGEST_TEXTS, LARGEST_UPLOAD = 1024 * 1024, 16 * 1024 * 1024, 320 * 1024 * 1024
#: Paths that bring messages or texts.
TEXTS = (
    "/add/message",
    "/extract/memory",
    "/rerank",
    "/v1/add",
    "/v1/add_messages",
    "/v1/add_document",
    "/v1/plan/apply",
)
UPLOAD = "/add/knowledgebase-file"
#: Where a whole memory comes in as a file, and its bytes at most.
IMPORT, LARGEST_IMPORT = "/v1/import", 1024 * 1024 * 1024
#: Paths that answer without a key: whether the service lives says nothing of what it holds.
OPEN = ("/health", "/ready", "/ping", "/openapi.json", "/docs")
#: Where counts and times are read, without a key, by a service that was told to have them.
METRICS = "/metrics"
#: What clients put before the paths, beside the base path of the service.
_PREFIXES = ("/api/openmem/v1", "/v1")
_LARGEST = {**dict.fromkeys(TEXTS, LARGEST_TEXTS), UPLOAD: LARGEST_UPLOAD, IMPORT: LARGEST_IMPORT}
#: How many keys are looked up at a time, where that may read a file.
_ASKED_AT_ONCE = 4
_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Gate:
    """An ASGI application before the service's own. With `metrics` it counts requests and shows the counts."""

    def __init__(
        self,
        app: Any,
        keys: Keys,
        base_path: str,
        hosts: tuple[str, ...],
        metrics: Metrics | None = None,
        rates: Rates | None = None,
        traces: Traces | None = None,
    ) -> None:
        self._traces = traces
        self._rates = rates
        self._metrics = metrics
        self._app = app
        self._keys = keys
        self._asking = anyio.CapacityLimiter(_ASKED_AT_ONCE)
        self._prefixes = tuple(p for p in (base_path.rstrip("/"), *_PREFIXES) if p)
        self._hosts = {host.lower() for host in hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a code."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value for name, value in scope["headers"]}
        if self._traces is None:
            await self._answer(scope, headers, receive, send)
            return
        with self._traces.request(scope, headers) as ended:
            ended.route, ended.status = await self._answer(scope, headers, receive, send)

    async def _answer(
        self, scope: Scope, headers: dict[bytes, bytes], receive: Receive, send: Send
    ) -> tuple[str | None, int]:
        """Answer a request; return its route, None where there is none, and its status, 0 where the client had gone."""
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        request_id = given if _ID.fullmatch(given) else uuid.uuid4().hex
        path = self._path(scope["path"])
        scope = {**scope, "path": path, "raw_path": path.encode("utf-8", "surrogatepass"), "root_path": ""}
        scope["state"] = {**scope.get("state", {}), "request_id": request_id}
        begun, status = time.monotonic(), 0

        async def sending(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                extra = [(b"x-request-id", request_id.encode()), (b"cache-control", b"no-store")]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        try:
            try:
                if path == METRICS and self._metrics is not None and scope["method"] in ("GET", "HEAD"):
                    scope["route"] = _Named(METRICS)
                    await _show(sending, self._metrics.written())
                    return METRICS, status
                if path.rstrip("/") not in OPEN:
                    access = await self._access(headers)
                    if self._rates is not None:
                        self._rates.take(access.project)
                    scope["state"]["access"] = access
                largest = _LARGEST.get(path, LARGEST)
                declared = headers.get(b"content-length", b"0")
                if not declared.isdigit() or int(declared) > largest:
                    raise Refusal(LARGE_FILE, f"body: wanted at most {largest} bytes")
                await self._app(scope, _bounded(receive, largest), sending)
            except TreememError as error:
                if status:
                    raise
                code = code_of(error)
                await refuse(sending, code, str(error), request_id)
        except ClientDisconnect:
            status = 0  # whoever asked has gone: there is nobody to answer, and nothing wrong here
        except Exception:
            _logger.exception("request %s failed", request_id)
            if not status:
                await refuse(sending, INTERNAL, UNFORESEEN, request_id)
        finally:
            route = getattr(scope.get("route"), "path", None)
            took = time.monotonic() - begun
            _logger.info("%s %s %s %.3fs %s", scope["method"], route or "-", status or "gone", took, request_id)
            if self._metrics is not None:
                self._metrics.ended(scope["method"], route, status, took)
        return route, status

    def _path(self, path: str) -> str:
        """Return the path of a route: without double slashes before it, and without what clients put before it."""
        path = "/" + path.lstrip("/")
        for prefix in self._prefixes:
            if path == prefix or path.startswith(prefix + "/"):
                rest = "/" + path[len(prefix) :].lstrip("/")
                if prefix != "/v1" or rest.startswith(("/get/memory/", "/ping")):
                    path = rest
        return path.rstrip("/") or "/" if not path.startswith("/get/memory/") else path

    async def _access(self, headers: dict[bytes, bytes]) -> Access:
        """Return what the request's key opens. Raises Refusal."""
        if isinstance(self._keys, NoKeys):
            self._require_local(headers)
        kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        token = token.strip() if kind.lower() in ("token", "bearer") else ""
        if not token and not isinstance(self._keys, NoKeys):
            raise Refusal(NO_KEY, "wanted the header Authorization: Token with a key of this service")
        if isinstance(self._keys, (FixedKeys, NoKeys)):
            access = self._keys.access(token)
        else:  # may read a file
            access = await anyio.to_thread.run_sync(self._keys.access, token, limiter=self._asking)
        if access is None:
            raise Refusal(BAD_KEY, "this key is not known, or not valid any more")
        return access

    def _require_local(self, headers: dict[bytes, bytes]) -> None:
        """Raise Refusal for a request that a page of somebody else's could have sent: without keys nothing else tells.

        A page can send requests to this machine, and can make a name of its own point here (DNS rebinding).
        """
        host = headers.get(b"host", b"").decode("latin-1").lower()
        name = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
        if b"origin" in headers or not (_is_loopback(name.strip("[]")) or host in self._hosts):
            raise Refusal(NO_RIGHT, "a service without keys answers programs of its own machine alone")


class _Named(NamedTuple):
    """Stands for a route that the gate answers itself."""

    path: str


async def _show(send: Send, text: bytes) -> None:
    headers = [(b"content-type", CONTENT_TYPE.encode()), (b"content-length", str(len(text)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": text})


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _bounded(receive: Receive, largest: int) -> Receive:
    """Return what gives the parts of a body until they are too many together."""
    seen = 0

    async def receiving() -> dict[str, Any]:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > largest:
            raise Refusal(LARGE_FILE, f"body: wanted at most {largest} bytes")
        return message

    return receiving


async def refuse(send: Send, code: int, message: str, request_id: str) -> None:
    """Send an envelope with a code."""
    body = written(envelope(None, code, message, request_id))
    headers = [(b"content-type", b"application/json; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    if code in (NO_KEY, BAD_KEY):
        headers.append((b"www-authenticate", b'Token realm="treemem"'))
    if status_of(code) in (429, 503):
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status_of(code), "headers": headers})
    await send({"type": "http.response.body", "body": body})


def written(data: Any) -> bytes:
    """Return an answer as JSON in UTF-8."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
