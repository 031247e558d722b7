"""Forked children: they have the locks of their parent, but not the threads that would free them."""

from __future__ import annotations

import os
import threading
import weakref
from typing import Protocol


class Renewable(Protocol):
    """What holds locks or threads."""

    def renew(self) -> None:
        """Make every lock anew and forget every thread; called in a child, where no other thread lives."""


_RENEWED: weakref.WeakSet[Renewable] = weakref.WeakSet()


def renew_in_children(one: Renewable) -> None:
    """Call its `renew` in every child that is forked from now on, for as long as it lives."""
    _RENEWED.add(one)


class ForkLock:
    """A lock that is free in a forked child, whichever thread held it in the parent."""

    def __init__(self) -> None:
        self.renew()
        renew_in_children(self)

    def renew(self) -> None:
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def _in_child() -> None:
    for one in list(_RENEWED):
        one.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)
