"""The time a question is about: given, or read from its words; and what was superseded."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, day, fresh_cube
from treemem import InvalidInputError, MiniLM, SearchOptions, TreeTextMemory, When

PAGE = [
    {"role": "user", "content": "I live in Beijing.", "chat_time": "2025-01-10 10:00:00"},
    {"role": "user", "content": "I moved to Shanghai.", "chat_time": "2025-06-01 10:00:00"},
    {
        "role": "user",
        "content": "I traveled to Xi'an during last year's National Day holiday.",
        "chat_time": "2025-10-08 10:00:00",
    },
    {
        "role": "user",
        "content": "I traveled to Hangzhou during this year's May Day holiday.",
        "chat_time": "2026-05-02 10:00:00",
    },
]
FLAT = SearchOptions(hops=0, walk_weight=0)
MAY = FakeClock(datetime(2026, 5, 20, tzinfo=UTC))


def texts(memory: TreeTextMemory, question: str, **search: object) -> list[str]:
    return [hit.memory for hit in memory.search(question, **search)]


@pytest.fixture
def page(open_memory: OpenMemory) -> TreeTextMemory:
    memory = open_memory(embedder=MiniLM(), clock=MAY)
    memory.add_messages(PAGE)
    return memory


def test_what_the_page_on_time_promises(page: TreeTextMemory) -> None:
    now = page.search("Where do I live now?")
    assert now[0].memory == "I moved to Shanghai."
    assert now[1].memory == "I live in Beijing."
    assert now[1].superseded_by == now[0].id
    assert str(now.when) == "now ('now')"
    before = page.search("Where did I live before?")
    assert before[0].memory == "I live in Beijing."
    assert (before.when.kind, before.when.words) == ("previous", "before")
    travelled = texts(page, "Where have I traveled?")
    assert travelled[0] == PAGE[3]["content"]
    assert travelled[1] == PAGE[2]["content"]
    assert texts(page, "Where did I travel recently?")[0] == PAGE[3]["content"]
    assert all(hit.superseded_by is None for hit in page.search("Where have I traveled?")[:2])
    assert page.check() == []


@pytest.mark.parametrize(
    ("question", "first", "kind"),
    [
        ("Where do I live?", "I moved to Shanghai.", "now"),
        ("Where did I live in March 2025?", "I live in Beijing.", "during"),
        ("Where did I live before I moved to Shanghai?", "I live in Beijing.", "before"),
        ("Where did I live before June 2025?", "I live in Beijing.", "before"),
        ("Where did I live previously?", "I live in Beijing.", "previous"),
        ("Where did I travel last October?", PAGE[2]["content"], "during"),
        ("Where did I go this month?", PAGE[3]["content"], "during"),
    ],
)
def test_questions_are_read(page: TreeTextMemory, question: str, first: str, kind: str) -> None:
    found = page.search(question)
    assert found[0].memory == first
    assert found.when.kind == kind


def test_tastes_change(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=MiniLM(), clock=MAY)
    hot = "I can't eat very oily or spicy food now, and I prefer something lighter."
    memory.add_messages(
        [
            {"role": "user", "content": "I like spicy food.", "chat_time": "2025-09-12 08:00:00"},
            {"role": "user", "content": hot, "chat_time": "2025-09-25 12:00:00"},
            {"role": "user", "content": "I like apples.", "chat_time": "2025-09-26 08:00:00"},
            {"role": "user", "content": "I don't like apples anymore.", "chat_time": "2025-09-27 08:00:00"},
        ]
    )
    assert texts(memory, "What food do I like?", top_k=2) == [hot, "I like spicy food."]
    assert texts(memory, "Do I like apples?", top_k=1) == ["I don't like apples anymore."]
    assert texts(memory, "What food did I like before?", top_k=1) == ["I like spicy food."]


def test_chinese(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=MiniLM(), clock=MAY)
    said = ["我住在北京。", "我搬到上海了。", "我去年国庆去了西安旅游。", "我今年五一去了杭州旅游。"]
    memory.add_messages([{**message, "content": text} for message, text in zip(PAGE, said, strict=True)])
    now = texts(memory, "我现在住在哪里？")
    assert now.index(said[1]) < now.index(said[0])
    before = texts(memory, "我以前住在哪里？")
    assert before.index(said[0]) < before.index(said[1])
    travelled = texts(memory, "我去过哪些地方旅游？")
    # Each is found by its own words: "我去" stands in one alone, which is why it may come first.
    assert set(travelled[:2]) == {said[3], said[2]}


@pytest.fixture
def versions(memory: TreeTextMemory) -> TreeTextMemory:
    memory.add({"id": "job", "memory": "Anna's job is at the mill."}, at=day(0))
    memory.update("job", "Anna's job is at the dock.", at=day(100))
    memory.update("job", "Anna's job is at the bank.", at=day(200))
    memory.add({"id": "cat", "memory": "Anna's cat is Tom."}, at=day(50), until=day(150))
    return memory


@pytest.mark.parametrize(
    ("when", "found"),
    [
        (When.at(day(120)), {"dock", "Tom"}),
        (When.at(day(10)), {"mill"}),
        (When.before(day(40)), {"mill"}),
        (When.before(day(0)), set()),
        (When.during(day(160), day(170)), {"dock"}),
        (When.during(day(149), day(150)), {"dock", "Tom"}),
        (When.during(day(150), day(151)), {"dock"}),
        (When.after(day(220)), {"bank"}),
        (f"at {day(120):%Y-%m-%d}", {"dock", "Tom"}),
        (f"before {day(40):%Y-%m-%d}", {"mill"}),
        (f"during {day(160):%Y-%m-%d} to {day(170):%Y-%m-%d}", {"dock"}),
        (f"after {day(220):%Y-%m-%d}", {"bank"}),
        ("now", {"bank"}),
        ("ever", {"bank", "Tom"}),
    ],
)
def test_a_time_given_binds(versions: TreeTextMemory, when: When | str, found: set[str]) -> None:
    hits = versions.search("What is Anna's job, what is Anna's cat?", when=when)
    assert {hit.memory.split()[-1].rstrip(".") for hit in hits} == found


def test_which_state_is_shown(versions: TreeTextMemory) -> None:
    (job, *_) = versions.search("What was Anna's job before?", options=FLAT)
    assert "bank" not in job.memory
    (job, *_) = versions.search("Where was Anna's job in January 2025?", options=FLAT)
    assert job.memory == "Anna's job is at the mill."
    assert versions.search("Anna's job", when="ever")[0].memory == "Anna's job is at the bank."


@settings(max_examples=25)
@given(
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 20)), min_size=1, max_size=12),
    since=st.integers(0, 60),
    length=st.integers(1, 30),
)
def test_spans_are_those_that_overlap(
    open_memory: OpenMemory, spans: list[tuple[int, int]], since: int, length: int
) -> None:
    memory = open_memory(cube=fresh_cube("spans"))
    ids = []
    for n, (start, days) in enumerate(spans):
        ids += memory.add(f"note {n} on tea", at=day(start), until=day(start + days))
    for a, b in itertools.pairwise(ids):
        memory.link(a, "RELATES_TO", b, at=day(0))
    during = When.during(day(since), day(since + length))
    wanted = {i for i, (a, n) in zip(ids, spans, strict=True) if a < since + length and since < a + n}
    found = memory.search("note on tea", top_k=100, when=during)
    assert {hit.id for hit in found} == wanted
    ends = {end for hit in found for step in hit.path for end in (step.source, step.target)}
    assert ends <= wanted


def test_contradictions_come_back_together(memory: TreeTextMemory) -> None:
    (yes,) = memory.add("The bridge at Porto opens in May.")
    (no,) = memory.add("Somebody heard that works go on until autumn.")
    memory.add([f"note {i} on the bridge at Porto in May" for i in range(20)])
    memory.link(yes, "CONTRADICTS", no)
    hits = memory.search("When does the bridge at Porto open in May?", top_k=3)
    assert [hits[0].id, hits[1].id] == [yes, no]
    assert hits[0].contradicts == (no,)
    assert hits[1].contradicts == (yes,)


def test_superseded_by_an_edge(memory: TreeTextMemory) -> None:
    (old,) = memory.add("The office door code is 1234.", at=day(0))
    (new,) = memory.add("As of today: 9876 for everybody who enters.", at=day(100))
    memory.link(new, "SUPERSEDES", old, at=day(100))
    hits = memory.search("What is the office door code?")
    assert [hit.id for hit in hits] == [new, old]
    assert [hit.superseded_by for hit in hits] == [None, new]
    assert memory.search("What is the office door code?", as_of=day(50))[0].id == old
    memory.expire(old, at=day(100))
    assert [hit.id for hit in memory.search("office door code")] == [new]
    both = memory.search("office door code", include_superseded=True)
    assert [hit.id for hit in both] == [new, old]
    assert both[1].superseded_by == new


def test_bad_times(memory: TreeTextMemory) -> None:
    (note,) = memory.add("a note")
    before = memory.content_hash()
    for when in ("tomorrow-ish", "during x to y", "before", "", 7):
        with pytest.raises(InvalidInputError, match="when"):
            memory.search("note", when=when)  # type: ignore[arg-type]
    for when in ("ever", When.before(day(3)), "now"):
        with pytest.raises(InvalidInputError, match="as_of"):
            memory.search("note", as_of=day(3), when=when)
    with pytest.raises(InvalidInputError, match="swap"):
        When.during(day(3), day(3))
    assert memory.search("note", as_of="0001-01-01").hits == ()
    assert memory.search("note", when="before 0001-01-02").hits == ()
    assert memory.search("What did we note in the year 9999?", when="auto")[0].id == note
    assert memory.content_hash() == before
