"""What both stores say and check in the same words."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from treemem.canonical import canonical_json
from treemem.changes import ChangeSet, Edge, Model, Operation, Receipt
from treemem.checks import shown
from treemem.errors import (
    ConflictError,
    InvalidInputError,
    LeaseError,
    ModelMismatchError,
    OperationMismatchError,
    StoreError,
    StoreUnavailableError,
)
from treemem.store.protocol import Lease, Subgraph
from treemem.temporal import END, Moment

#: No lease is taken for longer, in microseconds: two hours.
LONGEST_LEASE = 7_200 * 1_000_000


def properties_text(edge: Edge) -> str | None:
    """Return the properties of an edge as both stores keep them: JSON, None where there are none."""
    return canonical_json(edge.properties) if edge.properties else None


def edge_order(edge: Edge) -> tuple[Any, ...]:
    """Return what edges that were ever recorded are put in order by, on both stores."""
    return edge.source, edge.type.value, edge.target_kind.value, edge.target, edge.recorded_from, edge.valid_from


def properties_of(text: str | None) -> Mapping[str, Any]:
    """Return the properties of an edge as they were given."""
    return json.loads(text) if text else {}


def receipt_of(operation: Operation) -> Receipt:
    """Return the receipt of an operation that was applied before."""
    return Receipt(operation.id, operation.recorded_at, repeated=True, **operation.receipt)


def operation_mismatch(changes: ChangeSet) -> str:
    """Say that an operation id was used for another change set."""
    return (
        f"operation {changes.operation!r} was applied to cube {changes.cube!r} before, with other content; "
        "repeat a call with its own operation id, or choose a new one"
    )


def refuse_taken_batch(changes: ChangeSet, batch: Operation | None) -> None:
    """Raise OperationMismatchError if the id of a batch is taken: by a single operation, by another verb, or by a
    batch that is done and has no such part.
    """
    if batch is not None and (batch.payload_hash or batch.kind != changes.kind or batch.status == "done"):
        raise OperationMismatchError(operation_mismatch(replace(changes, operation=batch.id)))


def refuse_newer(memory_id: str | None) -> None:
    """Raise ConflictError if a memory changed after an erasure was planned."""
    if memory_id is not None:
        raise ConflictError(f"memory {memory_id!r} changed while its erasure was planned; nothing was erased")


def check_model(cube: str, embedder: str | None, dimension: int | None, wanted: Model | None) -> None:
    """Raise ModelMismatchError, with two ways out, if a cube was written with another embedding model."""
    if wanted is None or embedder is None or (embedder, dimension) == (wanted.name, wanted.dimension):
        return
    raise ModelMismatchError(
        f"cube {cube!r} holds vectors of {embedder!r} ({dimension} dimensions), the memory was opened with "
        f"{wanted.name!r} ({wanted.dimension}); open it with that embedder, call reembed() to "
        "change the cube's model, or choose another cube"
    )


def refuse_loading(cube: str, loading: str | None) -> None:
    """Raise StoreUnavailableError if an archive is being loaded into a cube."""
    if loading is not None:
        raise StoreUnavailableError(
            f"an archive is being imported into cube {cube!r}; wait for its end, import it again if it was cut off, or "
            "take it back by drop()"
        )


def refuse_end(cube: str, recorded_at: int) -> None:
    """Raise StoreError if a transaction would be at the end of all times, or behind it: what is recorded there is seen
    by no reader.
    """
    if recorded_at >= END:
        raise StoreError(
            f"cube {cube!r}: its clock stands at the end of all times, and nothing can be recorded after it: the clock "
            "of a machine was wrong. Write the cube out as it was known before, dump(folder, known_at=...), and load "
            "that into another cube"
        )


def claim_lost(cube: str) -> ConflictError:
    """Return the error for an archive that is not the one that is being loaded into a cube."""
    return ConflictError(
        f"cube {cube!r} was erased, or holds something else by now, while an archive was loaded into it; load it again"
    )


def lease_holds(expires: int, now: int, ttl: int) -> bool:
    """Return whether a lease that ends at `expires` still holds at `now`; times in microseconds.

    `ttl` is for how long whoever asks would take it. A lease that ends later than any lease can was taken by a machine
    whose clock was wrong, and does not hold.
    """
    return now < expires <= now + max(ttl, LONGEST_LEASE)


def check_lease(wanted: Lease, held: tuple[str, int] | None) -> None:
    """Raise LeaseError if a lease has passed from the holder that wants to write with it.

    `held` is the holder and the fence that the store has now, None if there is no lease.
    """
    if held != (wanted.holder, wanted.fence):
        raise LeaseError(
            f"cube {wanted.cube!r}: the lease of {wanted.holder!r} has passed to another worker; nothing was written, "
            "take a new turn and plan anew"
        )


def checked_bookmarks(bookmarks: Iterable[str]) -> list[str]:
    """Return bookmarks as a list, or raise InvalidInputError if they are not texts of printable ASCII characters."""
    found = [bookmarks] if isinstance(bookmarks, str) else list(bookmarks)
    for each in found:
        if not isinstance(each, str) or not each or not (each.isascii() and each.isprintable()):
            raise InvalidInputError(
                f"bookmarks: wanted texts as bookmarks() of another memory returned them, found {shown(each)}"
            )
    return found


def nothing(moment: Moment) -> Subgraph:
    """Return what a recall finds in a cube nothing was ever written to."""
    valid_at = moment.now if moment.valid_at is None else moment.valid_at
    return Subgraph(valid_at, moment.now if moment.known_at is None else moment.known_at)
