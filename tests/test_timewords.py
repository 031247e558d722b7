"""Reading the time a question is about from its words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treemem.language.timewords import read_time
from treemem.temporal import BEGINNING, END, format_micros, parse_time

NOW = parse_time("2026-05-20 12:00")  # a Wednesday


@pytest.mark.parametrize(
    ("question", "kind", "since", "until"),
    [
        ("What did I do last week?", "during", "2026-05-11", "2026-05-18"),
        ("What did I do yesterday?", "during", "2026-05-19", "2026-05-20"),
        ("What happened in March 2025?", "during", "2025-03-01", "2025-04-01"),
        ("Two years ago, where did I work?", "during", "2024-01-01", "2025-01-01"),
        ("What did I eat on 3 May?", "during", "2026-05-03", "2026-05-04"),
        ("What did I eat on May 3rd, 2024?", "during", "2024-05-03", "2024-05-04"),
        ("What did I do between March and May 2025?", "during", "2025-03-01", "2025-06-01"),
        ("Where did she go last summer?", "during", "2025-06-01", "2025-09-01"),
        ("What are my plans for next month?", "during", "2026-06-01", "2026-07-01"),
        ("What did we say on 2024-02-29?", "during", "2024-02-29", "2024-03-01"),
        ("Where did I live before 2024?", "before", "-", "2024-01-01"),
        ("Who did I meet since last month?", "after", "2026-04-01", "open"),
        ("What happened after June 3, 2025?", "after", "2025-06-04", "open"),
        ("我去年住在哪里？", "during", "2025-01-01", "2026-01-01"),
        ("上周我做了什么？", "during", "2026-05-11", "2026-05-18"),
        ("2025年3月发生了什么？", "during", "2025-03-01", "2025-04-01"),
        ("两年前我在哪工作？", "during", "2024-01-01", "2025-01-01"),
        ("三个月前我住哪？", "during", "2026-02-01", "2026-03-01"),
        ("5月3日我做了什么？", "during", "2026-05-03", "2026-05-04"),
        ("What did I buy twenty days ago?", "during", "2026-04-30", "2026-05-01"),
        ("What did I buy twenty-five days ago?", "during", "2026-04-25", "2026-04-26"),
        ("What did I do a fortnight ago?", "during", "2026-05-04", "2026-05-11"),
        ("What did I buy half a year ago?", "during", "2025-11-01", "2025-12-01"),
        ("What did I buy in the past two weeks?", "during", "2026-05-06", "2026-05-21"),
        ("What did I buy in the last 3 days?", "during", "2026-05-17", "2026-05-21"),
        ("Where did I go over the last three months?", "during", "2026-02-20", "2026-05-21"),
        ("What did I do last May?", "during", "2025-05-01", "2025-06-01"),
        ("What did I do last March?", "during", "2026-03-01", "2026-04-01"),
        ("What is on next June?", "during", "2026-06-01", "2026-07-01"),
        ("What did I do on 2025/03/01?", "during", "2025-03-01", "2025-03-02"),
        ("What are we doing this weekend?", "during", "2026-05-23", "2026-05-25"),
        ("Where was I last weekend?", "during", "2026-05-16", "2026-05-18"),
        ("What did I do the previous week?", "during", "2026-05-11", "2026-05-18"),
        ("What did I eat the day before yesterday?", "during", "2026-05-18", "2026-05-19"),
        ("Where did I live from March to May 2025?", "during", "2025-03-01", "2025-06-01"),
        ("Where did I live from October to December?", "during", "2025-10-01", "2026-01-01"),
        ("Did I ski this winter?", "during", "2025-12-01", "2026-03-01"),
        ("Did I ski last winter?", "during", "2025-12-01", "2026-03-01"),
        ("What did I do last Friday?", "during", "2026-05-15", "2026-05-16"),
        ("我十二天前做了什么？", "during", "2026-05-08", "2026-05-09"),
        ("我二十天前在网上买了什么？", "during", "2026-04-30", "2026-05-01"),
        ("一百零三天前我在哪？", "during", "2026-02-06", "2026-02-07"),
        ("我十五年前住在哪里？", "during", "2011-01-01", "2012-01-01"),
        ("半年前我买了什么？", "during", "2025-11-01", "2025-12-01"),
        ("过去两周我买了什么？", "during", "2026-05-06", "2026-05-21"),
        ("最近三个月我去了哪里？", "during", "2026-02-20", "2026-05-21"),
        ("三天内我做了什么？", "during", "2026-05-17", "2026-05-21"),
        ("我大前天做了什么？", "during", "2026-05-17", "2026-05-18"),
        ("我前天做了什么？", "during", "2026-05-18", "2026-05-19"),
        ("我前年做了什么？", "during", "2024-01-01", "2025-01-01"),
        ("我大前年做了什么？", "during", "2023-01-01", "2024-01-01"),
        ("上上周我做了什么？", "during", "2026-05-04", "2026-05-11"),
        ("上上个月我做了什么？", "during", "2026-03-01", "2026-04-01"),
        ("上周末我在哪？", "during", "2026-05-16", "2026-05-18"),
        ("下个月有什么安排？", "during", "2026-06-01", "2026-07-01"),
    ],
)
def test_dates(question: str, kind: str, since: str, until: str) -> None:
    told = read_time(question, NOW)
    assert told is not None
    shown = ("-" if told.since == BEGINNING else format_micros(told.since), format_micros(told.until))
    assert (told.kind, *shown) == (kind, since, until)


@pytest.mark.parametrize(
    ("asked", "question", "since", "until"),
    [
        ("2026-05-24", "What are we doing this weekend?", "2026-05-23", "2026-05-25"),  # a Sunday
        ("2026-05-24", "Where was I last weekend?", "2026-05-16", "2026-05-18"),
        ("2026-01-15", "What did I do this winter?", "2025-12-01", "2026-03-01"),
        ("2026-01-15", "What did I do last winter?", "2024-12-01", "2025-03-01"),
        ("2026-03-31", "What did I do in the last month?", "2026-02-01", "2026-03-01"),
        ("2026-03-31", "What did I do in the past one month?", "2026-02-28", "2026-04-01"),
        ("2026-03-31", "What did I do a month ago?", "2026-02-01", "2026-03-01"),
        ("2026-01-31", "上个月我做了什么？", "2025-12-01", "2026-01-01"),
    ],
)
def test_dates_by_when_it_is_asked(asked: str, question: str, since: str, until: str) -> None:
    told = read_time(question, parse_time(asked))
    assert told is not None
    assert (format_micros(told.since), format_micros(told.until)) == (since, until)


@given(
    st.text(alphabet="零一二三四五六七八九十百千两几半天周个星期月年前内 0123456789twenty-fiveafewdaysago", max_size=20)
)
def test_any_words_of_numbers_are_read_or_left(words: str) -> None:
    read_time(words, NOW)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Where do I live now?", "now"),
        ("What is my current job?", "now"),
        ("我现在住在哪里？", "now"),
        ("Where did I live before?", "previous"),
        ("Where did Anna work previously?", "previous"),
        ("What did he use to drive, formerly?", "previous"),
        ("我以前住在哪里？", "previous"),
        ("Where have I traveled?", "ever"),
        ("我去过哪些地方？", "ever"),
        ("Which cities did I visit recently?", "recent"),
        ("我最近去了哪里？", "recent"),
    ],
)
def test_cues(question: str, kind: str) -> None:
    told = read_time(question, NOW)
    assert told is not None
    assert told.kind == kind


@pytest.mark.parametrize(
    ("question", "kind", "clause"),
    [
        ("Where did I live before I moved to Shanghai?", "before", "I moved to Shanghai"),
        ("What did Anna do after she quit her job?", "after", "she quit her job"),
        ("我搬到上海之前住在哪里？", "before", "我搬到上海"),
    ],
)
def test_clauses(question: str, kind: str, clause: str) -> None:
    told = read_time(question, NOW)
    assert told is not None
    assert (told.kind, told.clause) == (kind, clause)


@pytest.mark.parametrize(
    "question",
    ["Where do I live?", "May I ask who Anna is?", "Who is April?", "How old is Anna?", "谁是安娜？", "", "2 + 2 = 4?"],
)
def test_no_time_told(question: str) -> None:
    assert read_time(question, NOW) is None


@given(question=st.text(max_size=200), now=st.integers(BEGINNING, END - 1))
def test_any_text_is_read_or_not(question: str, now: int) -> None:
    told = read_time(question, now)
    assert told is None or told.since < told.until


@given(
    st.lists(
        st.sampled_from(
            "last next in March 2025 two weeks years ago 9999 0000 before after 31 February 2月30日 去年 on".split()
        ),
        max_size=8,
    )
)
def test_any_run_of_time_words_is_read_or_not(some: list[str]) -> None:
    for now in (BEGINNING, NOW, END - 1):
        told = read_time(" ".join(some), now)
        assert told is None or told.since < told.until
