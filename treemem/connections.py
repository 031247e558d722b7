"""Connections to our servers, which end where a client begins a request and does not go on with it.

A server answers a bounded number of connections at once, and uvicorn waits for the rest of a request without end: a
hundred clients that send half of one would keep everybody else out.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

#: Seconds in which the head of a request must be there, from when the connection, or its first byte, is.
HEAD = 10.0
#: Seconds in which the next bytes of a body must come.
BODY = 60.0


class PatientConnection(H11Protocol):
    """uvicorn's connection by h11, closed where the rest of a request does not come."""

    _waiting: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the head of the first request."""
        super().connection_made(transport)
        self._wait(HEAD)

    def data_received(self, data: bytes) -> None:
        """Read bytes, and wait for those that are missing: for a head once, for a body each time anew."""
        super().data_received(data)
        if self.conn.their_state is h11.SEND_BODY:
            self._stop()
            self._wait(BODY)
        elif self.conn.their_state is not h11.IDLE or self.transport.is_closing():
            self._stop()
        elif self._waiting is None:
            self._wait(HEAD)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop()
        super().connection_lost(exc)

    def _wait(self, seconds: float) -> None:
        self._waiting = self.loop.call_later(seconds, self._end)

    def _stop(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _end(self) -> None:
        self._waiting = None
        if self.conn.their_state is h11.SEND_BODY and (
            self.flow.read_paused or self.conn.they_are_waiting_for_100_continue
        ):
            self._wait(BODY)  # it is for us to go on
        elif self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self.transport.close()
