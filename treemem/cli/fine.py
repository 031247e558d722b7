"""Commands on what a language model reads: read, explain."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from treemem.cli.guard import tell
from treemem.cli.shell import AsJson, Config, Cube, Reason, Store, app, opened, progress_bar, say
from treemem.ingest.reading.report import ReadingReport
from treemem.schemas.plain import plain


@app.command()
def read(
    ids: Annotated[list[str] | None, typer.Argument(help="Memories to read. Default: all not read yet.")] = None,
    since: Annotated[str | None, typer.Option(help="What was added or changed since (ISO 8601).")] = None,
    conversation: Annotated[str | None, typer.Option(help="The messages of a conversation.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be found, and write nothing.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Read also what was read before.")] = False,
    confirm: Annotated[bool, typer.Option("--confirm", help="Ask the model, too, whether that is known.")] = False,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Let the configured language model read what was added, and remember what it finds there, with its evidence."""
    given: dict[str, Any] = {
        "since": since,
        "conversation_id": conversation,
        "dry_run": dry_run,
        "again": again,
        "confirm": confirm or None,
    }
    with opened(store, cube, config) as memory, progress_bar("Reading", as_json) as progress:
        report = memory.read(ids or None, reason=reason, progress=progress, **given)
    show_report(report, as_json)


def show_report(report: ReadingReport, as_json: bool) -> None:
    """Show a report; one that is not whole ends the command with exit code 1."""
    data = {**plain(report), "is_whole": report.is_whole, "dropped_by_reason": report.dropped_by_reason()}
    say(as_json, data, "\n".join(told(report)))
    if not report.is_whole:
        tell("not all was read; treemem read goes on with what is left", "ReadingError")
        raise typer.Exit(1)


def told(report: ReadingReport) -> list[str]:
    """Return what a report says as lines: each item with its id and the words that it rests on, then the counts."""
    items = []
    for item in report.items:
        items.append(f"{item.id}  {item.text} [{item.kind}, {item.modality}; {item.became}]")
        items.append(f"    {item.speaker}: {item.quote!r}")
    what = "would be remembered; nothing was written" if report.dry_run else "remembered"
    lines = [
        f"{len(report.read)} read, {len(report.unchanged)} read before; {report.windows} windows, {report.calls} calls",
        f"{len(report.items)} items {what}" + ("" if report.dry_run else f", {len(report.added)} of them new"),
    ]
    lines += [f"dropped {count}: {reason}" for reason, count in report.dropped_by_reason().items()]
    lines += [f"not read ({each.reason}): {each.message}" for each in report.failed]
    if report.left:
        lines.append(f"{len(report.left)} were not tried")
    return [*items, *lines]


@app.command()
def explain(
    memory_id: Annotated[str, typer.Argument(help="The memory's id.")],
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show where a memory comes from: the words that it rests on, who said them and when."""
    with opened(store, cube, config) as memory:
        found = memory.explain(memory_id)
    say(as_json, found, str(found))
