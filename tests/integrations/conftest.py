"""The suites of other projects, run on treemem, in an environment of their own: see .ci/integrations.

Their plugins would change how the main suite runs, which therefore does not look in here.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import backend as backend
from tests.conftest import location as location
from tests.conftest import neo4j_uri as neo4j_uri
from tests.conftest import pytest_runtest_logstart as pytest_runtest_logstart
from tests.conftest import pytest_sessionfinish as pytest_sessionfinish
from tests.conftest import pytest_sessionstart as pytest_sessionstart
from tests.conftest import pytest_terminal_summary as pytest_terminal_summary
from tests.helpers import HashEmbedder, fresh_cube
from treemem import TreeTextMemory

os.environ["TZ"] = "UTC"


@pytest.fixture
def embedder() -> Any:
    """The model of `memory`; a class of tests may have its own."""
    return HashEmbedder()


@pytest.fixture
def memory(location: str, embedder: Any) -> Iterator[TreeTextMemory]:
    """A memory on either store, in a cube of its own."""
    with TreeTextMemory.open(location, cube=fresh_cube(), embedder=embedder) as opened:
        yield opened
