"""The time a question is about: a moment, a span, or everything that ever was; given, or read from its words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.keywords import checked_names
from treemem.temporal import BEGINNING, END, MAX_TIME_TEXT, Span, TimeLike, format_micros, from_micros, parse_time

_WRITTEN = re.compile(r"^(at|before|after) (.+)$|^(?:during|from) (.+?) (?:to|until) (.+)$", re.IGNORECASE)
_FORMS = "'auto', 'now', 'ever', 'at T', 'before T', 'after T' or 'during T1 to T2'"


@checked_names
@dataclass(frozen=True, slots=True)
class When:
    """The valid time that a search looks at: what holds at some time of [since, until), in microseconds.

    >>> When.during("2025-03-01", "2025-04-01")
    When('during 2025-03-01 to 2025-04-01')
    """

    kind: str
    since: int
    until: int

    @classmethod
    def at(cls, time: TimeLike) -> When:
        """What holds at one time."""
        moment = parse_time(time, "when")
        return cls("at", moment, moment + 1)

    @classmethod
    def during(cls, since: TimeLike, until: TimeLike) -> When:
        """What holds at some time from `since` to before `until`. Raises InvalidInputError if they are inverted."""
        first, last = parse_time(since, "when"), parse_time(until, "when")
        if first >= last:
            raise InvalidInputError(
                f"when: {format_micros(first)} does not come before {format_micros(last)}; swap them"
            )
        return cls("during", first, last)

    @classmethod
    def before(cls, time: TimeLike) -> When:
        """What held at some time before `time`."""
        return cls("before", BEGINNING, parse_time(time, "when"))

    @classmethod
    def after(cls, time: TimeLike) -> When:
        """What holds at some time from `time` on."""
        return cls("after", parse_time(time, "when"), END)

    @classmethod
    def ever(cls) -> When:
        """What holds at any time."""
        return cls("ever", BEGINNING, END)

    @property
    def span(self) -> Span:
        """The valid times looked at."""
        return Span(self.since, self.until)

    def __repr__(self) -> str:
        shown = {
            "at": f"at {format_micros(self.since)}",
            "during": f"during {format_micros(self.since)} to {format_micros(self.until)}",
            "before": f"before {format_micros(self.until)}",
            "after": f"after {format_micros(self.since)}",
        }
        return f"When({shown.get(self.kind, self.kind)!r})"


WhenLike = When | str


def parse_when(value: WhenLike) -> When | None:
    """Return the time asked for; None for "auto" and "now", which have none of their own.

    Raises InvalidInputError for anything that is no time.
    """
    if isinstance(value, When):
        return value
    if not isinstance(value, str):
        raise InvalidInputError(f"when: wanted a When, {_FORMS}, found {shown(value)}")
    text = value.strip()
    if len(text) > 2 * MAX_TIME_TEXT:
        raise InvalidInputError(f"when: wanted {_FORMS}, found {shown(text)}")
    if text.lower() in ("auto", "now"):
        return None
    if text.lower() == "ever":
        return When.ever()
    found = _WRITTEN.match(text)
    if found is None:
        raise InvalidInputError(f"when: wanted {_FORMS}, found {shown(value)}")
    word, time, since, until = found.groups()
    if word is None:
        return When.during(since, until)
    return {"at": When.at, "before": When.before, "after": When.after}[word.lower()](time)


@dataclass(frozen=True, slots=True)
class TimeReading:
    """What time a search took its question to be about.

    `kind` is now, at, during, before, after, ever, previous (what held once and does not any more) or recent. `since`
    and `until` bound it, None where it is open. `words` are those of the question that say so, empty if `when` or
    `as_of` said it, or nothing did.
    """

    kind: str
    since: datetime | None = None
    until: datetime | None = None
    words: str = ""

    @classmethod
    def of(cls, kind: str, since: int, until: int, words: str = "") -> TimeReading:
        """Return a reading of times in microseconds."""
        return cls(
            kind,
            None if since <= BEGINNING else from_micros(since),
            None if until >= END else from_micros(until),
            words,
        )

    def __str__(self) -> str:
        bounds = [f"{name} {at:%Y-%m-%d}" for name, at in (("from", self.since), ("until", self.until)) if at]
        return " ".join([self.kind, *bounds, *([f"({self.words!r})"] if self.words else [])])
