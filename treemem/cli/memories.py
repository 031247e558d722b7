"""Commands on memories: add, get, update, delete, history, operations, undo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from treemem.cli.lists import Format, date, form_of, show_list
from treemem.cli.reading import lines_of_stdin, messages_of
from treemem.cli.shell import (
    AsJson,
    AsOf,
    Config,
    Cube,
    Everything,
    KnownAt,
    Mode,
    Reason,
    Store,
    User,
    app,
    opened,
    progress_bar,
    say,
)
from treemem.errors import InvalidInputError
from treemem.records import Added
from treemem.write.remembering import Remember


@app.command()
def add(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to remember; - reads one a line from stdin.")] = None,
    messages: Annotated[Path | None, typer.Option(help="A JSON or JSON Lines file of messages to remember.")] = None,
    conversation: Annotated[str | None, typer.Option(help="The conversation that the messages belong to.")] = None,
    at: Annotated[str | None, typer.Option(help="When they began to hold (ISO 8601). Default: now.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    operation_id: Annotated[str | None, typer.Option(help="Repeating a call with it changes nothing twice.")] = None,
    everything: Everything = False,
    mode: Mode = "fast",
    reason: Reason = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Remember texts, or the messages of a file."""
    if bool(texts) == (messages is not None):
        raise InvalidInputError("add: give texts, or --messages FILE; treemem add 'Anna lives in Porto.'")
    if (conversation is not None or everything or mode != "fast") and messages is None:
        raise InvalidInputError("add: --conversation, --everything and --mode go with --messages FILE")
    many = texts or []
    if many == ["-"]:
        many = lines_of_stdin()
    said = None if messages is None else messages_of(messages)
    with opened(store, cube, config, user) as memory, progress_bar("Remembering", as_json) as progress:
        if said is not None:
            told: dict[str, Any] = {"operation_id": operation_id, "reason": reason, "progress": progress}
            remember: Remember = "all" if everything else "new"
            ids = memory.add_messages(said, conversation_id=conversation, mode=mode, remember=remember, **told)
        else:
            tags: dict[str, Any] = {"tags": tag} if tag else {}
            ids = memory.add(many, at=at, operation_id=operation_id, reason=reason, progress=progress, **tags)
    told_of = "\n".join(ids) if len(ids) <= 20 else f"{len(ids)} memories added"
    queued = list(ids.task_ids) if isinstance(ids, Added) else []
    later = [f"task {each}: treemem work does it" for each in queued]
    say(as_json, {"ids": ids} | ({"tasks": queued} if queued else {}), "\n".join([told_of, *later]))


@app.command()
def get(
    memory_id: Annotated[str, typer.Argument(help="The memory's id.")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one memory."""
    with opened(store, cube, config, user) as memory:
        item = memory.get(memory_id, as_of=as_of, known_at=known_at)
    lines = [item.memory]
    for name, value in item.metadata.model_dump(mode="json", exclude={"embedding"}, exclude_defaults=True).items():
        lines.append(f"  {name}: {value}")
    say(as_json, item, "\n".join(lines))


@app.command()
def update(
    memory_id: Annotated[str, typer.Argument(help="The memory's id.")],
    text: Annotated[str | None, typer.Argument(help="What it says from then on; - reads it from stdin.")] = None,
    at: Annotated[str | None, typer.Option(help="Since when (ISO 8601). Default: now.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag, in the place of those it had; may be repeated.")] = None,
    correct: Annotated[bool, typer.Option("--correct", help="We were wrong: it never said what it says.")] = False,
    operation_id: Annotated[str | None, typer.Option(help="Repeating a call with it changes nothing twice.")] = None,
    reason: Reason = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say that the world changed, or with --correct that we were wrong; what was said before stays readable."""
    if text is None and not tag:
        raise InvalidInputError("update: give a text, or --tag; treemem update ID 'Anna lives in Lisbon.'")
    if text == "-":
        text = "\n".join(lines_of_stdin())
    tags: dict[str, Any] = {"tags": tag} if tag else {}
    with opened(store, cube, config, user) as memory:
        change = memory.correct if correct else memory.update
        receipt = change(memory_id, text, at=at, operation_id=operation_id, reason=reason, **tags)
    done = "corrected" if correct else "updated"
    say(as_json, receipt, f"{done}; treemem undo {receipt.operation} takes it back")


@app.command()
def delete(
    ids: Annotated[list[str], typer.Argument(help="The memories' ids.")],
    operation_id: Annotated[str | None, typer.Option(help="Repeating a call with it changes nothing twice.")] = None,
    reason: Reason = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Hide memories from reading and searching; `treemem undo` brings them back."""
    with opened(store, cube, config, user) as memory:
        receipt = memory.delete(ids, operation_id=operation_id, reason=reason)
    say(as_json, receipt, f"deleted; treemem undo {receipt.operation} brings them back")


@app.command()
def history(
    memory_id: Annotated[str, typer.Argument(help="The memory's id.")],
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Show every state a memory ever had: who, when, why."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        found = memory.history(memory_id)
    rows = []
    for each in found:
        by = each.opened_by.kind + (f" ({each.opened_by.reason})" if each.opened_by.reason else "")
        holds = f"{date(each.valid_from)} to {date(each.valid_to)}"
        known = f"{date(each.recorded_from)} to {date(each.recorded_to)}"
        rows.append((each.version, holds, known, by, each.item.memory))
    show_list(form, found, ("version", "holds", "known", "by", "memory"), rows, "no states")


@app.command()
def operations(
    since: Annotated[str | None, typer.Option(help="From this transaction time on (ISO 8601).")] = None,
    until: Annotated[str | None, typer.Option(help="Before this transaction time (ISO 8601).")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Show the audit trail, newest first."""
    form = form_of(as_json, format)
    with opened(store, cube, config) as memory:
        found = memory.operations(since=since, until=until, limit=limit)
    rows = [
        (each.id, each.kind, date(each.recorded_at), each.actor or "", each.reason or "", each.status) for each in found
    ]
    show_list(form, found, ("id", "kind", "when", "who", "why", "status"), rows, "no operations")


@app.command()
def undo(
    operation: Annotated[str, typer.Argument(help="The operation's id; treemem operations lists them.")],
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Take an operation back by a new one."""
    with opened(store, cube, config) as memory:
        receipt = memory.undo(operation, reason=reason)
    say(as_json, receipt, f"undone by {receipt.operation}; treemem undo {receipt.operation} brings it back")
