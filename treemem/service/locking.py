"""A lock between processes: a file beside what it guards. It ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from treemem.errors import StoreUnavailableError
from treemem.exchange.files import refuse_link, told

#: Seconds between two tries.
_PAUSE = 0.01


@contextlib.contextmanager
def locked(path: Path, timeout: float = 10.0) -> Iterator[None]:
    """Hold the lock of a file; the lock file stays. Raises StoreUnavailableError after `timeout` seconds."""
    with told(path, "written"):
        refuse_link(path)
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
        number = os.open(path, flags, 0o600)
    try:
        end = time.monotonic() + timeout
        while not _taken(number):
            if time.monotonic() > end:
                raise StoreUnavailableError(f"{path}: another process has held this lock for {timeout:g} seconds")
            time.sleep(_PAUSE)
        yield
    finally:
        os.close(number)  # gives the lock back


if sys.platform == "win32":
    import msvcrt

    def _taken(number: int) -> bool:
        try:
            msvcrt.locking(number, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _taken(number: int) -> bool:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
