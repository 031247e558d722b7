"""The command `status`: how a task stands, or the whole memory."""

from __future__ import annotations

import sqlite3
import sys
from typing import Annotated, Any

import typer

from treemem import __version__
from treemem.cli.lists import Form, Format, date, form_of, show_list
from treemem.cli.shell import AsJson, Config, Cube, Store, User, app, opened
from treemem.cli.working import show_tasks
from treemem.locations import is_server
from treemem.queued import STATES
from treemem.records import Statistics
from treemem.schemas.plain import plain


@app.command()
def status(
    task_id: Annotated[str | None, typer.Argument(metavar="[TASK]", help="A task. Default: the whole memory.")] = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Say how a task stands (exit code 1 if it failed), or how much the memory holds, its tasks, and the versions."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        if task_id is not None:
            task = memory.tasks.get(task_id)
            show_tasks(form, task)
            if task.status == "failed":
                raise typer.Exit(1)
            return
        held = memory.stats()
        tasks = {state: len(memory.tasks.list(status=state, limit=None)) for state in STATES}
        versions = {"treemem": __version__, "python": sys.version.split()[0]}
        if not is_server(held.location):
            versions["sqlite"] = sqlite3.sqlite_version
        _show(form, held, tasks, versions)


def _show(form: Form, held: Statistics, tasks: dict[str, int], versions: dict[str, str]) -> None:
    rows: list[tuple[str, Any]] = list(plain(held).items())
    rows = [(name, value) for name, value in rows if name != "clock" and value is not None]
    if held.clock is not None:
        rows.append(("newest operation", date(held.clock)))
    rows += [(f"tasks {state}", count) for state, count in tasks.items()]
    rows += list(versions.items())
    data = {"memory": plain(held), "tasks": tasks, "versions": versions}
    show_list(form, data, ("what", "value"), rows, "nothing")
