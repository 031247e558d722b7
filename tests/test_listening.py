"""Our servers wait a bounded time for a request that was begun."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn")
import uvicorn

from treemem import connections
from treemem.listening import listening, server_settings

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body of a request; slowly, in two pieces, for /slow."""
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"12")]})
    await send({"type": "http.response.body", "body": b"ok", "more_body": True})
    if scope["path"] == "/slow":
        await asyncio.sleep(1.2)
    await send({"type": "http.response.body", "body": body.ljust(10, b".")})


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connections, "HEAD", 0.4)
    monkeypatch.setattr(connections, "BODY", 0.6)
    with contextlib.closing(listening("127.0.0.1", 0)) as made:
        server = uvicorn.Server(server_settings(app, grace=1, connections=20, lifespan="off", log_level="critical"))
        thread = threading.Thread(target=server.run, args=([made],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield made.getsockname()[1]
        server.should_exit = True
        thread.join(5)


@contextlib.contextmanager
def connected(port: int, *pieces: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as made:
        for piece in pieces:
            made.sendall(piece)
        yield made


def answer(made: socket.socket) -> bytes:
    """What comes until the answer is whole, or the connection ends."""
    found = b""
    while not (found.endswith(b".") or found.endswith(b"0123456789")):
        piece = made.recv(1_000)
        if not piece:
            break
        found += piece
    return found


def test_half_requests_keep_nobody_out(port: int) -> None:
    with contextlib.ExitStack() as held:
        for _ in range(25):
            held.enter_context(connected(port, b"GET / HTTP/1.1\r\nHo"))
        with connected(port, GET) as other:
            assert b"503" in other.recv(1_000)
        time.sleep(0.8)
        with connected(port, GET) as other:
            assert answer(other).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize("sent", [b"", b"GET", GET, POST, POST + b"01234"])
def test_what_does_not_go_on_is_closed(port: int, sent: bytes) -> None:
    with connected(port, sent) as made:
        if sent == GET:
            assert answer(made).startswith(b"HTTP/1.1 200")
            made.sendall(b"GET")  # of the next request
        made.settimeout(3)
        assert made.recv(1_000) == b""


def test_a_head_is_not_sent_byte_by_byte_for_ever(port: int) -> None:
    started = time.monotonic()
    with connected(port) as made, contextlib.suppress(ConnectionError):
        while time.monotonic() - started < 5:
            made.sendall(b"G")
            time.sleep(0.05)
    assert time.monotonic() - started < 3


def test_what_goes_on_slowly_is_answered(port: int) -> None:
    with connected(port, POST) as made:
        for digit in b"0123456789":
            time.sleep(0.1)
            made.sendall(bytes([digit]))
        assert answer(made).endswith(b"ok0123456789")
        for path in (b"/slow", b"/"):
            made.sendall(GET.replace(b"/", path, 1))
            assert answer(made).endswith(b"ok..........")


def test_connections_send_small_answers_at_once() -> None:
    """asyncio sets TCP_NODELAY where the socket says that it speaks TCP."""
    with listening("127.0.0.1", 0) as made:
        assert made.proto == socket.IPPROTO_TCP
