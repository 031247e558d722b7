"""Whatever goes wrong in a command ends in one sentence and an exit code, not in a traceback."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from treemem.cli.terminal import shown
from treemem.cli.wording import in_commands
from treemem.errors import TreememError
from treemem.schemas.written import as_json

#: Where the option --json is noted for errors that come later.
JSON = "treemem.json"
#: Set it to see where an unexpected error came from.
TRACEBACK = "TREEMEM_TRACEBACK"
#: The base of usage errors. Typer brings its own click in newer versions, so it is found through a public child.
_UsageError: Any = typer.BadParameter.__bases__[0]
errors = Console(stderr=True, highlight=False)


class GuardedGroup(TyperGroup):
    """The commands, run so that each error becomes a sentence: exit code 1 for what failed, 2 for wrong usage."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except _UsageError as error:
            error.message = shown(error.message)
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort):
            raise
        except _UsageError as error:
            error.message = shown(error.message)
            raise
        except TreememError as error:
            told, kind = in_commands(str(error)), type(error).__name__
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise  # nobody reads any more: typer ends quietly
            told, kind = told_of(error), type(error).__name__
        except Exception as error:
            if os.environ.get(TRACEBACK):
                raise
            kind = type(error).__name__
            told = f"not foreseen: {kind}: {str(error)[:300]}; please report it, {TRACEBACK}=1 shows where it came from"
        tell(told, kind, json=bool(ctx.meta.get(JSON)))
        raise typer.Exit(1)


def tell(message: str, kind: str, *, json: bool = False) -> None:
    """Say on the error stream what went wrong, and with `json` on standard output as well.

    Where a stream cannot be written to either, the exit code has to say it.
    """
    if json:
        with contextlib.suppress(OSError):
            sys.stdout.write(as_json({"error": message, "kind": kind}) + "\n")
    with contextlib.suppress(OSError):
        errors.print(Text(shown(f"treemem: {message}"), style="red"), soft_wrap=True)


def told_of(error: OSError) -> str:
    """Return what the operating system said, with the file where it names one."""
    place = "" if error.filename is None else f"{error.filename}: "
    return f"{place}{error.strerror or error}"
