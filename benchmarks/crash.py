"""kill -9 under load, many times: `python -m benchmarks.crash [--rounds 20] [--only embedded|neo4j]`.

Each round lets a process write, kills it (embedded) or the server (Neo4j), and checks that every acknowledged change is
there, that none is half there, and that the cube is sound. The rounds are the tests' own.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.test_crash import kill_the_server, kill_the_writer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", choices=["embedded", "neo4j"])
    arguments = parser.parse_args()
    for name, run in (("embedded", kill_the_writer), ("neo4j", kill_the_server)):
        if arguments.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                target = Path(folder) / "crash.db" if name == "embedded" else Path(folder)
                acknowledged = run(target, arguments.rounds)
            print(f"{name} | {arguments.rounds} rounds of kill -9 | {acknowledged} changes acknowledged, 0 lost")


if __name__ == "__main__":
    main()
