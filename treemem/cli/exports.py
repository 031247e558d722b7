"""Files in and out: the commands `import`, `export`, `compare`, `formats`, `backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from treemem.cli.reading import parsed
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
    opened,
    progress_bar,
    say,
    settings,
)

#: How many of the things left out, or read as something else, are shown.
_SHOWN = 20


@app.command(name="import")
def import_(
    file: Annotated[
        str, typer.Argument(help="An exported file, ZIP archive or folder, or neo4j://host:7687 of Graphiti.")
    ],
    format: Annotated[str, typer.Option(help="auto, or one that treemem formats lists.")] = "auto",
    conversation: Annotated[str | None, typer.Option(help="The id for a file that holds one conversation.")] = None,
    group: Annotated[list[str] | None, typer.Option(help="A group of Graphiti's; several times for several.")] = None,
    everything: Everything = False,
    strict: Annotated[bool, typer.Option(help="Refuse what cannot be read instead of leaving it out.")] = False,
    merge: Annotated[bool, typer.Option(help="Add an archive to a cube that holds something else.")] = False,
    reembed: Annotated[bool, typer.Option(help="Make the vectors of an archive again for this model.")] = False,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Read what another program, or treemem export, wrote. Importing again adds what is new."""
    with opened(store, cube, config) as memory, progress_bar("Importing", as_json) as progress:
        done = memory.import_(
            file,
            format=format,
            conversation_id=conversation,
            group_ids=group or None,
            remember="all" if everything else "new",
            on_error="raise" if strict else "skip",
            merge=merge,
            reembed=reembed,
            reason=reason,
            progress=progress,
        )
    counts = ("rows", "conversations", "messages", "edges")
    told = [f"{done.format}: {done.memories} new memories"]
    told[0] += "".join(f", {number} {name}" for name in counts if (number := getattr(done, name)))
    told += [f"note: {note}" for note in done.notes[:_SHOWN]]
    told += [f"left out: {where}: {why.removeprefix(where + ': ')}" for where, why in done.left_out[:_SHOWN]]
    if (more := len(done.left_out) - _SHOWN) > 0:
        told.append(f"left out: {more} more; --json lists all")
    say(as_json, done, "\n".join(told))


@app.command()
def export(
    file: Annotated[Path, typer.Argument(help="Where to; what ends its name says the format.")],
    format: Annotated[str | None, typer.Option(help="One that treemem formats lists.")] = None,
    filter: Annotated[str | None, typer.Option(help="Of an archive: memories that match, as JSON.")] = None,
    below: Annotated[str | None, typer.Option(help="Of an archive: what lies below a memory in the tree.")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Write the cube, or a part of it: an archive, MemOS's format, GraphML, a Cypher script, CSV for Neo4j."""
    with opened(store, cube, config) as memory, progress_bar("Exporting", as_json) as progress:
        path = memory.export(
            file,
            format=format,
            filter=None if filter is None else parsed(filter, "--filter", "a filter as JSON"),
            below=below,
            as_of=as_of,
            known_at=known_at,
            progress=progress,
        )
    from treemem.exchange.archive import written_hash

    found = written_hash(path) if path.is_file() and path.name.lower().endswith((".jsonl", ".zst")) else None
    told = {} if found is None else {"archive_hash": found}
    say(as_json, {"file": str(path), **told}, f"written to {path}" + (f"\narchive hash {found}" if found else ""))


@app.command()
def compare(
    file: Annotated[Path, typer.Argument(help="An archive that treemem export wrote.")],
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say whether an archive has all that the cube has, and nothing else; exit code 1 if not."""
    with opened(store, cube, config) as memory:
        there, here = memory.archive_hash(file), memory.archive_hash()
    equal = there == here
    told = f"equal: {here}" if equal else f"they differ: {there} in {file}, {here} in the cube"
    say(as_json, {"equal": equal, "file": there, "cube": here}, told)
    if not equal:
        raise typer.Exit(1)


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to; nothing may be there yet.")],
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy the whole embedded store, all its cubes, while others may write to it."""
    with opened(store, cube, config) as memory, progress_bar("Copying", as_json) as progress:
        path = memory.backup(file, progress=progress)
    say(as_json, {"file": str(path)}, f"copied to {path}; treemem restore {path} --store FILE brings it back")


@app.command()
def restore(
    file: Annotated[Path, typer.Argument(help="What backup wrote.")],
    store: Store = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Copy a backup to the place of a store, where nothing may be yet."""
    from treemem.exchange.copies import restored

    path = restored(settings(store, None, config), file)
    say(as_json, {"file": str(path)}, f"restored to {path}; treemem check --store {path} looks through it")


@app.command()
def formats(as_json: AsJson = False) -> None:
    """List the formats of files that can be read and written, and what a program takes and gives without one."""
    from treemem.exchange.formats import FORMATS, OBJECTS

    listed, lines = (*FORMATS, *OBJECTS), []
    for each in listed:
        ways = " and ".join(word for word, can in (("read", each.reads), ("written", each.writes)) if can)
        lines.append(f"{each.name:13} {' '.join(each.suffixes):17} {ways:16} {each.about}")
    say(as_json, [each._asdict() for each in listed], "\n".join(lines))
