"""kill -9 of the writer and of the server under load: nothing acknowledged is lost, nothing is half there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import HashEmbedder
from tests.neo4j_server import CannotStart, Server
from treemem import TreeTextMemory

WRITER = """
import sys
from tests.helpers import HashEmbedder
from treemem import TreeTextMemory

memory = TreeTextMemory.open(sys.argv[1], cube="crash", embedder=HashEmbedder(), timeout=60)
first = int(sys.argv[2])
for i in range(first, first + 100_000):
    texts = [f"note {i} number {n} about Anna" for n in range(3)]
    ids = memory.add([{"id": f"m{i}-{n}", "memory": t} for n, t in enumerate(texts)], operation_id=f"op{i}")
    if i % 3 == 0:
        memory.update(ids[0], f"note {i} changed", operation_id=f"up{i}")
    print(i, flush=True)
"""


def first_of(process: subprocess.Popen[str]) -> list[int]:
    """Wait until the writer has something to lose, however slow the machine is."""
    assert process.stdout is not None
    return [int(process.stdout.readline()) for _ in range(4)]


def the_rest(process: subprocess.Popen[str]) -> list[int]:
    """What a writer acknowledged before its end, which is waited for."""
    out, _ = process.communicate()
    return [int(line) for line in out.split("\n") if line.strip()]


def write_and_kill(store: str, first: int, seconds: float, kill: bool = True) -> list[int]:
    """Let a process write, end it, and return what it had acknowledged."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, store, str(first)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[1],
        start_new_session=True,
    )
    acknowledged = first_of(process)
    time.sleep(seconds)
    if kill:
        os.killpg(process.pid, signal.SIGKILL)
    acknowledged += the_rest(process)
    return acknowledged


def verify(memory: TreeTextMemory, acknowledged: list[int]) -> None:
    """Everything acknowledged is there, what was not is there whole or not at all, and the cube is sound."""
    found = {n["id"]: n["memory"] for page in memory.pages() for n in (i.model_dump() for i in page.items)}
    missing = [i for i in acknowledged for n in range(3) if f"m{i}-{n}" not in found]
    assert missing == []
    changed = [i for i in acknowledged if i % 3 == 0 and found[f"m{i}-0"] != f"note {i} changed"]
    assert changed == []
    groups = {name.partition("-")[0] for name in found}
    assert all(f"{group}-{n}" in found for group in groups for n in range(3))
    assert memory.check() == []


def kill_the_writer(path: Path, rounds: int) -> int:
    acknowledged: list[int] = []
    for n in range(rounds):
        acknowledged += write_and_kill(str(path), n * 1_000_000, 0.5 + 0.2 * (n % 4))
        with TreeTextMemory.open(path, cube="crash", embedder=HashEmbedder()) as memory:
            verify(memory, acknowledged)
    return len(acknowledged)


@pytest.mark.slow
def test_kill_the_writer_of_the_embedded_store(tmp_path: Path) -> None:
    assert kill_the_writer(tmp_path / "crash.db", 3) > 10


def kill_the_server(home: Path, rounds: int) -> int:
    server = Server(home)
    acknowledged: list[int] = []
    server.start()
    try:
        with TreeTextMemory.open(server.uri, cube="crash", embedder=HashEmbedder()):
            pass
        for n in range(rounds):
            process = subprocess.Popen(
                [sys.executable, "-c", WRITER, server.uri, str(n * 1_000_000)],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=Path(__file__).parents[1],
                start_new_session=True,
            )
            acknowledged += first_of(process)
            time.sleep(2 + n % 3)
            server.kill()
            time.sleep(0.2)
            os.killpg(process.pid, signal.SIGKILL)
            acknowledged += the_rest(process)
            server.start()
            with TreeTextMemory.open(server.uri, cube="crash", embedder=HashEmbedder()) as memory:
                verify(memory, acknowledged)
    finally:
        server.kill()
    return len(acknowledged)


@pytest.mark.slow
@pytest.mark.neo4j
def test_kill_the_neo4j_server(tmp_path: Path, neo4j_uri: str) -> None:
    try:
        assert kill_the_server(tmp_path, 2) > 10
    except CannotStart as error:
        if os.environ.get("TREEMEM_REQUIRE_NEO4J") == "1":
            raise
        pytest.skip(f"the given server cannot be killed, and none could be started: {error}")
