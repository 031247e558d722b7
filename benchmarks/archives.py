"""Archives of many states: `python -m benchmarks.archives [--states N] [--folder PATH] [--packed] [--neo4j URI]`.

Makes a cube of N states (100,000) on the embedded store, with vectors of 384 numbers and two edges each, exports it,
imports the archive into another file, and compares the hashes. With `--neo4j` the archive goes through that server on
its way, in a cube that is dropped at the end, and what comes back must be equal byte by byte. Each step is a process of
its own, whose time and peak memory (resident, of the whole process with its libraries) are told.
"""

from __future__ import annotations

import argparse
import filecmp
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.bulk import CLOCK, MODEL, rows
from treemem import CallableEmbedder, TreeTextMemory
from treemem.exchange.archive import batches
from treemem.store.protocol import CubeInfo


def opened(place: Path | str, folder: Path) -> TreeTextMemory:
    """Open a store whose memories nobody embeds anew, in a cube that is named as the folder."""
    embedder = CallableEmbedder(
        lambda texts: np.ones((len(texts), MODEL.dimension)), name=MODEL.name, dimension=MODEL.dimension
    )
    return TreeTextMemory.open(place, cube=folder.name, embedder=embedder, record_usage=False)


def make(folder: Path, states: int, name: str, uri: str) -> None:
    """Fill the first store."""
    with opened(folder / "one.db", folder) as memory:
        info = CubeInfo(folder.name, CLOCK, MODEL)
        memory.store.begin_load(info, "made")
        for batch in batches(rows(states), info):
            memory.store.load(batch, "made")
        memory.store.end_load(info, "made")


def export(folder: Path, states: int, name: str, uri: str) -> None:
    """Write the archive."""
    with opened(folder / "one.db", folder) as memory:
        memory.export(folder / name)


def to_neo4j(folder: Path, states: int, name: str, uri: str) -> None:
    """Read the archive into the server."""
    with opened(uri, folder) as memory:
        assert memory.import_(folder / name).memories == states


def from_neo4j(folder: Path, states: int, name: str, uri: str) -> None:
    """Write the server's archive, which must be the one that was read."""
    with opened(uri, folder) as memory:
        memory.export(folder / f"back-{name}")
    assert filecmp.cmp(folder / name, folder / f"back-{name}", shallow=False)
    (folder / f"back-{name}").replace(folder / name)


def drop(folder: Path, states: int, name: str, uri: str) -> None:
    """Back the server's cube up and erase it."""
    with opened(uri, folder) as memory:
        memory.drop(backups=folder / "dropped")


def import_(folder: Path, states: int, name: str, uri: str) -> None:
    """Read the archive into the second store."""
    with opened(folder / "two.db", folder) as memory:
        assert memory.import_(folder / name).memories == states


def compare(folder: Path, states: int, name: str, uri: str) -> None:
    """Tell whether both stores say the same."""
    with opened(folder / "two.db", folder) as memory:
        found = memory.archive_hash()
    with (folder / name).open("rb") as file:
        if name.endswith(".jsonl"):
            file.seek(-200, 2)
            assert json.loads(file.read().splitlines()[-1])["sha256"] == found


STEPS: dict[str, Callable[[Path, int, str, str], None]] = {
    "make": make, "export": export, "to Neo4j": to_neo4j, "from Neo4j": from_neo4j, "drop Neo4j": drop,
    "import": import_, "compare": compare,
}  # fmt: skip


def measured(step: str, folder: Path, states: int, name: str, uri: str) -> dict[str, Any]:
    """Run a step in a process of its own; return its seconds and its peak memory in bytes."""
    command = [sys.executable, "-m", "benchmarks.archives", "--step", step, "--folder", str(folder)]
    done = subprocess.run(
        [*command, "--states", str(states), "--neo4j", uri, *(["--packed"] if name.endswith("zst") else [])],
        stdout=subprocess.PIPE,
        check=True,
    )
    return dict(json.loads(done.stdout))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=int, default=100_000)
    parser.add_argument("--folder", type=Path, help="where to, default: a temporary folder")
    parser.add_argument("--packed", action="store_true", help="in Zstandard")
    parser.add_argument("--neo4j", metavar="URI", default="", help="a server that the archive goes through")
    parser.add_argument("--step", choices=STEPS, help=argparse.SUPPRESS)
    given = parser.parse_args()
    name = "all.jsonl.zst" if given.packed else "all.jsonl"
    if given.step:
        begun = time.perf_counter()
        STEPS[given.step](given.folder, given.states, name, given.neo4j)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        print(json.dumps({"seconds": time.perf_counter() - begun, "peak": peak}))
        return
    folder = Path(tempfile.mkdtemp(dir=given.folder))
    try:
        for step in STEPS:
            if "Neo4j" in step and not given.neo4j:
                continue
            found = measured(step, folder, given.states, name, given.neo4j)
            told = f"{step:10} {found['seconds']:7.0f} s  peak {found['peak'] / 1e6:6.0f} MB"
            print(
                f"{told}  file {(folder / name).stat().st_size / 1e6:.0f} MB" if step == "export" else told, flush=True
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
