"""Forked children: they have the locks of their parent, but not the threads that would free them."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar, overload

T = TypeVar("T")


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


class cached(Generic[T]):
    """A property that is computed once for each object, without a lock.

    `functools.cached_property` of Python 3.11 holds a lock of the class meanwhile; in a child that is forked in that
    moment nobody frees it. Without it two threads may both compute the value, which must be the same then.
    """

    def __init__(self, compute: Callable[[Any], T]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    @overload
    def __get__(self, owner: None, kind: type) -> cached[T]: ...

    @overload
    def __get__(self, owner: object, kind: type) -> T: ...

    def __get__(self, owner: object | None, kind: type) -> cached[T] | T:
        if owner is None:
            return self
        value = self._compute(owner)
        vars(owner)[self._name] = value
        return value
