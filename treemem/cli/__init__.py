"""The command line. Each command opens a memory, does one thing, and says what to do next when it cannot."""

from __future__ import annotations

import sys

from treemem.cli import (
    basing,
    browser,
    chatting,
    doctoring,
    documents,
    exports,
    finding,
    fine,
    keyring,
    knowledge,
    memories,
    service,
    serving,
    standing,
    tooling,
    trying,
    upkeep,
    viewing,
    working,
)
from treemem.cli.guard import tell, told_of
from treemem.cli.shell import app
from treemem.cli.terminal import abandon_output, use_utf8

__all__ = [
    "app",
    "basing",
    "browser",
    "chatting",
    "doctoring",
    "documents",
    "exports",
    "finding",
    "fine",
    "keyring",
    "knowledge",
    "main",
    "memories",
    "service",
    "serving",
    "standing",
    "tooling",
    "trying",
    "upkeep",
    "viewing",
    "working",
]


def _run() -> int:
    use_utf8()
    try:
        app()
    except KeyboardInterrupt:
        return 130
    except OSError as error:  # such as a help page for a full device
        tell(told_of(error), type(error).__name__)
        return 1
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _flushed(code: int) -> int:
    """Return the exit code, 1 if what was written cannot be brought out: a full device, a reader that went away."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = code or 1
    except (OSError, ValueError) as error:
        code = code or 1
        tell(f"the output cannot be written ({error}); what was done is done", type(error).__name__)
    abandon_output()
    return code


def main() -> None:
    """Run the command line; whatever goes wrong ends it with one sentence and exit code 1."""
    raise SystemExit(_flushed(_run()))
