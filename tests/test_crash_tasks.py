"""kill -9 of a process that writes tasks with its words and works on them: nothing is lost, and nothing done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import COMMAND, HashEmbedder
from tests.neo4j_server import Server
from treemem import TreememError, TreeTextMemory
from treemem.changes import ChangeSet
from treemem.context import Context
from treemem.tasks import worker
from treemem.tasks.handlers import Handler
from treemem.tasks.worker import Worker
from treemem.write.committing import new_change
from treemem.write.enqueueing import task_of, with_tasks
from treemem.write.intent import Intent

CHILD = """
import sys, threading
from tests import test_crash_tasks as own

memory = own.opened(sys.argv[1])
threading.Thread(target=own.write, args=(memory, int(sys.argv[2])), daemon=True).start()
own.worker_of(memory).run(2)
"""


def opened(store: str) -> TreeTextMemory:
    worker.LEASE, worker.HEARTBEAT, worker.LOOK = 1.0, 0.3, 0.05
    return TreeTextMemory.open(store, cube="crash", embedder=HashEmbedder())


def tell(ctx: Context, payload: Mapping[str, Any], stopping: Any) -> Mapping[str, Any]:
    """What a task does: it writes one memory, under an id of its own."""
    n = payload["n"]
    memory = TreeTextMemory._view(ctx)
    memory.add({"id": f"told-{n}", "memory": f"Task {n} told this."}, operation_id=f"tell-{n}")
    time.sleep(0.01)  # so that many are killed between what they did and their report
    return {"n": n}


def worker_of(memory: TreeTextMemory) -> Worker:
    return Worker(memory._context, [memory.cube_id], handlers={"test": Handler(tell)})


def write(memory: TreeTextMemory, first: int) -> None:
    """Write changes, each with a task, and say which are acknowledged."""
    ctx = memory._context
    for n in range(first, first + 50):
        base = replace(new_change(ctx, "note", Intent(f"op-{n}")), model=None)
        change = with_tasks(ctx, base, [task_of(ctx, base.operation, "test", {"n": n})])
        while not _applied(ctx, change):
            time.sleep(0.1)
        sys.stdout.write(f"{n}\n")
        sys.stdout.flush()
        time.sleep(0.01)


def _applied(ctx: Context, change: ChangeSet) -> bool:
    """Apply a change; return whether the server, which has just been started again, took it."""
    try:
        ctx.store.apply(change)
    except TreememError:
        return False  # the same operation again is the same change
    return True


def _begun(store: str, round_: int, acknowledged: list[int]) -> subprocess.Popen[str]:
    """Start a process that adds and works, and wait until it has acknowledged something."""
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, store, str(10_000 * round_)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(__file__).parents[1],
        start_new_session=True,
    )
    assert process.stdout is not None
    acknowledged.append(int(process.stdout.readline()))
    return process


def _end(process: subprocess.Popen[str], acknowledged: list[int]) -> None:
    """Kill such a process, and note what it had acknowledged."""
    os.killpg(process.pid, signal.SIGKILL)
    acknowledged += map(int, process.communicate()[0].split())


def kill_the_worker(store: str, rounds: int) -> tuple[int, int]:
    """Kill it some times; return how many tasks were acknowledged, and how many had to be begun more than once."""
    acknowledged: list[int] = []
    for n in range(rounds):
        process = _begun(store, n, acknowledged)
        time.sleep(0.2 + 0.13 * (n % 5))
        _end(process, acknowledged)
    patched = worker.LEASE, worker.HEARTBEAT, worker.LOOK
    try:
        with opened(store) as memory:
            return len(acknowledged), _finished(memory, acknowledged)
    finally:
        worker.LEASE, worker.HEARTBEAT, worker.LOOK = patched


def kill_the_server(home: Path, rounds: int) -> tuple[int, int]:
    """Kill the server of Neo4j some times while tasks run, with the process that works on them; return the same."""
    server = Server(home)
    acknowledged: list[int] = []
    patched = worker.LEASE, worker.HEARTBEAT, worker.LOOK
    try:
        server.start()
        with opened(server.uri) as memory:
            memory.add("Something that tasks are about.", operation_id="begin")
        for n in range(rounds):
            process = _begun(server.uri, n, acknowledged)
            time.sleep(2.0 + 0.7 * (n % 3))
            server.kill()
            time.sleep(0.2)
            _end(process, acknowledged)
            server.start()
        with opened(server.uri) as memory:
            return len(acknowledged), _finished(memory, acknowledged)
    finally:
        worker.LEASE, worker.HEARTBEAT, worker.LOOK = patched
        server.kill()


def _finished(memory: TreeTextMemory, acknowledged: list[int]) -> int:
    until = time.monotonic() + 60
    while memory.tasks.list(status=["waiting", "running"], limit=1) and time.monotonic() < until:
        worker_of(memory).run(2, once=True)
        time.sleep(0.1)  # leases of those that were killed run out
    tasks = memory.tasks.list(limit=10_000)
    notes = {o.id for o in memory.store.all_operations("crash") if o.kind == "note"}
    told = {o.id: o for o in memory.store.all_operations("crash") if o.kind == "add" and o.id != "begin"}
    assert {t.status for t in tasks} == {"done"}
    assert {f"op-{t.result['n']}" for t in tasks} == notes  # a task with each change, and with nothing else
    assert {f"op-{n}" for n in acknowledged} <= notes
    assert len(tasks) == len(notes) == len(told)
    history = memory.store.history("crash", [f"told-{t.result['n']}" for t in tasks])
    assert len(history) == len(tasks)  # each was told once
    assert memory.check() == []
    return sum(t.attempts > 1 for t in tasks)


@pytest.mark.slow
def test_kill_the_worker(tmp_path: Path) -> None:
    acknowledged, again = kill_the_worker(str(tmp_path / "crash.db"), rounds=3)
    assert acknowledged > 3
    assert again > 0


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM that a process hears")
def test_the_command_ends_when_told(tmp_path: Path) -> None:
    store = str(tmp_path / "work.db")
    with TreeTextMemory.open(store) as memory:
        memory.add("Anna lives in Porto.")
        first = memory.tasks.add("reindex")
    command = [*COMMAND, "work", "--store", store, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        with TreeTextMemory.open(store) as memory:
            assert memory.tasks.wait(first.id, timeout=60).status == "done"
        process.send_signal(signal.SIGTERM)
        said, errors = process.communicate(timeout=60)
    assert (process.returncode, said.strip(), errors) == (0, '{"tasks": 1, "failed": []}', "")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_works_on(tmp_path: Path) -> None:
    """A memory whose workers run is forked: the child has none of them, starts its own, and both see every task."""
    code = """
import os, sys
from tests.helpers import HashEmbedder
from treemem import TreememError, TreeTextMemory
from treemem.changes import ChangeSet

memory = TreeTextMemory.open(sys.argv[1], embedder=HashEmbedder())
memory.add("Anna lives in Porto.")
memory.tasks.start()
memory.tasks.wait(memory.tasks.add("reindex").id)
pid = os.fork()
if pid == 0:
    memory.tasks.start()
    done = memory.tasks.wait(memory.tasks.add("reindex", operation_id="child").id, timeout=20)
    ended = memory.tasks.stop()
    os._exit(0 if done.status == "done" and ended else 3)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert len(memory.tasks.list(status="done")) == 2
memory.close()
sys.exit(code)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "fork.db")],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
