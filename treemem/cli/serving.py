"""The command `mcp`: a memory for clients of the Model Context Protocol."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from typing import Annotated

import typer

from treemem.cli.guard import errors
from treemem.cli.shell import Config, Cube, Store, app, settings
from treemem.cli.terminal import cell
from treemem.errors import ConfigError, InvalidInputError


@app.command()
def mcp(
    user: Annotated[
        str | None, typer.Option(help="The user whose memory it is: clients see what this user may.")
    ] = None,
    session: Annotated[str | None, typer.Option(help="The session: clients see and add what is of it.")] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Offer no tool that writes.")] = False,
    allow_purge: Annotated[bool, typer.Option("--allow-purge", help="Offer the tool that erases for good.")] = False,
    memos_names: Annotated[bool, typer.Option("--memos-names", help="List tools under MemOS's names, too.")] = False,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP instead of standard input and output.")] = False,
    host: Annotated[
        str | None, typer.Option(help="With --http: the address; another than 127.0.0.1 wants a token.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="With --http: the port; 0 takes any that is free.")] = None,
    path: Annotated[str | None, typer.Option(help="With --http: the path. Default: /mcp.")] = None,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="With --http: a further name (host:port) under which it is reached.")
    ] = None,
    allow_origin: Annotated[
        list[str] | None, typer.Option(help="With --http: a page (https://app.example) whose scripts may ask.")
    ] = None,
    store: Store = None,
    cube: Cube = None,
    config: Config = None,
) -> None:
    """Serve a memory to clients of the Model Context Protocol: Claude, Cursor, VS Code. Over standard input and output
    until the input ends; with --http until Control-C.
    """
    for_http = {
        "--host": host,
        "--port": port,
        "--path": path,
        "--allow-host": allow_host,
        "--allow-origin": allow_origin,
    }
    given = [name for name, value in for_http.items() if value]
    if given and not http:
        raise InvalidInputError(f"mcp: {', '.join(given)} go with --http")
    if read_only and allow_purge:
        raise InvalidInputError("mcp: --allow-purge and --read-only contradict each other; leave one out")
    try:
        from treemem.service.mcp import http as over_http
        from treemem.service.mcp import stdio
        from treemem.service.mcp.binding import Binding
        from treemem.service.mcp.server import MemoryServer
    except ImportError as error:
        raise ConfigError("mcp: wants the SDK of the protocol: pip install 'treemem[mcp]'") from error
    from treemem.memory import TreeTextMemory

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="treemem mcp: %(levelname)s: %(message)s")
    wanted = settings(store, cube, config, "treemem mcp")
    told = {"user_id": user, "session_id": session, "record_usage": False if read_only else None}
    wanted = wanted.model_copy(update={name: value for name, value in told.items() if value is not None})
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Control-C does: the memory is closed
    with TreeTextMemory(wanted) as memory:
        binding = Binding(memory, read_only, allow_purge, wanted.user_id, memos_names)
        if not http:
            with contextlib.suppress(KeyboardInterrupt):
                stdio.serve(binding)
            return
        door = over_http.Door(
            host=host or over_http.HOST,
            port=over_http.PORT if port is None else port,
            path=path or over_http.PATH,
            token=os.environ.get(over_http.TOKEN) or None,
            hosts=tuple(allow_host or ()),
            origins=tuple(allow_origin or ()),
        )

        def say(url: str) -> None:
            access = "read-only" if read_only else "clients may change the memory"
            errors.print(cell(f"{url}\n{access}; Control-C ends it"), soft_wrap=True)

        with contextlib.suppress(KeyboardInterrupt):
            over_http.serve(MemoryServer(binding), door, say)
