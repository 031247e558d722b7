"""The write protocol: what verbs need of a store."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from treemem.changes import ChangeSet, Erasure, Receipt
from treemem.store.protocol.data import Lease


class WriteStore(Protocol):
    """Changes of a cube. A change may be repeated: the id of its operation tells that it was made."""

    def apply(self, changes: ChangeSet, *, lease: Lease | None = None) -> Receipt:
        """Write a change set, or nothing. Applying the same operation again returns its receipt.

        With a `lease`, only while that is still the cube's. Its tasks come into the queue in the same
        transaction. Raises ConflictError, InvalidChangeError, OperationMismatchError, ModelMismatchError, LeaseError,
        QueueFullError, StoreError.
        """
        ...

    def begin(self, changes: ChangeSet) -> Callable[[], Receipt]:
        """Start an apply and return a function that waits for its receipt, or raises as `apply` does.

        A store on another machine works meanwhile; an embedded one is done when this returns.
        """
        ...

    def purge(self, changes: ChangeSet, erasure: Erasure) -> Receipt:
        """Erase memories with their states, sources and edges, and entities nothing else mentions; leave tombstones.

        `changes` says who, when and why, and has no rows. Raises OperationMismatchError, and ConflictError where
        something else came meanwhile.
        """
        ...

    def record_usage(self, cube: str, counts: Mapping[str, int], now: int) -> None:
        """Count so many recalls of each memory, in one write, beside the states; a read-only store counts none."""
        ...
