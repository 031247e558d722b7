"""A memory as a checkpointer of LangGraph."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

from treemem.errors import InvalidInputError
from treemem.filters import field
from treemem.integrations.keeping import MOST_BYTES, all_of, id_of, joined, missing, pieces, put
from treemem.integrations.keeping import open_without_vectors as open_without_vectors
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory

try:
    from langchain_core.runnables import RunnableConfig
    from langgraph.checkpoint.base import (
        WRITES_IDX_MAP,
        BaseCheckpointSaver,
        ChannelVersions,
        Checkpoint,
        CheckpointMetadata,
        CheckpointTuple,
        SerializerProtocol,
        get_checkpoint_id,
        get_checkpoint_metadata,
        writes_sort_key,
    )
except ImportError as error:
    raise missing("langgraph", "langgraph", error) from error

#: Bytes of a checkpoint that are kept beside what is said of it; more go into memories of their own.
_BESIDE = 4_096


class TreememSaver(BaseCheckpointSaver[str]):
    """Checkpoints and the writes between them, each thread in a cube of its own, named after the memory's.

    Give it a memory for them alone: `open_without_vectors(store, cube="checkpoints")`, so
    that no model reads them. A checkpoint is a memory that holds the state of its step as bytes, in parts of 2,700,000
    bytes where it is larger. Checkpoints are working state and no memories of anybody: what is deleted or pruned is
    erased (`purge`), which leaves a tombstone with its id alone. On Neo4j each step costs two or three calls.

    Finding the latest checkpoint, and listing, reads the short record of each checkpoint of the thread: `prune` long
    threads. `list` without a thread, and `delete_for_runs`, go through all threads.
    """

    def __init__(self, memory: TreeTextMemory, *, serde: SerializerProtocol | None = None) -> None:
        super().__init__(serde=serde)
        self.memory = memory
        self._known: set[str] = set()
        self._lock = threading.Lock()

    # ---- Threads ----------------------------------------------------------------------------------------------------

    def _cube(self, thread: str) -> TreeTextMemory:
        return self.memory.cube(f"{self.memory.cube_id[:80]}.{id_of('thread', self.memory.cube_id, thread)}")

    def _register(self, thread: str) -> None:
        with self._lock:
            known = thread in self._known
        if not known:
            info = {"langgraph": "thread", "thread_id": thread}
            put(self.memory, [{"id": id_of("thread", thread), "memory": "A thread of LangGraph", "info": info}])
            with self._lock:
                self._known.add(thread)

    def _threads(self) -> list[str]:
        return sorted(i.metadata.info["thread_id"] for i in all_of(self.memory, field("info.langgraph") == "thread"))

    # ---- Writing ----------------------------------------------------------------------------------------------------

    def put(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """Keep a checkpoint, with what its channels hold."""
        asked = config["configurable"]
        thread, ns, checkpoint_id = str(asked["thread_id"]), asked.get("checkpoint_ns", ""), checkpoint["id"]
        said = get_checkpoint_metadata(config, metadata)
        info = {
            "langgraph": "checkpoint",
            "checkpoint_ns": ns,
            "checkpoint_id": checkpoint_id,
            "parent_id": asked.get("checkpoint_id"),
            "run_id": said.get("run_id"),
            "channels": sorted(checkpoint["channel_values"]),
            "delta_channels": sorted(said.get("counters_since_delta_snapshot") or ()),
        }
        data = self._dumped({"checkpoint": checkpoint, "metadata": said})
        records = _records(id_of("checkpoint", ns, checkpoint_id), "A checkpoint of LangGraph", info, data, _BESIDE)
        self._register(thread)
        put(self._cube(thread), records)
        return _config(thread, ns, checkpoint_id)

    def put_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """Keep what a task wrote after a checkpoint; what it wrote before stays, but for errors and interrupts."""
        asked = config["configurable"]
        thread, ns, checkpoint_id = str(asked["thread_id"]), asked.get("checkpoint_ns", ""), asked["checkpoint_id"]
        made: dict[str, tuple[int, Sequence[dict[str, Any]]]] = {}
        for i, (channel, value) in enumerate(writes):
            number = WRITES_IDX_MAP.get(channel, i)
            info = {
                "langgraph": "write",
                "checkpoint_ns": ns,
                "of": _place(ns, checkpoint_id),
                "task_id": task_id,
                "task_path": task_path,
                "number": number,
                "channel": channel,
            }
            memory_id = id_of("write", ns, checkpoint_id, task_id, str(number))
            records = _records(memory_id, "A write of LangGraph", info, self._dumped(value), MOST_BYTES)
            made[memory_id] = number, records
        cube = self._cube(thread)
        there = {item.id for item in cube.get_by_ids([i for i, (number, _) in made.items() if number >= 0])}
        wanted = [record for memory_id, (_, some) in made.items() if memory_id not in there for record in some]
        if wanted:
            self._register(thread)
            put(cube, wanted)

    def _dumped(self, value: Any) -> tuple[str, bytes]:
        kind, data = self.serde.dumps_typed(value)
        return kind, data

    # ---- Reading ----------------------------------------------------------------------------------------------------

    def get_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """Return a checkpoint by its id, or the latest of the thread, with the writes after it; None without one."""
        asked = config["configurable"]
        thread, ns, checkpoint_id = str(asked["thread_id"]), asked.get("checkpoint_ns", ""), get_checkpoint_id(config)
        cube = self._cube(thread)
        if checkpoint_id:
            found: Sequence[TextualMemoryItem] = cube.get_by_ids([id_of("checkpoint", ns, checkpoint_id)])
        else:
            found = _latest_first(_checkpoints(cube, ns))[:1]
        return self._tuple(cube, thread, found[0]) if found else None

    def list(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> Iterator[CheckpointTuple]:
        """Yield checkpoints of a thread, or of all, the latest first; `filter` is on their metadata, by equality."""
        asked = config["configurable"] if config else {}
        thread = asked.get("thread_id")
        wanted = get_checkpoint_id(config) if config else None
        last = get_checkpoint_id(before) if before else None
        left = limit
        for each in [str(thread)] if thread is not None else self._threads():
            cube = self._cube(each)
            for item in _latest_first(_checkpoints(cube, asked.get("checkpoint_ns"))):
                if left is not None and left <= 0:
                    return
                checkpoint_id = item.metadata.info["checkpoint_id"]
                if (wanted and checkpoint_id != wanted) or (last and checkpoint_id >= last):
                    continue
                found = self._tuple(cube, each, item)
                if found is None or any(found.metadata.get(name) != value for name, value in (filter or {}).items()):
                    continue
                left = None if left is None else left - 1
                yield found

    def _tuple(self, cube: TreeTextMemory, thread: str, item: TextualMemoryItem) -> CheckpointTuple | None:
        """Return what a record stands for; None where it was erased meanwhile."""
        info = item.metadata.info
        ns, checkpoint_id, parent = info["checkpoint_ns"], info["checkpoint_id"], info["parent_id"]
        data = _data(cube, item)
        if data is None:
            return None
        kept = self.serde.loads_typed(data)
        writes = all_of(cube, (field("info.langgraph") == "write") & (field("info.of") == _place(ns, checkpoint_id)))
        pending = []
        for write in sorted(writes, key=_order):
            found = _data(cube, write)
            if found is not None:
                told = write.metadata.info
                pending.append((told["task_id"], told["channel"], self.serde.loads_typed(found)))
        return CheckpointTuple(
            config=_config(thread, ns, checkpoint_id),
            checkpoint=kept["checkpoint"],
            metadata=kept["metadata"],
            parent_config=_config(thread, ns, parent) if parent else None,
            pending_writes=pending,
        )

    # ---- Deleting ---------------------------------------------------------------------------------------------------

    def delete_thread(self, thread_id: str) -> None:
        """Erase all checkpoints and writes of a thread."""
        thread = str(thread_id)
        _erase(self._cube(thread), [item.id for item in all_of(self._cube(thread))])
        _erase(self.memory, [item.id for item in self.memory.get_by_ids([id_of("thread", thread)])])
        with self._lock:
            self._known.discard(thread)

    def delete_for_runs(self, run_ids: Sequence[str]) -> None:
        """Erase the checkpoints that these runs made, with the writes after them.

        A channel that keeps differences alone (DeltaChannel) cannot be read any more where its ancestors are erased.
        """
        runs = set(map(str, run_ids))
        for thread in self._threads() if runs else ():
            cube = self._cube(thread)
            self._drop(cube, [item for item in _checkpoints(cube) if item.metadata.info["run_id"] in runs])

    def copy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """Copy all checkpoints and writes of a thread to another."""
        source, target = self._cube(str(source_thread_id)), self._cube(str(target_thread_id))
        records = [{"id": i.id, "memory": i.memory, "info": i.metadata.info} for i in all_of(source)]
        if records:
            self._register(str(target_thread_id))
            put(target, records)

    def prune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """Erase all but the latest checkpoint of each namespace of these threads, or with "delete" everything.

        Ancestors on which a channel that keeps differences alone (DeltaChannel) still rests are left.
        """
        if strategy not in ("keep_latest", "delete"):
            raise InvalidInputError(f"strategy: wanted keep_latest or delete, found {strategy!r:.60}")
        for thread in map(str, thread_ids):
            if strategy == "delete":
                self.delete_thread(thread)
                continue
            cube = self._cube(thread)
            every = _checkpoints(cube)
            kept = _rested_on(every)
            self._drop(cube, [item for item in every if item.id not in kept])

    def _drop(self, cube: TreeTextMemory, checkpoints: Iterable[TextualMemoryItem]) -> None:
        gone = list(checkpoints)
        places = {_place(i.metadata.info["checkpoint_ns"], i.metadata.info["checkpoint_id"]) for i in gone}
        if places:
            gone += [w for w in all_of(cube, field("info.langgraph") == "write") if w.metadata.info["of"] in places]
            _erase(cube, [memory_id for item in gone for memory_id in (item.id, *_part_ids(item))])

    def get_next_version(self, current: str | None, channel: None) -> str:
        """Return a version that comes after `current`, and that no other run gives."""
        number = int(str(current).split(".")[0]) if current is not None else 0
        return f"{number + 1:032}.{random.random():016}"

    # ---- For asyncio: the same, in threads --------------------------------------------------------------------------

    async def aget_tuple(self, config: RunnableConfig) -> CheckpointTuple | None:
        """See `get_tuple`."""
        return await asyncio.to_thread(self.get_tuple, config)

    async def alist(
        self,
        config: RunnableConfig | None,
        *,
        filter: dict[str, Any] | None = None,
        before: RunnableConfig | None = None,
        limit: int | None = None,
    ) -> AsyncIterator[CheckpointTuple]:
        """See `list`."""
        found = self.list(config, filter=filter, before=before, limit=limit)
        while (each := await asyncio.to_thread(next, found, None)) is not None:
            yield each

    async def aput(
        self,
        config: RunnableConfig,
        checkpoint: Checkpoint,
        metadata: CheckpointMetadata,
        new_versions: ChannelVersions,
    ) -> RunnableConfig:
        """See `put`."""
        return await asyncio.to_thread(self.put, config, checkpoint, metadata, new_versions)

    async def aput_writes(
        self, config: RunnableConfig, writes: Sequence[tuple[str, Any]], task_id: str, task_path: str = ""
    ) -> None:
        """See `put_writes`."""
        await asyncio.to_thread(self.put_writes, config, writes, task_id, task_path)

    async def adelete_thread(self, thread_id: str) -> None:
        """See `delete_thread`."""
        await asyncio.to_thread(self.delete_thread, thread_id)

    async def adelete_for_runs(self, run_ids: Sequence[str]) -> None:
        """See `delete_for_runs`."""
        await asyncio.to_thread(self.delete_for_runs, run_ids)

    async def acopy_thread(self, source_thread_id: str, target_thread_id: str) -> None:
        """See `copy_thread`."""
        await asyncio.to_thread(self.copy_thread, source_thread_id, target_thread_id)

    async def aprune(self, thread_ids: Sequence[str], *, strategy: str = "keep_latest") -> None:
        """See `prune`."""
        await asyncio.to_thread(self.prune, thread_ids, strategy=strategy)


def _config(thread: str, ns: str, checkpoint_id: str) -> RunnableConfig:
    return {"configurable": {"thread_id": thread, "checkpoint_ns": ns, "checkpoint_id": checkpoint_id}}


def _place(ns: str, checkpoint_id: str) -> str:
    return id_of("place", ns, checkpoint_id)


def _order(write: TextualMemoryItem) -> Any:
    told = write.metadata.info
    return writes_sort_key(told["task_path"], told["task_id"], told["number"])


def _checkpoints(cube: TreeTextMemory, ns: str | None = None) -> Sequence[TextualMemoryItem]:
    where = field("info.langgraph") == "checkpoint"
    return [*all_of(cube, where if ns is None else where & (field("info.checkpoint_ns") == ns))]


def _latest_first(items: Iterable[TextualMemoryItem]) -> Sequence[TextualMemoryItem]:
    return sorted(items, key=lambda item: str(item.metadata.info["checkpoint_id"]), reverse=True)


def _rested_on(checkpoints: Sequence[TextualMemoryItem]) -> set[str]:
    """Return the ids of the latest checkpoint of each namespace, and of those whose writes its channels are made of."""
    kept = set()
    for ns in {item.metadata.info["checkpoint_ns"] for item in checkpoints}:
        own = {i.metadata.info["checkpoint_id"]: i for i in checkpoints if i.metadata.info["checkpoint_ns"] == ns}
        item: TextualMemoryItem | None = own[max(own)]
        needed = set(own[max(own)].metadata.info["delta_channels"])
        while item is not None:
            kept.add(item.id)
            needed -= set(item.metadata.info["channels"])
            item = own.get(item.metadata.info["parent_id"]) if needed else None
    return kept


def _records(
    memory_id: str, text: str, info: Mapping[str, Any], data: tuple[str, bytes], beside: int
) -> Sequence[dict[str, Any]]:
    """Return the memories that keep some bytes, at most `beside` of them in the first, which says what they are."""
    kind, some = data
    parts = [] if len(some) <= beside else [some[i : i + MOST_BYTES] for i in range(0, len(some), MOST_BYTES)]
    own = {**info, "type": kind, "parts": len(parts), "bytes": [] if parts else pieces(some)}
    return [
        {"id": memory_id, "memory": text, "info": own},
        *(
            {"id": f"{memory_id}:{n}", "memory": text, "info": {"langgraph": "part", "bytes": pieces(part)}}
            for n, part in enumerate(parts)
        ),
    ]


def _part_ids(item: TextualMemoryItem) -> Sequence[str]:
    return [f"{item.id}:{n}" for n in range(item.metadata.info["parts"])]


def _data(cube: TreeTextMemory, item: TextualMemoryItem) -> tuple[str, bytes] | None:
    """Return the bytes that a record stands for, None where parts of them were erased meanwhile."""
    info = item.metadata.info
    if not info["parts"]:
        return info["type"], joined(info["bytes"])
    wanted = _part_ids(item)
    parts = cube.get_by_ids(wanted)
    if len(parts) != len(wanted):
        return None
    return info["type"], b"".join(joined(part.metadata.info["bytes"]) for part in parts)


def _erase(cube: TreeTextMemory, ids: Sequence[str]) -> None:
    if ids:
        cube.purge(ids)
