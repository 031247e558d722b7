"""The command line. Each command opens a memory, does one thing, and says what to do next when it cannot."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable

from rich.text import Text

from treemem.cli import memories, upkeep
from treemem.cli.shell import app, errors
from treemem.errors import TreememError

__all__ = ["app", "main", "memories", "upkeep"]


def _guarded(call: Callable[[], None]) -> int:
    try:
        call()
    except TreememError as error:
        if "--json" in sys.argv:
            sys.stdout.write(json.dumps({"error": str(error), "kind": type(error).__name__}) + "\n")
        errors.print(Text(f"treemem: {error}", style="red"), soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        return 130
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def main() -> None:
    """Run the command line; errors of treemem end it with one line and exit code 1."""
    raise SystemExit(_guarded(app))
