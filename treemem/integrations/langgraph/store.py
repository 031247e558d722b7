"""A memory as a store of LangGraph: values by namespace and key, listed, filtered and searched."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from treemem.errors import ConfigError, InvalidInputError
from treemem.filters import field
from treemem.integrations.keeping import all_of, hide, id_of, missing, put
from treemem.integrations.langgraph.matching import matches, passes
from treemem.integrations.nearest import plain
from treemem.integrations.talk import in_pieces, of_pieces, storable
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.search.results import SearchHit
from treemem.storable import cleaned
from treemem.temporal import from_micros

try:
    from langgraph.store.base import (
        BaseStore,
        GetOp,
        Item,
        ListNamespacesOp,
        Op,
        PutOp,
        Result,
        SearchItem,
        SearchOp,
        TTLConfig,
        get_text_at_path,
        validate_op_namespace,
    )
except ImportError as error:
    raise missing("langgraph", "langgraph", error) from error

Namespace = tuple[str, ...]
Key = tuple[Namespace, str]


class TreememStore(BaseStore):
    """Values by namespace and key, each a memory: a value that is put again is an update, `delete` hides.

    `index` says what of a value is searched by meaning, as LangGraph's configuration does: {"fields": ["text"]}, paths
    such as "a.b[*].c", or ["$"] for the whole value; the memory's model embeds it (`LangChainEmbedder` makes one of
    LangChain's, give that to `TreeTextMemory.open`), so there is no `embed` here. The texts of a value are found as one
    text. `search(query=...)` asks `memory.search`; scores lie in [0, 1], and what was not indexed comes after what was,
    without a score. Without an `index` a `query` is not looked at, as in LangGraph's own stores.

    `ttl` is LangGraph's: minutes. What has expired is not read from then on, and `sweep_ttl` hides it for good. Reading
    that renews a time to live writes a version of the memory.

    A filter, a listing and a search without a query read all values below their namespace.
    """

    supports_ttl = True

    def __init__(
        self, memory: TreeTextMemory, *, index: Mapping[str, Any] | None = None, ttl: TTLConfig | None = None
    ) -> None:
        self.memory = memory
        self.index_config = None if index is None else dict(index)
        self.ttl_config = ttl
        if index is not None and index.keys() - {"fields"}:
            raise ConfigError(
                f"index: wanted fields alone, found {', '.join(sorted(index))}; the memory's model embeds: "
                "TreeTextMemory.open(embedder=LangChainEmbedder(...))"
            )
        if ttl and ttl.get("sweep_interval_minutes") is not None:
            raise ConfigError("ttl: sweep_interval_minutes: nothing sweeps by itself; call sweep_ttl() where you like")
        if ttl and ttl.get("omit_expired") is False:
            raise ConfigError("ttl: omit_expired: what has expired is never read; leave it out")
        self._paths = list((index or {}).get("fields") or ["$"])

    # ---- Operations -------------------------------------------------------------------------------------------------

    def batch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations: what they read is as it was before what they put, and of a key the last put stands."""
        results: list[Result] = []
        puts: dict[Key, PutOp] = {}
        some = list(ops)
        for op in some:
            validate_op_namespace(op)
        for op in some:
            if isinstance(op, GetOp):
                results.append(self._get(op))
            elif isinstance(op, SearchOp):
                results.append(self._search(op))
            elif isinstance(op, ListNamespacesOp):
                results.append(self._list(op))
            elif isinstance(op, PutOp):
                puts[op.namespace, op.key] = op
                results.append(None)
            else:
                raise InvalidInputError(f"batch: wanted operations of LangGraph, found {type(op).__name__}")
        self._put(puts)
        return results

    async def abatch(self, ops: Iterable[Op]) -> list[Result]:
        """Do several operations, off the event loop."""
        return await asyncio.to_thread(self.batch, list(ops))

    def sweep_ttl(self, *, purge: bool = False) -> int:
        """Delete what has expired, and return how many that were; with `purge` it is erased."""
        ids = [item.id for item in all_of(self.memory, _OURS) if _expired(item)]
        if ids and purge:
            self.memory.purge(ids)
        elif ids:
            hide(self.memory, ids)
        return len(ids)

    async def asweep_ttl(self, *, purge: bool = False) -> int:
        """See `sweep_ttl`."""
        return await asyncio.to_thread(self.sweep_ttl, purge=purge)

    # ---- Writing ----------------------------------------------------------------------------------------------------

    def _put(self, puts: Mapping[Key, PutOp]) -> None:
        records = [self._record(op) for op in puts.values() if op.value is not None]
        gone = [_id(*key) for key, op in puts.items() if op.value is None]
        if records:
            put(self.memory, records)
        if gone:
            hide(self.memory, gone)

    def _record(self, op: PutOp) -> dict[str, Any]:
        text = self._text(op)
        now = time.time()
        info: dict[str, Any] = {
            "langgraph": "item",
            "namespace": list(op.namespace),
            **{f"namespace_{i}": cleaned(label) for i, label in enumerate(op.namespace)},
            "key": op.key,
            "value": dict(op.value or {}),
            "indexed": bool(text),
            "put_at": now,
        }
        given = [info[name] for name in _KEPT]
        if cleaned(given) != given and of_pieces(kept := in_pieces(given)) == given:  # half characters and the like
            info |= {**dict(zip(_KEPT, cleaned(given), strict=True)), "exact": kept}
        if op.ttl is not None:
            info |= {"ttl_minutes": float(op.ttl), "expires_at": now + op.ttl * 60}
        said = text or f"{'/'.join(op.namespace)}: {op.key}"
        return {"id": _id(op.namespace, op.key), "memory": plain(said), "info": info}

    def _text(self, op: PutOp) -> str:
        """Return what of a value is searched by meaning, "" for nothing."""
        if self.index_config is None or op.index is False:
            return ""
        paths = self._paths if op.index is None else op.index
        return "\n".join(text for path in paths for text in get_text_at_path(op.value, path) if text.strip())

    def _renew(self, items: Iterable[TextualMemoryItem]) -> None:
        for item in items:
            minutes = item.metadata.info.get("ttl_minutes")
            if minutes is not None:
                self.memory.update(item.id, info={"expires_at": time.time() + minutes * 60})

    # ---- Reading ----------------------------------------------------------------------------------------------------

    def _get(self, op: GetOp) -> Item | None:
        found = [item for item in self.memory.get_by_ids([_id(op.namespace, op.key)]) if not _expired(item)]
        if op.refresh_ttl:
            self._renew(found)
        return _item(found[0]) if found else None

    def _search(self, op: SearchOp) -> list[SearchItem]:
        if op.limit < 0 or op.offset < 0:
            raise InvalidInputError(f"search: wanted limit and offset of at least 0, found {op.limit} and {op.offset}")
        found = (
            self._asked(op)
            if op.query and storable(str(op.query)).strip() and self.index_config is not None
            else self._below(op)
        )
        some = found[op.offset : op.offset + op.limit]
        if op.refresh_ttl:
            self._renew(some)
        return [_search_item(item) for item in some]

    def _below(self, op: SearchOp) -> list[TextualMemoryItem]:
        """Return the values below a namespace that pass the filter, those that were put first before the others."""
        found = [item for item in all_of(self.memory, _below(op.namespace_prefix)) if _passes(item, op)]
        return sorted(found, key=lambda item: (item.metadata.created_at or _EPOCH, item.id))

    def _asked(self, op: SearchOp) -> list[TextualMemoryItem]:
        """Return the values that answer a question, best first, then those that it does not reach."""
        top = MAX_TOP_K if op.filter else min(max(op.offset + op.limit, 1), MAX_TOP_K)
        wide = max(top, SearchOptions().vector_limit)
        hits = self.memory.search(
            storable(str(op.query)),
            top,
            when="now",
            filter=_below(op.namespace_prefix) & (field("info.indexed") == True),  # noqa: E712
            options=replace(SearchOptions(), vector_limit=wide, text_limit=wide),
        )
        found: list[TextualMemoryItem] = [hit for hit in hits if _passes(hit, op)]
        if len(found) < op.offset + op.limit:
            known = {item.id for item in found}
            found += [item for item in self._below(op) if item.id not in known]
        return found

    def _list(self, op: ListNamespacesOp) -> list[Namespace]:
        every = {_namespace(item) for item in all_of(self.memory, _OURS) if not _expired(item)}
        conditions = op.match_conditions or ()
        found = {ns for ns in every if all(matches(c.match_type, c.path, ns) for c in conditions)}
        if op.max_depth is not None:
            found = {ns[: op.max_depth] for ns in found}
        return sorted(found)[op.offset : op.offset + op.limit]


_EPOCH = from_micros(0)
_KEPT = ("namespace", "key", "value")
_OURS = field("info.langgraph") == "item"


def _id(namespace: Sequence[str], key: str) -> str:
    return id_of("langgraph", *namespace, key)


def _below(prefix: Sequence[str]) -> Any:
    where: Any = _OURS
    for i, label in enumerate(prefix):
        where = where & (field(f"info.namespace_{i}") == cleaned(label))
    return where


def _expired(item: TextualMemoryItem) -> bool:
    expires = item.metadata.info.get("expires_at")
    return expires is not None and expires <= time.time()


def _passes(item: TextualMemoryItem, op: SearchOp) -> bool:
    given = _given(item)
    below = tuple(given["namespace"][: len(op.namespace_prefix)]) == tuple(op.namespace_prefix)
    return not _expired(item) and below and passes(given["value"], op.filter or {})


def _given(item: TextualMemoryItem) -> Mapping[str, Any]:
    """Return namespace, key and value as they were given."""
    info = item.metadata.info
    return dict(zip(_KEPT, of_pieces(info["exact"]), strict=True)) if "exact" in info else info


def _namespace(item: TextualMemoryItem) -> Namespace:
    return tuple(_given(item)["namespace"])


def _told(item: TextualMemoryItem) -> dict[str, Any]:
    info, metadata, given = item.metadata.info, item.metadata, _given(item)
    created = metadata.created_at or _EPOCH
    put_at = from_micros(int(info["put_at"] * 1_000_000))
    return {
        "namespace": _namespace(item),
        "key": given["key"],
        "value": given["value"],
        "created_at": created,
        "updated_at": max(created, put_at),
    }


def _item(item: TextualMemoryItem) -> Item:
    return Item(**_told(item))


def _search_item(item: TextualMemoryItem) -> SearchItem:
    return SearchItem(**_told(item), score=item.score if isinstance(item, SearchHit) else None)
