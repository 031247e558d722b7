"""Lists in three forms: a table for people, Markdown for pages, JSON for programs."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.cells import cell_len
from rich.table import Table

from treemem.cli.guard import JSON
from treemem.cli.terminal import cell, on_terminal, shown
from treemem.schemas.plain import plain
from treemem.schemas.written import as_json as json_line
from treemem.zones import local

#: No column that others follow is made wider than this many characters for one long text.
_WIDEST = 60
#: Columns of a terminal in which an id stands on one line, to be copied.
_FOR_IDS = 80
_MARKDOWN = re.compile(r"[\\`*_\[\]<>|~&#]")


class Form(StrEnum):
    """How a list is shown."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


def _note(context: typer.Context, form: Form | None) -> Form | None:
    context.meta[JSON] = context.meta.get(JSON, False) or form is Form.JSON
    return form


Format = Annotated[
    Form | None, typer.Option("--format", help="How to show it. Default: table.", callback=_note, show_default=False)
]


def form_of(as_json: bool, form: Form | None) -> Form:
    """Return the form that --json and --format ask for; both at once are wrong usage where they differ."""
    if as_json and form not in (None, Form.JSON):
        raise typer.BadParameter(f"--json and --format {form} differ; leave one out", param_hint="--format")
    return Form.JSON if as_json else form or Form.TABLE


def show_list(
    form: Form, data: Any, names: Sequence[str], rows: Iterable[Sequence[object]], empty: str, note: str | None = None
) -> None:
    """Write a list to standard output: `data` as JSON, or `rows` under `names`, or `empty` where there are none.

    `note` stands under a table. On a terminal long texts go on in the next line; anywhere else each row is one line
    and whole, however long.
    """
    if form is Form.JSON:
        sys.stdout.write(json_line(plain(data)) + "\n")
        return
    texts = [[str(text) for text in row] for row in rows]
    if not texts:
        sys.stdout.write(shown(empty) + "\n")
    elif form is Form.MARKDOWN:
        lines = [names, ["---"] * len(names), *([_escaped(text) for text in row] for row in texts)]
        sys.stdout.write("".join(f"| {' | '.join(line)} |\n" for line in lines))
    elif on_terminal():
        _draw(names, texts, note)
    else:
        sys.stdout.write("".join(f"{line}\n" for line in _aligned(names, texts)))
        if note is not None:
            sys.stdout.write(shown(note) + "\n")


def _draw(names: Sequence[str], rows: Iterable[Sequence[str]], note: str | None) -> None:
    from treemem.cli.shell import console

    table = Table(box=None, padding=(0, 1), caption=None if note is None else cell(note))
    for name in names:
        table.add_column(name, overflow="fold", no_wrap=name == "id" and console.width >= _FOR_IDS)
    for row in rows:
        table.add_row(*map(cell, row))
    console.print(table)


def _aligned(names: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Yield lines whose columns stand under each other, as far as no text is too long for that."""
    lines = [list(names), *([_joined(shown(text), " ") for text in row] for row in rows)]
    widths = [min(_WIDEST, max(map(cell_len, column))) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = [text + " " * (width - cell_len(text)) for text, width in zip(line, widths, strict=True)]
        yield "  ".join(padded).rstrip()


def _escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, in one cell of a table."""
    return _joined(_MARKDOWN.sub(r"\\\g<0>", shown(text)), "<br>")


def date(moment: datetime | None) -> str:
    """Return a time as a clock of the memory's zone shows it."""
    return "open" if moment is None else local(moment).strftime("%Y-%m-%d %H:%M")


def _joined(text: str, between: str) -> str:
    """Return the lines of a text as one, without the white space around them."""
    return between.join(line for each in text.splitlines() if (line := each.strip()))
