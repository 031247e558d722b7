"""Writes to a cube that may be sealed or erased at that moment: they wait, or erase the rest of it first."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from treemem.errors import StoreError, StoreUnavailableError
from treemem.store.neo4j import erasing
from treemem.store.neo4j.calls import Calls

R = TypeVar("R")
#: How many memories, or other nodes, one transaction erases.
_BATCH = 200


class Admitting(Calls):
    """Runs writes, and repeats them where somebody else's erasure of the cube came between."""

    def _admitted(self, cube: str, write: Callable[[], R], first: Callable[[], R] | None = None) -> R:
        """Run a write to a cube, whose first try may have begun: wait while it is sealed, and erase what has to go."""
        deadline = time.monotonic() + self._connection.timeout
        call = write if first is None else first
        while True:
            try:
                return call()
            except erasing.BeingErasedError:
                self._erase_rest(cube)
            except erasing.SealedError:
                if time.monotonic() > deadline:
                    raise StoreUnavailableError(
                        f"{self.location}: cube {cube!r} is being backed up, to be erased then; nothing was written, "
                        "try again"
                    ) from None
                time.sleep(erasing.LOOK)
            except StoreError as error:
                if not erasing.vanished(error) or time.monotonic() > deadline:
                    raise
            call = write

    def _erase_rest(self, cube: str) -> None:
        """Erase what is left of a cube that is being erased, in parts; several may do so at once."""
        for name in ("erase_memories", "erase_others"):
            while (found := self._write(name, cube=cube, limit=_BATCH)) and found[0]["erased"]:
                pass
        self._write("erase_cube", cube=cube)
