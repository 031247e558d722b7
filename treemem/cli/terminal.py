"""What goes to a terminal: always UTF-8, nothing that steers it, and no text read as markup."""

from __future__ import annotations

import contextlib
import os
import sys

from rich.text import Text

from treemem.schemas.written import STEERING


def shown(text: object) -> str:
    """Return a text with what would steer a terminal written out: ESC as \\x1b, an override of direction as \\u202e."""
    return STEERING.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), str(text))


def cell(text: object) -> Text:
    """Return a text as it is to be shown, free of markup."""
    return Text(shown(text))


def on_terminal() -> bool:
    """Return whether standard output goes to a terminal, whose lines end somewhere, and not to a file or a pipe."""
    return sys.stdout.isatty()


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
