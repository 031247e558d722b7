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
    for name in {"crewai": ["crewai"], "pictures": ["neo4j_viz", "pandas", "polars"]}.get(page, []):
        pytest.importorskip(name)  # CrewAI has an environment of its own, see .ci/integrations
    monkeypatch.chdir(tmp_path)
    exec(compile(block, f"{page}.md, {number}", "exec", dont_inherit=True), {"__name__": "example"})


#: The libraries of the frameworks, and the modules that import one as soon as they are imported, with their extras.
LIBRARIES = (
    "langchain",
    "langchain_core",
    "langgraph",
    "agents",
    "anthropic",
    "pydantic_ai",
    "llama_index",
    "google.adk",
    "strands",
    "agent_framework",
    "opentelemetry",
    "crewai",
    "neo4j_viz",
)
MODULES = {
    "openai_agents": "openai-agents",
    "anthropic_memory": "anthropic-memory",
    "pydantic_ai": "pydantic-ai",
    "strands": "strands",
    "agent_framework": "agent-framework",
    "telemetry": "opentelemetry",
    "google_adk": "google-adk",
    "llamaindex": "llamaindex",
    "llamaindex_graph": "llamaindex",
    "crewai": "crewai",
    "neo4j_viz": "viz",
}


def test_what_is_missing_is_named() -> None:
    """Also: treemem itself imports none of the frameworks."""
    program = f"""
import importlib, sys
import treemem, treemem.memory, treemem.integrations.langchain, treemem.integrations.langgraph
for name in {LIBRARIES}:
    assert name not in sys.modules, name
    sys.modules[name] = None


def named(extra, wanted):
    try:
        wanted()
    except treemem.ConfigError as error:
        assert f"pip install 'treemem[{{extra}}]'" in str(error), error
    else:
        raise SystemExit(f"what needs {{extra}} was imported")


for module, extra in {MODULES}.items():
    named(extra, lambda: importlib.import_module(f"treemem.integrations.{{module}}"))
for extra, names in (
    ("langchain", ("TreememVectorStore", "TreememRetriever", "TreememDocumentIndex", "TreememByteStore", "memory_tools",
                   "TreememChatMessageHistory", "TreememMiddleware")),
    ("langgraph", ("TreememStore", "TreememSaver")),
):
    for name in names:
        named(extra, lambda: getattr(sys.modules[f"treemem.integrations.{{extra}}"], name))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
