"""The server over streamable HTTP: on this machine alone, unless it has a token and is told otherwise."""

from __future__ import annotations

import hmac
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from treemem.errors import ConfigError
from treemem.listening import address_of, is_local, listening, server_settings
from treemem.service.mcp.server import MemoryServer

HOST, PORT, PATH = "127.0.0.1", 8788, "/mcp"
#: The environment variable with the token that clients must have.
TOKEN = "TREEMEM_MCP_TOKEN"
#: Characters that a token must have at least.
SHORTEST_TOKEN = 16
#: Bytes of a request: a document of the longest kind fits, whatever its script.
LARGEST = 8 * 1024 * 1024
#: How many sessions there are at once, and the seconds after which one that is silent ends.
SESSIONS, SILENT = 100, 1_800.0
#: How many connections are answered at once, and the seconds that they have to end when the server does.
CONNECTIONS, GRACE = 200, 3

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Door:
    """Where a server listens and who may come in.

    `hosts` are further names under which clients reach it, `origins` further pages whose scripts may ask. A `token` is
    what each request must carry; without one only 127.0.0.1 and ::1 can be listened on. Raises ConfigError.
    """

    host: str = HOST
    port: int = PORT
    path: str = PATH
    token: str | None = field(default=None, repr=False)
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not is_local(self.host) and self.token is None:
            raise ConfigError(
                f"host: {self.host!r} is reached from other machines; set {TOKEN} to a secret of {SHORTEST_TOKEN} "
                f"characters at least, or listen on {HOST}"
            )
        if self.token is not None and not (len(self.token) >= SHORTEST_TOKEN and self.token.isascii()):
            raise ConfigError(f"{TOKEN}: wanted at least {SHORTEST_TOKEN} ASCII characters")
        if not 0 <= self.port < 1 << 16:
            raise ConfigError(f"port: wanted a number from 0 to 65535, found {self.port}")
        if not self.path.startswith("/") or any(c in self.path for c in "?#{} "):
            raise ConfigError(f"path: wanted one such as {PATH}, found {self.path!r}")
        for origin in self.origins:
            if urlsplit(origin).scheme not in ("http", "https") or origin.endswith("/"):
                raise ConfigError(f"allow-origin: wanted one such as https://app.example, found {origin!r}")


class Guard:
    """An ASGI application before the server's: refuses requests under other names, of other pages, without the token.

    A page of somebody else's can send requests to this machine, and can make a name of its own point here (DNS
    rebinding); neither has a Host and an Origin of ours.
    """

    def __init__(self, app: Any, door: Door, port: int) -> None:
        self._app = app
        self._token = None if door.token is None else door.token.encode()
        own = {"127.0.0.1", "localhost", "[::1]", f"[{door.host}]" if ":" in door.host else door.host}
        self._hosts = {f"{name}:{port}".lower() for name in own} | {name.lower() for name in door.hosts}
        self._origins = {f"http://{host}" for host in self._hosts} | {origin.lower() for origin in door.origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it with a status and a reason as JSON."""
        refused = self._refused(scope) if scope["type"] == "http" else None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await _refuse(send, *refused)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = [(name.lower(), value.decode("latin-1")) for name, value in scope["headers"]]

        def values(name: bytes) -> list[str]:
            return [value for each, value in headers if each == name]

        if [host.lower() for host in values(b"host")] not in [[host] for host in self._hosts]:
            return 421, "this server is not known by that name; start it with --allow-host for another one"
        if any(origin.lower() not in self._origins for origin in values(b"origin")):
            return 403, "a page of that origin may not ask here; start the server with --allow-origin for it"
        if self._token is None:
            return None
        kind, _, given = (values(b"authorization") or [""])[0].partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(given.strip().encode("latin-1"), self._token):
            return 401, "wanted the header Authorization: Bearer with the token of this server"
        return None


async def _refuse(send: Send, status: int, reason: str) -> None:
    content = json.dumps({"error": reason}).encode()
    headers = {"content-type": "application/json", "content-length": str(len(content)), "cache-control": "no-store"}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="treemem"'
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": pairs})
    await send({"type": "http.response.body", "body": content})


def application(server: MemoryServer, door: Door, port: int) -> Any:
    """Return the ASGI application of a server that is reached on `port`."""
    # The guard has looked at Host and Origin before; the SDK would compare them with what it takes for local.
    app = server.protocol.streamable_http_app(
        streamable_http_path=door.path,
        max_request_body_size=LARGEST,
        session_idle_timeout=SILENT,
        max_sessions=SESSIONS,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    return Guard(app, door, port)


def serve(server: MemoryServer, door: Door, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM: calls under way have some seconds to end then. `say` is given the address.

    Raises ConfigError if the port cannot be had.
    """
    made = listening(door.host, door.port)
    try:
        app = application(server, door, made.getsockname()[1])
        settings = server_settings(app, grace=GRACE, connections=CONNECTIONS, lifespan="on", log_level="warning")
        say(f"http://{address_of(door.host, made)}{door.path}")
        uvicorn.Server(settings).run([made])
    finally:
        made.close()
