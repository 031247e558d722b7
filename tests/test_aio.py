"""The asynchronous memory: the same verbs, many at once, and nothing half done when a call is cancelled."""

from __future__ import annotations

import asyncio
import inspect
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, day
from treemem import AsyncTreeTextMemory, MemoryNotFoundError, TreeTextMemory

SYNCHRONOUS = {"cube", "for_caller", "with_clock"}


def public(cls: type) -> dict[str, Any]:
    return {
        name: value for name, value in inspect.getmembers(cls) if not name.startswith("_") and inspect.isroutine(value)
    }


def test_verbs_and_signatures_are_the_same() -> None:
    ours, theirs = public(AsyncTreeTextMemory), public(TreeTextMemory)
    assert ours.keys() == theirs.keys()
    for name, verb in ours.items():
        mine, other = inspect.signature(verb), inspect.signature(theirs[name])
        assert list(mine.parameters.values()) == list(other.parameters.values()), name
        assert verb.__doc__, name
        if name in SYNCHRONOUS or name == "open":
            continue
        if name == "pages":
            assert inspect.isasyncgenfunction(verb)
        else:
            assert inspect.iscoroutinefunction(verb), name


def test_a_hundred_searches_at_once(open_memory: OpenMemory) -> None:
    memory = open_memory()
    memory.add([f"note {i} on tea" for i in range(200)])

    async def run() -> None:
        many = AsyncTreeTextMemory(memory)
        found = await asyncio.gather(*(many.search(f"note {i}", top_k=1) for i in range(100)))
        assert [hits[0].memory for hits in found] == [f"note {i} on tea" for i in range(100)]
        ids = await asyncio.gather(*(many.add(f"written at once {i}") for i in range(20)))
        assert len({i for (i,) in ids}) == 20
        assert sum([len(page.items) async for page in many.pages(limit=50)]) == 220
        with pytest.raises(MemoryNotFoundError):
            await many.get("missing")
        assert await many.cube("elsewhere-" + memory.cube_id).get_by_ids(["x"]) == []

    asyncio.run(run())
    assert memory.check() == []


class Slow(HashEmbedder):
    """Waits in embed until it is let go."""

    def __init__(self) -> None:
        self.entered, self.go = threading.Event(), threading.Event()

    def embed(self, texts: Any) -> Any:
        self.entered.set()
        self.go.wait(10)
        return super().embed(texts)


def test_cancelled_calls_are_done_whole_or_not_at_all(open_memory: OpenMemory) -> None:
    embedder = Slow()
    memory = open_memory(embedder=embedder)

    async def run() -> None:
        async with AsyncTreeTextMemory(memory, threads=1) as one:
            running = asyncio.create_task(one.add("begun"))
            await asyncio.to_thread(embedder.entered.wait, 10)
            waiting = asyncio.create_task(one.add("never begun"))
            await asyncio.sleep(0.05)
            for task in (waiting, running):
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            embedder.go.set()
            assert (await one.add("after"))[0]

    asyncio.run(run())
    again = open_memory(cube=memory.cube_id)
    assert {i.memory for page in again.pages() for i in page.items} == {"begun", "after"}
    assert again.check() == []


def test_open_and_close(location: str) -> None:
    async def run() -> None:
        async with await AsyncTreeTextMemory.open(location, cube="aio-open", embedder=HashEmbedder()) as memory:
            await memory.add("Anna lives in Porto.", at=day(0))
            assert (await memory.search("Anna"))[0].memory == "Anna lives in Porto."

    asyncio.run(run())


def test_aio_is_made_from_memory() -> None:
    made = subprocess.run(
        [sys.executable, str(Path(__file__).parents[1] / ".ci/make_aio.py"), "--check"], capture_output=True, text=True
    )
    assert made.returncode == 0, made.stderr
