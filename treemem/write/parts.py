"""Parts: how one piece of work becomes transactions of at most a thousand rows each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from treemem.changes import ChangeSet, Part

#: The most rows that one transaction writes.
MAX_ROWS = 1_000


def in_parts(
    groups: Iterable[ChangeSet], operation: str, limit: int = MAX_ROWS, *, apart: bool = False
) -> Iterator[ChangeSet]:
    """Yield the change sets of one piece of work, merged into parts of at most `limit` rows each.

    Each group stays whole. Work that fits into one part is one plain operation; otherwise the parts are
    `<operation>/<n>` below the parent `operation`. Groups are consumed lazily. With `apart` those without states have
    parts of their own: beside a state that is there already, an edge of its memory would be taken for there as well.
    """
    index = 0
    pending: ChangeSet | None = None
    for whole in _packed(groups, limit, apart):
        if pending is not None:
            yield replace(pending, operation=f"{operation}/{index}", part=Part(operation, index, last=False))
            index += 1
        pending = whole
    if pending is None:
        return
    if index == 0:
        yield pending if pending.operation == operation else replace(pending, operation=operation)
    else:
        yield replace(pending, operation=f"{operation}/{index}", part=Part(operation, index, last=True))


def _packed(groups: Iterable[ChangeSet], limit: int, apart: bool) -> Iterator[ChangeSet]:
    pack: list[ChangeSet] = []
    entities: set[str] = set()
    rows = 0
    for group in groups:
        named = {e.id for e in group.entities}
        more = group.rows - len(group.entities) + len(named - entities)
        other = pack and (group.now != pack[0].now or (apart and bool(group.states) != bool(pack[0].states)))
        if pack and (rows + more > limit or other):
            yield _joined(pack)
            pack, entities, rows, more = [], set(), 0, group.rows
        pack.append(group)
        entities |= named
        rows += more
    if pack:
        yield _joined(pack)


def _joined(pack: list[ChangeSet]) -> ChangeSet:
    if len(pack) == 1:
        return pack[0]
    expected: dict[str, int] = {}
    for group in pack:
        expected.update(group.expected)
    return replace(
        pack[0],
        states=tuple(s for group in pack for s in group.states),
        edges=tuple(dict.fromkeys(e for group in pack for e in group.edges)),
        entities=tuple(dict.fromkeys(e for group in pack for e in group.entities)),
        sources=tuple(dict.fromkeys(s for group in pack for s in group.sources)),
        expected=expected,
    )
