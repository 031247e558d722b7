"""What both stores say and check in the same words."""

from __future__ import annotations

from collections.abc import Iterable

from treemem.changes import ChangeSet, Model, Operation, Receipt
from treemem.errors import InvalidInputError, LeaseError, ModelMismatchError
from treemem.store.protocol import Lease, Subgraph
from treemem.temporal import Moment


def receipt_of(operation: Operation) -> Receipt:
    """Return the receipt of an operation that was applied before."""
    return Receipt(operation.id, operation.recorded_at, repeated=True, **operation.receipt)


def operation_mismatch(changes: ChangeSet) -> str:
    """Say that an operation id was used for another change set."""
    return (
        f"operation {changes.operation!r} was applied to cube {changes.cube!r} before, with other content; "
        "repeat a call with its own operation id, or choose a new one"
    )


def check_model(cube: str, embedder: str | None, dimension: int | None, wanted: Model | None) -> None:
    """Raise ModelMismatchError, with two ways out, if a cube was written with another embedding model."""
    if wanted is None or embedder is None or (embedder, dimension) == (wanted.name, wanted.dimension):
        return
    raise ModelMismatchError(
        f"cube {cube!r} holds vectors of {embedder!r} ({dimension} dimensions), the memory was opened with "
        f"{wanted.name!r} ({wanted.dimension}); open it with that embedder, call reembed() to "
        "change the cube's model, or choose another cube"
    )


def check_lease(wanted: Lease, held: tuple[str, int] | None) -> None:
    """Raise LeaseError if a lease has passed from the holder that wants to write with it."""
    if held != (wanted.holder, wanted.fence):
        raise LeaseError(
            f"cube {wanted.cube!r}: the lease of {wanted.holder!r} has passed to another worker; nothing was written, "
            "take a new turn and plan anew"
        )


def checked_bookmarks(bookmarks: Iterable[str]) -> list[str]:
    """Return bookmarks as a list, or raise InvalidInputError if they are not texts."""
    found = [bookmarks] if isinstance(bookmarks, str) else list(bookmarks)
    for each in found:
        if not isinstance(each, str) or not each:
            raise InvalidInputError(
                f"bookmarks: wanted texts as bookmarks() of another memory returned them, found {each!r}"
            )
    return found


def nothing(moment: Moment) -> Subgraph:
    """Return what a recall finds in a cube nothing was ever written to."""
    valid_at = moment.now if moment.valid_at is None else moment.valid_at
    return Subgraph(valid_at, moment.now if moment.known_at is None else moment.known_at)
