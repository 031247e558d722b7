"""CrewAI on a memory (extra `crewai`): a storage for its `Memory`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from treemem.errors import InvalidInputError
from treemem.filters import Or, field
from treemem.ids import checked_id
from treemem.integrations.keeping import all_of, hide, id_of, missing, put, same
from treemem.integrations.nearest import Embedding, nearest, plain
from treemem.integrations.talk import finished, in_pieces, of_pieces
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.search.options import MAX_TOP_K, SearchOptions
from treemem.storable import cleaned

try:
    from crewai.memory import Memory, MemoryRecord
    from crewai.memory.types import ScopeInfo
except ImportError as error:
    raise missing("crewai", "crewai", error) from error

_OURS = field("info.crewai") == "record"


def crew_memory(memory: TreeTextMemory, **fields: Any) -> Memory:
    """Return a `Memory` of CrewAI whose records are memories; `fields` are those of `crewai.Memory`."""
    storage = TreememStorage(memory)
    return Memory(**{"storage": storage, "embedder": storage.embedder, **fields})


class TreememStorage:
    """A storage for CrewAI's `Memory`: each record is a memory, an update is a version, what is deleted is hidden.

    Give CrewAI the model of the memory, too: `Memory(storage=storage, embedder=storage.embedder)`, which is what
    `crew_memory` does. What it searches for is then known in words and goes to `memory.search`; another vector of the
    same dimension is compared with every record. Scores are those of CrewAI's own storage: 1 / (1 + squared distance).

    A scope holds itself and what lies below it: "/crew/a" is no part of "/crew/ab".
    """

    def __init__(self, memory: TreeTextMemory) -> None:
        self.memory = memory
        self.embedder = Embedding(memory)

    def __deepcopy__(self, memo: Any) -> TreememStorage:
        return self

    # ---- Writing ----------------------------------------------------------------------------------------------------

    def save(self, records: list[MemoryRecord]) -> None:
        """Write records; one whose id is there is an update of it."""
        put(self.memory, [self._as_memory(record) for record in records])

    def update(self, record: MemoryRecord) -> None:
        """Write a record in place of the one with its id."""
        self.save([record])

    def delete(
        self,
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        record_ids: list[str] | None = None,
        older_than: datetime | None = None,
        metadata_filter: dict[str, Any] | None = None,
    ) -> int:
        """Hide the records that fit all that is given, without anything all, and return how many there were."""
        if record_ids is not None:
            wanted = [_id(each) for each in record_ids]
            items = [item for item in self.memory.get_by_ids(wanted) if _is_record(item)] if wanted else []
        else:
            items = list(all_of(self.memory, _where(scope_prefix, categories)))
        gone = [
            item.id
            for item in items
            if _fits(record := _as_record(item), scope_prefix, categories, metadata_filter)
            and (older_than is None or _utc(record.created_at) < _utc(older_than))
        ]
        return len(hide(self.memory, gone)) if gone else 0

    def reset(self, scope_prefix: str | None = None) -> None:
        """Hide the records of a scope, without one all."""
        self.delete(scope_prefix)

    # ---- Reading ----------------------------------------------------------------------------------------------------

    def search(
        self,
        query_embedding: list[float],
        scope_prefix: str | None = None,
        categories: list[str] | None = None,
        metadata_filter: dict[str, Any] | None = None,
        limit: int = 10,
        min_score: float = 0.0,
    ) -> list[tuple[MemoryRecord, float]]:
        """Return records with their scores, the nearest to a vector first."""
        if limit <= 0:
            return []
        where, text = _where(scope_prefix, categories), self.embedder.text_of(query_embedding)
        if text is None or metadata_filter or limit > MAX_TOP_K:
            items = all_of(self.memory, where)
        else:
            wide = max(limit, SearchOptions().vector_limit)
            options = SearchOptions(vector_limit=wide, text_limit=wide)
            hits = self.memory.search(text, limit, filter=where, when="now", options=options)
            items = iter(self.memory.get_by_ids([hit.id for hit in hits]))
        found = []
        for item, vector, cosine in nearest(items, query_embedding):
            score = 1 / (1 + max(0.0, 2 - 2 * cosine))
            record = _as_record(item, vector)
            if score >= min_score and _fits(record, scope_prefix, categories, metadata_filter):
                found.append((record, score))
        return found[:limit]

    def get_record(self, record_id: str) -> MemoryRecord | None:
        """Return a record, None where there is none."""
        found = [item for item in self.memory.get_by_ids([_id(record_id)]) if _is_record(item)]
        return _as_record(found[0], found[0].metadata.embedding) if found else None

    def list_records(self, scope_prefix: str | None = None, limit: int = 200, offset: int = 0) -> list[MemoryRecord]:
        """Return the records of a scope, the newest first."""
        if limit <= 0 or offset < 0:
            return []
        found = sorted(self._records(scope_prefix), key=lambda record: _utc(record.created_at), reverse=True)
        return found[offset : offset + limit]

    def get_scope_info(self, scope: str) -> ScopeInfo:
        """Return what lies in a scope: how many records, of which categories, from when till when, scopes below."""
        records = list(self._records(scope))
        times = sorted((record.created_at for record in records), key=_utc)
        return ScopeInfo(
            path="/" + "/".join(_parts(scope)),
            record_count=len(records),
            categories=sorted({name for record in records for name in record.categories}),
            oldest_record=times[0] if times else None,
            newest_record=times[-1] if times else None,
            child_scopes=_below(scope, records),
        )

    def list_scopes(self, parent: str = "/") -> list[str]:
        """Return the scopes right below one."""
        return _below(parent, self._records(parent))

    def list_categories(self, scope_prefix: str | None = None) -> dict[str, int]:
        """Return the categories of a scope, and how many records have each."""
        return dict(Counter(name for record in self._records(scope_prefix) for name in record.categories))

    def count(self, scope_prefix: str | None = None) -> int:
        """Return how many records a scope has."""
        return sum(1 for _ in self._records(scope_prefix))

    def _records(self, scope: str | None) -> Iterator[MemoryRecord]:
        for item in all_of(self.memory, _where(scope, None)):
            record = _as_record(item)
            if _fits(record, scope, None, None):
                yield record

    # ---- For asyncio: the same, in threads --------------------------------------------------------------------------

    async def asave(self, records: list[MemoryRecord]) -> None:
        """See `save`."""
        await finished(self.save, records)

    async def asearch(self, query_embedding: list[float], *args: Any, **asked: Any) -> list[tuple[MemoryRecord, float]]:
        """See `search`."""
        return await finished(self.search, query_embedding, *args, **asked)

    async def adelete(self, *args: Any, **asked: Any) -> int:
        """See `delete`."""
        return await finished(self.delete, *args, **asked)

    def _as_memory(self, record: MemoryRecord) -> dict[str, Any]:
        vector = record.embedding or None
        dimension = self.memory.embedder.dimension
        if vector is not None and len(vector) != dimension:
            raise InvalidInputError(
                f"embedding: {len(vector)} numbers, those of the memory's model have {dimension}; give CrewAI that "
                "model: Memory(storage=storage, embedder=storage.embedder)"
            )
        text = plain(record.content)
        made = {"id": _id(record.id), "memory": text, "info": _info(record)}
        return {**made, "embedding": vector} if self.embedder.text_of(vector) == text else made


def _info(record: MemoryRecord) -> dict[str, Any]:
    whole = record.model_dump(mode="python", exclude={"embedding"})
    whole |= {name: whole[name].isoformat() for name in ("created_at", "last_accessed")}
    if plain(record.content) == record.content:
        del whole["content"]
    return {
        "crewai": "record",
        "scopes": cleaned(_prefixes(record.scope)),
        "categories": cleaned(record.categories),
        "record": in_pieces(whole),
    }


def _is_record(item: TextualMemoryItem) -> bool:
    return item.metadata.info.get("crewai") == "record"


def _as_record(item: TextualMemoryItem, vector: Sequence[float] | None = None) -> MemoryRecord:
    whole: Mapping[str, Any] = of_pieces(item.metadata.info["record"])
    return MemoryRecord.model_validate(
        {"content": item.memory, **whole, "embedding": None if vector is None else [*vector]}
    )


def _id(record_id: str) -> str:
    try:
        return checked_id(record_id)
    except InvalidInputError:
        return id_of("crewai", str(record_id))


def _parts(scope: str | None) -> list[str]:
    return [part for part in (scope or "").split("/") if part]


def _prefixes(scope: str) -> list[str]:
    parts = _parts(scope)
    return ["/" + "/".join(parts[:count]) for count in range(len(parts) + 1)]


def _where(scope: str | None, categories: Sequence[str] | None) -> Any:
    """Return what the records of a scope have that are of one of some categories; `_fits` looks once more."""
    where: Any = _OURS
    if parts := _parts(scope):
        where = where & field("info.scopes").contains(cleaned("/" + "/".join(parts)))
    if categories:
        where = where & Or(tuple(field("info.categories").contains(cleaned(name)) for name in categories))
    return where


def _fits(
    record: MemoryRecord, scope: str | None, categories: Sequence[str] | None, metadata: Mapping[str, Any] | None
) -> bool:
    wanted = _parts(scope)
    return (
        _parts(record.scope)[: len(wanted)] == wanted
        and (not categories or any(name in record.categories for name in categories))
        and all(name in record.metadata and same(record.metadata[name], v) for name, v in (metadata or {}).items())
    )


def _below(parent: str, records: Any) -> list[str]:
    above = _parts(parent)
    deeper = (_parts(record.scope) for record in records)
    return sorted({"/" + "/".join(parts[: len(above) + 1]) for parts in deeper if len(parts) > len(above)})


def _utc(moment: datetime) -> datetime:
    """Return a time that can be compared: CrewAI's own times are UTC without saying so."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
