"""The application, its common options, and how a command opens a memory and says what it found."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import BaseModel
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from treemem import __version__
from treemem.cli.guard import JSON, GuardedGroup, errors
from treemem.cli.terminal import as_json as json_line
from treemem.cli.terminal import cell
from treemem.items import TextualMemoryItem
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
    context.meta[JSON] = wanted
    return wanted


Store = Annotated[
    str | None, typer.Option("--store", "-s", help="A file path or neo4j://host:7687. Default: TREEMEM_STORE.")
]
Cube = Annotated[str | None, typer.Option("--cube", "-c", help="The cube (tenant). Default: TREEMEM_CUBE or default.")]
Config = Annotated[Path | None, typer.Option("--config", help="A TOML, JSON or YAML file with settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.", callback=_note_json)]
AsOf = Annotated[str | None, typer.Option(help="What was true then (ISO 8601).")]
KnownAt = Annotated[str | None, typer.Option(help="As it was known then (ISO 8601).")]
Everything = Annotated[
    bool, typer.Option("--everything", help="Let searches find every message, also those that tell nothing new.")
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
    store: str | None, cube: str | None, config: Path | None, actor: str = ACTOR, default_store: Path | None = None
) -> TreeTextMemoryConfig:
    """Return what the options, the file and the environment say, in this order; then `actor` and `default_store`."""
    from treemem.config import file_settings, from_environment, layered

    default = {"actor": actor, "store": None if default_store is None else str(default_store)}
    said = {} if config is None else file_settings(config)
    return layered(default, from_environment(), said, {"store": store, "cube": cube, "reorganize": False})


@contextmanager
def opened(store: str | None, cube: str | None, config: Path | None) -> Iterator[TreeTextMemory]:
    """Yield the memory that the options, the file and the environment describe, in this order."""
    from treemem.memory import TreeTextMemory

    with TreeTextMemory(settings(store, cube, config)) as memory, reading_in(zone_of(memory.zone)):
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


def plain(value: Any) -> Any:
    """Return a result as JSON-able data; vectors are left out."""
    if isinstance(value, TextualMemoryItem):
        return value.model_dump(mode="json", exclude={"metadata": {"embedding"}})
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return str(value) if isinstance(value, Path) else value


def say(as_json: bool, data: Any, text: str | Table) -> None:
    if as_json:
        sys.stdout.write(json_line(plain(data)) + "\n")
    elif isinstance(text, str):
        console.print(cell(text))
    else:
        console.print(text)
