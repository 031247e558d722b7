"""The lease protocol: what a worker's turn needs of a store."""

from __future__ import annotations

from typing import Protocol

from treemem.store.protocol.data import Lease


class LeaseStore(Protocol):
    """The right of one worker at a time to reorganize a cube. Every call names its cube."""

    def lease(self, cube: str, holder: str, now: int, ttl: int) -> Lease | None:
        """Take or renew the lease of a cube for `ttl` microseconds; None while another holder has it."""
        ...

    def current_lease(self, cube: str) -> Lease | None:
        """Return the lease that was taken last, which may have run out; None if there never was one."""
        ...

    def release(self, lease: Lease) -> None:
        """Give a lease back. Does nothing when it has passed to another holder."""
        ...
