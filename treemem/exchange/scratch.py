"""A temporary database on the disk, for what is compared or looked up while a cube or an archive is read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from treemem.errors import StoreFullError


@contextmanager
def scratch(tables: str, purpose: str) -> Iterator[sqlite3.Connection]:
    """Give a database with these tables that is gone behind the block; any thread may read it.

    Raises StoreFullError, which names the `purpose`, where the folder for temporary files has no room.
    """
    database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
    try:
        database.executescript(tables)
        database.execute("PRAGMA journal_mode = OFF")
        database.execute("BEGIN")
        yield database
    except sqlite3.Error as error:
        raise StoreFullError(
            f"the folder for temporary files cannot hold what is needed to {purpose} ({error}); free space there"
        ) from error
    finally:
        database.close()
