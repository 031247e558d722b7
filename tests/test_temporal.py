"""Times and intervals."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treemem import InvalidInputError
from treemem.temporal import (
    END,
    END_TIME,
    Interval,
    Moment,
    carve,
    format_micros,
    from_micros,
    parse_time,
    to_micros,
)

micros = st.integers(to_micros(datetime(1, 1, 1, tzinfo=UTC)), END - 1)


@given(micros)
def test_micros_round_trip(value: int) -> None:
    assert to_micros(from_micros(value)) == value


AFTERNOON = datetime(2024, 3, 12, 14, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given_time", "wanted"),
    [
        ("2025-01-10 10:00:00", datetime(2025, 1, 10, 10, tzinfo=UTC)),
        ("2025-01-10", datetime(2025, 1, 10, tzinfo=UTC)),
        ("2024-02-29T23:59:59.999999Z", datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC)),
        ("2025-10-26T02:30:00+02:00", datetime(2025, 10, 26, 0, 30, tzinfo=UTC)),  # the hour that DST repeats,
        ("2025-10-26T02:30:00+01:00", datetime(2025, 10, 26, 1, 30, tzinfo=UTC)),  # first and second time
        (
            datetime(2025, 10, 26, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Lisbon")),
            datetime(2025, 10, 26, 2, 30, tzinfo=UTC),
        ),
        ("2025-07-01T10:00:00+08:00", datetime(2025, 7, 1, 2, tzinfo=UTC)),
        ("1:56 pm on 8 May, 2023", datetime(2023, 5, 8, 13, 56, tzinfo=UTC)),
        ("2025/03/04 05:06", datetime(2025, 3, 4, 5, 6, tzinfo=UTC)),
        (date(2025, 1, 10), datetime(2025, 1, 10, tzinfo=UTC)),
        (datetime(2025, 1, 10, 10), datetime(2025, 1, 10, 10, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2025, 1, 10, 10, tzinfo=timezone(timedelta(hours=-5))), datetime(2025, 1, 10, 15, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        ("0001-01-01", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31", datetime(9999, 12, 31, tzinfo=UTC)),
        # as exports write them: 12 March 2024, 14:05
        (1710252300000, AFTERNOON),
        (1710252300000000, AFTERNOON),
        (1710252300000000000, AFTERNOON),
        ("1710252300", AFTERNOON),
        ("1710252300000", AFTERNOON),
        ("1710252300.5", AFTERNOON + timedelta(seconds=0.5)),
        ("12.03.24, 14:05", AFTERNOON),
        ("12.03.2024, 14:05:00", AFTERNOON),
        ("3/12/24, 2:05:00 PM", AFTERNOON),
        ("3/12/24, 2:05\u202fPM", AFTERNOON),
        ("2024-03-12 14:05:00 UTC", AFTERNOON),
        ("Tue, 12 Mar 2024 14:05:00 +0000", AFTERNOON),
        ("Tue Mar 12 14:05:00 2024", AFTERNOON),
        ("Tue Mar 12 2024 15:05:00 GMT+0100 (CET)", AFTERNOON),
        ("March 12, 2024 2:05 PM", AFTERNOON),
        ("2024年3月12日", datetime(2024, 3, 12, tzinfo=UTC)),
        ("12 March 2024", datetime(2024, 3, 12, tzinfo=UTC)),
    ],
)
def test_times_that_are_understood(given_time: object, wanted: datetime) -> None:
    assert from_micros(parse_time(given_time)) == wanted  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [
        "yesterday-ish",
        "12/03/2024, 14:05",
        "",
        "2025-02-30",
        None,
        True,
        [],
        END_TIME,
        1e300,
        "0001-01-01T00:00:00+10:00",
        -1e22,
    ],
)
def test_times_that_are_not(bad: object) -> None:
    with pytest.raises(InvalidInputError, match="at"):
        parse_time(bad, "at")  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10)), max_size=6), st.integers(0, 30), st.integers(1, 10))
def test_carve_is_set_difference(pieces: list[tuple[int, int]], start: int, length: int) -> None:
    """Point by point: outside the span nothing changes, inside nothing is left."""
    known: list[tuple[int, Interval]] = []
    for key, (a, n) in enumerate(pieces):
        interval = Interval(a, a + n)
        if not any(interval.overlaps(other) for _, other in known):
            known.append((key, interval))
    span = Interval(start, start + length)
    closed, reopened = carve(known, span)
    after = [(k, i) for k, i in known if k not in closed] + reopened
    for point in range(50):
        before_at = [k for k, i in known if i.start <= point < i.end]
        after_at = [k for k, i in after if i.start <= point < i.end]
        assert after_at == ([] if span.start <= point < span.end else before_at)
    assert all(i.overlaps(span) for k, i in known if k in closed)


def test_an_inverted_interval_is_refused() -> None:
    with pytest.raises(InvalidInputError, match="inverted"):
        Interval(5, 5)


def test_a_moment_is_pinned_to_the_clock() -> None:
    assert Moment(100).pin(50) == (100, 50)
    assert Moment(100).pin(150) == (150, 150)
    assert Moment(100, 7, 9).pin(50) == (7, 9)
    with pytest.raises(InvalidInputError, match="known_at"):
        Moment(100, None, 51).pin(50)


def test_times_read_well() -> None:
    assert format_micros(END) == "open"
    assert format_micros(0) == "1970-01-01"
    assert format_micros(3_600_000_000) == "1970-01-01 01:00"
