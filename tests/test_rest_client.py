"""Programs for MemOS's own client, run unchanged against the service with two variables of the environment set.

They run with the interpreter that TREEMEM_MEMOS_CLIENT names, which has MemoryOS 2.0.33: that package pins others'
versions, so that it has an environment of its own (`.ci/run` makes it).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.openai_server import Script, serving
from tests.rest_server import running, some_keys
from tests.test_rest import EMBEDDER, said
from treemem import OpenAILLM, TreeTextMemory
from treemem.service.rest import app
from treemem.service.rest.models import Models

PYTHON = os.environ.get("TREEMEM_MEMOS_CLIENT", "")
PROGRAMS = Path(__file__).parent / "memos_programs"
pytestmark = pytest.mark.skipif(not PYTHON, reason="TREEMEM_MEMOS_CLIENT names no interpreter with MemoryOS")


@pytest.fixture(scope="module")
def model() -> Iterator[Script]:
    with serving(said) as script:
        yield script


@pytest.fixture(scope="module")
def url(model: Script, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    llm = OpenAILLM("m", base_url=model.url, api_key="none")
    with TreeTextMemory.open(tmp_path_factory.mktemp("client") / "m.db", embedder=EMBEDDER) as memory:
        with running(app(memory, some_keys("client"), models=Models(EMBEDDER, llm))) as address:
            yield address


def run(program: str, url: str, model: Script, folder: Path) -> Any:
    """What a program printed."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    told = {"MEMOS_BASE_URL": url, "MEMOS_API_KEY": "key-one", "MEMOS_BASE_PATH": str(folder)}
    told |= {"OPENAI_BASE_URL": model.url, "PYTHONUTF8": "1"}
    command = [PYTHON, str(PROGRAMS / "launch.py"), str(PROGRAMS / program)]
    done = subprocess.run(command, env={**kept, **told}, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3_000:] + done.stdout[-500:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_methods_of_the_client(url: str, model: Script, tmp_path: Path) -> None:
    read = run("calls.py", f"{url}/", model, tmp_path)
    assert 0.5 <= read.pop("relativity") <= 1
    assert read == {
        "task": "completed",
        "facts": ["My sister keeps bees in Porto."],
        "preferences": ["From now on, answer me in at most two sentences."],
        "note": True,
        "filtered": 1,
        "none": [],
        "messages": [["assistant", "I will."], ["user", "My sister keeps bees in Porto."]],
        "total": 2,
        "by id": "My sister keeps bees in Porto.",
        "updated": "My sister keeps sheep in Porto.",
        "feedback": True,
        "file": "规定.md",
        "base": "住宿:一线城市每晚不超过550元",
        "files": 1,
        "file deleted": True,
        "base deleted": True,
        "chat": "你好",
        "stream": [["text", "你"], ["text", "好"], ["end", ""]],
        "rerank": 1,
        "deleted": True,
        "user deleted": True,
        "left": 0,
        "refused": 40308,
    }


def test_the_assistants_of_the_documentation(url: str, model: Script, tmp_path: Path) -> None:
    read = run("assistants.py", f"{url}/api/openmem/v1", model, tmp_path)
    zoo = "Take the kids to the zoo on Saturday, please remember it."
    assert "Browsed and bookmarked low-risk funds" in read["finance"][1]
    assert zoo in read["home"][0]
    assert all(zoo in memories for memories in read["home again"])
    assert any("Keep the tone light" in text for text in read["writing"][0])
    (first, before), (second, after) = read["knowledge"]
    assert "proxy-x86.pkg" in first[0]
    assert any("proxy-x86.pkg" in text for text in second)
    assert (before, after) == (0, 2)
