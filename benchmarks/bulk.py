"""A database of a million nodes by CSV: `python -m benchmarks.bulk [--memories N] [--folder PATH]`.

Makes the rows of a cube with N memories (450,000), one state each with a vector of 384 numbers, two names each of
N / 4, writes them as `export(format="neo4j-csv")` does, imports them with the real `neo4j-admin database import full`,
opens the database with treemem, which makes its indexes, and searches. The folder needs some ten gigabytes.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from tests.neo4j_server import FLAGS, Server, fetch_jars, java
from treemem import CallableEmbedder, TreeTextMemory
from treemem.changes import Edge, EdgeType, Entity, Model, NodeKind, Operation, State
from treemem.exchange import tables
from treemem.exchange.records import Row
from treemem.store.protocol import CubeInfo
from treemem.temporal import END
from treemem.text import analyse

CLOCK = 1_760_000_000_000_000
MODEL = Model("bulk", 384)
SUBJECTS = "harbour choir bakery tram garden museum river school market theatre".split()


def rows(count: int) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a cube, in the order of an archive."""
    random = np.random.default_rng(7)
    centres = random.normal(size=(512, MODEL.dimension)).astype(np.float32)
    yield "operation", Operation("bulk", "add", CLOCK, "done")
    for number in range(count // 4):
        yield "entity", Entity(f"e{number:07}", f"Name {number}", "name")
    times: dict[str, Any] = {
        "valid_from": CLOCK,
        "valid_to": END,
        "recorded_from": CLOCK,
        "recorded_to": END,
        "opened_by": "bulk",
    }
    for number in range(count):
        vector = centres[number % 512] + random.normal(size=MODEL.dimension).astype(np.float32)
        text = (
            f"Note {number} on the {SUBJECTS[number % 10]} and the {SUBJECTS[number // 10 % 10]} of Name {number // 4}."
        )
        fields = {"memory": text, "memory_type": "LongTermMemory", "status": "activated", "created_at": CLOCK}
        vectors = (vector / np.linalg.norm(vector))[None, :]
        yield "state", State(f"m{number:07}", 1, fields, **times, vectors=vectors, tokens=" ".join(analyse(text)))
    for number in range(count):
        for name in {number // 4, number * 7 % (count // 4)}:
            ends = EdgeType.MENTIONS, f"m{number:07}", f"e{name:07}", NodeKind.ENTITY
            yield "edge", Edge(*ends, 1.0, 100.0, **times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--memories", type=int, default=450_000)
    parser.add_argument("--folder", type=Path, help="where to, default: a temporary folder")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        measure(folder, arguments.memories)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measure(folder: Path, count: int) -> None:
    started = time.perf_counter()
    with ExitStack() as stack:
        opened = {name: stack.enter_context((folder / name).open("wb")) for name in tables.names("neo4j-csv")}
        tables.write("neo4j-csv", opened, CubeInfo("bulk", CLOCK, MODEL), rows(count))
    size = sum(each.stat().st_size for each in folder.iterdir()) / 1e9
    print(f"written: {time.perf_counter() - started:.0f} s, {size:.1f} GB", flush=True)
    server = Server(folder / "server", heap="4g", more_flags=())
    server.configure()
    started = time.perf_counter()
    tool = [str(java()), "-Xmx4g", *FLAGS, "-cp", f"{fetch_jars()}/*", "org.neo4j.cli.AdminTool"]
    done = subprocess.run(
        [*tool, "database", "import", "full", "neo4j", "@import.args"],
        cwd=folder,
        env={"NEO4J_HOME": str(server.home), "NEO4J_CONF": str(server.home / "conf")},
        capture_output=True,
        text=True,
        check=False,
    )
    told = [line.strip() for line in done.stdout.splitlines() if line[:1].isdigit() or "Peak" in line]
    print(f"imported: {time.perf_counter() - started:.0f} s, status {done.returncode}", *told, sep="\n  ", flush=True)
    if done.returncode:
        print(done.stdout[-2_000:], done.stderr[-2_000:])
        return
    server.start()
    try:
        started = time.perf_counter()
        embedder = CallableEmbedder(lambda texts: np.tile(_question(), (len(texts), 1)), name="bulk", dimension=384)
        with TreeTextMemory.open(server.uri, cube="bulk", embedder=embedder, timeout=900) as memory:
            print(f"opened, with its indexes: {time.perf_counter() - started:.0f} s", flush=True)
            taken = []
            for number in range(0, 60):
                begun = time.perf_counter()
                (best, *_) = memory.search(
                    f"Note {number * 7_001 % count} of Name {number * 7_001 % count // 4}", top_k=5
                )
                taken.append((time.perf_counter() - begun) * 1e3)
            print(f"searches: p50 {statistics.median(taken[20:]):.0f} ms; the last found {best.memory!r}", flush=True)
            print(memory.stats())
    finally:
        server.kill()


def _question() -> np.ndarray:
    return np.random.default_rng(3).normal(size=MODEL.dimension).astype(np.float32)


if __name__ == "__main__":
    main()
