"""The command that serves the viewer's page."""

from __future__ import annotations

import contextlib
import signal
from typing import Annotated

import typer

from treemem.cli.shell import Config, Cube, Store, app, console, settings
from treemem.cli.terminal import cell


@app.command()
def view(
    port: Annotated[int, typer.Option(help="The port of 127.0.0.1; 0 takes any that is free.")] = 8787,
    write: Annotated[bool, typer.Option("--write", help="Let the page undo operations and accept plans.")] = False,
    no_open: Annotated[bool, typer.Option("--no-open", help="Print the address and open no browser.")] = False,
    user: Annotated[str | None, typer.Option(help="See what this user may see, and no more.")] = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
) -> None:
    """Look at a memory in the browser: graph, search with its paths, both times, histories, plans. Read-only unless
    --write; Control-C ends it.
    """
    from treemem.memory import TreeTextMemory
    from treemem.viewer import serve

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    wanted = settings(store, cube, config).model_copy(update={"record_usage": False})
    with TreeTextMemory(wanted) as memory:
        seen = memory if user is None else memory.for_caller(user)
        access = "it may change the memory" if write else "read-only"

        def say(url: str) -> None:
            console.print(cell(f"{url}\n{access}; Control-C ends it"), soft_wrap=True)

        with contextlib.suppress(KeyboardInterrupt):  # also while it begins
            serve(seen, port=port, write=write, open_browser=not no_open, say=say)
