"""Where our servers listen, and how: the same sockets and settings for the page, for MCP and for REST."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any

from treemem.errors import ConfigError

if TYPE_CHECKING:
    import uvicorn

#: Bytes of the head of a request.
_LARGEST_HEAD = 65_536


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address; port 0 is any that is free. Raises ConfigError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named, asyncio sends small answers at once (TCP_NODELAY); without, they wait 40 ms for an ACK.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(128)
    except OSError as error:
        made.close()
        raise ConfigError(
            f"port {port} of {host} cannot be had ({error.strerror}); choose another one, 0 for any that is free"
        ) from error
    return made


def is_local(host: str) -> bool:
    """Return whether only this machine reaches a server that listens on an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address_of(host: str, made: socket.socket) -> str:
    """Return host and port as they stand in a URL."""
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{made.getsockname()[1]}"


def server_settings(app: Any, *, grace: int, connections: int, **more: Any) -> uvicorn.Config:
    """Return the settings of a server that says nothing of itself and logs no request.

    Requests under way have `grace` seconds when it is told to end; beyond `connections` at once it answers 503. A
    client that begins a request and does not go on with it is not waited for (`treemem/connections.py`). `more` goes
    to uvicorn. Raises ImportError where uvicorn is not installed.
    """
    import uvicorn

    from treemem.connections import PatientConnection

    return uvicorn.Config(
        app,
        http=PatientConnection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=grace,
        h11_max_incomplete_event_size=_LARGEST_HEAD,
        limit_concurrency=connections,
        **more,
    )
