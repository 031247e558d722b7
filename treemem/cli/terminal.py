"""What goes to a terminal: always UTF-8, nothing that steers it, and no text read as markup."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
from typing import Any

from rich.table import Table
from rich.text import Text

#: Characters that steer a terminal or hide in a line: C0 and C1 controls but for line feed and tab, DEL, bidi controls,
#: other invisible ones (soft hyphen, zero width space, tags), line separators, halves of surrogate pairs. Joiners stay,
#: which Persian and Indic words and emoji need.
_STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def shown(text: object) -> str:
    """Return a text with what would steer a terminal written out: ESC as \\x1b, an override of direction as \\u202e."""
    return _STEERING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), str(text))


def cell(text: object) -> Text:
    """Return a text as it is to be shown, free of markup."""
    return Text(shown(text))


def columns(*names: str) -> Table:
    """Return a table without rows, whose texts go on in the next line where a narrow terminal has no room for them."""
    table = Table(box=None, padding=(0, 1))
    for name in names:
        table.add_column(name, overflow="fold")
    return table


def as_json(value: Any) -> str:
    """Return JSON on one line, readable in any script, with what would steer a terminal escaped."""
    return _STEERING.sub(lambda found: json.dumps(found[0])[1:-1], json.dumps(value, ensure_ascii=False))


def use_utf8() -> None:
    """Write UTF-8 to both output streams, whatever the locale says; half a character comes out escaped.

    A stream that was closed before we began becomes one that leads nowhere, so that no file takes its number.
    """
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]


def abandon_output() -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush does not fail as well."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(AttributeError, ValueError, OSError):
            stream.flush()
            continue
        with contextlib.suppress(AttributeError, ValueError, OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)
