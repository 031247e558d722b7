"""The embedded store: one SQLite file, many processes."""

from treemem.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
