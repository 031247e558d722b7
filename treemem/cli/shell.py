"""The application, its common options, and how a command opens a memory and says what it found."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from treemem import __version__
from treemem.cli.guard import JSON, GuardedGroup, errors
from treemem.cli.terminal import cell, on_terminal
from treemem.schemas.plain import plain
from treemem.schemas.written import as_json as json_line
from treemem.zones import reading_in, zone_of

if TYPE_CHECKING:
    from treemem.config import TreeTextMemoryConfig
    from treemem.memory import TreeTextMemory

app = typer.Typer(
    help="Graph-native, time-versioned memory for AI agents.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    cls=GuardedGroup,
)
console = Console(highlight=False, markup=False, emoji=False)
ACTOR = "treemem command line"


def _note_json(context: typer.Context, wanted: bool) -> bool:
    context.meta[JSON] = context.meta.get(JSON, False) or wanted
    return wanted


Store = Annotated[
    str | None, typer.Option("--store", "-s", help="A file path or neo4j://host:7687. Default: TREEMEM_STORE.")
]
Cube = Annotated[str | None, typer.Option("--cube", "-c", help="The cube (tenant). Default: TREEMEM_CUBE or default.")]
Config = Annotated[Path | None, typer.Option("--config", help="A TOML, JSON or YAML file with settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.", callback=_note_json)]
AsOf = Annotated[str | None, typer.Option(help="What was true then (ISO 8601).")]
KnownAt = Annotated[str | None, typer.Option(help="As it was known then (ISO 8601).")]
User = Annotated[
    str | None, typer.Option("--user", help="The user who asks: only what this user may see. Default: TREEMEM_USER_ID.")
]
Everything = Annotated[
    bool, typer.Option("--everything", help="Let searches find every message, also those that tell nothing new.")
]
Mode = Annotated[
    str,
    typer.Option(help="fast; fine: the configured language model reads it, once it is written; async: treemem work."),
]
Reason = Annotated[str | None, typer.Option(help="Why; kept with the operation.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        console.print(f"treemem {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Graph-native, time-versioned memory for AI agents. Exit codes: 0 done, 1 refused or failed, 2 wrong usage."""


def settings(
    store: str | None,
    cube: str | None,
    config: Path | None,
    actor: str = ACTOR,
    default_store: Path | None = None,
    user: str | None = None,
) -> TreeTextMemoryConfig:
    """Return what the options, the file and the environment say, in this order; then `actor` and `default_store`."""
    from treemem.config import file_settings, from_environment, layered

    default = {"actor": actor, "store": None if default_store is None else str(default_store)}
    said = {} if config is None else file_settings(config)
    return layered(
        default, from_environment(), said, {"store": store, "cube": cube, "user_id": user, "reorganize": False}
    )


@contextmanager
def opened(
    store: str | None, cube: str | None, config: Path | None, user: str | None = None
) -> Iterator[TreeTextMemory]:
    """Yield the memory that the options, the file and the environment describe, in this order, as `user` sees it."""
    from treemem.memory import TreeTextMemory

    with TreeTextMemory(settings(store, cube, config, user=user)) as memory, reading_in(zone_of(memory.zone)):
        yield memory


@contextmanager
def progress_bar(label: str, quiet: bool) -> Iterator[Callable[[int, int | None], None] | None]:
    """Yield what to call with (done, total), drawn on the error stream; None where nothing is to be drawn."""
    if quiet:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def say(as_json: bool, data: Any, text: str, *, soft_wrap: bool = False) -> None:
    """Write what a command found to standard output, as JSON or as text; show_list does lists.

    Long lines are broken where a terminal ends, and nowhere else.
    """
    if as_json:
        sys.stdout.write(json_line(plain(data)) + "\n")
    else:
        console.print(cell(text), soft_wrap=soft_wrap or not on_terminal())
