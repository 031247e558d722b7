"""Time: microseconds, half-open intervals, moments, and the algebra of `assert`."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TypeVar

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.zones import located

Clock = Callable[[], datetime]
TimeLike = datetime | date | str | int | float

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_TIME = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
#: From which number on a time is written in more than one unit a second: nano-, micro-, milliseconds.
_UNITS = ((10**17, 10**9), (10**14, 10**6), (10**11, 10**3))
#: A time written in more characters is none.
MAX_TIME_TEXT = 100
_WRITE = "write ISO 8601 such as '2025-01-10', '2025-01-10 10:00:00' or '2025-01-10T10:00:00+08:00'"
#: As chats and their exports write times. None is of numbers and slashes alone: day or month may come first there.
_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S %Z",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%I:%M %p on %d %B, %Y",
    "%I:%M %p on %d %B, %Y UTC",
    "%d.%m.%y, %H:%M",
    "%d.%m.%y, %H:%M:%S",
    "%d.%m.%Y, %H:%M",
    "%d.%m.%Y, %H:%M:%S",
    "%m/%d/%y, %I:%M %p",
    "%m/%d/%y, %I:%M:%S %p",
    "%m/%d/%Y, %I:%M %p",
    "%m/%d/%Y, %I:%M:%S %p",
    "%a %b %d %H:%M:%S %Y",
    "%a %b %d %Y %H:%M:%S GMT%z",
    "%B %d, %Y %I:%M %p",
    "%B %d, %Y",
    "%d %B %Y",
    "%Y年%m月%d日",
    "%Y年%m月%d日 %H:%M",
)
_NUMBER = re.compile(r"-?[0-9]{9,20}(?:\.[0-9]{1,9})?")
_ZONE_NAME = re.compile(r" \([^()]{1,40}\)$")


def system_clock() -> datetime:
    """Return the machine's time, in UTC."""
    return datetime.now(UTC)


def to_micros(moment: datetime) -> int:
    """Return an aware datetime as microseconds since 1970, exactly."""
    delta = moment - EPOCH
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(micros: int) -> datetime:
    """Return microseconds since 1970 as an aware UTC datetime."""
    return EPOCH + timedelta(microseconds=micros)


END = to_micros(END_TIME)
BEGINNING = to_micros(datetime(1, 1, 1, tzinfo=UTC))


def parse_time(value: TimeLike, field: str = "time") -> int:
    """Return a user's time as microseconds since 1970.

    Accepts datetimes, dates (their midnight), Unix seconds (from 10^11 on milliseconds, from 10^14 microseconds, from
    10^17 nanoseconds), ISO 8601 strings, RFC 2822 dates, and the formats of chats and their exports, such as
    `2025-01-10 10:00:00`, `2025/01/10 10:00`, `1:56 pm on 8 May, 2023`, `12.03.24, 14:05`, `3/12/24, 2:05 PM` and
    `"1710252300"`. A time without a zone is one of the memory's
    zone (`treemem/zones.py`).

    Raises InvalidInputError, naming `field`, for anything else, and for END, which is reserved for "open".
    """
    if type(value) is datetime and value.tzinfo is UTC:
        moment = value
    elif isinstance(value, str) and len(value.strip()) > MAX_TIME_TEXT:
        raise InvalidInputError(f"{field}: {shown(value)} is no time; {_WRITE}")
    else:
        moment = located(_to_datetime(value, field))
    try:
        micros = to_micros(moment)
    except OverflowError as error:
        raise InvalidInputError(f"{field}: {shown(value)} lies outside the years 1 to 9999 in UTC") from error
    if not BEGINNING <= micros < END:
        raise InvalidInputError(
            f"{field}: {shown(value)} is outside 0001-01-01 to 9999-12-31T23:59:59.999998Z; "
            "leave the end out to say that it is open"
        )
    return micros


def _to_datetime(value: TimeLike, field: str) -> datetime:
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001 (parse_time puts it into its zone)
    if isinstance(value, bool):
        raise InvalidInputError(f"{field}: wanted a time, found {shown(value)}")
    if isinstance(value, (int, float)):
        size = abs(value)
        unit = next((unit for least, unit in _UNITS if size >= least), 1)
        try:
            return EPOCH + (
                timedelta(seconds=value) if unit == 1 else timedelta(microseconds=value * 1_000_000 // unit)
            )
        except (OverflowError, ValueError) as error:
            raise InvalidInputError(
                f"{field}: {shown(value)} seconds since 1970 is outside the years 1 to 9999"
            ) from error
    if isinstance(value, str):
        return _read_text(value.strip(), field)
    raise InvalidInputError(f"{field}: wanted a datetime, date, ISO 8601 string or Unix seconds, found {shown(value)}")


def _read_text(text: str, field: str) -> datetime:
    if _NUMBER.fullmatch(text):
        return _to_datetime(float(text) if "." in text else int(text), field)
    found = (_kept_time if len(text) <= _LONGEST_KEPT else _parsed)(text)
    if found is None:
        raise InvalidInputError(f"{field}: {shown(text)} is no time; {_WRITE}")
    return found


def _parsed(text: str) -> datetime | None:
    """Return the time that a text says, None if it says none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        text = _ZONE_NAME.sub("", " ".join(text.split()))
    for form in _FORMATS:
        try:
            found = datetime.strptime(text, form)  # noqa: DTZ007 (parse_time puts it into its zone)
        except ValueError:
            continue
        return found.replace(tzinfo=UTC) if text.endswith(("UTC", "GMT")) else found
    with contextlib.suppress(ValueError):
        return parsedate_to_datetime(text)
    return None


# The messages of one day often have one time.
_LONGEST_KEPT = 64
_kept_time = lru_cache(maxsize=1_024)(_parsed)


def day_after(micros: int) -> int:
    """Return the time a day later, or END where the years end before that."""
    return min(micros + 86_400_000_000, END)


def format_micros(micros: int) -> str:
    """Return a readable UTC time: the date alone at midnight, 'open' for END."""
    if micros == END:
        return "open"
    moment = from_micros(micros)
    if micros % 86_400_000_000 == 0:
        return moment.strftime("%Y-%m-%d")
    return moment.strftime("%Y-%m-%d %H:%M")


#: How far a cube's clock may stand ahead of the time of asking and still be believed, in microseconds: five minutes.
#: A machine whose clock was wrong for one write leaves the cube's clock further ahead; what holds now is then told by
#: the time of asking alone.
SKEW = 300 * 1_000_000


def present(now: int, clock: int) -> int:
    """Return the valid time that is meant by "now": the later of the time of asking and the cube's clock, while that is
    not further ahead than clocks differ.
    """
    return clock if now < clock <= now + SKEW else now


@dataclass(frozen=True, slots=True)
class Moment:
    """The two times of a read, in microseconds.

    `valid_at` None means `present(now, the cube's clock)`; `known_at` None means the cube's clock. The store
    fills both in inside the read and reports what it used.
    """

    now: int
    valid_at: int | None = None
    known_at: int | None = None

    def pin(self, clock: int) -> tuple[int, int]:
        """Return (valid_at, known_at) for a cube whose last transaction time is `clock`.

        Raises InvalidInputError when `known_at` lies after the clock: what is known later is not known yet.
        """
        if self.known_at is not None and self.known_at > clock:
            raise InvalidInputError(
                f"known_at: {format_micros(self.known_at)} lies after the cube's last change "
                f"({format_micros(clock)}); leave known_at out to read what is known now"
            )
        known = clock if self.known_at is None else self.known_at
        valid = present(self.now, clock) if self.valid_at is None else self.valid_at
        return valid, known


@dataclass(frozen=True, slots=True)
class Span:
    """The valid times from `since` to before `until`, in microseconds; until None: up to a moment's valid time."""

    since: int
    until: int | None = None

    def ends(self, valid_at: int) -> tuple[int, int]:
        """Return the first and the last time, for a moment whose valid time is pinned."""
        return self.since, valid_at if self.until is None else self.until - 1


@dataclass(frozen=True, slots=True)
class Interval:
    """A half-open interval [start, end) of valid time, in microseconds."""

    start: int
    end: int = END

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise InvalidInputError(
                f"the interval from {format_micros(self.start)} to {format_micros(self.end)} is empty or inverted"
            )

    def overlaps(self, other: Interval) -> bool:
        """Return whether both share a point."""
        return self.start < other.end and other.start < self.end

    def minus(self, other: Interval) -> list[Interval]:
        """Return the zero to two pieces of this interval that lie outside `other`."""
        pieces = []
        if self.start < other.start:
            pieces.append(Interval(self.start, min(self.end, other.start)))
        if other.end < self.end:
            pieces.append(Interval(max(self.start, other.end), self.end))
        return pieces


K = TypeVar("K")


def carve(known: Iterable[tuple[K, Interval]], span: Interval) -> tuple[list[K], list[tuple[K, Interval]]]:
    """Return what asserting on `span` does to the `known` intervals of one memory or edge.

    The first list holds the keys of the intervals that overlap and must be closed, the second the pieces of them that
    stick out of `span` and must be opened again.
    """
    closed: list[K] = []
    reopened: list[tuple[K, Interval]] = []
    for key, interval in known:
        if interval.overlaps(span):
            closed.append(key)
            reopened.extend((key, piece) for piece in interval.minus(span))
    return closed, reopened
