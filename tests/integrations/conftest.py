"""The suites of other projects, run on treemem, in an environment of their own: see .ci/integrations.

Their plugins would change how the main suite runs, which therefore does not look in here.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import backend as backend
from tests.conftest import location as location
from tests.conftest import neo4j_uri as neo4j_uri
from tests.conftest import pytest_runtest_logstart as pytest_runtest_logstart
from tests.conftest import pytest_sessionfinish as pytest_sessionfinish
from tests.conftest import pytest_sessionstart as pytest_sessionstart
from tests.conftest import pytest_terminal_summary as whole_summary
from tests.helpers import HashEmbedder, fresh_cube
from tests.integrations.scripted import Script, serving
from treemem import TreeTextMemory

os.environ["TZ"] = "UTC"


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Tell how many tests of each file passed."""
    whole_summary(terminalreporter)
    files = Counter(Path(each.nodeid.partition("::")[0]).stem for each in terminalreporter.stats.get("passed", []))
    told = ", ".join(f"{name.removeprefix('test_')} {count}" for name, count in sorted(files.items()))
    terminalreporter.write_line(f"passed: {told}")


@pytest.fixture
def embedder() -> Any:
    """The model of `memory`; a class of tests may have its own."""
    return HashEmbedder()


@pytest.fixture
def memory(location: str, embedder: Any) -> Iterator[TreeTextMemory]:
    """A memory on either store, in a cube of its own."""
    with TreeTextMemory.open(location, cube=fresh_cube(), embedder=embedder) as opened:
        yield opened
        assert opened.check() == []


@pytest.fixture
def embedded(tmp_path: Path, embedder: Any) -> Iterator[TreeTextMemory]:
    """A memory on an embedded file, for what both stores do alike."""
    with TreeTextMemory.open(tmp_path / "embedded.db", cube=fresh_cube(), embedder=embedder) as opened:
        yield opened
        assert opened.check() == []


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> Iterator[Script]:
    """A language model on this machine, where the clients of OpenAI, Anthropic and Gemini look for theirs."""
    with serving(Script()) as served:
        for name in ("OPENAI", "ANTHROPIC", "GOOGLE", "GEMINI"):
            monkeypatch.setenv(f"{name}_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{served.url}/v1")
        monkeypatch.setenv("ANTHROPIC_BASE_URL", served.url)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", served.url)
        monkeypatch.setenv("OPENAI_AGENTS_DISABLE_TRACING", "1")
        yield served
