"""What a request must be before it is looked at: from this machine's page, with this start's token, and not too long.

A page of somebody else's in the same browser can send requests to 127.0.0.1 too. It cannot read the token, its Origin
is another, and a name that it made point here (DNS rebinding) is no Host of ours.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

#: The most bytes of a request's body. Nothing that the page sends is near it.
LARGEST = 65_536
TOKEN = "x-treemem-token"
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Mapping[str, str] = {
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Guard:
    """An ASGI application before another one: refuses what is not the page's own request."""

    def __init__(self, app: Any, *, token: str, hosts: frozenset[str], write: bool) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = hosts
        self._write = write

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a status and a reason as JSON."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            raise RuntimeError(f"wanted a request over HTTP, found {scope['type']}")
        refused = self._refused(scope)
        body = b""
        if refused is None and scope["method"] == "POST":
            body, refused = await _body(scope, receive)
        if refused is not None:
            await _answer(send, *refused)
            return

        async def once() -> dict[str, Any]:
            nonlocal body
            given, body = body, b""
            return {"type": "http.request", "body": given, "more_body": False}

        async def with_headers(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                own = [(n.encode(), v.encode()) for n, v in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        await self._app(scope, once if scope["method"] == "POST" else receive, with_headers)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers: dict[str, list[str]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
        if [h.lower() for h in headers.get("host", ())] not in [[host] for host in self._hosts]:
            return 421, "this is a page of 127.0.0.1 alone; open the address that treemem view printed"
        origins = {f"http://{host}" for host in self._hosts}
        if any(origin not in origins for origin in headers.get("origin", ())):
            return 403, "a page of another origin may not ask here"
        sites = headers.get("sec-fetch-site", ())
        if scope["path"].startswith("/api/") and any(site not in ("same-origin", "none") for site in sites):
            return 403, "a page of another site may not ask here"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, f"wanted GET or POST, found {scope['method'][:20]}"
        if not scope["path"].startswith("/api/"):
            return None
        given = headers.get(TOKEN, [""])
        if len(given) != 1 or not hmac.compare_digest(given[0].encode(), self._token):
            return 401, "the token of this start is missing; open the address that treemem view printed last"
        if scope["method"] == "POST" and not self._write:
            return 403, "the viewer is read-only; start it with --write to change the memory"
        return None


async def _body(scope: Scope, receive: Receive) -> tuple[bytes, tuple[int, str] | None]:
    """Return the whole body, or why it is not taken."""
    kinds = [v for n, v in scope["headers"] if n.lower() == b"content-type"]
    if [kind.split(b";")[0].strip().lower() for kind in kinds] != [b"application/json"]:
        return b"", (415, "wanted a body of application/json")
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"", (400, "the request was cut off")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST:
            return b"", (413, f"wanted at most {LARGEST} bytes, found more")
    return body, None


async def _answer(send: Send, status: int, reason: str) -> None:
    content = json.dumps({"error": reason, "kind": "Refused"}).encode()
    headers = {
        **HEADERS,
        "content-type": "application/json",
        "content-length": str(len(content)),
        "connection": "close",
    }
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})
