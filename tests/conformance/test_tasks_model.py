"""The queue of both stores against a model that is a dict: the same tasks are due, and the same reports count."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import fresh_cube
from treemem import QueueFullError, TreeTextMemory
from treemem.queued import QueuedTask
from treemem.temporal import SKEW

SECOND = 1_000_000
MOST, LEASE, WORKERS, NAMES = 4, 30, 2, 6
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, NAMES - 1)),
        st.tuples(st.just("take"), st.integers(0, WORKERS - 1)),
        st.tuples(st.just("keep"), st.integers(0, WORKERS - 1)),
        st.tuples(st.sampled_from(["done", "failed", "later"]), st.integers(0, WORKERS - 1)),
        st.tuples(st.sampled_from(["cancel", "retry"]), st.integers(0, NAMES - 1)),
        st.tuples(st.sampled_from(["clock", "machine"]), st.sampled_from([1, 20, 40, 3_600, -3_600])),
    ),
    max_size=30,
)


@dataclass
class Told:
    """What the model knows of a task."""

    status: str
    due: int
    since: int
    tries: int = 0
    #: Who has it, counted over all claims.
    claim: int | None = None


class Model:
    def __init__(self) -> None:
        self.clock, self.machine, self.claims = 1_000_000, 5_000_000, 0
        self.tasks: dict[str, Told] = {}

    def due(self) -> set[str]:
        found = set()
        for name, task in self.tasks.items():
            now = {"waiting": self.clock, "running": self.machine}.get(task.status)
            if now is not None and (task.due <= now or task.since > now + SKEW // SECOND):
                found.add(name)
        return found


def micros(seconds: int) -> int:
    return seconds * SECOND


def drive(memory: TreeTextMemory, steps: list[tuple[str, int]]) -> None:
    store, cube = memory.store, fresh_cube("queue")
    memory.cube(cube).add("Something that tasks are about.")
    model = Model()
    #: What each worker holds: the task as it took it up, and the number of that claim.
    held: dict[int, tuple[QueuedTask, int]] = {}
    for verb, n in steps:
        now, machine, name = micros(model.clock), micros(model.machine), f"task-{n}"
        told = model.tasks.get(name)
        if verb == "clock":
            model.clock += n
        elif verb == "machine":
            model.machine += n
        elif verb == "add":
            task = QueuedTask(name, "test", "{}", now, due=now, since=now)
            waiting = sum(t.status == "waiting" for t in model.tasks.values())
            if told is None and waiting == MOST:
                with pytest.raises(QueueFullError):
                    store.enqueue(cube, [task], MOST)
            else:
                store.enqueue(cube, [task], MOST)
                model.tasks.setdefault(name, Told("waiting", model.clock, model.clock))
        elif verb == "take":
            due = store.due_tasks(cube, ["test"], now, machine, 100)
            assert {task.id for task in due} == model.due()
            assert all(task.is_due(now if task.state == "waiting" else machine) for task in due)
            assert (cube in store.cubes_due(now, machine)) == bool(due)
            if due:
                taken = due[0].claimed(f"worker-{n}-{model.claims}", now, machine, micros(LEASE))
                assert store.swap_task(cube, due[0], taken)
                assert store.swap_task(cube, due[0], taken)  # an acknowledgement was lost
                assert not store.swap_task(cube, due[0], due[0].claimed("late", now, machine, micros(LEASE)))
                torn = replace(taken, due=taken.due - 1)  # read while somebody else took it up
                assert not store.swap_task(cube, torn, torn.claimed("late", now, machine, micros(LEASE)))
                told = model.tasks[taken.id]
                model.claims += 1
                told.status, told.claim, told.tries = "running", model.claims, told.tries + 1
                told.due, told.since = model.machine + LEASE, model.machine
                held[n] = taken, model.claims
        elif verb in ("cancel", "retry") and told is not None:
            before = store.tasks(cube, [name])[0]
            if verb == "cancel" and told.status in ("waiting", "running"):
                assert store.swap_task(cube, before, before.taken_away(now, "cancelled"))
                told.status, told.claim = "failed", None
            elif verb == "retry" and told.status in ("waiting", "failed"):
                assert store.swap_task(cube, before, before.begun_anew(now))
                told.status, told.claim, told.tries = "waiting", None, 0
                told.due = told.since = model.clock
        elif n in held and verb in ("keep", "done", "failed", "later"):
            mine, claim = held[n]
            told = model.tasks[mine.id]
            counts = told.claim == claim
            if verb == "keep":
                assert store.swap_task(cube, mine, mine.renewed(machine, micros(LEASE))) == counts
                if counts:
                    told.due, told.since = model.machine + LEASE, model.machine
                continue
            later = mine.postponed(now, now + micros(50), "later")
            after = later if verb == "later" else mine.ended(verb, now)
            assert store.swap_task(cube, mine, after) == counts
            if counts:
                told.status, told.claim = ("waiting" if verb == "later" else verb), None
                told.due, told.since = model.clock + 50, model.clock
            del held[n]
        found = {task.id: (task.state, task.attempts) for task in store.tasks(cube, sorted(model.tasks))}
        assert found == {name: (task.status, task.tries) for name, task in model.tasks.items()}
    for status in ("waiting", "running", "done", "failed"):
        listed = {task.id for task in store.listed_tasks(cube, status, None, 100)}
        assert listed == {name for name, task in model.tasks.items() if task.status == status}


def test_the_queue_does_as_the_model(open_memory: OpenMemory, backend: str) -> None:
    memory = open_memory()

    @settings(max_examples=20 if backend == "sqlite" else 3)
    @given(steps=STEPS)
    def agrees(steps: list[tuple[str, int]]) -> None:
        drive(memory, steps)

    agrees()
