"""Fixtures: a Neo4j server for the whole run, and a memory on either store."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.helpers import FakeClock, HashEmbedder, fresh_cube
from tests.neo4j_server import CannotStart, Server, running_server, shared
from treemem import TreeTextMemory

settings.register_profile(
    "default",
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
    derandomize=os.environ.get("TREEMEM_RANDOM_TESTS") != "1",
    database=None,
)
settings.load_profile("default")

#: Times in the tests that name no zone are of UTC, wherever the tests run.
os.environ["TZ"] = "UTC"
if hasattr(time, "tzset"):
    time.tzset()
# Programs that tests start find their modules compiled: half a second of each.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
pytest_plugins = ["tests.commands"]
OpenMemory = Callable[..., TreeTextMemory]
_skipped: list[str] = []
#: The server of a run of several processes.
_FOR_ALL = pytest.StashKey[Iterator[str]]()


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start one server for all the processes of a run that has several (`-n 2`), which would start one each."""
    option = session.config.option
    if getattr(option, "numprocesses", None) and "not neo4j" not in option.markexpr:
        server = running_server(session.config._tmp_path_factory.mktemp("neo4j"))  # type: ignore[attr-defined]
        with contextlib.suppress(CannotStart):  # each process says so
            os.environ["TREEMEM_NEO4J_URI"] = next(server)
            session.config.stash[_FOR_ALL] = server


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    for _ in session.config.stash.get(_FOR_ALL, ()):
        pass  # it ends


@pytest.fixture(scope="session")
def neo4j_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = running_server(tmp_path_factory.mktemp("neo4j"))
    try:
        uri = next(server)
    except CannotStart as error:
        if os.environ.get("TREEMEM_REQUIRE_NEO4J") == "1":
            pytest.fail(f"TREEMEM_REQUIRE_NEO4J=1, but no Neo4j could be started: {error}")
        _skipped.append(str(error))
        pytest.skip(f"no Neo4j: {error}")
    yield uri
    next(server, None)


def started_server(home: Path, **settings: Any) -> Iterator[str]:
    """A server of a test's own, which it may break; skipped, or failed if Neo4j is required, where none can be had."""
    for server in servers_of_its_own(home, **settings):
        yield server.uri


def servers_of_its_own(home: Path, **settings: Any) -> Iterator[Server]:
    """The same as a Server, which a test may stop and start again with other settings."""
    server = Server(home, **settings)
    try:
        server.start()
    except CannotStart as error:
        if os.environ.get("TREEMEM_REQUIRE_NEO4J") == "1":
            raise
        pytest.skip(str(error))
    yield server
    server.kill()


def pytest_runtest_logstart() -> None:
    """End the run where the server that it uses went away: each further test would only wait for it."""
    for server in shared:
        if how := server.ended():
            pytest.exit(how, returncode=3)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if _skipped:
        terminalreporter.write_line(
            f"NEO4J TESTS WERE SKIPPED: {_skipped[0]}. Set TREEMEM_NEO4J_URI, or start Docker, or install Maven and "
            "a JDK of version 21 or newer.",
            red=True,
            bold=True,
        )


@pytest.fixture(params=["sqlite", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def backend(request: pytest.FixtureRequest) -> str:
    """Both stores, one after the other."""
    return str(request.param)


@pytest.fixture
def location(backend: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """Where the store of this test lies."""
    return str(tmp_path / "memory.db") if backend == "sqlite" else request.getfixturevalue("neo4j_uri")


@pytest.fixture
def open_memory(location: str) -> Iterator[OpenMemory]:
    """Opens memories on the store of this test, in a cube of its own; closes them at the end."""
    opened: list[TreeTextMemory] = []
    cube = fresh_cube()

    def open_it(**settings: Any) -> TreeTextMemory:
        settings.setdefault("cube", cube)
        settings.setdefault("embedder", HashEmbedder())
        settings.setdefault("clock", FakeClock())
        memory = TreeTextMemory.open(settings.pop("store", location), **settings)
        opened.append(memory)
        return memory

    yield open_it
    for memory in opened:
        memory.close()


@pytest.fixture
def memory(open_memory: OpenMemory) -> TreeTextMemory:
    """A memory on either store, in a cube of its own."""
    return open_memory()
