"""How many modules a verb passes, and how often it moves between them: `python -m benchmarks.trace`.

Each verb is called twice on an embedded memory with the hash embedder, and the second call is traced: imports and first
uses are over then. A move is a call from a function of one module of treemem to a function of another; what lies
between them outside treemem (a decorator of the standard library, sqlite3) is looked through.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from tests.helpers import HashEmbedder
from treemem import TreeTextMemory

PACKAGE = str(Path(sys.modules["treemem"].__file__ or "").parent)


def module_of(frame: FrameType | None) -> str | None:
    """Return the treemem module of the nearest frame that is one of treemem's, None if there is none."""
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(PACKAGE):
            return file[len(PACKAGE) + 1 : -3].replace("/", ".")
        frame = frame.f_back
    return None


def traced(call: Callable[[], Any]) -> tuple[set[str], Counter[tuple[str, str]]]:
    """Return the modules that a call passes, and its moves between them."""
    modules: set[str] = set()
    moves: Counter[tuple[str, str]] = Counter()

    def look(frame: FrameType, event: str, _: Any) -> None:
        if event != "call" or not frame.f_code.co_filename.startswith(PACKAGE):
            return
        here, there = module_of(frame), module_of(frame.f_back)
        assert here is not None
        modules.add(here)
        if there is not None and there != here:
            moves[there, here] += 1

    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(None)
    return modules, moves


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        TreeTextMemory.open(Path(folder) / "memory.db", embedder=HashEmbedder(), record_usage=False) as memory,
    ):
        memory.add([f"Anna met Ben in Lisbon on day {n}." for n in range(20)])
        ids = memory.add(["Anna lives in Porto.", "Ben lives in Faro."])
        calls: dict[str, Callable[[int], Any]] = {
            "add": lambda n: memory.add(f"Clara moved to Braga in week {n}."),
            "update": lambda n: memory.update(ids[0], f"Anna lives in Lisbon since week {n}."),
            "search": lambda n: memory.search(f"Where does Anna live in week {n}?"),
        }
        print(f"{'verb':8} {'modules':>8} {'moves':>6}   most moves")
        for name, call in calls.items():
            call(1)
            modules, moves = traced(lambda call=call: call(2))  # type: ignore[misc]
            most = ", ".join(f"{a} -> {b} {n}" for (a, b), n in moves.most_common(3))
            print(f"{name:8} {len(modules):8} {sum(moves.values()):6}   {most}")
            if "-v" in sys.argv:
                print("         " + " ".join(sorted(modules)))


if __name__ == "__main__":
    main()
