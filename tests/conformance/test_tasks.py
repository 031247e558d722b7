"""The queue of tasks on both stores: committed with the words, done at least once, and never reported twice."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.conformance.test_provenance import TOKEN, everywhere
from tests.conftest import OpenMemory
from tests.helpers import FakeClock, fresh_cube
from treemem import (
    AsyncTreeTextMemory,
    ConflictError,
    InvalidInputError,
    LLMAnswer,
    LLMError,
    LLMUsage,
    NotAllowedError,
    OperationMismatchError,
    QueueFullError,
    StoreUnavailableError,
    TaskNotFoundError,
    TasksConfig,
    TreeTextMemory,
)
from treemem.context import Context
from treemem.models import llm as models
from treemem.tasks import faults, worker
from treemem.tasks.handlers import Handler
from treemem.tasks.worker import Worker
from treemem.write.committing import new_change
from treemem.write.enqueueing import enqueue, task_of, with_tasks
from treemem.write.intent import Intent

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Answer(BaseModel):
    text: str = "yes"


class Counted:
    """A language model that takes a thousand tokens, and two of money, for each answer."""

    name = "test/counted"

    def ask(self, system: str, user: str, answer: type[Any], *, max_tokens: int = 1_024) -> LLMAnswer[Any]:
        return LLMAnswer(answer(), LLMUsage(1, 900, 100, 0.01, 2.0))


@pytest.fixture
def clock() -> FakeClock:
    """Stands still until it is set."""
    return FakeClock(NOON, timedelta(0))


@pytest.fixture
def memory(open_memory: OpenMemory, clock: FakeClock) -> TreeTextMemory:
    found = open_memory(clock=clock)
    found.add("Anna lives in Porto.")
    return found


def bounded(memory: TreeTextMemory, **settings: Any) -> TreeTextMemory:
    """The same memory with other settings of tasks, and the same clock."""
    context = memory._context
    config = context.config.model_copy(update={"tasks": TasksConfig(**settings)})
    return TreeTextMemory._view(replace(context, config=config))


def doing(memory: TreeTextMemory, run: Callable[..., Any], threads: int = 1, **more: Any) -> int:
    """Work until nothing is due, tasks of the kind "test" being done by `run`."""
    handlers = {"test": Handler(run, **more)}
    return Worker(memory._context, [memory.cube_id], handlers=handlers).run(threads, once=True)


def queue(memory: TreeTextMemory, n: int = 0, kind: str = "test") -> str:
    return enqueue(memory._context, kind, {"n": n}, None).id


def counts(*_: Any) -> Mapping[str, Any]:
    return {"done": 1}


def test_a_task_is_committed_with_the_words_or_not_at_all(memory: TreeTextMemory) -> None:
    ctx = memory._context
    base = replace(new_change(ctx, "add", Intent("op")), model=None)
    task = task_of(ctx, base.operation, "test", {"memory_ids": ["a", "b"]})
    with pytest.raises(ConflictError):
        ctx.store.apply(with_tasks(ctx, replace(base, expected={"nobody": 3}), [task]))
    assert memory.tasks.list() == []
    for _ in range(2):
        ctx.store.apply(with_tasks(ctx, base, [task]))
        assert [t.payload for t in memory.tasks.list()] == [{"memory_ids": ["a", "b"]}]
    full = bounded(memory, waiting=1)._context
    other = replace(base, operation="other")
    with pytest.raises(QueueFullError, match="1 tasks wait, and at most 1 may"):
        ctx.store.apply(with_tasks(full, other, [task_of(ctx, "other", "test", {})]))
    assert ctx.store.operations(ctx.cube, ids=["other"]) == []  # the words are refused with it
    assert memory.check() == []


def test_what_is_asked_for(memory: TreeTextMemory) -> None:
    one = memory.tasks.add("reorganize", {"everything": True}, operation_id="tidy")
    assert memory.tasks.add("reorganize", {"everything": True}, operation_id="tidy") == one
    assert (one.status, one.created_at, one.due_at, one.attempts, one.ended) == ("waiting", NOON, NOON, 0, False)
    with pytest.raises(OperationMismatchError):
        memory.tasks.add("reorganize", {"everything": False}, operation_id="tidy")
    assert memory.tasks.add("reindex").id != memory.tasks.add("reindex").id
    for kind, payload, said in (
        ("no_such", {}, "wanted one of read, reindex, reorganize"),
        ("reorganize", {"everythin": True}, "did you mean 'everything'"),
        ("reorganize", {"everything": "yes"}, "wanted bool"),
    ):
        with pytest.raises(InvalidInputError, match=said):
            memory.tasks.add(kind, payload)
    with pytest.raises(InvalidInputError, match="keeps no text"):
        task_of(memory._context, "op", "test", {"words": ["Anna lives in Porto."]})
    with pytest.raises(InvalidInputError, match="holds nothing"):
        memory.cube(fresh_cube("empty")).tasks.add("reindex")
    with pytest.raises(TaskNotFoundError):
        memory.tasks.get("nothing")
    assert len(memory.tasks.list(status="waiting")) == 3
    assert len(memory.tasks.list(status=["waiting", "done"], limit=2)) == 2
    assert memory.tasks.list(status="failed") == []


def test_the_reorganizer_works_by_tasks(memory: TreeTextMemory, clock: FakeClock) -> None:
    memory.add(["Ann likes green tea.", "Ann likes green tea"])
    task = memory.tasks.add("reorganize")
    memory.tasks.add("reindex")
    clock.time += timedelta(minutes=1)
    assert memory.tasks.work(once=True) == 2
    done = memory.tasks.get(task.id)
    assert (done.status, done.attempts, done.result["done"], done.reason) == ("done", 1, 1, "")
    assert done.started_at == done.finished_at == clock.time
    assert done.seconds > 0
    assert memory.reorganizer.status().state == "done"
    assert memory.tasks.work(once=True) == 0
    assert memory.tasks.wait(task.id) == done


def test_what_passes_is_tried_again_and_what_does_not_fails(memory: TreeTextMemory, clock: FakeClock) -> None:
    passing = (LLMError("gone", "timeout"), StoreUnavailableError("gone"), ConflictError("changed"))
    lasting = (LLMError("no", "refused"), InvalidInputError("no"), RuntimeError("no"))
    errors = [*passing, *lasting]
    ids = [queue(memory, n) for n in range(len(errors))]
    asked: list[int] = []

    def fail(ctx: Context, payload: Mapping[str, Any], stopping: Any) -> None:
        asked.append(payload["n"])
        raise errors[payload["n"]]

    small = bounded(memory, attempts=3)
    assert doing(small, fail) == len(errors)
    for task, error in zip(map(memory.tasks.get, ids), errors, strict=True):
        assert task.status == ("waiting" if error in passing else "failed")
        assert type(error).__name__ in task.reason
        if error in passing:
            assert timedelta(0) < task.due_at - NOON <= timedelta(seconds=faults.FIRST_PAUSE)
    assert doing(small, fail) == 0  # not yet
    for _ in range(2):
        clock.time += timedelta(hours=1)
        assert doing(small, fail) == len(passing)
    assert [memory.tasks.get(i).status for i in ids] == ["failed"] * len(errors)
    assert "given up after 3 attempts: LLMError" in memory.tasks.get(ids[0]).reason
    assert len(asked) == 3 * len(passing) + len(lasting)
    assert memory.tasks.retry(ids[0]).status == "waiting"
    assert doing(small, counts) == 1
    assert memory.tasks.get(ids[0]).status == "done"
    with pytest.raises(InvalidInputError, match="is done"):
        memory.tasks.retry(ids[0])


def test_pauses_grow_and_end() -> None:
    assert 1_000_000 <= faults.pause(1) <= 2_000_000
    assert 4_000_000 <= faults.pause(3) <= 8_000_000
    assert all(1_800_000_000 <= faults.pause(n) <= 3_600_000_000 for n in (12, 100, 10_000))


def test_a_task_whose_worker_dies_each_time_blocks_no_other(memory: TreeTextMemory, clock: FakeClock) -> None:
    """What kills its process is given up after some attempts, and what came after it is done meanwhile."""
    poison, good = queue(memory), queue(memory)
    for _ in range(2):
        (first, *_) = memory.store.due_tasks(memory.cube_id, ["test"], micros(NOON), worker.machine_clock(), 1)
        assert first.id in (poison, good)
        before = memory.store.tasks(memory.cube_id, [poison])[0]
        taken = before.claimed("dead", micros(NOON), worker.machine_clock() - 60_000_000, 1_000_000)
        assert memory.store.swap_task(memory.cube_id, before, taken)
    small = bounded(memory, attempts=2)
    assert doing(small, counts) == 1
    assert memory.tasks.get(good).status == "done"
    assert memory.tasks.get(poison).status == "failed"
    assert "its worker ended each time" in memory.tasks.get(poison).reason


def micros(when: datetime) -> int:
    return int(when.timestamp() * 1_000_000)


def test_cubes_take_turns(memory: TreeTextMemory) -> None:
    other = memory.cube(memory.cube_id + "-z")
    other.add("Ben lives in Ghent.")
    for _ in range(4):
        queue(memory)
    queue(other)
    served: list[str] = []

    def note(ctx: Context, *_: Any) -> Mapping[str, Any]:
        served.append(ctx.cube)
        return {}

    both = [memory.cube_id, other.cube_id]
    assert Worker(memory._context, both, handlers={"test": Handler(note)}).run(once=True) == 5
    assert other.cube_id in served[:2]


def test_of_many_workers_each_task_has_one(memory: TreeTextMemory) -> None:
    ids = [queue(memory, n) for n in range(30)]
    done: list[int] = []

    def note(ctx: Context, payload: Mapping[str, Any], stopping: Any) -> Mapping[str, Any]:
        done.append(payload["n"])
        return {"n": payload["n"]}

    threads = [threading.Thread(target=doing, args=(memory, note, 2)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == list(range(30))
    found = [memory.tasks.get(i) for i in ids]
    assert [(task.result, task.attempts) for task in found] == [({"n": n}, 1) for n in range(30)]


def test_who_lost_a_lease_reports_nothing(memory: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LEASE", 0.1)
    task = queue(memory)
    entered, go = threading.Event(), threading.Event()

    def slow(ctx: Context, payload: Any, stopping: Any) -> Mapping[str, Any]:
        entered.set()
        go.wait(10)
        return {"by": "slow"}

    thread = threading.Thread(target=doing, args=(memory, slow))
    thread.start()
    entered.wait(10)
    time.sleep(0.15)
    assert doing(memory, lambda *_: {"by": "second"}) == 1
    go.set()
    thread.join()
    found = memory.tasks.get(task)
    assert (found.status, found.result, found.attempts) == ("done", {"by": "second"}, 2)


def test_a_heart_keeps_the_lease(memory: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LEASE", 0.6)
    monkeypatch.setattr(worker, "HEARTBEAT", 0.1)
    task = queue(memory)
    entered = threading.Event()

    def slow(ctx: Context, payload: Any, stopping: Any) -> Mapping[str, Any]:
        entered.set()
        time.sleep(1.0)
        return {"lost": stopping()}

    thread = threading.Thread(target=doing, args=(memory, slow))
    thread.start()
    entered.wait(10)
    while thread.is_alive():
        assert doing(memory, counts) == 0
        time.sleep(0.05)
    found = memory.tasks.get(task)
    assert (found.status, found.attempts, found.result) == ("done", 1, {"lost": False})


def test_a_clock_that_steps_back_holds_up_nothing(memory: TreeTextMemory, clock: FakeClock) -> None:
    def fail(*_: Any) -> None:
        raise LLMError("gone", "timeout")

    task = queue(memory)
    doing(memory, fail)
    clock.time -= timedelta(days=1)
    assert doing(memory, counts) == 1
    assert memory.tasks.get(task).status == "done"
    later = queue(memory)
    before = memory.store.tasks(memory.cube_id, [later])[0]
    ahead = worker.machine_clock() + 3_600_000_000  # of a worker whose machine's clock was an hour ahead, and died
    assert memory.store.swap_task(memory.cube_id, before, before.claimed("dead", micros(NOON), ahead, 30_000_000))
    assert doing(memory, counts) == 1


def test_cancel(memory: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "HEARTBEAT", 0.05)
    waiting, running = queue(memory, 1), queue(memory, 0)
    cancelled = memory.tasks.cancel(waiting)
    assert (cancelled.status, cancelled.reason) == ("failed", "cancelled")
    assert memory.tasks.cancel(waiting) == cancelled
    entered = threading.Event()

    def until_told(ctx: Context, payload: Any, stopping: Callable[[], bool]) -> Mapping[str, Any]:
        entered.set()
        until = time.monotonic() + 10
        while not stopping() and time.monotonic() < until:
            time.sleep(0.01)
        return {"told": stopping()}

    thread = threading.Thread(target=doing, args=(memory, until_told))
    thread.start()
    entered.wait(10)
    assert memory.tasks.cancel(running).reason == "cancelled"
    thread.join(10)
    assert not thread.is_alive()
    assert (memory.tasks.get(running).status, memory.tasks.get(running).result) == ("failed", {})
    assert memory.tasks.retry(running).status == "waiting"
    assert doing(memory, counts) == 1


def test_a_worker_that_is_told_to_end_gives_back(memory: TreeTextMemory) -> None:
    task = queue(memory)
    stop = threading.Event()

    def stopped(ctx: Context, payload: Any, stopping: Callable[[], bool]) -> None:
        stop.set()
        assert stopping()

    assert Worker(memory._context, [memory.cube_id], stop, {"test": Handler(stopped)}).run() == 1
    found = memory.tasks.get(task)
    assert (found.status, found.attempts, found.due_at) == ("waiting", 0, NOON)

    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        doing(memory, interrupted)
    assert (memory.tasks.get(task).status, memory.tasks.get(task).attempts) == ("waiting", 0)


def test_background_workers_end_with_the_memory(open_memory: OpenMemory) -> None:
    memory = open_memory()
    memory.add("Anna lives in Porto.")
    memory.tasks.start(threads=2)
    memory.tasks.start(threads=2)
    assert memory.tasks.wait(memory.tasks.add("reindex").id, timeout=10).status == "done"
    memory.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("treemem-tasks")]
    with pytest.raises(StoreUnavailableError, match="closed"):
        memory.tasks.start()


def test_a_budget_waits_for_the_next_day(memory: TreeTextMemory, clock: FakeClock) -> None:
    def asks(ctx: Context, payload: Mapping[str, Any], stopping: Any) -> Mapping[str, Any]:
        assert ctx.llm is not None
        models.ask(ctx.llm, "s", "u", Answer)
        if payload["n"] == 1:
            raise LLMError("gone", "timeout")
        return {}

    seeing = TreeTextMemory._view(replace(memory._context, llm=Counted()))
    ids = []
    for n in range(4):
        clock.time += timedelta(seconds=1)
        ids.append(queue(memory, n))
    for settings in ({"tokens_per_day": 2_000}, {"cost_per_day": 4.0}):
        bound = bounded(seeing, **settings)
        assert doing(bound, asks, asks_llm=True) == 2
        assert doing(bound, asks, asks_llm=True) == 0
        late = [t for t in map(memory.tasks.get, ids) if "budget is spent" in t.reason]
        assert late
        midnight = clock.time.replace(hour=0, minute=0, second=0) + timedelta(days=1)
        assert {t.due_at for t in late} == {midnight}
        clock.time = midnight + timedelta(hours=12)
    assert memory.tasks.get(ids[0]).usage == LLMUsage(1, 900, 100, 0.01, 2.0)
    again = memory.tasks.get(ids[1])
    assert (again.status, again.usage.requests) == ("waiting", 2)  # what failed was paid for as well
    assert doing(bounded(seeing, tokens_per_day=0), counts) == 2  # what asks no model is not held up


def test_what_ended_is_kept_for_some_days(memory: TreeTextMemory, clock: FakeClock) -> None:
    old = [queue(memory) for _ in range(2)]
    memory.tasks.cancel(old[1])
    assert doing(memory, counts) == 1
    late = queue(memory)
    clock.time += timedelta(days=29)
    assert doing(memory, counts) == 1
    clock.time += timedelta(days=2)
    assert len(memory.tasks.list()) == 3
    assert doing(memory, counts) == 0
    assert [task.id for task in memory.tasks.list()] == [late]


def test_asyncio(memory: TreeTextMemory) -> None:
    async def run() -> None:
        many = AsyncTreeTextMemory(memory)
        task = await many.tasks.add("reindex")
        done, count = await asyncio.gather(many.tasks.wait(task.id), many.tasks.work(once=True))
        assert (done.status, count) == ("done", 1)
        assert await many.tasks.list() == [done]

    asyncio.run(run())


def test_a_full_queue_refuses(memory: TreeTextMemory) -> None:
    full = bounded(memory, waiting=2)
    first = full.tasks.add("reindex", operation_id="first")
    full.tasks.add("reindex")
    with pytest.raises(QueueFullError, match="treemem work"):
        full.tasks.add("reindex")
    assert full.tasks.add("reindex", operation_id="first") == first
    memory.tasks.work(once=True)
    full.tasks.add("reindex")


def test_walls(memory: TreeTextMemory) -> None:
    ann, bob, here = memory.for_caller("ann"), memory.for_caller("bob"), memory.for_caller(session_id="s1")
    ids = {view: view.tasks.add("reorganize", operation_id="same").id for view in (ann, bob, here, memory)}
    assert len(set(ids.values())) == 4
    for view in (ann, bob, here):
        assert [t.id for t in view.tasks.list()] == [ids[view]]
        for verb in (view.tasks.get, view.tasks.cancel, view.tasks.retry, view.tasks.wait):
            with pytest.raises(TaskNotFoundError):
                verb(ids[memory])
        with pytest.raises(NotAllowedError):
            view.tasks.work(once=True)
        with pytest.raises(NotAllowedError):
            view.tasks.start()
    assert memory.for_caller("ann", "s9").tasks.get(ids[ann]).user_id == "ann"
    assert len(memory.tasks.list()) == 4
    with pytest.raises(InvalidInputError, match="reaches no other"):
        memory.cube(memory.cube_id, walled=True).tasks.work(every_cube=True, once=True)
    (secret,) = ann.add("Ann's secret.", visibility="private")
    seen: dict[str | None, bool] = {}

    def look(ctx: Context, *_: Any) -> Mapping[str, Any]:
        seen[ctx.caller.user_id] = bool(TreeTextMemory._view(ctx).get_by_ids([secret]))
        return {}

    assert Worker(memory._context, [memory.cube_id], handlers={"reorganize": Handler(look)}).run(once=True) == 4
    assert seen["ann"]
    assert not seen["bob"]


def test_no_word_stays_in_the_queue(memory: TreeTextMemory, location: str) -> None:
    (told,) = memory.add(f"The {TOKEN} hangs in the hall.")

    def quotes(ctx: Context, payload: Mapping[str, Any], stopping: Any) -> Mapping[str, Any]:
        text = TreeTextMemory._view(ctx).get(payload["id"]).memory
        if payload["n"] == 0:
            return {"said": text}
        raise (LLMError(text, "invalid"), InvalidInputError(text), KeyError(text))[payload["n"] - 1]

    for n in range(4):
        enqueue(memory._context, "test", {"id": told, "n": n}, None)
    assert doing(memory, quotes) == 4
    assert TOKEN not in str(memory.tasks.list())
    memory.purge(told)
    for text in everywhere(memory, location):
        assert TOKEN not in text.lower()


def test_a_cube_that_is_dropped_takes_its_tasks(memory: TreeTextMemory, tmp_path: Path) -> None:
    task = queue(memory)
    backup = memory.drop(backups=tmp_path)
    assert backup is not None
    with pytest.raises(TaskNotFoundError):
        memory.tasks.get(task)
    memory.load(backup)
    assert memory.tasks.list() == []  # an archive is what is remembered, not what is to be done
