"""The application, its common options, and how a command opens a memory and says what it found."""

from __future__ import annotations

import dataclasses
import json
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
from rich.text import Text

from treemem import __version__
from treemem.items import TextualMemoryItem

if TYPE_CHECKING:
    from treemem.memory import TreeTextMemory

app = typer.Typer(
    help="Graph-native, time-versioned memory for AI agents.", no_args_is_help=True, pretty_exceptions_enable=False
)
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Store = Annotated[
    str | None, typer.Option("--store", "-s", help="A file path or neo4j://host:7687. Default: TREEMEM_STORE.")
]
Cube = Annotated[str | None, typer.Option("--cube", "-c", help="The cube (tenant). Default: TREEMEM_CUBE or default.")]
Config = Annotated[Path | None, typer.Option("--config", help="A TOML or JSON file with settings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
AsOf = Annotated[str | None, typer.Option(help="What was true then (ISO 8601).")]
KnownAt = Annotated[str | None, typer.Option(help="As it was known then (ISO 8601).")]
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


@contextmanager
def opened(store: str | None, cube: str | None, config: Path | None) -> Iterator[TreeTextMemory]:
    """Yield the memory that the options, the file and the environment describe, in this order."""
    from treemem.config import TreeTextMemoryConfig
    from treemem.memory import TreeTextMemory

    settings = TreeTextMemoryConfig() if config is None else TreeTextMemoryConfig.from_file(config)
    given = {"store": store, "cube": cube, "actor": settings.actor or "treemem command line"}
    named = {n: getattr(settings, n) for n in settings.model_fields_set}
    chosen = TreeTextMemoryConfig.model_validate(named | {n: v for n, v in given.items() if v is not None})
    with TreeTextMemory(chosen) as memory:
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
        sys.stdout.write(json.dumps(plain(data), ensure_ascii=False) + "\n")
    elif isinstance(text, str):
        console.print(Text(text))
    else:
        console.print(text)
