"""Bookmarks: what a server of a cluster must have seen before it answers, so that a read sees the writes before it."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable

from neo4j.api import BookmarkManager


class Bookmarks(BookmarkManager):
    """The bookmarks of one store: every transaction starts at them, and its own takes their place. Thread-safe."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = frozenset(known)
        self._lock = threading.Lock()

    def get_bookmarks(self) -> Collection[str]:
        """Return what the next transaction waits for. Takes no lock: the set is replaced, never changed."""
        return self._known

    def update_bookmarks(self, previous_bookmarks: Collection[str], new_bookmarks: Collection[str]) -> None:
        """Put new bookmarks in the place of those that their transaction started at."""
        with self._lock:
            self._known = (self._known - frozenset(previous_bookmarks)) | frozenset(new_bookmarks)
