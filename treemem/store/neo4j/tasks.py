"""The task protocol on Neo4j: each task is a node of its own beside the graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from treemem.queued import ENDED, QueuedTask, Spent
from treemem.store import queueing
from treemem.store.neo4j import erasing, rows
from treemem.store.neo4j.admitting import Admitting
from treemem.store.neo4j.connection import Transaction
from treemem.store.neo4j.statements import statement
from treemem.store.shared import refuse_loading
from treemem.temporal import BEGINNING, SKEW

_FIELDS = tuple(field.name for field in fields(QueuedTask))
_TIMES = ("created", "due", "since", "started", "finished")
#: What a task says of itself for good.
_FIXED = ("id", "kind", "payload", "created", "user_id", "session_id")


class Tasks(Admitting):
    """The queues of cubes. What is added holds the cube's lock; what becomes of a task holds that task's alone."""

    def enqueue(self, cube: str, tasks: Sequence[QueuedTask], most_waiting: int) -> None:
        def work(tx: Transaction) -> None:
            found = tx.run(statement("hold_cube"), cube=cube)
            if not found:
                raise queueing.no_cube(cube)
            erasing.refuse(found[0])
            refuse_loading(cube, found[0]["loading"])
            add(tx, cube, tasks, most_waiting)

        self._admitted(cube, lambda: self._connection.write(work))

    def tasks(self, cube: str, ids: Sequence[str]) -> list[QueuedTask]:
        found = {task.id: task for task in _tasks(self._read("tasks_by_id", cube=cube, ids=list(ids)))}
        return [found[each] for each in ids if each in found]

    def listed_tasks(self, cube: str, state: str, owner: str | None, limit: int) -> list[QueuedTask]:
        given: dict[str, Any] = {"cube": cube, "state": state, "limit": limit, "since": rows.time(BEGINNING)}
        if owner is None:
            return _tasks(self._read("listed_tasks", **given))
        return _tasks(self._read("owned_tasks", owner=owner, **given))

    def due_tasks(self, cube: str, kinds: Sequence[str], now: int, machine: int, limit: int) -> list[QueuedTask]:
        found = _tasks(self._read("due_tasks", cube=cube, kinds=list(kinds), limit=limit, **_times(now, machine)))
        return sorted(found, key=lambda task: (task.due, task.id))

    def cubes_due(self, now: int, machine: int) -> list[str]:
        return [row["id"] for row in self._read("cubes_due", **_times(now, machine))]

    def swap_task(self, cube: str, before: QueuedTask, after: QueuedTask, spent: Spent | None = None) -> bool:
        def work(tx: Transaction) -> bool:
            # The cube's lock first, as whoever adds a task takes them.
            holds = spent is not None and tx.run(statement("hold_spent"), cube=cube)
            found = _tasks(tx.run(statement("hold_task"), cube=cube, id=before.id))
            swapped, writes = queueing.became(found[0] if found else None, before, after)
            if writes:
                properties = {name: value for name, value in _properties(after).items() if name not in _FIXED}
                tx.run(statement("write_task"), cube=cube, id=after.id, properties=properties)
            if holds and spent is not None and writes == swapped:
                total = queueing.sum_of(spent, _spent(holds[0]))
                tx.run(statement("write_spent"), cube=cube, **asdict(total))
            return swapped

        return self._connection.write(work)

    def forget_tasks(self, cube: str, before: int, limit: int) -> int:
        given = {"cube": cube, "before": rows.time(before), "limit": limit}
        found = [self._write("forget_tasks", state=state, **given) for state in ENDED]
        return sum(each[0]["gone"] for each in found)

    def spent(self, cube: str) -> Spent | None:
        found = self._read("spent", cube=cube)
        return _spent(found[0]) if found else None


def add(tx: Transaction, cube: str, tasks: Sequence[QueuedTask], most_waiting: int) -> None:
    """Add tasks to the queue of a cube whose lock is held, those that are not there yet."""
    there = {task.id: task for task in _tasks(tx.run(statement("tasks_by_id"), cube=cube, ids=[t.id for t in tasks]))}
    new = queueing.new_tasks(cube, tasks, there)
    if not new:
        return
    (row,) = tx.run(statement("count_waiting"), cube=cube, since=rows.time(BEGINNING), limit=most_waiting)
    queueing.refuse_full(cube, row["waiting"], len(new), most_waiting)
    adding = [{"id": task.id, "properties": _properties(task) | {"owner": task.owner}} for task in new]
    tx.run(statement("add_tasks"), cube=cube, rows=adding)


def _tasks(found: Sequence[Mapping[str, Any]]) -> list[QueuedTask]:
    return [QueuedTask(**{name: row["task"].get(name) for name in _FIELDS}) for row in found]


def _properties(task: QueuedTask) -> dict[str, Any]:
    """Return a task as properties; what is None is no property, or is taken away."""
    given = asdict(task)
    return given | {name: None if given[name] is None else rows.time(given[name]) for name in _TIMES}


def _times(now: int, machine: int) -> dict[str, Any]:
    return {
        "now": rows.time(now),
        "latest": rows.time(now + SKEW),
        "machine": rows.time(machine),
        "machine_latest": rows.time(machine + SKEW),
    }


def _spent(row: Mapping[str, Any]) -> Spent | None:
    return None if row["day"] is None else Spent(row["day"], row["tokens"], row["cost"])
