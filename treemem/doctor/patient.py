"""What the checks ask of a store, whichever it is. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from treemem.doctor.finding import Finding
from treemem.queued import QueuedTask
from treemem.store.protocol import CubeInfo


class Patient(Protocol):
    """A store that is looked at, opened by nothing that would make or migrate it."""

    @property
    def readable(self) -> bool:
        """Whether cubes can be asked for, once `findings` was read to its end."""
        ...

    def findings(self) -> Iterator[Finding]:
        """Yield what is to be said of the store itself. Raises StoreError where it goes no further."""
        ...

    def cube(self, name: str) -> CubeInfo | None:
        """Return a cube, None if nothing was ever written to it."""
        ...

    def fixed_dimensions(self) -> dict[str, int]:
        """Return the vector indexes that take vectors of one length alone, with that length."""
        ...

    def failed_tasks(self, cube: str, limit: int) -> Sequence[QueuedTask]:
        """Return the newest tasks that failed."""
        ...

    def close(self) -> None: ...
