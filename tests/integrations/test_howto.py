"""The examples of the pages about the frameworks run; a framework that is missing is named."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import FRAMEWORKS

ROOT = Path(__file__).parents[2]
BLOCKS = [
    (page, number, block)
    for page in FRAMEWORKS
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", (ROOT / f"docs/howto/{page}.md").read_text("utf-8"), re.DOTALL)
    )
]


@pytest.mark.usefixtures("script")
@pytest.mark.parametrize(("page", "number", "block"), BLOCKS, ids=lambda value: str(value)[:10].strip())
def test_examples_run(page: str, number: int, block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(block, f"{page}.md, {number}", "exec", dont_inherit=True), {"__name__": "example"})


def test_what_is_missing_is_named() -> None:
    """Also: treemem itself imports none of the frameworks."""
    program = """
import importlib
import sys
import treemem, treemem.memory, treemem.integrations.langchain, treemem.integrations.langgraph
assert not [name for name in sys.modules if name.startswith(("langchain", "langgraph", "agents", "anthropic"))]
for name in ("langchain", "langchain_core", "langgraph", "agents", "anthropic"):
    sys.modules[name] = None
for module, extra in (("openai_agents", "openai-agents"), ("anthropic_memory", "anthropic-memory"),):
    try:
        importlib.import_module(f"treemem.integrations.{module}")
    except treemem.ConfigError as error:
        assert f"pip install 'treemem[{extra}]'" in str(error), error
    else:
        raise SystemExit(f"{module} was imported")
for package, names in (
    ("langchain", ("TreememVectorStore", "TreememRetriever", "TreememDocumentIndex", "TreememByteStore", "memory_tools",
                   "TreememChatMessageHistory", "TreememMiddleware")),
    ("langgraph", ("TreememStore", "TreememSaver")),
):
    for name in names:
        try:
            getattr(sys.modules[f"treemem.integrations.{package}"], name)
        except treemem.ConfigError as error:
            assert f"pip install 'treemem[{package}]'" in str(error), error
        else:
            raise SystemExit(f"{name} was imported")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
