"""The SQL statements by name, from the files in `sql/`."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from treemem.store.texts import Texts

#: Every statement and fragment of more than a line or two; see treemem/store/texts.py for how they are written.
SQL = Texts(lambda: files("treemem.store.sqlite") / "sql", ".sql", "--")


@lru_cache(512)
def statement(name: str, **values: str) -> str:
    """Return the text of `sql/statements/<name>.sql`, its places filled: END="src", say. Never with a user's text."""
    return SQL.text(name, values)
