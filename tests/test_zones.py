"""Zones: times without one, and days of questions, are read where the memory is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import OpenMemory
from treemem import InvalidInputError, TextualMemoryItem, TreeTextMemory, TreeTextMemoryConfig
from treemem.language.timewords import of_wall, read_time, wall
from treemem.temporal import BEGINNING, END, parse_time, to_micros
from treemem.zones import reading_in, zone_of

ZONES = ["UTC", "Asia/Shanghai", "America/New_York", "Asia/Kathmandu", "Pacific/Kiritimati", "Europe/Lisbon"]


@pytest.mark.parametrize(
    ("value", "zone", "wanted"),
    [
        ("2025-01-10 10:00", "Asia/Shanghai", "2025-01-10T02:00:00Z"),
        ("2025-01-10", "Asia/Shanghai", "2025-01-09T16:00:00Z"),
        (date(2025, 1, 10), "America/New_York", "2025-01-10T05:00:00Z"),
        (datetime(2025, 7, 10, 10), "America/New_York", "2025-07-10T14:00:00Z"),  # noqa: DTZ001
        ("12.03.24, 14:05", "Europe/Berlin", "2024-03-12T13:05:00Z"),
        ("2025年9月12日", "Asia/Tokyo", "2025-09-11T15:00:00Z"),
        ("2025-01-10T10:00:00+08:00", "America/New_York", "2025-01-10T02:00:00Z"),
        (1_736_503_200, "Asia/Shanghai", "2025-01-10T10:00:00Z"),
        ("1:56 pm on 8 May, 2023 UTC", "Asia/Shanghai", "2023-05-08T13:56:00Z"),
        ("2025-10-26 02:30", "Europe/Berlin", "2025-10-26T00:30:00Z"),  # twice; the first
        ("2025-03-30 02:30", "Europe/Berlin", "2025-03-30T01:30:00Z"),  # not there; as if the clock had gone on
    ],
)
def test_a_time_is_read_in_the_zone(value: object, zone: str, wanted: str) -> None:
    with reading_in(zone_of(zone)):
        assert parse_time(value) == to_micros(datetime.fromisoformat(wanted))  # type: ignore[arg-type]


def test_the_ends_of_time_can_be_written_in_every_zone() -> None:
    for zone in (None, *ZONES):
        with reading_in(zone_of(zone)):
            for text in ("0001-01-03", "9999-12-29"):
                assert BEGINNING < parse_time(text) < END
            for micros in (BEGINNING, END):
                assert isinstance(wall(micros), int)
                assert isinstance(of_wall(micros), int)


@given(
    st.datetimes(datetime(1900, 1, 2), datetime(2100, 1, 1)),  # noqa: DTZ001
    st.sampled_from(ZONES),
)
def test_a_clock_on_the_wall_shows_what_is_read(moment: datetime, zone: str) -> None:
    micros = to_micros(moment.replace(tzinfo=UTC))
    with reading_in(zone_of(zone)):
        shows = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=wall(micros))
        assert shows.replace(tzinfo=None) == moment.replace(tzinfo=UTC).astimezone(zone_of(zone)).replace(tzinfo=None)
        assert wall(of_wall(wall(micros))) == wall(micros)


@pytest.mark.parametrize(
    ("question", "zone", "since", "until"),
    [
        ("What did I do yesterday?", "Asia/Shanghai", "2026-05-19T16:00Z", "2026-05-20T16:00Z"),
        ("What did I do today?", "Asia/Shanghai", "2026-05-20T16:00Z", "2026-05-21T16:00Z"),
        ("What did I do today?", "America/New_York", "2026-05-20T04:00Z", "2026-05-21T04:00Z"),
        ("我上周做了什么？", "Asia/Shanghai", "2026-05-10T16:00Z", "2026-05-17T16:00Z"),
        ("What did I do in March 2026?", "Europe/Berlin", "2026-02-28T23:00Z", "2026-03-31T22:00Z"),
        ("What did I do in the last 3 days?", "Asia/Tokyo", "2026-05-17T15:00Z", "2026-05-21T15:00Z"),
    ],
)
def test_days_of_a_question_are_those_of_the_zone(question: str, zone: str, since: str, until: str) -> None:
    now = parse_time("2026-05-20T18:30Z")  # in Shanghai and Tokyo it is the 21st
    with reading_in(zone_of(zone)):
        told = read_time(question, now)
    assert told is not None
    assert (told.since, told.until) == (parse_time(since), parse_time(until))


def test_questions_about_all_before_or_after_stay_open() -> None:
    with reading_in(zone_of("Asia/Shanghai")):
        told = read_time("Where did I live before 2024?", parse_time("2026-05-20"))
        assert told is not None
        assert (told.since, told.until) == (BEGINNING, parse_time("2024-01-01"))


def test_a_memory_reads_and_finds_in_its_zone(open_memory: OpenMemory) -> None:
    there = open_memory(zone="Asia/Shanghai")
    assert there.zone == "Asia/Shanghai"
    ids = there.add_messages(
        [
            {"role": "user", "content": "I bought a kite.", "chat_time": "2025-05-08 07:30"},
            {"role": "user", "content": "I bought a drum.", "chat_time": "2025-05-07 22:00"},
        ]
    )
    kite = there.get(ids[0])
    assert kite.metadata.valid_from == datetime(2025, 5, 7, 23, 30, tzinfo=UTC)
    assert "8 may 2025" in there.store.history(there.cube_id, ids[:1])[0].tokens
    assert there.get_by_ids(ids, as_of="2025-05-08 07:00") == there.get_by_ids(ids[1:], as_of="2025-05-07 22:00")
    assert [m.id for m in there.get_by_ids(ids, as_of="2025-05-08 07:00")] == ids[1:]
    asked = there.search("What did I buy on 8 May 2025?", 2)
    assert asked.hits[0].id == ids[0]
    (page,) = there.pages(as_of="2025-05-08 07:00")
    assert [item.id for item in page.items] == ids[1:]
    note = there.add("A note.", at=date(2025, 5, 8))[0]
    assert there.get(note).metadata.valid_from == datetime(2025, 5, 7, 16, tzinfo=UTC)
    found = there.search("note", filter={"valid_from": {"gte": "2025-05-08"}})
    assert {hit.id for hit in found} == {ids[0], note}


def test_a_zone_that_is_none_is_refused(tmp_path: object) -> None:
    for wrong in ("Mars/Olympus", "../../etc/passwd", "", "+08:00", "/etc/localtime"):
        with pytest.raises(InvalidInputError, match="zone: wanted a name of the IANA"):
            TreeTextMemory.open(f"{tmp_path}/m.db", zone=wrong)


def test_the_environment_gives_a_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREEMEM_ZONE", "Asia/Tokyo")
    assert TreeTextMemoryConfig.of({}).zone == "Asia/Tokyo"


@pytest.fixture
def in_nepal(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_nepal")
def test_without_a_zone_it_is_the_machines() -> None:
    assert parse_time("2025-01-10 10:00") == parse_time("2025-01-10T04:15:00Z")
    item = TextualMemoryItem(memory="note", metadata={"valid_from": "2025-01-10"})  # type: ignore[arg-type]
    assert item.metadata.valid_from == datetime(2025, 1, 9, 18, 15, tzinfo=UTC)
    told = read_time("What did I do today?", parse_time("2026-05-20T18:30Z"))
    assert told is not None
    assert told.since == parse_time("2026-05-20T18:15Z")
