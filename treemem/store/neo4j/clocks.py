"""What a store remembers of the times of cubes: guesses that save a statement, and that the next statement checks."""

from __future__ import annotations

#: Of how many cubes a clock is kept.
MOST = 10_000


class Clocks:
    """What the clock of each cube was when it was searched last, and whether it was the same the time before.

    A search of a cube that rests need not ask for the time first. Only a guess: who takes a clock from here asks in the
    same statement whether it still stands there. Thread-safe, since each step is one of a dict.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[int, bool]] = {}

    def expected(self, cube: str) -> int | None:
        """Return where a cube's clock most likely stands; None if that is not known, or it moved of late."""
        clock, still = self._seen.get(cube, (0, False))
        return clock if still else None

    def seen(self, cube: str, clock: int) -> None:
        """Note where a search found the clock of a cube."""
        if len(self._seen) >= MOST and cube not in self._seen:
            self._seen.clear()
        before, _ = self._seen.get(cube, (None, False))
        self._seen[cube] = (clock, before == clock)


class LastTimes:
    """The last time of each cube that this store heard of. It only saves a try, so that it may be wrong."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def note(self, cube: str, recorded_at: int) -> None:
        """Take note of the time of a transaction."""
        if len(self._last) >= MOST:
            self._last.clear()
        self._last[cube] = max(recorded_at, self._last.get(cube, recorded_at))

    def of(self, cube: str) -> int | None:
        """Return the last time of a cube, None where none is known."""
        return self._last.get(cube)
