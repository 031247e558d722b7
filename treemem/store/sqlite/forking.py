"""Forks of the process: nobody is inside SQLite when it forks, and no connection goes along.

SQLite keeps its locks by process. A child that inherits an open connection believes that it holds the locks of its
parent, also in connections of its own: its writes are lost, or it waits for ever for a lock of a thread that it has
not. So a fork waits until every thread has left SQLite, and closes all connections before. Parent and child each open
new ones when they need them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
import weakref
from collections.abc import Iterator
from typing import Protocol

from treemem.errors import StoreError, StoreUnavailableError

#: How long a fork waits for transactions under way, in seconds.
PATIENCE = 10.0


class Forkable(Protocol):
    """What holds connections to a database."""

    def let_go(self) -> None:
        """Close every connection; called in the parent, just before a fork, while nobody is inside."""

    def renew(self) -> None:
        """Make every lock anew; called in the child, where no other thread lives."""


class ForkGate:
    """Counts the threads that are inside SQLite, and lets none in while the process forks."""

    def __init__(self) -> None:
        self._databases: weakref.WeakSet[Forkable] = weakref.WeakSet()
        self._mine = threading.local()
        self._lost = False
        self._renew()

    def _renew(self) -> None:
        self._changed = threading.Condition()
        self._inside = 0
        self._forks = 0

    def watch(self, database: Forkable) -> None:
        """Take the database along in forks, for as long as it lives."""
        with self._changed:
            self._databases.add(database)

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """The only way into SQLite. Raises StoreUnavailableError in a child that a busy process left behind."""
        depth = getattr(self._mine, "depth", 0)
        with self._changed:
            if self._lost:
                raise StoreUnavailableError(
                    "this process was forked while a thread was busy in an embedded memory, so SQLite cannot be "
                    "used in it. Fork while no call is under way, or start processes by multiprocessing's 'spawn'"
                )
            if depth == 0 and self._forks:
                self._changed.wait_for(lambda: self._forks == 0)
            self._inside += 1
        self._mine.depth = depth + 1
        try:
            yield
        finally:
            self._mine.depth = depth
            with self._changed:
                self._inside -= 1
                if self._inside == 0 and self._forks:
                    self._changed.notify_all()

    def before_fork(self) -> None:
        """Wait until nobody is inside, then let every connection go."""
        with self._changed:
            self._forks += 1
            inside_myself = getattr(self._mine, "depth", 0) > 0
            quiet = not inside_myself and self._changed.wait_for(lambda: self._inside == 0, PATIENCE)
            self._mine.quiet = quiet or not self._databases
            databases = list(self._databases) if quiet else []
        for database in databases:
            with contextlib.suppress(StoreError, sqlite3.Error):  # the fork goes on; the next call meets it again
                database.let_go()

    def after_in_parent(self) -> None:
        """Let threads in again."""
        with self._changed:
            self._forks -= 1
            self._changed.notify_all()

    def after_in_child(self) -> None:
        """Begin anew with the one thread there is."""
        self._lost = self._lost or not self._mine.quiet
        self._renew()
        for database in list(self._databases):
            database.renew()


GATE = ForkGate()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=GATE.before_fork,
        after_in_parent=GATE.after_in_parent,
        after_in_child=GATE.after_in_child,
    )
