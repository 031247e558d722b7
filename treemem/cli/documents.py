"""Commands on documents: add-documents, documents, remove-documents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from treemem.cli.lists import Form, Format, form_of, show_list
from treemem.cli.shell import AsJson, Config, Cube, Mode, Reason, Store, app, opened, progress_bar, say
from treemem.errors import InvalidInputError, ReadingError, TreememError
from treemem.zones import local


@app.command(name="add-documents")
def add_documents(
    files: Annotated[list[Path], typer.Argument(help="The files.")],
    id: Annotated[
        str | None, typer.Option(help="What the document is called; for one file. Default: its path.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Its title; for one file.")] = None,
    at: Annotated[str | None, typer.Option(help="When it began to say so (ISO 8601). Default: now.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A tag; may be repeated.")] = None,
    mode: Mode = "fast",
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """Remember documents. Adding a changed one again ends what is gone and keeps what stayed."""
    if len(files) > 1 and (id or title):
        raise InvalidInputError("add-documents: --id and --title go with one file")
    form = form_of(as_json, format)
    left_out: list[dict[str, Any]] = []
    added = []
    tags: dict[str, Any] = {"tags": tag} if tag else {}
    with opened(store, cube, config) as memory, progress_bar("Reading", form is Form.JSON) as progress:
        for file in files:

            def refused(position: int, error: TreememError, file: Path = file) -> None:
                left_out.append({"file": str(file), "error": str(error)})

            document = {"path": file, "id": id, "title": title}
            given: dict[str, Any] = {"at": at, "mode": mode, "reason": reason, "progress": progress, **tags}
            try:
                added += memory.add_documents(document, on_error=refused, **given)
            except ReadingError as error:  # the document is there; the other files go in too
                left_out.append({"file": str(file), "error": str(error)})
    if left_out and not added:
        raise InvalidInputError("; ".join(each["error"] for each in left_out))
    rows = [(each.document_id, each.title, len(each.added), len(each.kept), len(each.ended)) for each in added]
    data = {"documents": added, "left_out": left_out}
    show_list(form, data, ("document", "title", "new", "kept", "ended"), rows, "no documents")
    notes = [
        f"not read: {each.document_id}, pages that are pictures: {', '.join(map(str, each.unread))}; "
        "configure an llm that sees"
        for each in added
        if each.unread
    ]
    notes += (f"left out: {each['file']}: {each['error']}" for each in left_out)
    if notes and form is not Form.JSON:
        say(False, notes, "\n".join(notes))


@app.command()
def documents(
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
    format: Format = None,
) -> None:
    """List the documents of the cube."""
    form = form_of(as_json, format)
    with opened(store, cube, config) as memory:
        found = memory.documents()
    rows = [(each.document_id, each.title, each.name or "", f"{local(each.since):%Y-%m-%d}") for each in found]
    show_list(form, found, ("document", "title", "file", "since"), rows, "no documents")


@app.command(name="remove-documents")
def remove_documents(
    ids: Annotated[list[str], typer.Argument(help="What the documents are called.")],
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Delete documents with all their parts; `treemem undo` brings them back."""
    with opened(store, cube, config) as memory:
        receipt = memory.remove_documents(ids, reason=reason)
    say(as_json, receipt, f"removed; treemem undo {receipt.operation} brings them back")
