"""The queue of tasks on the embedded store, inside one transaction each."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import asdict, astuple
from typing import Any

from treemem.queued import ENDED, QueuedTask, Spent
from treemem.store import queueing
from treemem.store.shared import refuse_loading
from treemem.store.sqlite import rows
from treemem.store.sqlite.statements import statement
from treemem.temporal import SKEW


def task_of(row: Sequence[Any]) -> QueuedTask:
    """Return what the fragment `task_columns` reads as a task."""
    return QueuedTask(*row)


def enqueue(conn: sqlite3.Connection, cube: str, tasks: Sequence[QueuedTask], most_waiting: int) -> None:
    """Add tasks to the queue of a cube, inside the open write transaction."""
    found = conn.execute("SELECT num, loading FROM cube WHERE id = ?", (cube,)).fetchone()
    if found is None:
        raise queueing.no_cube(cube)
    refuse_loading(cube, found[1])
    add(conn, found[0], cube, tasks, most_waiting)


def add(conn: sqlite3.Connection, num: int, cube: str, tasks: Sequence[QueuedTask], most_waiting: int) -> None:
    """Add tasks to the queue of the cube of that number, those that are not there yet."""
    there = {task.id: task for task in by_id(conn, cube, [task.id for task in tasks])}
    new = queueing.new_tasks(cube, tasks, there)
    if new:
        counted = conn.execute(statement("count_waiting"), {"cube": num, "most": most_waiting}).fetchone()[0]
        queueing.refuse_full(cube, counted, len(new), most_waiting)
        conn.executemany(statement("add_task"), [(num, task.owner, *astuple(task)) for task in new])


def by_id(conn: sqlite3.Connection, cube: str, ids: Sequence[str]) -> list[QueuedTask]:
    """Return the tasks with these ids that exist, in the order of `ids`."""
    found = conn.execute(statement("tasks_by_id"), {"cube": cube, "ids": rows.listed(ids)})
    tasks = {row[0]: task_of(row) for row in found}
    return [tasks[each] for each in ids if each in tasks]


def listed(conn: sqlite3.Connection, cube: str, state: str, owner: str | None, limit: int) -> list[QueuedTask]:
    """Return the tasks of a state, the one that was made last first."""
    given = {"cube": cube, "state": state, "limit": limit}
    if owner is None:
        found = conn.execute(statement("listed_tasks"), given)
    else:
        found = conn.execute(statement("owned_tasks"), given | {"owner": owner})
    return [task_of(row) for row in found]


def due(
    conn: sqlite3.Connection, cube: str, kinds: Sequence[str], now: int, machine: int, limit: int
) -> list[QueuedTask]:
    """Return tasks of these kinds that a worker may take up, in the order in which they are due."""
    given = {"cube": cube, "kinds": rows.listed(kinds), "now": now, "machine": machine, "skew": SKEW, "limit": limit}
    found = [task_of(row) for row in conn.execute(statement("due_tasks"), given)]
    return sorted(found, key=lambda task: (task.due, task.id))


def cubes_due(conn: sqlite3.Connection, now: int, machine: int) -> list[str]:
    """Return the cubes that have a task which a worker may take up, by id."""
    given = {"now": now, "machine": machine, "skew": SKEW}
    return [row[0] for row in conn.execute(statement("cubes_due"), given)]


def swap(conn: sqlite3.Connection, cube: str, before: QueuedTask, after: QueuedTask, spent: Spent | None) -> bool:
    """Put a task as it becomes in the place of the task as it was, inside the open write transaction."""
    now = next(iter(by_id(conn, cube, [before.id])), None)
    swapped, writes = queueing.became(now, before, after)
    if writes:
        conn.execute(statement("write_task"), asdict(after) | {"cube": cube})
    if spent is not None and writes == swapped:
        total = queueing.sum_of(spent, spending(conn, cube))
        conn.execute(
            "UPDATE cube SET spent_day = ?, spent_tokens = ?, spent_cost = ? WHERE id = ?",
            (total.day, total.tokens, total.cost, cube),
        )
    return swapped


def forget(conn: sqlite3.Connection, cube: str, before: int, limit: int) -> int:
    """Take tasks that ended before a time out of the queue, inside the open write transaction."""
    given = {"cube": cube, "before": before, "limit": limit}
    return sum(conn.execute(statement("forget_tasks"), given | {"state": state}).rowcount for state in ENDED)


def spending(conn: sqlite3.Connection, cube: str) -> Spent | None:
    """Return what the tasks of a cube spent on the last day on which they spent anything."""
    row = conn.execute("SELECT spent_day, spent_tokens, spent_cost FROM cube WHERE id = ?", (cube,)).fetchone()
    return None if row is None or row[0] is None else Spent(*row)
