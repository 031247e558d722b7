"""kill -9 in the middle of every verb that writes: nothing acknowledged is lost, and repeating the call ends the same.

Each round a process runs all steps of a cycle in cubes of their own, telling when it begins and when it has done each;
it, or the server, is killed in the middle of the step whose turn it is. What the cubes hold is compared with a cycle
that nobody killed: up to the last step acknowledged before, and to the killed one after its call was repeated, twice.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.helpers import HashEmbedder, day
from tests.neo4j_server import Server
from treemem import TreeTextMemory
from treemem.reorganize import turn

MANY = 1_100  # more than one part
SECRET = "zzqxwvkjb"
WORKER = """
import sys
from pathlib import Path
from benchmarks.crash_verbs import Cycle, STEPS

cycle = Cycle(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
print("ready", flush=True)
for number, step in enumerate(STEPS):
    print("begins", number, flush=True)
    step.run(cycle)
    print("done", number, flush=True)
"""


class OtherEmbedder(HashEmbedder):
    """Another model, to move to."""

    name = "test/hash-2"


class Cycle:
    """The cubes of one cycle on a store, and the folder of its backups."""

    def __init__(self, store: str, name: str, folder: Path) -> None:
        turn.LEASE, turn.HEARTBEAT = 2.0, 0.5
        self.store, self.name, self.folder = store, name, folder
        self.memory = TreeTextMemory.open(store, cube=name, embedder=HashEmbedder(), timeout=60, record_usage=False)

    def cube(self, suffix: str) -> TreeTextMemory:
        return self.memory.cube(self.name + suffix)

    def close(self) -> None:
        self.memory.close()

    def reembedded(self) -> None:
        with TreeTextMemory.open(
            self.store, cube=self.name + "-e", embedder=OtherEmbedder(), timeout=60, record_usage=False
        ) as memory:
            memory.reembed()

    def drop(self) -> None:
        self.cube("-d").drop(backups=self.folder / "backups")

    def load(self) -> None:
        (*_, last) = sorted((self.folder / "backups").rglob("archive.jsonl"))
        self.cube("-d").load(last.parent)

    def regroup(self) -> None:
        self.cube("-r").reorganizer.run(group=True, wait=60)

    def cubes(self) -> list[TreeTextMemory]:
        return [self.cube(suffix) for suffix in ("", "-d", "-e", "-r")]

    def holds(self) -> dict[str, Any]:
        """What the cubes hold now, in plain values; of the one that is reorganized, what was put there."""
        found: dict[str, Any] = {}
        for memory in self.cubes():
            suffix = memory.cube_id.removeprefix(self.name)
            known = [s for s in memory.store.all_states(memory.cube_id) if s.closed_by is None]
            if suffix == "-r":
                found[suffix] = sorted(s.memory_id for s in known if s.memory_id.startswith("thing"))
                continue
            found[suffix] = sorted(
                (s.memory_id, s.fields["memory"], s.fields["status"], bool(s.fields.get("frozen")), s.valid_to)
                for s in known
            )
            found[suffix + " edges"] = sorted(
                (e.type.value, e.source, e.target)
                for e in memory.store.all_edges(memory.cube_id)
                if e.closed_by is None and e.target_kind.value == "memory"
            )
            info = memory.store.cube(memory.cube_id)
            found[suffix + " model"] = None if info is None or info.model is None else info.model.name
        return found


@dataclass(frozen=True)
class Step:
    """One call; of one in several transactions, any part may be there when it is killed."""

    name: str
    run: Callable[[Cycle], Any]
    parts: bool = False
    seconds: float = 0.01


def _many(prefix: str, n: int) -> list[dict[str, str]]:
    return [{"id": f"{prefix}{i}", "memory": f"{prefix} number {i} lies in drawer {i % 7}"} for i in range(n)]


def _talk() -> list[dict[str, Any]]:
    said = ("Where is it?", f"Under the {SECRET}.", "Good.")
    return [{"id": f"t{n}", "content": text, "chat_time": day(n)} for n, text in enumerate(said)]


STEPS = [
    Step("add", lambda c: c.memory.add(_many("a", 5), at=day(1), operation_id="add")),
    Step("add many", lambda c: c.memory.add(_many("b", MANY), at=day(1), operation_id="many"), True, 0.6),
    Step("add_messages", lambda c: c.memory.add_messages(_talk(), conversation_id="talk", operation_id="talk")),
    Step("update", lambda c: c.memory.update("a0", "another drawer", at=day(5), operation_id="update")),
    Step("correct", lambda c: c.memory.correct("a1", "a corrected drawer", at=day(5), operation_id="correct")),
    Step("expire", lambda c: c.memory.expire("a2", at=day(9), operation_id="expire")),
    Step("delete many", lambda c: c.memory.delete([f"b{n}" for n in range(350)], operation_id="delete"), True, 0.2),
    Step("archive", lambda c: c.memory.archive(["a3", "a4"], operation_id="archive")),
    Step("restore", lambda c: c.memory.restore(["a3", "b7"], operation_id="restore")),
    Step("freeze", lambda c: c.memory.freeze("a1", operation_id="freeze")),
    Step("unfreeze", lambda c: c.memory.unfreeze("a1", operation_id="unfreeze")),
    Step("link", lambda c: c.memory.link("a0", "CAUSES", "a1", at=day(5), operation_id="link")),
    Step("link derived", lambda c: c.memory.link("a4", "DERIVED_FROM", "t1", at=day(5), operation_id="derived")),
    Step("unlink", lambda c: c.memory.unlink("a0", "CAUSES", "a1", at=day(5), operation_id="unlink")),
    Step("undo", lambda c: _undo(c)),
    Step("undo many", lambda c: c.memory.undo("delete2", operation_id="undo2"), True, 0.1),
    Step("purge", lambda c: c.memory.purge(["t1"], operation_id="purge", reason="asked for"), False, 0.05),
    Step(
        "replace_working_memory",
        lambda c: c.memory.replace_working_memory(_many("w", 3), operation_id="working"),
    ),
    Step("add elsewhere", lambda c: _elsewhere(c), True, 0.1),
    Step("reorganizer.run", lambda c: c.regroup(), True, 0.3),
    Step("drop", lambda c: c.drop(), True, 0.1),
    Step("load", lambda c: c.load(), True, 0.1),
    Step("reembed", lambda c: c.reembedded(), True, 0.3),
]
PURGED = next(n for n, step in enumerate(STEPS) if step.name == "purge")


def _undo(c: Cycle) -> None:
    """Take an update back; and prepare a batch for the next step."""
    c.memory.undo("update", operation_id="undo")
    c.memory.archive([f"b{n}" for n in range(400, 620)], operation_id="delete2")


def _elsewhere(c: Cycle) -> None:
    things = ("red apples grow in the garden", "green pears grow in the garden", "the train leaves late at night")
    for suffix in ("-d", "-e"):
        c.cube(suffix).add(_many("x", 40), at=day(1), operation_id="first")
    c.cube("-r").add(
        [{"id": f"thing{n}", "memory": f"{things[n % 3]} row {n // 3}"} for n in range(18)],
        at=day(1),
        operation_id="first",
    )


@dataclass
class Counts:
    rounds: int = 0
    acknowledged: int = 0
    half: int = 0


def reference(folder: Path) -> list[dict[str, Any]]:
    """What the cubes of a cycle hold before the first step and after each."""
    folder.mkdir()
    cycle = Cycle(str(folder / "reference.db"), "cycle", folder)
    held = [cycle.holds()]
    for step in STEPS:
        step.run(cycle)
        held.append(cycle.holds())
    cycle.close()
    return held


def verify(cycle: Cycle, done: int, told: list[dict[str, Any]], counts: Counts) -> None:
    """Compare what is there with what was acknowledged, then repeat the step that was killed, twice."""
    step = STEPS[done] if done < len(STEPS) else None
    problems = [p for memory in cycle.cubes() for p in memory.check()]
    assert problems == [], (step, problems)
    found = cycle.holds()
    if step is None:
        assert found == told[done]
        return
    whole = step.name != "undo" and not step.parts  # that one is two calls
    if whole:
        assert found in (told[done], told[done + 1]), (step.name, difference(found, told[done]))
    counts.half += found not in (told[done], told[done + 1])
    for _ in range(2):
        step.run(cycle)
        found = cycle.holds()
        assert found == told[done + 1], (step.name, difference(found, told[done + 1]))
    assert [p for memory in cycle.cubes() for p in memory.check()] == []
    if done >= PURGED:
        assert SECRET not in repr(cycle.memory.get_all()) + repr(list(cycle.memory.search(SECRET, 50)))


def difference(found: dict[str, Any], truth: dict[str, Any]) -> Any:
    """The first rows that differ, by cube."""
    return {
        name: (found[name], truth[name])
        if not isinstance(truth[name], list)
        else (
            [r for r in found[name] if r not in truth[name]][:3],
            [r for r in truth[name] if r not in found[name]][:3],
        )
        for name in truth
        if found[name] != truth[name]
    }


def _killed(store: str, name: str, folder: Path, target: int, kill: Callable[[subprocess.Popen[str]], None]) -> int:
    """Run a cycle until the target step has begun, kill, and return how many steps it had acknowledged."""
    with (
        (folder / "worker.log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-c", WORKER, store, name, str(folder)],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=Path(__file__).parents[1],
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout is not None
        done = 0
        for line in process.stdout:
            if line.startswith("done"):
                done = int(line.split()[1]) + 1
            if line.split() == ["begins", str(target)]:
                time.sleep(random.uniform(0, STEPS[target].seconds))
                kill(process)
                break
        for line in process.stdout:
            if line.startswith("done"):
                done = int(line.split()[1]) + 1
        process.wait()
    assert done >= target, (STEPS[target].name, (folder / "worker.log").read_text()[-800:])
    return done


def _kill_group(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)


def kill_writers(folder: Path, rounds: int, first: int = 0) -> Counts:
    """Kill the writer of an embedded store in the middle of each step in turn, from the step `first` on."""
    counts, told = Counts(), reference(folder / "reference")
    for n in range(rounds):
        home = folder / f"round{n}"
        store = str(home / "crash.db")
        home.mkdir()
        done = _killed(store, f"cycle{n}", home, (first + n) % len(STEPS), _kill_group)
        _round(store, n, home, done, told, counts)
    return counts


def _round(store: str, n: int, home: Path, done: int, told: list[dict[str, Any]], counts: Counts) -> None:
    cycle = Cycle(store, f"cycle{n}", home)
    try:
        verify(cycle, done, told, counts)
    finally:
        cycle.close()
    if done >= PURGED and "://" not in store:
        files = Path(store).parent.glob(Path(store).name + "*")
        assert [p.name for p in files if SECRET.encode() in p.read_bytes()] == []
    counts.rounds += 1
    counts.acknowledged += done
    print(f"round {n}: killed in {STEPS[min(done, len(STEPS) - 1)].name!r}", flush=True)


def kill_servers(folder: Path, rounds: int, first: int = 0) -> Counts:
    """Kill a Neo4j server in the middle of a step, spread over all of them, from the step `first` on."""
    counts, told = Counts(), reference(folder / "reference")
    server = Server(folder / "server")
    (folder / "server").mkdir()

    def kill(process: subprocess.Popen[str]) -> None:
        server.kill()
        time.sleep(0.2)
        _kill_group(process)

    try:
        server.start()
        for n in range(rounds):
            home = folder / f"round{n}"
            home.mkdir()
            target = (first + n * len(STEPS) // rounds) % len(STEPS)
            done = _killed(server.uri, f"cycle{n}", home, target, kill)
            server.start()
            _round(server.uri, n, home, done, told, counts)
    finally:
        server.stop()
    return counts
