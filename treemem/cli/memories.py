"""Commands on memories: add, messages, search, get, history, operations, undo."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from treemem.cli.reading import lines_of_stdin, messages_of, parsed
from treemem.cli.shell import (
    AsJson,
    AsOf,
    Config,
    Cube,
    Everything,
    KnownAt,
    Reason,
    Store,
    app,
    console,
    opened,
    plain,
    progress_bar,
    say,
)
from treemem.cli.terminal import cell, columns
from treemem.errors import InvalidInputError
from treemem.zones import local


@app.command()
def add(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to remember; - reads one a line from stdin.")] = None,
    messages: Annotated[Path | None, typer.Option(help="A JSON or JSON Lines file of messages to remember.")] = None,
    conversation: Annotated[str | None, typer.Option(help="The conversation that the messages belong to.")] = None,
    at: Annotated[str | None, typer.Option(help="When they began to hold (ISO 8601). Default: now.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    operation_id: Annotated[str | None, typer.Option(help="Repeating a call with it changes nothing twice.")] = None,
    everything: Everything = False,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Remember texts, or the messages of a file."""
    if bool(texts) == (messages is not None):
        raise InvalidInputError("add: give texts, or --messages FILE; treemem add 'Anna lives in Porto.'")
    if (conversation is not None or everything) and messages is None:
        raise InvalidInputError("add: --conversation and --everything go with --messages FILE")
    many = texts or []
    if many == ["-"]:
        many = lines_of_stdin()
    said = None if messages is None else messages_of(messages)
    with opened(store, cube, config) as memory, progress_bar("Remembering", as_json) as progress:
        if said is not None:
            told: dict[str, Any] = {"operation_id": operation_id, "reason": reason, "progress": progress}
            ids = memory.add_messages(
                said, conversation_id=conversation, remember="all" if everything else "new", **told
            )
        else:
            tags: dict[str, Any] = {"tags": tag} if tag else {}
            ids = memory.add(many, at=at, operation_id=operation_id, reason=reason, progress=progress, **tags)
    say(as_json, {"ids": ids}, "\n".join(ids) if len(ids) <= 20 else f"{len(ids)} memories added")


@app.command()
def messages(
    conversation: Annotated[str | None, typer.Argument(help="The conversation; without one all are listed.")] = None,
    limit: Annotated[int, typer.Option(help="How many at most: the last ones.")] = 20,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show a conversation as it was said, or list the conversations."""
    with opened(store, cube, config) as memory:
        if conversation is None:
            talks = memory.conversations(limit=limit)
            table = columns("conversation", "messages", "from", "to", "users")
            for talk in talks:
                texts = (talk.id, talk.messages, _date(talk.first), _date(talk.last), ", ".join(talk.users))
                table.add_row(*map(cell, texts))
            say(as_json, talks, table if talks else "no conversations")
            return
        said = memory.messages(conversation, limit=limit)
    table = columns("number", "when", "who", "message")
    for one in said:
        when = _date(one.time or one.recorded_at)
        table.add_row(*map(cell, (one.sequence, when, one.name or one.role, one.content or dict(one.extra))))
    say(as_json, said, table if said else "no messages")


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What to look for.")],
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="How many at most.")] = 10,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    when: Annotated[str, typer.Option(help="auto, now, ever, 'before T', 'after T' or 'during T to T'.")] = "auto",
    include_superseded: Annotated[bool, typer.Option(help="Also what does not hold any more.")] = False,
    explain: Annotated[bool, typer.Option(help="Tell what each stage did and took.")] = False,
    filter: Annotated[str | None, typer.Option(help='JSON, such as \'{"tags": {"contains": "home"}}\'.')] = None,
    memory_type: Annotated[list[str] | None, typer.Option(help="A memory type; may be repeated.")] = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Find the memories that answer a question best."""
    tests = None if filter is None else parsed(filter, "--filter", 'JSON such as \'{"tags": {"contains": "home"}}\'')
    with opened(store, cube, config) as memory:
        found = memory.search(
            question,
            top_k,
            as_of=as_of,
            known_at=known_at,
            when=when,
            include_superseded=include_superseded,
            explain=explain,
            filter=tests,
            memory_types=memory_type or None,
        )
    table = columns("score", "since", "memory", "way")
    for hit in found:
        since = hit.metadata.valid_from
        way = " ".join(str(step) for step in hit.path)
        said = hit.memory if hit.passage is None else f"… {hit.passage} …"
        table.add_row(f"{hit.score:.2f}", "" if since is None else f"{since:%Y-%m-%d}", cell(said), cell(way))
    table.caption = None if found.when.kind == "now" else cell(f"time: {found.when}")
    data = {
        "as_of": found.as_of,
        "known_at": found.known_at,
        "when": found.when,
        "timings": found.timings,
        "hits": [{**plain(hit), "passage": hit.passage} for hit in found],
    }
    if found.explanation is not None:
        data["explanation"] = found.explanation.plain()
        if not as_json:
            console.print(cell(found.explanation))
    say(as_json, data, table if found else "nothing found; treemem stats shows what the cube holds")


@app.command()
def get(
    memory_id: Annotated[str, typer.Argument(help="The memory's id.")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show one memory."""
    with opened(store, cube, config) as memory:
        item = memory.get(memory_id, as_of=as_of, known_at=known_at)
    lines = [item.memory]
    for name, value in item.metadata.model_dump(mode="json", exclude={"embedding"}, exclude_defaults=True).items():
        lines.append(f"  {name}: {value}")
    say(as_json, item, "\n".join(lines))


@app.command()
def history(
    memory_id: Annotated[str, typer.Argument(help="The memory's id.")],
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show every state a memory ever had: who, when, why."""
    with opened(store, cube, config) as memory:
        found = memory.history(memory_id)
    table = columns("version", "holds", "known", "by", "memory")
    for each in found:
        by = each.opened_by.kind + (f" ({each.opened_by.reason})" if each.opened_by.reason else "")
        table.add_row(
            str(each.version),
            f"{_date(each.valid_from)} to {_date(each.valid_to)}",
            f"{_date(each.recorded_from)} to {_date(each.recorded_to)}",
            cell(by),
            cell(each.item.memory),
        )
    say(as_json, found, table)


def _date(moment: datetime | None) -> str:
    """Return a time as a clock of the memory's zone shows it."""
    return "open" if moment is None else local(moment).strftime("%Y-%m-%d %H:%M")


@app.command()
def operations(
    since: Annotated[str | None, typer.Option(help="From this transaction time on (ISO 8601).")] = None,
    until: Annotated[str | None, typer.Option(help="Before this transaction time (ISO 8601).")] = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show the audit trail, newest first."""
    with opened(store, cube, config) as memory:
        found = memory.operations(since=since, until=until, limit=limit)
    table = columns("id", "kind", "when", "who", "why", "status")
    for each in found:
        texts = (each.id, each.kind, _date(each.recorded_at), each.actor or "", each.reason or "", each.status)
        table.add_row(*map(cell, texts))
    say(as_json, found, table if found else "no operations")


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
