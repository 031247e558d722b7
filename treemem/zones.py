"""Zones: where a time is read that says none, "2025-01-10 10:00" or "yesterday", and which day it is there.

The zone of a memory is a setting, an IANA name such as "Europe/Lisbon"; without one it is the machine's. Inside a verb
it is that of its memory; whatever else reads a time, an item made outside for one, takes the machine's. What is stored
and returned is UTC.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from treemem.errors import InvalidInputError

#: The zone of the verb that is running, None for the machine's.
_ZONE: ContextVar[ZoneInfo | None] = ContextVar("treemem_zone", default=None)


@lru_cache(maxsize=64)
def zone_of(name: str | None) -> ZoneInfo | None:
    """Return the zone of a name, None for the machine's; raise InvalidInputError for a name that no zone has."""
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidInputError(
            "zone: wanted a name of the IANA time zone database such as 'Europe/Lisbon' or 'UTC', found a text of "
            f"{len(name)} characters that is none; where the system has no such database, install the package tzdata"
        ) from None


@contextmanager
def reading_in(zone: ZoneInfo | None) -> Iterator[None]:
    """Read times in a zone meanwhile, in this thread and in tasks that it starts."""
    token = _ZONE.set(zone)
    try:
        yield
    finally:
        _ZONE.reset(token)


def located(moment: datetime) -> datetime:
    """Return a time without a zone as one of the present zone, in UTC, and any other as it is.

    An hour that a clock put back has twice is the first of the two.
    """
    if moment.tzinfo is not None:
        return moment
    zone = _ZONE.get()
    try:
        return (moment if zone is None else moment.replace(tzinfo=zone)).astimezone(UTC)
    except (OverflowError, ValueError, OSError):  # at the ends of time, where a machine's own zone cannot be asked
        return moment.replace(tzinfo=UTC)


def local(moment: datetime) -> datetime:
    """Return an aware time as a clock of the present zone shows it."""
    try:
        return moment.astimezone(_ZONE.get())
    except (OverflowError, ValueError, OSError):
        return moment
