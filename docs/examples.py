"""Runs the pages that are programs and keeps what they print: `python docs/examples.py [PAGE ...]`; a test compares it.

In such a page the blocks run one after the other, as a reader would run them: Python in one process, commands in the
same folder. A block of text right behind one is what it prints.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

DOCS = Path(__file__).resolve().parent
#: The folders whose pages are programs.
FOLDERS = ("tutorial", "coming")
_BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_RUN = """
import contextlib, io, json, subprocess, sys

names = {"__name__": "__main__"}
printed = []
for language, code in json.load(sys.stdin):
    if language == "bash":
        done = subprocess.run(["bash", "-euc", code], capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"{code}\\n{done.stdout}{done.stderr}")
        printed.append(done.stdout)
        continue
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(code, code, "exec"), names)
    printed.append(said.getvalue())
json.dump(printed, sys.__stdout__)
"""


class Block(NamedTuple):
    """A block of a page: its language, its code, and what the page says that it prints."""

    language: str
    code: str
    shown: str


def pages() -> list[Path]:
    """Return the pages that are programs."""
    return sorted(path for folder in FOLDERS for path in (DOCS / folder).glob("*.md"))


def blocks(text: str) -> list[Block]:
    """Return the blocks of a page that run."""
    return [Block(*(part or "" for part in found)) for found in _BLOCK.findall(text)]


def printed(text: str) -> list[str]:
    """Run a page in an empty folder and return what each block prints; raise RuntimeError where one fails."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TREEMEM_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-c", _RUN],
            input=json.dumps([(block.language, block.code) for block in blocks(text)]),
            cwd=folder,
            env={**environment, "TZ": "UTC", "COLUMNS": "120", "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr)
    said: list[str] = json.loads(done.stdout)
    return ["\n".join(line.rstrip() for line in each.splitlines()) for each in said]


def renewed(text: str) -> str:
    """Return a page with what its blocks print."""
    said = iter(printed(text))

    def block(found: re.Match[str]) -> str:
        now = next(said)
        shown = f"\n```text\n{now.rstrip()}\n```\n" if now.strip() else ""
        return f"```{found[1]}\n{found[2]}```\n{shown}"

    return _BLOCK.sub(block, text)


if __name__ == "__main__":
    for page in [Path(name).resolve() for name in sys.argv[1:]] or pages():
        page.write_text(renewed(page.read_text("utf-8")), "utf-8")
        print(page.relative_to(DOCS))  # noqa: T201
