"""A memory as a store of bytes by key of LangChain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from treemem.errors import InvalidInputError
from treemem.integrations.keeping import all_of, hide, id_of, joined, missing, pieces, put
from treemem.integrations.keeping import open_without_vectors as open_without_vectors
from treemem.integrations.talk import in_pieces, of_pieces, storable
from treemem.memory import TreeTextMemory

try:
    from langchain_core.stores import BaseStore
except ImportError as error:
    raise missing("langchain-core", "langchain", error) from error


class TreememByteStore(BaseStore[str, bytes]):
    """Bytes by key, at most 2,700,000 a value, each a memory with its bytes in `info`; give them a cube of their own.

    `open_without_vectors(store, cube="cache")` opens one in which no model reads them.
    A value that is set again is an update, and a deleted one is hidden: `memory.purge` erases.
    """

    def __init__(self, memory: TreeTextMemory) -> None:
        self.memory = memory

    def mget(self, keys: Sequence[str]) -> list[bytes | None]:
        """Return the values of these keys, None where there is none."""
        ids = [_id(key) for key in keys]
        held = {item.id: joined(item.metadata.info["bytes"]) for item in self.memory.get_by_ids(dict.fromkeys(ids))}
        return [held.get(memory_id) for memory_id in ids]

    def mset(self, key_value_pairs: Sequence[tuple[str, bytes]]) -> None:
        """Set values by key."""
        put(self.memory, [_record(key, value) for key, value in key_value_pairs])

    def mdelete(self, keys: Sequence[str]) -> None:
        """Hide the values of these keys; those that are not there are passed over."""
        hide(self.memory, [_id(key) for key in keys])

    def yield_keys(self, *, prefix: str | None = None) -> Iterator[str]:
        """Yield the keys, or those that begin with `prefix`."""
        for item in all_of(self.memory):
            key = item.metadata.info.get("byte_key")
            key = of_pieces(key) if isinstance(key, list) else key
            if isinstance(key, str) and key.startswith(prefix or ""):
                yield key


def _id(key: str) -> str:
    if not isinstance(key, str):
        raise InvalidInputError(f"key: wanted a text, found {type(key).__name__}")
    return id_of("bytes", key)


def _record(key: str, value: bytes) -> dict[str, Any]:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        raise InvalidInputError(f"value of {key!r:.60}: wanted bytes, found {type(value).__name__}")
    text = f"The value of {key[:200]!r}"
    kept = key if storable(key) == key else in_pieces(key)
    return {"id": _id(key), "memory": text, "info": {"byte_key": kept, "bytes": pieces(bytes(value))}}
