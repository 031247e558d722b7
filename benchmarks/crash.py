"""kill -9 under load, many times: `python -m benchmarks.crash [--rounds 20] [--only NAME]`.

Each round lets a process write or reorganize, kills it (embedded) or the server (Neo4j), and checks that every
acknowledged change is there, that none is half there, and that the cube is sound; what a reorganizer began is finished
by the next one, and nothing is done twice. The rounds are the tests' own.
`verbs` kills in the middle of every verb that writes, one after the other: `--only verbs --rounds 30`,
`--only verbs-neo4j --rounds 10`.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks import crash_verbs
from tests import test_crash, test_crash_reorganize, test_crash_tasks
from tests.neo4j_server import Server


def embedded(folder: Path, rounds: int) -> str:
    return f"{test_crash.kill_the_writer(folder / 'crash.db', rounds)} changes acknowledged, 0 lost"


def neo4j(folder: Path, rounds: int) -> str:
    return f"{test_crash.kill_the_server(folder, rounds)} changes acknowledged, 0 lost"


def reorganizer(folder: Path, rounds: int) -> str:
    for n in range(rounds):
        (folder / str(n)).mkdir()
        test_crash_reorganize.kill_the_worker(folder / str(n), 0.05 + 0.05 * (n % 10))
    return "every plan was finished by the next worker, 0 done twice"


def reorganizer_neo4j(folder: Path, rounds: int) -> str:
    server = Server(folder)
    server.start()
    test_crash_reorganize.kill_the_server(server, folder, rounds)
    return "the plan was finished by the next worker, 0 done twice"


def tasks(folder: Path, rounds: int) -> str:
    return _tasks(*test_crash_tasks.kill_the_worker(str(folder / "crash.db"), rounds))


def tasks_neo4j(folder: Path, rounds: int) -> str:
    return _tasks(*test_crash_tasks.kill_the_server(folder, rounds))


def _tasks(acknowledged: int, again: int) -> str:
    return f"{acknowledged} tasks acknowledged with their words, 0 lost; {again} were begun again, 0 done twice"


def verbs(folder: Path, rounds: int) -> str:
    return told(crash_verbs.kill_writers(folder, rounds))


def verbs_neo4j(folder: Path, rounds: int) -> str:
    return told(crash_verbs.kill_servers(folder, rounds))


def told(counts: crash_verbs.Counts) -> str:
    return (
        f"{counts.acknowledged} calls acknowledged, 0 lost; {counts.half} in several transactions were half done, and "
        "repeating them ended the same"
    )


RUNS: dict[str, Callable[[Path, int], str]] = {
    "embedded": embedded,
    "neo4j": neo4j,
    "reorganizer": reorganizer,
    "reorganizer-neo4j": reorganizer_neo4j,
    "tasks": tasks,
    "tasks-neo4j": tasks_neo4j,
    "verbs": verbs,
    "verbs-neo4j": verbs_neo4j,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", choices=list(RUNS))
    arguments = parser.parse_args()
    for name, run in RUNS.items():
        if arguments.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                print(
                    f"{name} | {arguments.rounds} rounds of kill -9 | {run(Path(folder), arguments.rounds)}", flush=True
                )


if __name__ == "__main__":
    main()
