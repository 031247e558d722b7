"""Every language pack is judged by its own examples; packs are found by listing their folder."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files

import pytest

from treemem.changes import State
from treemem.judge.pairs import Relation, judge, read
from treemem.judge.supersession import Outdated, outdated
from treemem.language import SHARED, packs, tokens

VERDICTS = ("same", "supersedes", "may supersede", "apart")


def examples() -> list[tuple[str, str, str, str]]:
    found = []
    for code in packs():
        file = files("treemem.language") / "packs" / code / "examples.jsonl"
        for line in file.read_text("utf-8").splitlines() if code != SHARED else ():
            row = json.loads(line)
            found.append((code, row["older"], row["newer"], row["verdict"]))
    return found


def state(memory_id: str, text: str, at: int, role: str = "user", **more: object) -> State:
    sources = [{"type": "chat", "role": role}]
    fields = {"memory": text, "memory_type": "LongTermMemory", "sources": sources, **more}
    return State(memory_id, 1, fields, at, 1_000, at, 1_000, "o")


def verdict(older: str, newer: str) -> str:
    """The verdict on two messages of one person, as examples name it."""
    one, other = read(state("a", older, 1)), read(state("b", newer, 2))
    relation = judge(one, other, 0.95).relation
    if relation in (Relation.SAME, Relation.SUPERSEDES):
        return relation.value
    return "may supersede" if outdated(one.statement, other.statement) is Outdated.MAYBE else "apart"


@pytest.mark.parametrize(("code", "older", "newer", "expected"), examples())
def test_examples(code: str, older: str, newer: str, expected: str) -> None:
    assert expected in VERDICTS
    found = verdict(older, newer)
    assert found == expected or (expected == "apart" and found == "may supersede"), found


@pytest.mark.parametrize("code", [code for code in packs() if code != SHARED])
def test_a_pack_has_examples_of_every_verdict(code: str) -> None:
    assert {expected for each, _, _, expected in examples() if each == code} == set(VERDICTS)


def test_tokens() -> None:
    assert tokens("Don't 我住 well-known!") == ["don't", "我", "住", "well-known"]


def test_packs_are_read_when_they_are_needed() -> None:
    code = "import sys, treemem; import treemem.language as l; print(l.packs.cache_info().currsize)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "0"
