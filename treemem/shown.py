"""What a message shows of a value that a user gave: short, whatever the value is."""

from __future__ import annotations

from reprlib import Repr
from typing import Any


class _Short(Repr):
    """Reads as far into a value as it shows, so that neither size nor depth nor a cycle costs anything."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxstring, self.maxother, self.maxlong = 3, 60, 60, 40
        self.maxdict = self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = 3

    def repr_int(self, value: int, level: int) -> str:
        """Return the digits of an int, or how long it is; Python writes no int of many thousand digits."""
        return repr(value) if value.bit_length() <= 128 else f"<an int of {value.bit_length()} bits>"


_SHORT = _Short()


def shown(value: Any) -> str:
    """Return a value as Python writes it, at most some 60 characters of each part and three parts of each level."""
    return _SHORT.repr(value)
