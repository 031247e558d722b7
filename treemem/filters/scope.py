"""Filters that searches share: what an index can test by itself, who may see what, which types."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from treemem.filters.tree import (
    FIELDS,
    STATE_TIMES,
    And,
    Condition,
    Filter,
    Or,
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What an index can test by itself: memory types and statuses (None: all), and the first start of validity."""

    memory_types: tuple[str, ...] | None = None
    statuses: tuple[str, ...] | None = None
    valid_from: int | None = None


def split(tree: Filter | None) -> tuple[Bounds, Filter | None]:
    """Return the part of a filter that an index can test, and the rest (None: nothing is left)."""
    parts = list(_conjuncts(tree))
    types: set[str] | None = None
    statuses: set[str] | None = None
    low: int | None = None
    rest: list[Filter] = []
    for part in parts:
        name = part.field.name if isinstance(part, Condition) else ""
        if isinstance(part, Condition) and part.op in ("=", "in") and name in ("memory_type", "status"):
            values = {v for v in (part.value if part.op == "in" else (part.value,)) if v is not None}
            if name == "memory_type":
                types = values if types is None else types & values
            else:
                statuses = values if statuses is None else statuses & values
        elif isinstance(part, Condition) and part.op == "gte" and STATE_TIMES.get(name) == "valid_from":
            low = part.value if low is None else max(low, part.value)
        else:
            rest.append(part)
    bounds = Bounds(_sorted(types), _sorted(statuses), low)
    return bounds, None if not rest else rest[0] if len(rest) == 1 else And(tuple(rest))


def visible_to(user_id: str | None, session_id: str | None) -> Filter | None:
    """Return what a caller may see, None (everything) where no caller is given.

    Public memories; private ones of the user or of nobody; those of the session, if they are the user's or nobody's.
    """
    if user_id is None and session_id is None:
        return None
    visibility, user, session = FIELDS["visibility"], FIELDS["user_id"], FIELDS["session_id"]
    own = Condition(user, "in", (user_id, None) if user_id is not None else (None,))
    return Or(
        (
            Condition(visibility, "=", "public"),
            And((Condition(visibility, "=", "private"), own)),
            And((Condition(visibility, "=", "session"), own, Condition(session, "in", (session_id or "",)))),
        )
    )


def joined(*filters: Filter | None) -> Filter | None:
    """Return what passes all of the filters; None where there is none."""
    some = tuple(each for each in filters if each is not None)
    return some[0] if len(some) == 1 else And(some) if some else None


def of_types(memory_types: Sequence[str] | None) -> Filter | None:
    """Return a filter for memory types, None for all."""
    return None if memory_types is None else Condition(FIELDS["memory_type"], "in", tuple(memory_types))


def _sorted(values: set[str] | None) -> tuple[str, ...] | None:
    return None if values is None else tuple(sorted(values))


def _conjuncts(tree: Filter | None) -> Iterable[Filter]:
    if isinstance(tree, And):
        for part in tree.parts:
            yield from _conjuncts(part)
    elif tree is not None:
        yield tree
