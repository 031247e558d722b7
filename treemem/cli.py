"""The command line. Each command opens a memory, does one thing, and says what to do next when it cannot."""

from __future__ import annotations

import dataclasses
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from treemem import __version__
from treemem.errors import InvalidInputError, TreememError
from treemem.items import TextualMemoryItem
from treemem.reorganize.plan import Plan, Report

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
def _opened(store: str | None, cube: str | None, config: Path | None) -> Iterator[TreeTextMemory]:
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
def _progress(label: str, quiet: bool) -> Iterator[Callable[[int, int | None], None] | None]:
    """Yield what to call with (done, total), drawn on the error stream; None where nothing is to be drawn."""
    if quiet:
        yield None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=errors) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _plain(value: Any) -> Any:
    """Return a result as JSON-able data; vectors are left out."""
    if isinstance(value, (Plan, Report)):
        return value.model_dump(mode="json")
    if isinstance(value, TextualMemoryItem):
        return value.model_dump(mode="json", exclude={"metadata": {"embedding"}})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): _plain(each) for name, each in value.items()}
    return str(value) if isinstance(value, Path) else value


def _say(as_json: bool, data: Any, text: str | Table) -> None:
    if as_json:
        sys.stdout.write(json.dumps(_plain(data), ensure_ascii=False) + "\n")
    elif isinstance(text, str):
        console.print(Text(text))
    else:
        console.print(text)


@app.command()
def add(
    texts: Annotated[list[str] | None, typer.Argument(help="Texts to remember; - reads one a line from stdin.")] = None,
    messages: Annotated[Path | None, typer.Option(help="A JSON or JSON Lines file of messages to remember.")] = None,
    at: Annotated[str | None, typer.Option(help="When they began to hold (ISO 8601). Default: now.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    operation_id: Annotated[str | None, typer.Option(help="Repeating a call with it changes nothing twice.")] = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Remember texts, or the messages of a file."""
    if bool(texts) == (messages is not None):
        raise InvalidInputError("add: give texts, or --messages FILE; treemem add 'Anna lives in Porto.'")
    many = texts or []
    if many == ["-"]:
        many = [line.rstrip("\n") for line in sys.stdin if line.strip()]
    with _opened(store, cube, config) as memory, _progress("Remembering", as_json) as progress:
        if messages is not None:
            said = _read_messages(messages)
            ids = memory.add_messages(said, operation_id=operation_id, reason=reason, progress=progress)
        else:
            tags: dict[str, Any] = {"tags": tag} if tag else {}
            ids = memory.add(many, at=at, operation_id=operation_id, reason=reason, progress=progress, **tags)
    _say(as_json, {"ids": ids}, "\n".join(ids) if len(ids) <= 20 else f"{len(ids)} memories added")


def _read_messages(path: Path) -> list[dict[str, Any]]:
    try:
        text = path.read_text("utf-8")
        if text.lstrip().startswith("["):
            found = json.loads(text)
        else:
            found = [json.loads(line) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"{path}: wanted a JSON list or JSON Lines of messages ({error})") from error
    return list(found)


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
    try:
        tests = None if filter is None else json.loads(filter)
    except ValueError as error:
        raise InvalidInputError(f'--filter: no JSON ({error}); write \'{{"tags": {{"contains": "home"}}}}\'') from error
    with _opened(store, cube, config) as memory:
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
    table = Table("score", "since", "memory", "way", box=None, padding=(0, 1))
    for hit in found:
        since = hit.metadata.valid_from
        way = " ".join(str(step) for step in hit.path)
        table.add_row(
            f"{hit.score:.2f}", "" if since is None else since.strftime("%Y-%m-%d"), Text(hit.memory), Text(way)
        )
    table.caption = None if found.when.kind == "now" else f"time: {found.when}"
    data = {
        "as_of": found.as_of,
        "known_at": found.known_at,
        "when": found.when,
        "timings": found.timings,
        "hits": list(found),
    }
    if found.explanation is not None:
        data["explanation"] = found.explanation.plain()
        if not as_json:
            console.print(Text(str(found.explanation)))
    _say(as_json, data, table if found else "nothing found; treemem stats shows what the cube holds")


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
    with _opened(store, cube, config) as memory:
        item = memory.get(memory_id, as_of=as_of, known_at=known_at)
    lines = [item.memory]
    for name, value in item.metadata.model_dump(mode="json", exclude={"embedding"}, exclude_defaults=True).items():
        lines.append(f"  {name}: {value}")
    _say(as_json, item, "\n".join(lines))


@app.command()
def history(
    memory_id: Annotated[str, typer.Argument(help="The memory's id.")],
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Show every state a memory ever had: who, when, why."""
    with _opened(store, cube, config) as memory:
        found = memory.history(memory_id)
    table = Table("version", "holds", "known", "by", "memory", box=None, padding=(0, 1))
    for each in found:
        by = each.opened_by.kind + (f" ({each.opened_by.reason})" if each.opened_by.reason else "")
        table.add_row(
            str(each.version),
            f"{_date(each.valid_from)} to {_date(each.valid_to)}",
            f"{_date(each.recorded_from)} to {_date(each.recorded_to)}",
            Text(by),
            Text(each.item.memory),
        )
    _say(as_json, found, table)


def _date(moment: datetime | None) -> str:
    return "open" if moment is None else moment.strftime("%Y-%m-%d %H:%M")


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
    with _opened(store, cube, config) as memory:
        found = memory.operations(since=since, until=until, limit=limit)
    table = Table("id", "kind", "when", "who", "why", "status", box=None, padding=(0, 1))
    for each in found:
        who, why = Text(each.actor or ""), Text(each.reason or "")
        table.add_row(each.id, each.kind, _date(each.recorded_at), who, why, each.status)
    _say(as_json, found, table if found else "no operations")


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
    with _opened(store, cube, config) as memory:
        receipt = memory.undo(operation, reason=reason)
    _say(as_json, receipt, f"undone by {receipt.operation}; treemem undo {receipt.operation} brings it back")


@app.command()
def stats(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show how much the cube holds."""
    with _opened(store, cube, config) as memory:
        found = memory.stats()
    lines = [f"{name}: {value}" for name, value in _plain(found).items()]
    _say(as_json, found, "\n".join(lines))


@app.command()
def check(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Check every invariant of the cube; exit code 1 if one is broken."""
    with _opened(store, cube, config) as memory:
        problems = memory.check()
    _say(as_json, {"problems": problems}, "\n".join(problems) or "sound")
    if problems:
        raise typer.Exit(1)


@app.command()
def migrate(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Bring the store's schema up to date; every command does so when it opens the store."""
    with _opened(store, cube, config) as memory:
        done, place = memory.store.migrate(), memory.store.location
    _say(as_json, {"ran": done, "location": place}, f"{place}: the schema is up to date")


@app.command()
def reembed(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Give the cube the embedder of the settings; what a crash cut off goes on."""
    with _opened(store, cube, config) as memory, _progress("Embedding", as_json) as progress:
        done = memory.reembed(progress=progress)
        model = memory.stats().embedder
    _say(as_json, {"states": done, "embedder": model}, f"{done} states embedded; the cube's model is {model}")


@app.command()
def reorganize(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    everything: Annotated[bool, typer.Option("--everything", help="Look at all, not at what changed since.")] = False,
    group: Annotated[bool, typer.Option("--group", help="Put memories without a parent below topics, too.")] = False,
    kind: Annotated[list[str] | None, typer.Option(help="Kinds of actions wanted; repeat it. Default: all.")] = None,
    show_status: Annotated[bool, typer.Option("--status", help="Say what waits, works or failed.")] = False,
    watch: Annotated[float | None, typer.Option(help="Go on, every so many seconds, until interrupted.")] = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Merge, relate and close what changed since the last run; each action can be taken back with undo."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # gives the turn back, as Control-C does
    with _opened(store, cube, config) as memory:
        if show_status:
            found = memory.reorganizer.status()
            _say(as_json, found, f"{found.state}, {found.waiting} operations wait. {found.reason}".strip())
            return
        while True:
            plan = memory.reorganizer.plan(everything=everything, group=group, kinds=kind or None)
            if dry_run:
                _say(as_json, plan, str(plan))
                return
            report = memory.reorganizer.apply(plan, wait=0 if watch is None else 1_000_000)
            _say(as_json, {"plan": plan, "report": report}, f"{plan}\n{report}")
            if watch is None:
                return
            time.sleep(watch)


@app.command()
def dump(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the cube, history and embeddings included, into a folder."""
    with _opened(store, cube, config) as memory, _progress("Writing", as_json) as progress:
        place = memory.dump(folder, as_of=as_of, known_at=known_at, progress=progress)
    _say(as_json, {"folder": place}, f"written to {place}; treemem load {place} --cube NAME brings it back")


@app.command()
def load(
    folder: Annotated[Path, typer.Argument(help="What dump wrote.")],
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Load what dump wrote into an empty cube."""
    with _opened(store, cube, config) as memory, _progress("Loading", as_json) as progress:
        rows = memory.load(folder, progress=progress)
        name = memory.cube_id
    _say(as_json, {"rows": rows, "cube": name}, f"{rows} rows loaded into cube {name}; treemem check proves them")


@app.command()
def demo(
    store: Store = None,
    cube: Annotated[str, typer.Option(help="The cube to load the conversation into.")] = "demo",
    fresh: Annotated[bool, typer.Option(help="Load into a new cube instead of using what was loaded before.")] = False,
    as_json: AsJson = False,
) -> None:
    """Load a year of messages and ask seven questions about it."""
    from treemem.config import default_path
    from treemem.demo import show
    from treemem.memory import TreeTextMemory

    if fresh:
        cube = f"{cube}-{int(time.time())}"
    place = store or str(default_path().with_name("demo.db"))
    with TreeTextMemory.open(place, cube=cube, actor="treemem demo") as memory:
        started = time.perf_counter()
        show.grow(memory, quiet=as_json)
        loaded = time.perf_counter() - started
        if as_json:
            answers = show.answers(memory)
            _say(True, {"questions": answers, "seconds": loaded, "location": memory.store.location}, "")
        else:
            show.tell(memory, loaded, show.ask_all(memory))


def _guarded(call: Callable[[], None]) -> int:
    try:
        call()
    except TreememError as error:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": str(error), "kind": type(error).__name__}) + "\n")
        errors.print(Text(f"treemem: {error}", style="red"), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def main() -> None:
    """Run the command line; errors of treemem end it with one line and exit code 1."""
    raise SystemExit(_guarded(app))
