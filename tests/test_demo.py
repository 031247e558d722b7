"""The demo from the outside, and its answers on both stores."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import started_server
from tests.helpers import fresh_cube
from treemem import TreeTextMemory
from treemem.demo import QUESTIONS, ask, messages, replay


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> TreeTextMemory:
    with TreeTextMemory.open(Path(tmp_path_factory.mktemp("demo")) / "demo.db", cube="demo") as memory:
        list(replay(memory))
        yield memory


def test_the_conversation() -> None:
    whole = messages()
    assert len(whole) == 60
    assert {m["speaker"] for m in whole} == {"Mara", "Jonas", "Priya"}
    assert [m["at"] for m in whole] == sorted(m["at"] for m in whole)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.shows)
def test_answers(loaded: TreeTextMemory, question: object) -> None:
    found = [hit.id for hit in ask(loaded, question)]  # type: ignore[arg-type]
    wanted = question.answers  # type: ignore[attr-defined]
    assert set(wanted) <= set(found) if wanted else found == []


def test_transaction_time_follows_the_conversation(loaded: TreeTextMemory) -> None:
    assert loaded.get("mara-home", as_of="2025-03-01").memory == "Mara lives in Porto."
    assert loaded.get("mara-home", as_of="2025-12-01").memory == "Mara lives in Ghent."
    then = loaded.get("jonas-job", as_of="2025-06-01", known_at="2025-06-01")
    later = loaded.get("jonas-job", as_of="2025-06-01", known_at="2025-10-01")
    assert "Brightwater" in then.memory
    assert "freelance" in later.memory
    assert loaded.check() == []


def test_replaying_again_changes_nothing(loaded: TreeTextMemory) -> None:
    before = loaded.content_hash()
    assert list(replay(loaded))[-1] == 60
    assert loaded.content_hash() == before


@pytest.fixture
def own_server(tmp_path: Path, neo4j_uri: str) -> Iterator[str]:
    """A server with nothing else on it: there, how rare a word is counts over all cubes."""
    yield from started_server(tmp_path)


@pytest.mark.slow
@pytest.mark.neo4j
def test_the_same_answers_on_neo4j(loaded: TreeTextMemory, own_server: str) -> None:
    with TreeTextMemory.open(own_server, cube=fresh_cube("demo")) as memory:
        list(replay(memory))
        for question in QUESTIONS:
            assert {h.id for h in ask(memory, question)} >= set(question.answers)
            one, two = ask(loaded, question), ask(memory, question)
            assert bool(one) == bool(two)
            if one:  # how rare a word is counts over all cubes there, so neighbours in rank may swap
                assert one[0].id in [h.id for h in two][:2], question.text


def run(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "treemem", *arguments],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        env={**os.environ, "COLUMNS": "120", **env},
    )


def test_the_command(tmp_path: Path) -> None:
    done = run("demo", "--store", "demo.db", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for part in (
        "60/60",
        "Ines Duarte",
        "Mara lives in Porto.",
        "Brightwater",
        "nothing above the threshold",
        "Timings",
        "demo.db",
        "0 broken invariants",
    ):
        assert part in done.stdout, part
    again = run("demo", "--store", "demo.db", cwd=tmp_path)
    assert again.returncode == 0
    assert "nothing above the threshold" in again.stdout


def test_errors_end_in_one_line(tmp_path: Path) -> None:
    done = run("demo", "--store", "bolt://127.0.0.1:9", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("treemem: ")
    assert "Traceback" not in done.stderr
    assert "treemem 0." in run("--version", cwd=tmp_path).stdout
