"""Examples in the README, the docs and the docstrings run; links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import treemem
from tests.helpers import script_of_docs
from treemem.signatures import KINDS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), ROOT / "CONTRIBUTING.md"]


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_python_examples_run(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning", "-c", block],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def modules() -> list[str]:
    return ["treemem", *(m.name for m in pkgutil.walk_packages(treemem.__path__, "treemem."))]


@pytest.mark.parametrize("name", modules())
def test_docstring_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_reference_is_what_the_docstrings_say() -> None:
    module = script_of_docs("reference")
    pages = {path.name: path.read_text("utf-8") for path in module.FOLDER.iterdir()}
    assert pages == module.pages(), "python docs/reference.py writes them"
    assert set(module.PARAMETERS) == set(KINDS) | {"metadata", "search"}, "docs/parameters.toml describes each once"


def test_public_docstrings() -> None:
    for name in treemem.__all__:
        if name != "__version__":
            assert (getattr(treemem, name).__doc__ or "").strip(), name
    for name in dir(treemem.TreeTextMemory):
        if not name.startswith("_"):
            assert getattr(treemem.TreeTextMemory, name).__doc__, name
