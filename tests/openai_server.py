"""A local HTTP server that speaks the protocols of OpenAI and Anthropic and answers from a script, faults included."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = Callable[[dict[str, Any]], Any]


class Streamed:
    """Pieces of an answer, sent as they come: bytes as they are, a dict as an event, seconds to wait, or "cut"."""

    def __init__(self, *pieces: bytes | dict[str, Any] | float | str) -> None:
        self.pieces = pieces


class Script:
    """What the server does next: a status to fail with, alone or with a body and headers, a function of the request,
    seconds to wait first, or "cut". `gone` is set when a client hangs up in the middle of a stream."""

    def __init__(self, default: Answer) -> None:
        self.default = default
        self.next: deque[int | float | str | tuple[Any, ...] | Answer] = deque()
        self.gone = threading.Event()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""


@contextmanager
def serving(default: Answer) -> Iterator[Script]:
    """A server on 127.0.0.1 whose `url` ends in /v1."""
    script = Script(default)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.requests.append({"path": self.path, **body})
            script.headers.append({name.lower(): value for name, value in self.headers.items()})
            step = script.next.popleft() if script.next else script.default
            if step == "cut":
                self._cut()
                return
            if isinstance(step, float):
                time.sleep(step)
                step = script.default
            if isinstance(step, tuple):
                self._send(*step)
            elif isinstance(step, int):
                self._send(step, {"error": {"message": f"scripted {step}", "type": "scripted"}})
            else:
                answer = step(body)
                self._send(*(answer if isinstance(answer, tuple) else (200, answer)))

        def _send(self, status: int, answer: Any, headers: dict[str, str] | None = None) -> None:
            if isinstance(answer, Streamed):
                self._stream(answer)
                return
            data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            try:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status == 429 and headers is None:
                    self.send_header("Retry-After", "0")
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the client went away, as it should from a slow answer

        def _stream(self, answer: Streamed) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for piece in answer.pieces:
                    if isinstance(piece, float):
                        time.sleep(piece)
                        continue
                    if isinstance(piece, str):  # "cut": the end of the chunks is never sent
                        self.close_connection = True
                        return
                    data = piece if isinstance(piece, bytes) else b"data: " + json.dumps(piece).encode() + b"\n\n"
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.write(b"0\r\n\r\n")
            except OSError:
                script.gone.set()
                self.close_connection = True

        def _cut(self) -> None:
            """Promise more than is sent, and hang up."""
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b'{"choices": [{"ind')
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    script.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
