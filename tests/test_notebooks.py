"""Every notebook runs from top to bottom and says what it is kept with."""

from __future__ import annotations

import os
from pathlib import Path

import nbformat
import pytest

from tests.helpers import script_of_docs

notebooks = script_of_docs("notebooks")
NEEDS_A_SERVER = [path for path in notebooks.notebooks() if "neo4j" in nbformat.read(path, as_version=4).metadata]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.neo4j] if path in NEEDS_A_SERVER else [], id=path.name)
        for path in notebooks.notebooks()
    ],
)
def test_notebook_says_what_it_is_kept_with(
    path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "neo4j_viz" in path.read_text("utf-8") and os.environ.get("TREEMEM_REQUIRE_EXTRAS") != "1":
        pytest.importorskip("neo4j_viz")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    if path in NEEDS_A_SERVER:
        monkeypatch.setenv("TREEMEM_NEO4J_URI", request.getfixturevalue("neo4j_uri"))
    kept = notebooks.printed(nbformat.read(path, as_version=4))
    assert kept
    assert notebooks.printed(notebooks.executed(path)) == kept, "look at it, then: python docs/notebooks.py"


def test_there_is_one_that_needs_a_server() -> None:
    assert [path.name for path in NEEDS_A_SERVER] == ["05_exploring_with_cypher.ipynb"]
