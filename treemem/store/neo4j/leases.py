"""The lease protocol on Neo4j."""

from __future__ import annotations

from treemem.store.neo4j import rows
from treemem.store.neo4j.calls import Calls
from treemem.store.protocol import Lease
from treemem.store.shared import LONGEST_LEASE
from treemem.temporal import BEGINNING


class Leases(Calls):
    """Leases of cubes, each a node of its own beside the cube's."""

    def lease(self, cube: str, holder: str, now: int, ttl: int) -> Lease | None:
        times = {
            "now": rows.time(now),
            "expires": rows.time(now + ttl),
            "latest": rows.time(now + max(ttl, LONGEST_LEASE)),
        }
        (row,) = self._write("take_lease", cube=cube, holder=holder, **times)
        return Lease(cube, holder, row["fence"], now + ttl) if row["free"] else None

    def current_lease(self, cube: str) -> Lease | None:
        found = self._read("current_lease", cube=cube)
        return Lease(cube, found[0]["holder"], found[0]["fence"], found[0]["expires"]) if found else None

    def release(self, lease: Lease) -> None:
        self._write("release_lease", cube=lease.cube, holder=lease.holder, fence=lease.fence, now=rows.time(BEGINNING))
