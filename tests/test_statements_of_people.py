"""What people state that they prefer, and what they say about memories: every pack is judged by its own examples."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from treemem.ingest.correcting import told
from treemem.ingest.preferring import LONGEST_TEXT, MOST, POLARITIES, stated
from treemem.knowledge.renaming import renamed, says
from treemem.language import SHARED, packs

#: How many sentences a pack has at least that state a preference, and that do not.
LEAST = {"en": 40, "zh": 40, "de": 20}


def examples(name: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for code in packs():
        file = files("treemem.language") / "packs" / code / name
        if code != SHARED:
            found += [(code, json.loads(line)) for line in file.read_text("utf-8").splitlines()]
    return found


@pytest.mark.parametrize(("code", "row"), examples("preferences.jsonl"))
def test_preferences(code: str, row: dict[str, Any]) -> None:
    found = stated(row["text"])
    if row["polarity"] is None:
        assert found == ()
        return
    (one,) = found
    assert one.polarity == row["polarity"]
    assert one.topic == row.get("topic", one.topic)
    assert one.text.casefold() in row["text"].casefold()


@pytest.mark.parametrize("code", LEAST)
def test_a_pack_has_as_many_traps_as_preferences(code: str) -> None:
    rows = [row["polarity"] for each, row in examples("preferences.jsonl") if each == code]
    assert min(len([p for p in rows if p]), rows.count(None)) >= LEAST[code]
    assert set(POLARITIES) <= set(rows)
    assert Counter(row["text"] for each, row in examples("preferences.jsonl") if each == code).most_common(1)[0][1] == 1


@pytest.mark.parametrize(("code", "row"), examples("feedback.jsonl"))
def test_feedback(code: str, row: dict[str, Any]) -> None:
    found = told(row["text"])
    if row["action"] is None:
        assert found is None
        return
    assert found is not None
    assert (found.action, found.old, found.new) == (row["action"], row.get("old", ""), row.get("new", ""))


def test_the_text_of_a_preference_is_as_it_was_written() -> None:
    (one,) = stated("Oh, and by the way, I don’t like Anna’s olives.")
    assert one.text == "I don’t like Anna’s olives."


def test_a_long_text_states_nothing_and_one_text_not_too_much() -> None:
    assert stated("I prefer tea. " + "word " * LONGEST_TEXT) == ()
    assert len(stated(" ".join(f"I prefer tea number {n}." for n in range(20)))) == MOST


@pytest.mark.parametrize(
    ("text", "old", "new", "expected"),
    [
        ("Apollo's launch; APOLLO, apollo.", "Apollo", "Orion", "Orion's launch; ORION, orion."),
        ("Apollonia lies far from Apollo", "Apollo", "Orion", "Apollonia lies far from Orion"),
        ("See /srv/apollo, apollo.com, @Apollo, apollo_v2.", "Apollo", "Orion", None),
        ("Project  Apollo and Project-Apollo", "Project Apollo", "Orion", "Orion and Project-Apollo"),
        ("User 1 met User 10.", "User 1", "User 2", "User 2 met User 10."),
        ("阿波罗项目周五发布。", "阿波罗", "猎户座", "猎户座项目周五发布。"),
        ("The harp and the Harp.", "harp", "lyre", "The lyre and the Lyre."),
        ("Apollo.", "Apollo", r"\1 (x)", r"\1 (x)."),
        ("a" * 5_000, "a", "b", None),
    ],
)
def test_whole_words_take_the_place_of_others(text: str, old: str, new: str, expected: str | None) -> None:
    assert renamed(text, old, new) == (text if expected is None else expected)
    assert says(text, old) == (expected is not None)
