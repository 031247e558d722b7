"""Commands on the queue of tasks: see it, and work on it."""

from __future__ import annotations

import signal
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from treemem.cli.lists import Form, Format, date, form_of, show_list
from treemem.cli.shell import AsJson, Config, Cube, Store, app, opened, say
from treemem.errors import InvalidInputError
from treemem.tasks.task import Task

if TYPE_CHECKING:
    from treemem.memory import TreeTextMemory


@app.command()
def work(
    once: Annotated[bool, typer.Option("--once", help="End as soon as nothing is due.")] = False,
    threads: Annotated[int, typer.Option(help="How many tasks are done at once.")] = 1,
    cube: Annotated[list[str] | None, typer.Option("--cube", "-c", help="A cube to work for; repeat it.")] = None,
    every_cube: Annotated[bool, typer.Option("--every-cube", help="Work for every cube of the store.")] = False,
    store: Store = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Do the tasks that wait, until Control-C or SIGTERM: what is at work then is finished, or given back. With --once
    the exit code is 1 if one failed for good.
    """
    stop = threading.Event()

    def told(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, signal.default_int_handler)  # who asks twice does not want to wait

    begun = datetime.now(UTC)
    with opened(store, cube[0] if cube else None, config) as memory:
        before = {each: signal.signal(each, told) for each in (signal.SIGINT, signal.SIGTERM)}
        try:
            done = memory.tasks.work(threads=threads, once=once, stop=stop, cubes=cube or None, every_cube=every_cube)
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        ended = [each for name in _cubes(memory, cube, every_cube) for each in _failed(memory.cube(name), begun)]
    told_of = [f"{done} tasks were taken up", *(f"failed: {task.id} ({task.kind}): {task.reason}" for task in ended)]
    say(as_json, {"tasks": done, "failed": [task.id for task in ended]}, "\n".join(told_of))
    if once and ended:
        raise typer.Exit(1)


def _cubes(memory: TreeTextMemory, named: list[str] | None, every_cube: bool) -> list[str]:
    """Return the cubes that were worked for."""
    return [each.id for each in memory.store.cubes()] if every_cube else named or [memory.cube_id]


def _failed(memory: TreeTextMemory, begun: datetime) -> list[Task]:
    """Return the tasks of a cube that failed since a time."""
    failed = memory.tasks.list(status="failed", limit=None)
    return [task for task in failed if task.finished_at is not None and task.finished_at >= begun]


@app.command()
def tasks(
    task_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The task to show. Default: all.")] = None,
    status: Annotated[list[str] | None, typer.Option(help="waiting, running, done or failed; repeat it.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    add: Annotated[
        str | None,
        typer.Option(metavar="KIND", help="Add a task: reorganize or reindex."),
    ] = None,
    wait: Annotated[float | None, typer.Option(help="Wait for its end, so many seconds at most.")] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="End it as failed.")] = False,
    retry: Annotated[bool, typer.Option("--retry", help="Let it be tried again from now on.")] = False,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Show the tasks of the cube, newest first, or one of them; exit code 1 if it failed, or is not done in time."""
    if (cancel or retry or wait is not None) and (task_id is None) == (add is None):
        raise InvalidInputError("wanted the ID of one task, or --add KIND, for --wait, --cancel and --retry")
    form = form_of(as_json, format)
    if cancel and retry:
        raise InvalidInputError("--cancel and --retry: leave one of the two out")
    with opened(store, cube, config) as memory:
        queue = memory.tasks
        if add is not None:
            task_id = queue.add(add).id
        if task_id is not None:
            found = queue.cancel(task_id) if cancel else queue.retry(task_id) if retry else queue.get(task_id)
            if wait is not None:
                found = queue.wait(task_id, wait)
            many = [found]
        else:
            many = queue.list(status=status or None, limit=limit)
    show_tasks(form, many if task_id is None else many[0])
    late = wait is not None and many[0].status != "done"
    if task_id is not None and (many[0].status == "failed" or late) and not cancel:
        raise typer.Exit(1)


def show_tasks(form: Form, found: list[Task] | Task) -> None:
    """Show a task, or several."""
    rows = []
    for task in found if isinstance(found, list) else [found]:
        came = task.reason or ", ".join(f"{name}: {value}" for name, value in task.result.items())
        rows.append((task.id, task.kind, task.status, task.attempts, date(task.created_at), came))
    show_list(form, found, ("id", "kind", "status", "attempts", "made", "what came of it"), rows, "no tasks")
