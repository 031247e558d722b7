"""A TCP proxy that can fall silent or cut connections, for real network faults."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

from tests.neo4j_server import free_port


class Proxy:
    """Forwards 127.0.0.1:port to a server. `silent` swallows what the server says; `on_reply` may cut a connection."""

    def __init__(self, target_port: int) -> None:
        self.port = free_port()
        self.silent = threading.Event()
        self.on_reply: Callable[[bytes], bool] | None = None
        self._target = target_port
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        return f"bolt://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._open += [client, server]
            threading.Thread(target=self._pump, args=(client, server, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, reply: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if reply and self.silent.is_set():
                    continue
                if reply and self.on_reply is not None and self.on_reply(data):
                    break
                sink.sendall(data)
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
                end.close()

    def close(self) -> None:
        self._listener.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.close()
