"""Commands on a cube: stats, check, migrate, reembed, reindex, reorganize, dump, load, demo."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Annotated

import typer

from treemem.cli.shell import (
    AsJson,
    AsOf,
    Config,
    Cube,
    KnownAt,
    Store,
    app,
    opened,
    progress_bar,
    say,
    settings,
)
from treemem.errors import InvalidInputError
from treemem.reorganize.plan import ActionKind
from treemem.schemas.plain import plain


@app.command()
def stats(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Show how much the cube holds."""
    with opened(store, cube, config) as memory:
        found = memory.stats()
    lines = [f"{name}: {value}" for name, value in plain(found).items()]
    say(as_json, found, "\n".join(lines))


@app.command()
def check(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Check every invariant of the cube; exit code 1 if one is broken."""
    with opened(store, cube, config) as memory:
        problems = memory.check()
    say(as_json, {"problems": problems}, "\n".join(problems) or "sound")
    if problems:
        raise typer.Exit(1)


@app.command()
def migrate(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Bring the store's schema up to date; every command does so when it opens the store."""
    from treemem.opening import migrated_store

    found, ran = migrated_store(settings(store, cube, config))
    place = found.location
    found.close()
    done = f"; these ran: {', '.join(ran)}" if ran else ""
    say(as_json, {"ran": ran, "location": place}, f"{place}: the schema is up to date{done}")


@app.command()
def reembed(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Give the cube the embedder of the settings; what a crash cut off goes on."""
    with opened(store, cube, config) as memory, progress_bar("Embedding", as_json) as progress:
        done = memory.reembed(progress=progress)
        model = memory.stats().embedder
    say(as_json, {"states": done, "embedder": model}, f"{done} states embedded; the cube's model is {model}")


@app.command()
def reindex(store: Store = None, cube: Cube = None, config: Config = None, as_json: AsJson = False) -> None:
    """Make the index entries of what an earlier version stored as this one makes them; what was cut off goes on."""
    with opened(store, cube, config) as memory, progress_bar("Indexing", as_json) as progress:
        done = memory.reindex(progress=progress)
    say(as_json, {"states": done}, f"{done} states indexed anew")


_MAX_DAYS = 36_500
_MAX_SECONDS = 31_536_000
_LEAST_SECONDS = 0.1


def _days(given: list[str]) -> dict[str, float]:
    """Return "WorkingMemory=30" as a type and its days."""
    found: dict[str, float] = {}
    for one in given:
        name, equals, days = one.partition("=")
        try:
            found[name] = float(days)
        except ValueError:
            equals = ""
        if not equals or not 0 < found[name] <= _MAX_DAYS:
            raise InvalidInputError(f"--expire: wanted TYPE=DAYS, such as WorkingMemory=30, found {one!r}")
    return found


@app.command()
def reorganize(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the plan and change nothing.")] = False,
    everything: Annotated[bool, typer.Option("--everything", help="Look at all, not at what changed since.")] = False,
    group: Annotated[bool, typer.Option("--group", help="Put memories without a parent below topics, too.")] = False,
    kind: Annotated[list[str] | None, typer.Option(help="Kinds of actions wanted; repeat it. Default: all.")] = None,
    capacity: Annotated[
        bool,
        typer.Option(help="Archive what is beyond the capacity of its type (20 working, 1,500 long-term, 480 user)."),
    ] = True,
    expire: Annotated[list[str] | None, typer.Option(help="TYPE=DAYS: end what was of no use for so long.")] = None,
    show_status: Annotated[bool, typer.Option("--status", help="Say what waits, works or failed.")] = False,
    watch: Annotated[float | None, typer.Option(help="Go on, every so many seconds, until interrupted.")] = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Merge, relate and close what changed since the last run; each action can be taken back with undo."""
    expiry = _days(expire or [])
    unknown = sorted(set(kind or ()) - set(ActionKind))
    if unknown:
        raise InvalidInputError(f"--kind: wanted some of {', '.join(ActionKind)}, found {unknown[0]!r}")
    if watch is not None and not _LEAST_SECONDS <= watch <= _MAX_SECONDS:
        raise InvalidInputError(
            f"--watch: wanted seconds from {_LEAST_SECONDS} to {_MAX_SECONDS}, found {watch}; leave it out to run once"
        )
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # gives the turn back, as Control-C does
    with opened(store, cube, config) as memory:
        if show_status:
            found = memory.reorganizer.status()
            say(as_json, found, f"{found.state}, {found.waiting} operations wait. {found.reason}".strip())
            return
        while True:
            plan = memory.reorganizer.plan(
                everything=everything,
                group=group,
                kinds=kind or None,
                capacity=None if capacity else {},
                expiry=expiry,
            )
            if dry_run:
                say(as_json, plan, str(plan))
                return
            report = memory.reorganizer.apply(plan, wait=0 if watch is None else 1_000_000)
            say(as_json, {"plan": plan, "report": report}, f"{plan}\n{report}")
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
    with opened(store, cube, config) as memory, progress_bar("Writing", as_json) as progress:
        place = memory.dump(folder, as_of=as_of, known_at=known_at, progress=progress)
    say(as_json, {"folder": place}, f"written to {place}; treemem load {place} --cube NAME brings it back")


@app.command()
def load(
    folder: Annotated[Path, typer.Argument(help="What dump wrote.")],
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Load what dump wrote into an empty cube."""
    with opened(store, cube, config) as memory, progress_bar("Loading", as_json) as progress:
        rows = memory.load(folder, progress=progress)
        name = memory.cube_id
    say(as_json, {"rows": rows, "cube": name}, f"{rows} rows loaded into cube {name}; treemem check proves them")


@app.command()
def demo(
    store: Store = None,
    cube: Annotated[str, typer.Option("--cube", "-c", help="The cube to load the conversation into.")] = "demo",
    fresh: Annotated[bool, typer.Option(help="Load into a new cube instead of using what was loaded before.")] = False,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Load a year of messages and ask seven questions about it."""
    from treemem.cli import demo as show
    from treemem.memory import TreeTextMemory
    from treemem.opening import default_path

    if fresh:
        cube = f"{cube}-{int(time.time())}"
    place = default_path().with_name("demo.db")
    with TreeTextMemory(settings(store, cube, config, "treemem demo", place)) as memory:
        started = time.perf_counter()
        show.grow(memory, quiet=as_json)
        loaded = time.perf_counter() - started
        if as_json:
            answers = show.answers(memory)
            say(True, {"questions": answers, "seconds": loaded, "location": memory.store.location}, "")
        else:
            show.tell(memory, loaded, show.ask_all(memory))
