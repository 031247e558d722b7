"""The command `import`: chats as other programs export them go into the log and become memories."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from treemem.cli.shell import AsJson, Config, Cube, Everything, Reason, Store, app, opened, progress_bar, say
from treemem.errors import InvalidInputError, TreememError


@app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="An exported file, ZIP archive or folder.")],
    format: Annotated[str, typer.Option(help="auto, or the program: chatgpt, claude, telegram, ...")] = "auto",
    conversation: Annotated[str | None, typer.Option(help="The id for a file that holds one conversation.")] = None,
    everything: Everything = False,
    reason: Reason = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
    as_json: AsJson = False,
) -> None:
    """Remember the chats that another program exported. Importing again adds what is new."""
    from treemem.ingest.exports import read_chats

    chats = read_chats(file, format)
    if conversation is not None and len(chats) != 1:
        raise InvalidInputError(f"import: --conversation goes with one conversation, {file} holds {len(chats)}")
    left_out: list[dict[str, Any]] = []
    added = 0
    with opened(store, cube, config) as memory, progress_bar("Importing", as_json) as progress:
        total = sum(len(chat.messages) for chat in chats)
        done = 0
        before = memory.stats().memories
        for chat in chats:
            name = conversation or chat.id

            def refused(position: int, error: TreememError, name: str = name) -> None:
                left_out.append({"conversation": name, "position": position, "error": str(error)})

            operation = f"import-{chat.id}" if chat.exact else None
            memory.add_messages(
                chat.messages,
                conversation_id=name,
                remember="all" if everything else "new",
                on_error=refused,
                operation_id=operation,
                reason=reason,
            )
            done += len(chat.messages)
            if progress is not None:
                progress(done, total)
        added = memory.stats().memories - before
    told = f"{len(chats)} conversations, {total} messages, {added} new memories"
    if left_out:
        told += "".join(f"\nleft out: {each['conversation']}: {each['error']}" for each in left_out[:20])
    say(as_json, {"conversations": len(chats), "messages": total, "added": added, "left_out": left_out}, told)
