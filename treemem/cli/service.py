"""The command `serve`: a memory for programs written for MemOS's cloud, over HTTP."""

from __future__ import annotations

import contextlib
import logging
import signal
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from treemem.cli.guard import errors
from treemem.cli.shell import Config, Store, app, settings
from treemem.cli.terminal import cell
from treemem.errors import ConfigError

if TYPE_CHECKING:
    from treemem.config import TreeTextMemoryConfig
    from treemem.service.access import Keys
    from treemem.service.rest.tracing import Traces

#: The setting with one key, for a service with one project, as a variable of the environment.
KEY = "TREEMEM_SERVICE_TOKEN"
SHORTEST_KEY = 16


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="The address. Another than 127.0.0.1 wants keys, and TLS or --behind-proxy.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any that is free.")] = 8790,
    no_keys: Annotated[
        bool, typer.Option("--no-keys", help="Let every program of this machine in, without a key.")
    ] = False,
    project: Annotated[
        str, typer.Option(help=f"The project, which is a cube, of the key in {KEY}, or with --no-keys.")
    ] = "default",
    base_path: Annotated[str, typer.Option(help="A path that clients put before all others, such as /memory.")] = "",
    tls_certificate: Annotated[str | None, typer.Option(help="A PEM file with the certificate.")] = None,
    tls_key: Annotated[str | None, typer.Option(help="A PEM file with the key of the certificate.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="A proxy in front of it speaks TLS: listen without on any address.")
    ] = False,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="With --no-keys: a further name (host:port) under which it is reached.")
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, max=256, help="How many requests are worked on at a time.")] = 8,
    waiting: Annotated[int, typer.Option(min=0, max=10_000, help="How many more may wait; others get 429.")] = 64,
    rate: Annotated[
        float | None, typer.Option(help="How many requests a second each project may send; others get 429.")
    ] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="Show counts and times of requests at /metrics, without a key.")
    ] = False,
    traces: Annotated[
        bool, typer.Option("--traces", help="Tell requests and verbs to OpenTelemetry, as its variables say where.")
    ] = False,
    store: Store = None,
    config: Config = None,
) -> None:
    """Serve a memory over HTTP to programs written for MemOS's cloud, until Control-C: set their MEMOS_BASE_URL and
    MEMOS_API_KEY, and nothing else.
    """
    try:
        from treemem.service.rest import app as application
        from treemem.service.rest.models import Models
        from treemem.service.rest.serving import Address
        from treemem.service.rest.serving import serve as serve_until_told
    except ImportError as error:
        raise ConfigError("serve: wants a web framework: pip install 'treemem[service]'") from error
    from treemem.memory import TreeTextMemory
    from treemem.opening import chosen_embedder, open_llm, open_reranker

    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="treemem serve: %(levelname)s: %(message)s")
    logging.getLogger("treemem.service.rest").setLevel(logging.INFO)  # a line a request: route, status, seconds, id
    told = settings(store, None, config, "treemem serve")
    keys = _keys(no_keys, project, told)
    address = Address(host, port, tls_certificate, tls_key, behind_proxy, no_keys)
    wanted = told.model_copy(update={"user_id": None, "session_id": None})
    embedder = chosen_embedder(wanted.embedder, None, threads=1)  # requests at once use the other cores
    llm = open_llm(wanted.llm)
    reranker = open_reranker(wanted.reranker, embedder, llm)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # before it serves: ends as Control-C does
    with TreeTextMemory(wanted, embedder=embedder, llm=llm, reranker=reranker) as memory:
        served = application(
            memory,
            keys,
            models=Models(embedder, llm, reranker),
            base_path=base_path,
            hosts=tuple(allow_host or ()),
            at_once=at_once,
            waiting=waiting,
            metrics=metrics,
            rate=rate,
            traces=_traces() if traces else None,
        )

        def say(url: str) -> None:
            access = "open to every program of this machine" if no_keys else "for whoever has a key"
            errors.print(cell(f"{url}{base_path}\n{access}; Control-C ends it"), soft_wrap=True)

        with contextlib.suppress(KeyboardInterrupt):
            serve_until_told(served, address, say)


def _traces() -> Traces:
    """Return what tells requests to OpenTelemetry. Raises ConfigError."""
    try:
        from treemem.service.rest.tracing import Traces
    except ImportError as error:
        raise ConfigError("--traces: wants OpenTelemetry: pip install 'treemem[opentelemetry]'") from error
    return Traces()


def _keys(no_keys: bool, project: str, told: TreeTextMemoryConfig) -> Keys:
    """Return who may come in: whoever has the key of the environment, else one that `treemem keys` made; nobody
    without a key unless the command line says so. Raises ConfigError.
    """
    from treemem.service.access import RIGHTS, Access, FixedKeys, NoKeys
    from treemem.service.keys import ServiceKeys, place_of_keys

    given = None if told.service.token is None else told.service.token.get_secret_value()
    if no_keys:
        if given:
            raise ConfigError(f"--no-keys and {KEY} contradict each other; leave one out")
        return NoKeys(project)
    if not given:
        made = ServiceKeys(place_of_keys(told))
        if not any(key.revoked_at is None for key in made.list()):
            raise ConfigError(
                f"serve: wanted a key, found none in {made.path}; make one (treemem keys make --project {project}), "
                f"set {KEY} to a secret of {SHORTEST_KEY} characters or more, or say --no-keys to let every program of "
                "this machine in"
            )
        return made
    if len(given) < SHORTEST_KEY or not given.isascii() or given != given.strip():
        raise ConfigError(f"{KEY}: wanted at least {SHORTEST_KEY} ASCII characters, without spaces around them")
    return FixedKeys({given: Access(project, frozenset(RIGHTS))})
