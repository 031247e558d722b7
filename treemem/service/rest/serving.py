"""Serves the application: on this machine alone, unless it has keys and is told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import uvicorn

from treemem.errors import ConfigError
from treemem.listening import address_of, is_local, listening, server_settings

HOST, PORT = "127.0.0.1", 8790
#: How many connections are answered at once, and the seconds that requests have to end when the service does.
CONNECTIONS, GRACE = 200, 10


@dataclass(frozen=True, slots=True)
class Address:
    """Where a service listens; with `certificate` and `certificate_key` (PEM files) it speaks TLS. Raises ConfigError.

    What other machines reach wants keys, and TLS unless `behind_proxy` says that somebody in front of it speaks it.
    """

    host: str = HOST
    port: int = PORT
    certificate: str | None = None
    certificate_key: str | None = None
    behind_proxy: bool = False
    open: bool = False
    connections: int = CONNECTIONS

    def __post_init__(self) -> None:
        if not 0 <= self.port < 1 << 16:
            raise ConfigError(f"port: wanted a number from 0 to 65535, found {self.port}")
        if (self.certificate is None) != (self.certificate_key is None):
            raise ConfigError("TLS: wanted --tls-certificate and --tls-key, found one of them")
        if self.is_local:
            return
        if self.open:
            raise ConfigError(f"host: {self.host!r} is reached from other machines, and --no-keys is for {HOST} alone")
        if self.certificate is None and not self.behind_proxy:
            raise ConfigError(
                f"host: {self.host!r} is reached from other machines, which would send keys in the clear; give "
                "--tls-certificate and --tls-key, or say --behind-proxy where a proxy speaks TLS for it"
            )

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the service."""
        return is_local(self.host)


def serve(app: Any, address: Address, say: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM: requests under way have some seconds to end then. `say` is given the address.

    Raises ConfigError if the port cannot be had, or the certificate not be read.
    """
    made = listening(address.host, address.port)
    try:
        settings = server_settings(
            app,
            grace=GRACE,
            connections=address.connections,
            lifespan="on",
            log_level="warning",
            ssl_certfile=address.certificate,
            ssl_keyfile=address.certificate_key,
        )
        try:
            settings.load()
        except OSError as error:  # ssl.SSLError is one
            raise ConfigError(f"TLS: the certificate or its key cannot be read ({error.strerror or error})") from error
        scheme = "http" if address.certificate is None else "https"
        say(f"{scheme}://{address_of(address.host, made)}")
        uvicorn.Server(settings).run([made])
    finally:
        made.close()
