"""What the integrations share: records kept under ids of their own, and bytes kept in metadata.

A record is a memory whose id its user chose or that follows from a key. Written again it is updated, and its history
kept; written again as it is, nothing happens.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from treemem.errors import ConfigError, InvalidInputError, MemoryExistsError, MemoryNotFoundError, NotAllowedError
from treemem.filters import FilterLike
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.models.embedders import CallableEmbedder
from treemem.temporal import Clock, system_clock

Record = Mapping[str, Any]
#: The namespace of ids that are made of keys.
_KEYS = uuid.UUID("8f0f6a0b-3d57-4a9a-8a3e-5c1d9a6e2b74")
#: Characters of one piece of base64, a multiple of 4, and the pieces that one memory takes: 4,000,000 characters fit.
_PIECE, _PIECES = 900_000, 4
#: The bytes that one memory holds.
MOST_BYTES = _PIECE * _PIECES // 4 * 3


def missing(package: str, extra: str, error: ImportError) -> ConfigError:
    """Return what to raise where a framework is not installed."""
    return ConfigError(f"{package} is not installed ({error}): pip install 'treemem[{extra}]'")


def id_of(*parts: str) -> str:
    """Return the id of the memory that keeps what has this key."""
    return str(uuid.uuid5(_KEYS, json.dumps(parts)))


def put(memory: TreeTextMemory, records: Iterable[Record]) -> None:
    """Write memories, each a dict with `id`, `memory` and perhaps `info` and other metadata; the last of an id wins.

    What is new is added, what has changed is updated, what was deleted comes back with what it says now. An `embedding`
    is taken for what is new alone.
    """
    wanted = {str(record["id"]): record for record in records}
    held = {item.id: item for item in memory.get_by_ids(wanted)}
    new = [record for memory_id, record in wanted.items() if memory_id not in held]
    try:
        if new:
            memory.add(map(dict, new))
    except MemoryExistsError:  # some were deleted, or somebody was faster
        for record in new:
            _put_again(memory, record)
    for memory_id, item in held.items():
        _change(memory, item, wanted[memory_id])


def _put_again(memory: TreeTextMemory, record: Record) -> None:
    memory_id = str(record["id"])
    try:
        memory.add(dict(record))
        return
    except MemoryExistsError:
        pass
    if not memory.get_by_ids([memory_id]):
        memory.restore(memory_id)
        owner = memory.get(memory_id).metadata.user_id
        if owner != memory.user_id and memory.user_id is not None:
            memory.delete(memory_id)
            raise NotAllowedError(f"{memory_id!r} was somebody else's memory, and stays deleted; choose another id")
        # Who sees it is as of one that is new: what was public once must not make public what is said now.
        of_a_session = memory.user_id is None and memory.session_id is not None
        record = {"visibility": "session" if of_a_session else "private", **record}
    _change(memory, memory.get(memory_id), record)


def _change(memory: TreeTextMemory, item: TextualMemoryItem, record: Record) -> None:
    now, info = item.metadata.info, dict(record.get("info") or {})
    gone = {name: None for name, value in now.items() if name not in info and value is not None}
    others = {name: value for name, value in record.items() if name not in ("id", "memory", "info", "embedding")}
    unchanged = (
        item.memory == record["memory"]
        and not gone
        and all(name in now and same(now[name], value) for name, value in info.items())
        and all(getattr(item.metadata, name, None) == value for name, value in others.items())
    )
    if not unchanged:
        memory.update(item.id, str(record["memory"]), info={**gone, **info}, **others)


def same(one: Any, other: Any) -> bool:
    """Return whether two JSON values are equal and of the same kind: 1, 1.0 and True are three values."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def hide(memory: TreeTextMemory, ids: Sequence[str]) -> list[str]:
    """Delete the memories of these ids that are there, and return their ids; the others are passed over."""
    return hide_seen(memory, list(dict.fromkeys(item.id for item in memory.get_by_ids(ids))))


def hide_seen(memory: TreeTextMemory, ids: Sequence[str]) -> list[str]:
    """Delete memories that were there a moment ago, and return the ids of those that still were."""
    try:
        if ids:
            memory.delete(ids)
    except MemoryNotFoundError:  # somebody was faster with one of them
        return [memory_id for memory_id in ids if _hidden(memory, memory_id)]
    return list(ids)


def _hidden(memory: TreeTextMemory, memory_id: str) -> bool:
    try:
        memory.delete(memory_id)
    except MemoryNotFoundError:
        return False
    return True


def all_of(memory: TreeTextMemory, where: FilterLike | None = None) -> Iterator[TextualMemoryItem]:
    """Yield the memories that hold now and pass a filter, in order of id."""
    for page in memory.pages(filter=where):
        yield from page.items


def pieces(data: bytes) -> list[str]:
    """Return bytes as base64 in pieces that one memory's `info` takes. Raises InvalidInputError for too many."""
    if len(data) > MOST_BYTES:
        raise InvalidInputError(f"value: wanted at most {MOST_BYTES} bytes, found {len(data)}; keep a link instead")
    text = base64.b64encode(data).decode("ascii")
    return [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)]


def joined(some: Iterable[str]) -> bytes:
    """Return the bytes that `pieces` was given."""
    return base64.b64decode("".join(some))


def open_without_vectors(
    store: str | Path | None = None, *, cube: str, clock: Clock = system_clock, **settings: Any
) -> TreeTextMemory:
    """Open the memory of a cube whose records are found by key alone: no model reads them.

    `settings` are those of `TreeTextMemory.open`. Such a cube has a vector of one number for everything, so that
    searching it by meaning tells nothing.
    """
    model = CallableEmbedder(lambda texts: np.ones((len(texts), 1)), name="treemem/without-vectors", dimension=1)
    return TreeTextMemory.open(store, cube=cube, embedder=model, clock=clock, record_usage=False, **settings)
