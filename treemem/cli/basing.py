"""Commands on knowledge bases: kb make, list, share, add, documents, remove, purge, drop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from treemem.cli.lists import Format, form_of, show_list
from treemem.cli.shell import AsJson, Config, Cube, Reason, Store, User, app, opened, say
from treemem.errors import InvalidInputError
from treemem.records import KnowledgeBase
from treemem.zones import local

kb = typer.Typer(help="Knowledge bases: documents that several users read, searched beside their own memory.")
app.add_typer(kb, name="kb", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="What the base is called.")]
Reader = Annotated[list[str] | None, typer.Option(help="A user who may read it; may be repeated.")]
Everyone = Annotated[bool, typer.Option("--everyone", help="Let every user read it.")]
Ids = Annotated[list[str], typer.Argument(help="What documents are called, or the ids of their memories.")]


def _line(base: KnowledgeBase) -> str:
    return f"{base.name}: owner {base.owner or '-'}, read by {_readers(base)}"


def _readers(base: KnowledgeBase) -> str:
    return "everyone" if base.everyone else ", ".join(base.readers) or "its owner"


@kb.command()
def make(
    name: Name,
    description: Annotated[str, typer.Option(help="What it is about.")] = "",
    reader: Reader = None,
    everyone: Everyone = False,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Make a base; it belongs to the user who makes it."""
    with opened(store, cube, config, user) as memory:
        base = memory.knowledge_bases.make(
            name, description=description, readers=reader or (), everyone=everyone, reason=reason
        )
        say(as_json, base, _line(base))


@kb.command(name="list")
def list_(
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """List the bases that may be read."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        found = memory.knowledge_bases.list()
        rows = [(each.name, each.owner or "", _readers(each), each.description) for each in found]
        show_list(form, found, ("base", "owner", "readers", "description"), rows, "no knowledge bases")


@kb.command()
def share(
    name: Name,
    reader: Reader = None,
    everyone: Everyone = False,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Say who may read a base from now on; without readers its owner alone."""
    with opened(store, cube, config, user) as memory:
        base = memory.knowledge_bases.share(name, readers=reader or (), everyone=everyone, reason=reason)
        say(as_json, base, _line(base))


@kb.command()
def add(
    name: Name,
    files: Annotated[list[Path], typer.Argument(help="The files.")],
    id: Annotated[
        str | None, typer.Option(help="What the document is called; for one file. Default: its path.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Its title; for one file.")] = None,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Add documents to a base, or the new version of those that it has: all of them, or none."""
    form = form_of(as_json, format)
    if len(files) > 1 and (id or title):
        raise InvalidInputError("kb add: --id and --title go with one file")
    given: list[dict[str, Any]] = [{"path": file, "id": id, "title": title} for file in files]
    with opened(store, cube, config, user) as memory:
        added = memory.knowledge_bases.add_documents(name, given, reason=reason)
        rows = [(each.document_id, each.title, len(each.added), len(each.kept), len(each.ended)) for each in added]
        show_list(form, added, ("document", "title", "new", "kept", "ended"), rows, "no documents")


@kb.command()
def documents(
    name: Name,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """List the documents of a base."""
    form = form_of(as_json, format)
    with opened(store, cube, config, user) as memory:
        found = memory.knowledge_bases.documents(name)
        rows = [(each.document_id, each.title, each.name or "", f"{local(each.since):%Y-%m-%d}") for each in found]
        show_list(form, found, ("document", "title", "file", "since"), rows, "no documents")


@kb.command()
def remove(
    name: Name,
    ids: Ids,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Delete documents of a base; their history stays."""
    with opened(store, cube, config, user) as memory:
        done = memory.knowledge_bases.remove_documents(name, ids, reason=reason)
        say(as_json, done, f"removed {len(ids)} documents")


@kb.command()
def purge(
    name: Name,
    ids: Annotated[list[str], typer.Argument(help="The ids of memories; that of a document takes all its parts.")],
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking.")] = False,
    user: User = None,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Erase memories of a base for good."""
    if not yes:
        typer.confirm(f"Erase {len(ids)} memories of {name!r} for good?", abort=True)
    with opened(store, cube, config, user) as memory:
        done = memory.knowledge_bases.purge(name, ids, reason=reason)
        say(as_json, done, f"erased from {name}")


@kb.command()
def drop(
    name: Name,
    backups: Annotated[Path | None, typer.Option(help="The folder of backups.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Drop without asking.")] = False,
    user: User = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Back a base up, then erase it with its history."""
    if not yes:
        typer.confirm(f"Drop the base {name!r}?", abort=True)
    with opened(store, cube, config, user) as memory:
        folder = memory.knowledge_bases.drop(name, backups=backups)
        say(as_json, {"backup": None if folder is None else str(folder)}, f"dropped; backup: {folder}")
