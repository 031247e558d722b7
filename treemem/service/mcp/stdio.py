"""The server over standard input and output: one client, which started it. It ends when the input does."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anyio
import anyio.from_thread
from anyio.lowlevel import EventLoopToken, current_token
from mcp.server.stdio import stdio_server

from treemem.service.mcp.binding import Binding
from treemem.service.mcp.server import MemoryServer

#: Bytes of a line, which is a message, at most: a document of the longest kind fits, whatever its script.
LONGEST = 16 * 1024 * 1024
_PIECE = 65_536
_logger = logging.getLogger(__name__)


class Lines:
    """The lines of standard input, read by a thread of its own.

    A read of standard input cannot be called off, and a thread of the pool would be waited for: Ctrl-C would be heard
    when the client says something, or never. This thread ends with the process, and holds no lock of Python's while it
    waits.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._send, self._receive = anyio.create_memory_object_stream[str](0)

    def start(self) -> None:
        """Begin to read; to be called in the event loop that reads the lines."""
        threading.Thread(target=self._read, args=(current_token(),), name="treemem-mcp-stdin", daemon=True).start()

    async def __aiter__(self) -> AsyncIterator[str]:
        async with self._receive:
            async for line in self._receive:
                yield line

    def _read(self, token: EventLoopToken) -> None:
        try:
            for line in self._lines():
                anyio.from_thread.run(self._send.send, line, token=token)
            anyio.from_thread.run_sync(self._send.close, token=token)
        except (RuntimeError, anyio.ClosedResourceError, anyio.BrokenResourceError):
            return  # the server has ended meanwhile, and its event loop with it

    def _lines(self) -> Iterator[str]:
        """Yield the lines until the input ends; leave out those that are too long."""
        held, length = bytearray(), 0
        while piece := os.read(self._descriptor, _PIECE):
            *ended, rest = piece.split(b"\n")
            for end in ended:
                if length + len(end) <= LONGEST:
                    yield bytes(held + end).decode("utf-8", errors="replace")
                else:
                    _logger.warning("a message of more than %d bytes was left out", LONGEST)
                held.clear()
                length = 0
            length += len(rest)
            if length <= LONGEST:
                held += rest


def serve(binding: Binding) -> None:
    """Serve until standard input ends. Nothing but the protocol goes to standard output, whoever prints."""
    if sys.stdin is None:  # it was closed before we began
        return
    server = MemoryServer(binding).protocol

    async def run() -> None:
        lines: Any = Lines(sys.stdin.fileno())
        lines.start()
        async with stdio_server(stdin=lines) as (reading, writing):
            await server.run(reading, writing, server.create_initialization_options())

    anyio.run(run)
