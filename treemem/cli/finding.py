"""Commands that find memories: search, list, messages, message."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from treemem.cli.lists import Form, Format, date, form_of, show_list
from treemem.cli.reading import parsed
from treemem.cli.shell import AsJson, AsOf, Config, Cube, KnownAt, Store, User, app, opened, say
from treemem.items import STATUSES
from treemem.read.states import VISIBLE
from treemem.records import LoggedMessage

Filter = Annotated[str | None, typer.Option(help='JSON, such as \'{"tags": {"contains": "home"}}\'.')]
MemoryType = Annotated[list[str] | None, typer.Option(help="A memory type; may be repeated.")]
Limit = Annotated[int, typer.Option(help="How many at most: the last ones.")]


def _tests(filter: str | None) -> Any:
    return None if filter is None else parsed(filter, "--filter", 'JSON such as \'{"tags": {"contains": "home"}}\'')


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="What to look for.")],
    top_k: Annotated[int, typer.Option("--top-k", "-k", help="How many at most.")] = 10,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    when: Annotated[str, typer.Option(help="auto, now, ever, 'before T', 'after T' or 'during T to T'.")] = "auto",
    include_superseded: Annotated[bool, typer.Option(help="Also what does not hold any more.")] = False,
    explain: Annotated[bool, typer.Option(help="Tell what each stage did and took.")] = False,
    filter: Filter = None,
    memory_type: MemoryType = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Find the memories that answer a question best."""
    form, tests = form_of(as_json, format), _tests(filter)
    with opened(store, cube, config, user) as memory:
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
    rows = []
    for hit in found:
        since = hit.metadata.valid_from
        way = " ".join(str(step) for step in hit.path)
        said = hit.memory if hit.passage is None else f"… {hit.passage} …"
        rows.append((hit.id, f"{hit.score:.2f}", "" if since is None else f"{since:%Y-%m-%d}", said, way))
    if found.explanation is not None and form is not Form.JSON:
        say(False, None, str(found.explanation))
    note = None if found.when.kind == "now" else f"time: {found.when}"
    empty = "nothing found; treemem stats shows what the cube holds"
    show_list(form, found, ("id", "score", "since", "memory", "way"), rows, empty, note)


@app.command(name="list")
def list_(
    filter: Filter = None,
    memory_type: MemoryType = None,
    status: Annotated[
        list[str] | None, typer.Option(help=f"{', '.join(STATUSES)}; repeat it. Default: {', '.join(VISIBLE)}.")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    limit: Annotated[int, typer.Option(help="How many at most.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Go on where a list ended, at the same moment.")] = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """List memories in order of id, as they hold now or at a time."""
    form, tests = form_of(as_json, format), _tests(filter)
    if cursor is not None and (as_of is not None or known_at is not None):
        raise typer.BadParameter(
            "it goes on at its own moment; leave --as-of and --known-at out", param_hint="--cursor"
        )
    with opened(store, cube, config, user) as memory:
        pages = memory.pages(
            as_of=as_of,
            known_at=known_at,
            filter=tests,
            memory_types=memory_type or None,
            statuses=status or VISIBLE,
            cursor=cursor,
            limit=limit,
        )
        page = next(iter(pages), None)
    items = () if page is None else page.items
    rest = None if page is None else page.cursor
    rows = [(each.id, each.metadata.memory_type, date(each.metadata.valid_from), each.memory) for each in items]
    note = None if rest is None else f"there are more: treemem list --cursor {rest}"
    data = {"memories": list(items), "cursor": rest}
    show_list(form, data, ("id", "type", "since", "memory"), rows, "no memories", note)


@app.command()
def messages(
    conversation: Annotated[str | None, typer.Argument(help="The conversation; without one all are listed.")] = None,
    limit: Limit = 20,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """List the conversations, or show one as it was said, as `message` does."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        if conversation is not None:
            _show_messages(form, memory.messages(conversation, limit=limit))
            return
        talks = memory.conversations(limit=limit)
        rows = [(each.id, each.messages, date(each.first), date(each.last), ", ".join(each.users)) for each in talks]
        show_list(form, talks, ("conversation", "messages", "from", "to", "users"), rows, "no conversations")


@app.command()
def message(
    conversation: Annotated[str, typer.Argument(help="The conversation; treemem messages lists them.")],
    limit: Limit = 20,
    before: Annotated[str | None, typer.Option(help="Those before this one, by its number or id.")] = None,
    after: Annotated[str | None, typer.Option(help="The first ones behind this one, by its number or id.")] = None,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Show a conversation as it was said, oldest first."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        said = memory.messages(conversation, limit=limit, before=_place(before), after=_place(after))
        _show_messages(form, said)


def _place(given: str | None) -> int | str | None:
    """Return the number of a message, or its id: a number that is written with up to 18 digits is a number."""
    return int(given) if given is not None and given.isascii() and given.isdigit() and len(given) < 19 else given


def _show_messages(form: Form, said: list[LoggedMessage]) -> None:
    rows = [
        (one.sequence, date(one.time or one.recorded_at), one.name or one.role, one.content or dict(one.extra))
        for one in said
    ]
    show_list(form, said, ("number", "when", "who", "message"), rows, "no messages")
