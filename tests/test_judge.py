"""Claims and values: what a text says of whom, and when a newer text takes an older one's place."""

from __future__ import annotations

import pytest

from treemem.judge.pairs import parts
from treemem.search.asked import another_value, focus_of, values_in


@pytest.mark.parametrize(
    ("text", "first", "then"),
    [
        ("I moved to Rome after I finished school", "I finished school", "I moved to Rome"),
        ("After I finished school, I moved to Rome", "I finished school", "I moved to Rome"),
        ("Before we left, we packed", "we packed", "we left"),
        ("We packed before we left", "We packed", "we left"),
        ("We packed, and then we left", "We packed,", "we left"),
        ("我们收拾行李，然后出发了", "我们收拾行李，", "出发了"),
    ],
)
def test_order(text: str, first: str, then: str) -> None:
    assert [(a.strip(), b.strip()) for a, b in parts(text, "order")] == [(first, then)]


@pytest.mark.parametrize("text", ["I look after my niece", "I did not go after all", "I left"])
def test_no_order(text: str) -> None:
    assert parts(text, "order") == ()


def test_a_sentence_begins_with_its_effect() -> None:
    assert parts("As a result, sales fell", "cause") == (("", ", sales fell"),)
    assert parts("Because it rained, we stayed in", "cause") == ((" it rained", " we stayed in"),)


def test_values() -> None:
    found = values_in("On April 5th, 2024 at 4:30 PM, 1,200 words and 78% of $40 went to twelve cards.")
    assert [(v.kind, v.text) for v in found] == [
        ("date", "4-5/2024"),
        ("clock", "990"),
        ("number", "1200"),
        ("share", "78"),
        ("money", "40$"),
        ("number", "12"),
    ]
    assert values_in("```\nlimit = 60\n```") == ()


@pytest.mark.parametrize(
    ("question", "older", "newer", "value"),
    [
        (
            "How many chairs are in the hall?",
            "The hall has 40 chairs at the moment, all of them red.",
            "We bought more, the hall now has 55 chairs.",
            "55",
        ),
        (
            "What is the deadline for the grant report?",
            "The grant report has a deadline of May 2.",
            "They moved the grant report deadline to May 9.",
            "5-9",
        ),
        (
            "What time is my call with Ivo?",
            "I have a call with Ivo on June 3 at 3 PM.",
            "The call with Ivo was rescheduled to June 3 at 5 PM.",
            "1020",
        ),
    ],
)
def test_another_value(question: str, older: str, newer: str, value: str) -> None:
    focus = focus_of(question)
    assert focus is not None
    found = another_value(focus, older, newer)
    assert found is not None
    assert found[1].text == value
    assert another_value(focus, older, older) is None


@pytest.mark.parametrize(
    ("question", "older", "newer"),
    [
        ("How many chairs are in the hall?", "The hall has 40 chairs.", "The kitchen now has 6 chairs."),
        ("How many chairs are in the hall?", "The hall has 40 chairs.", "My goal is 60 tables in the hall."),
        ("When is my call with Ivo?", "I have a call with Ivo on June 3.", "The dentist was moved to June 9."),
    ],
)
def test_another_thing(question: str, older: str, newer: str) -> None:
    focus = focus_of(question)
    assert focus is not None
    assert another_value(focus, older, newer) is None


@pytest.mark.parametrize("question", ["When did I meet Ivo?", "Who is Ivo?", "How long did it take?", "Why?"])
def test_questions_that_ask_for_no_value_of_now(question: str) -> None:
    assert focus_of(question) is None
