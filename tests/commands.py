"""The command line in this process: commands as a user types them, on a store of the test."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from tests.helpers import fresh_cube
from treemem.cli import app
from treemem.cli.shell import console

#: Characters that steer a terminal, or that show what is not there.
STEERING = [*map(chr, (*range(9), *range(11, 32), *range(127, 160))), *"\u202a\u202e\u2066\u2069\u200f\u2028"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Runs a command in this process, on a store of its own; whatever comes, it ends without a traceback."""
    monkeypatch.setattr(console, "width", 300)
    for name in [n for n in os.environ if n.startswith("TREEMEM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("TREEMEM_STORE", str(tmp_path / "m.db"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    handler = signal.getsignal(signal.SIGTERM)

    def invoke(*arguments: str, code: int | None = 0, stdin: bytes | None = None) -> Result:
        result = CliRunner().invoke(app, list(arguments), input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        assert code is None or result.exit_code == code, result.output
        assert result.exit_code in (0, 1, 2)
        assert "not foreseen" not in result.output
        assert not [c for c in STEERING if c in result.output], result.output
        if result.exit_code:
            assert result.output.strip()
        return result

    yield invoke
    signal.signal(signal.SIGTERM, handler)


class Shell:
    """Runs commands in this process, on one store and cube."""

    def __init__(self, invoke: Callable[..., Result], cube: str) -> None:
        self.invoke = invoke
        self.cube = cube

    def run(self, *arguments: str, code: int = 0, stdin: str = "") -> str:
        done = self.invoke(*arguments, code=code, stdin=stdin.encode())
        return done.stdout if code == 0 else done.stdout + done.stderr

    def json(self, *arguments: str, **options: Any) -> Any:
        return json.loads(self.run(*arguments, "--json", **options))


@pytest.fixture
def shell(location: str, run: Callable[..., Result], monkeypatch: pytest.MonkeyPatch) -> Shell:
    cube = fresh_cube("cli")
    monkeypatch.setenv("TREEMEM_STORE", location)
    monkeypatch.setenv("TREEMEM_CUBE", cube)
    return Shell(run, cube)
