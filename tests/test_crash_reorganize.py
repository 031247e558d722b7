"""kill -9 of the reorganizer and of the server in the middle of a plan: no half-merged memory, and it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers import HashEmbedder, day
from tests.neo4j_server import CannotStart, Server
from treemem import Plan, TreeTextMemory
from treemem.reorganize import turn

PAIRS = 40
WORKER = """
import sys
from pathlib import Path
from tests.helpers import HashEmbedder
from treemem import Plan, TreeTextMemory
from treemem.reorganize import turn

turn.LEASE, turn.HEARTBEAT = 2.0, 0.5
memory = TreeTextMemory.open(sys.argv[1], cube="crash", embedder=HashEmbedder(), timeout=60)
plan = Plan.from_json(Path(sys.argv[2]).read_text())
print("ready", flush=True)
report = memory.reorganizer.apply(plan, wait=60)
print(report.count("done"), report.count("repeated"), flush=True)
"""


def filled(store: str) -> Plan:
    with TreeTextMemory.open(store, cube="crash", embedder=HashEmbedder()) as memory:
        texts = [f"Drawer {n} of the tall cupboard holds parts called {n * 7919}." for n in range(PAIRS)]
        memory.add([{"id": f"a{n}", "memory": text} for n, text in enumerate(texts)], at=day(1))
        memory.add([{"id": f"b{n}", "memory": text.removesuffix(".")} for n, text in enumerate(texts)], at=day(2))
        memory.add("The cupboard stands in the hall.", at=day(2))
        for n in range(0, PAIRS, 10):
            memory.link(f"b{n}", "CAUSES", f"b{(n + 1) % PAIRS}", at=day(3))
        plan = memory.reorganizer.plan(kinds=["deduplicate"])
    assert len(plan) == PAIRS
    return plan


def merged(memory: TreeTextMemory) -> int:
    """Every pair is one or two memories, nothing between, and the cube is sound; return how many are one."""
    status = {s.memory_id: s.fields["status"] for s in memory.store.all_states("crash") if s.closed_by is None}
    into = {
        (e.source, e.target) for e in memory.store.all_edges("crash") if e.type == "MERGED_INTO" and e.closed_by is None
    }
    for n in range(PAIRS):
        assert status[f"a{n}"] == "activated"
        assert (status[f"b{n}"] == "merged") == ((f"b{n}", f"a{n}") in into)
    assert memory.check() == []
    return len(into)


def start(store: str, plan: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", WORKER, store, str(plan)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[1],
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"
    return process


def opened(store: str) -> TreeTextMemory:
    return TreeTextMemory.open(store, cube="crash", embedder=HashEmbedder())


def finish(store: str, plan: Plan) -> None:
    with opened(store) as memory:
        before = merged(memory)
        report = memory.reorganizer.apply(plan, wait=60)  # the lease of the one that was killed runs out
        assert (report.count("repeated"), report.count("done")) == (before, PAIRS - before)
        assert merged(memory) == PAIRS
        assert memory.reorganizer.apply(plan).count("repeated") == PAIRS
        causes = [e for e in memory.store.all_edges("crash") if e.type == "CAUSES" and e.source.startswith("a")]
        assert len({(e.source, e.target) for e in causes if e.closed_by is None and e.target.startswith("a")}) >= 4


@pytest.mark.parametrize("seconds", [0.05, 0.2, 0.5])
def test_kill_the_reorganizer(tmp_path: Path, seconds: float) -> None:
    kill_the_worker(tmp_path, seconds)


def kill_the_worker(tmp_path: Path, seconds: float) -> None:
    """Kill the reorganizer of an embedded store after some seconds, and finish what it began."""
    store = str(tmp_path / "crash.db")
    plan = filled(store)
    (tmp_path / "plan.json").write_text(plan.to_json())
    process = start(store, tmp_path / "plan.json")
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    finish(store, plan)


def test_of_two_workers_one_waits(tmp_path: Path) -> None:
    store = str(tmp_path / "crash.db")
    plan = filled(store)
    (tmp_path / "plan.json").write_text(plan.to_json())
    workers = [start(store, tmp_path / "plan.json") for _ in range(2)]
    told = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert sorted(told) == sorted([[str(PAIRS), "0"], ["0", str(PAIRS)]])
    with opened(store) as memory:
        assert merged(memory) == PAIRS


def test_a_watching_worker_ends_when_told(tmp_path: Path) -> None:
    store = str(tmp_path / "crash.db")
    filled(store)
    told = [sys.executable, "-m", "treemem", "reorganize", "--watch", "0.2", "--store", store, "--cube", "crash"]
    with subprocess.Popen(told, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    with opened(store) as memory:
        lease = memory.store.current_lease("crash")
        assert lease is not None
        assert lease.expires < turn.clock()
        assert memory.check() == []


@pytest.mark.slow
@pytest.mark.neo4j
def test_kill_the_server_while_it_reorganizes(tmp_path: Path, neo4j_uri: str) -> None:
    server = Server(tmp_path)
    try:
        server.start()
    except CannotStart as error:
        if os.environ.get("TREEMEM_REQUIRE_NEO4J") == "1":
            raise
        pytest.skip(f"the given server cannot be killed, and none could be started: {error}")
    kill_the_server(server, tmp_path, rounds=2)


def kill_the_server(server: Server, tmp_path: Path, rounds: int) -> None:
    """Kill a server that is up, and the reorganizer after it, some times in the middle of one plan; then finish it."""
    try:
        plan = filled(server.uri)
        (tmp_path / "plan.json").write_text(plan.to_json())
        for n in range(rounds):
            with opened(server.uri) as memory, memory.reorganizer._turn(60):
                pass  # the lease of the one that was killed has run out
            process = start(server.uri, tmp_path / "plan.json")
            time.sleep(0.5 + 0.5 * (n % 3))
            server.kill()
            time.sleep(0.2)
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            server.start()
            with opened(server.uri) as memory:
                merged(memory)
        finish(server.uri, plan)
    finally:
        server.kill()
