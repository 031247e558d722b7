"""Examples in the README, the docs and the docstrings run; links lead somewhere."""

from __future__ import annotations

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import treemem
from tests.helpers import FRAMEWORKS, script_of_docs
from treemem.signatures import KINDS

ROOT = Path(__file__).parents[1]
#: Commands that go on until they are stopped: test_browser.py, test_viewer.py, test_crash_tasks.py start and stop them.
SERVE = {"treemem browser", "treemem view", "treemem work --threads 4"}
#: No example needs so many seconds, even on a busy machine.
TOO_LONG = 120
examples = script_of_docs("examples")
PROGRAMS = examples.pages()
#: What imports a framework, and the pages about it, are tested where that is installed: tests/integrations.
THEIR_PAGES = [ROOT / f"docs/howto/{page}.md" for page in FRAMEWORKS]
#: Pages each of whose examples stands on its own.
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *sorted(
        p for p in (ROOT / "docs").rglob("*.md") if p not in (*PROGRAMS, *THEIR_PAGES) and p.parent.name != "reference"
    ),
]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if "```python" in p.read_text("utf-8")], ids=named)
def test_python_examples_run(page: Path, tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", page.read_text("utf-8"), re.DOTALL)
    for block in blocks:
        done = subprocess.run(
            [sys.executable, "-W", "error::DeprecationWarning", "-c", block],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=TOO_LONG,
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_commands_run(tmp_path: Path) -> None:
    blocks = [block for page in PAGES for block in re.findall(r"```bash\n(.*?)```", page.read_text("utf-8"), re.DOTALL)]
    commands = [block for block in blocks if all(line.startswith("treemem ") for line in block.splitlines())]
    commands = [block for block in commands if block.strip() not in SERVE]
    assert commands
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TREEMEM_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    for number, block in enumerate(commands):
        environment["TREEMEM_STORE"] = str(tmp_path / f"{number}.db")
        done = subprocess.run(
            ["bash", "-euc", block], env=environment, capture_output=True, text=True, check=False, timeout=TOO_LONG
        )
        assert done.returncode == 0, done.stderr


def test_settings_are_read(tmp_path: Path) -> None:
    blocks = re.findall(r"```toml\n(.*?)```", (ROOT / "docs/configuration.md").read_text("utf-8"), re.DOTALL)
    file = tmp_path / "settings.toml"
    for block in blocks:
        file.write_text(block, "utf-8")
        said = tomllib.loads(block)
        assert treemem.TreeTextMemoryConfig.from_file(file).model_fields_set >= set(said), block
    assert len(blocks) == 2


@pytest.mark.slow
@pytest.mark.parametrize("page", PROGRAMS, ids=named)
def test_a_page_that_is_a_program_prints_what_it_shows(page: Path) -> None:
    text = page.read_text("utf-8")
    said = examples.printed(text)
    shown = [block.shown.rstrip() for block in examples.blocks(text)]
    assert [each.rstrip() for each in said] == shown, "look at it, then: python docs/examples.py"


def test_every_python_example_of_a_program_runs() -> None:
    for page in PROGRAMS:
        text = page.read_text("utf-8")
        assert len(examples.blocks(text)) == len(re.findall(r"```(?:python|bash)$", text, re.MULTILINE)), page


def modules() -> list[str]:
    named = (m.name for m in pkgutil.walk_packages(treemem.__path__, "treemem."))
    return ["treemem", *(name for name in named if not name.startswith(tuple(FRAMEWORKS.values())))]


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


def test_the_pictures_are_what_is_drawn() -> None:
    module = script_of_docs("pictures")
    kept = {path.name: path.read_text("utf-8") for path in module.FOLDER.glob("*.svg")}
    assert kept == module.pictures(), "python docs/pictures.py draws them"
