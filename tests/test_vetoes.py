"""What closes nothing, whatever a reading says: taken back, played, for a while, the same amount or name, elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.helpers import FakeClock, fresh_cube
from treemem import TreeTextMemory
from treemem.judge.values import amounts


class Alike:
    """Every text has the same vector, so that every two are compared."""

    name, dimension = "test/alike", 4

    def embed(self, texts: Any) -> Any:
        return np.tile(np.full((1, 4), 0.5, dtype=np.float32), (len(texts), 1))


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(
        tmp_path_factory.mktemp("vetoes") / "m.db", embedder=Alike(), clock=FakeClock(), record_usage=False
    ) as opened:
        yield opened


def closes(
    memory: TreeTextMemory,
    older: str,
    newer: str,
    *,
    conversations: tuple[str, str] = ("c", "c"),
    metadata: tuple[dict[str, Any], dict[str, Any]] = ({}, {}),
) -> bool:
    cube = memory.cube(fresh_cube())
    for text, conversation, given, day in zip((older, newer), conversations, metadata, (10, 20), strict=True):
        message = {"content": text, "chat_time": f"2025-01-{day}", "metadata": given}
        cube.add_messages([message], conversation_id=conversation)
    return "supersede" in {action.kind.value for action in cube.reorganizer.plan().actions.values()}


@pytest.mark.parametrize(
    "newer",
    [
        *(f"I moved to Ghent {rest}" for rest in ("in my game of Sims.", "in GTA.", "in Stardew Valley.", "and back.")),
        *(f"I moved to Ghent{rest}" for rest in (" in the musical.", " for a weekend.", " for two weeks.", " Street.")),
        *(f"I moved to Ghent. {rest}" for rest in ("Psych!", "Scratch that.", "Wait, no, I did not.", "Never mind.")),
        "I moved to Ghent /s",
        "I moved to Ghent lol jk",
    ],
)
def test_nobody_moved(memory: TreeTextMemory, newer: str) -> None:
    assert not closes(memory, "I live in Porto.", newer)
    assert closes(memory, "I live in Porto.", "I moved to Ghent.")


SAME = [
    ("The meeting is at 3 pm.", "The meeting is now at 15:00.", "The meeting is now at 16:00."),
    ("会议在下午三点。", "会议现在改到15:00。", "会议现在改到16:00。"),
    ("My rent is 1,000 euros.", "My rent is now 1000 EUR.", "My rent is now 1200 EUR."),
    ("The deadline is May 3.", "The deadline is now 3 May.", "The deadline is now 4 May."),
    ("The deadline is 2026-05-03.", "The deadline is now May 3, 2026.", "The deadline is now May 4, 2026."),
    ("我的工资是一万元。", "我的工资现在是10000元。", "我的工资现在是12000元。"),
    ("My salary is 60k.", "My salary is now 60,000.", "My salary is now 65k."),
    ("My phone number is 555-1234.", "My phone number is now +1 555 1234.", "My phone number is now 555-9876."),
    ("My boss is Dr. Kim.", "My boss is now Sora Kim.", "My boss is now Dr. Lund."),
]


@pytest.mark.parametrize(("older", "same", "other"), SAME)
def test_the_same_in_another_spelling(memory: TreeTextMemory, older: str, same: str, other: str) -> None:
    assert not closes(memory, older, same)
    assert closes(memory, older, other)


def test_a_surgeon_is_a_doctor(memory: TreeTextMemory) -> None:
    assert not closes(memory, "I work as a doctor.", "I work as a surgeon now.")
    assert closes(memory, "I work as a doctor.", "I became a gardener.")


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ("The deadline is May 3.", "The deadline is now May 10."),
        ("The server runs on port 80.", "The server now runs on port 90."),
        ("The title is Sunrise.", "The title was changed from Sunrise to Dawn."),
        ("项目的预算是十万。", "项目的预算现在是二十万。"),
    ],
)
def test_things_of_two_undertakings_are_two(memory: TreeTextMemory, older: str, newer: str) -> None:
    assert closes(memory, older, newer)
    assert not closes(memory, older, newer, conversations=("one", "other"))
    projects = ({"info": {"project": "a"}}, {"info": {"project": "b"}})
    assert not closes(memory, older, newer, metadata=projects)
    assert not closes(memory, older, newer, metadata=({"session_id": "s1"}, {"session_id": "s2"}))


def test_what_is_said_of_oneself_holds_everywhere(memory: TreeTextMemory) -> None:
    assert closes(memory, "I live in Porto.", "I moved to Ghent.", conversations=("one", "other"))
    assert closes(memory, "我住在北京。", "我搬到上海了。", conversations=("one", "other"))


@pytest.mark.parametrize("source", ["web", "file", "retrieved", "system"])
def test_what_was_read_asserts_nothing(memory: TreeTextMemory, source: str) -> None:
    assert not closes(memory, "I live in Porto.", "I moved to Ghent.", metadata=({}, {"source": source}))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("at 3:30 pm", {("clock", "930")}),
        ("at noon", {("clock", "720")}),
        ("晚上八点半", {("clock", "1230")}),
        ("on the 3rd of May, 2026", {("date", "5-3/2026")}),
        ("十二月二十五日", {("date", "12-25")}),
        ("2026年5月3日", {("date", "5-3/2026")}),
        ("一万二千五百", {("number", "12500")}),
        ("60k and 1,250.50", {("number", "60000"), ("number", "1250.5")}),
        ("nothing", set()),
    ],
)
def test_amounts(text: str, found: set[tuple[str, str]]) -> None:
    assert amounts(text) == found
