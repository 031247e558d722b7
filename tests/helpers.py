"""Small real parts for the tests: a fast embedder, a clock, readable shortcuts."""

from __future__ import annotations

import hashlib
import importlib.util
import itertools
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from treemem import LLMAnswer, LLMUsage, TreeTextMemory
from treemem.changes import State
from treemem.text import words

#: The pages about frameworks, each with what the modules that import it are called; tests/integrations has their tests.
FRAMEWORKS = {
    "langchain": "treemem.integrations.langchain.",
    "langgraph": "treemem.integrations.langgraph.",
    "openai-agents": "treemem.integrations.openai_agents",
    "strands": "treemem.integrations.strands",
    "crewai": "treemem.integrations.crewai",
    "pictures": "treemem.integrations.neo4j_viz",
    "agent-framework": "treemem.integrations.agent_framework",
    "telemetry": "treemem.integrations.telemetry",
    "google-adk": "treemem.integrations.google_adk",
    "llamaindex": "treemem.integrations.llamaindex",
    "pydantic-ai": "treemem.integrations.pydantic_ai",
    "claude-memory-tool": "treemem.integrations.anthropic_memory",
}
DIMENSION = 48
START = datetime(2025, 1, 1, tzinfo=UTC)


class HashEmbedder:
    """A deterministic bag of words: each word has a fixed direction. Fast, and similar texts are similar."""

    name = "test/hash"
    dimension = DIMENSION

    def embed(self, texts: Sequence[str]) -> Any:
        return np.stack([self._one(text) for text in texts])

    def _one(self, text: str) -> Any:
        total = np.full(DIMENSION, 0.01, dtype=np.float32)
        for word in words(text):
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
            total += np.random.default_rng(seed).standard_normal(DIMENSION).astype(np.float32)
        return total / np.linalg.norm(total)


#: The command line as a shell in front starts it: Ctrl-C is heard, also where whoever runs the tests took it away.
COMMAND = (
    sys.executable,
    "-c",
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from treemem.cli import main; main()",
)


class Parrot:
    """A language model that repeats all it was sent."""

    name = "parrot"

    def ask(self, system: str, user: str, answer: type[Any], *, max_tokens: int = 1_024) -> LLMAnswer[Any]:
        return LLMAnswer(answer.model_validate({"text": f"{system}\n\n{user}"}), LLMUsage(1, 10, 10))


class FakeClock:
    """Moves on by `step` at every look, and can be set."""

    def __init__(self, start: datetime = START + timedelta(days=365), step: timedelta = timedelta(seconds=1)) -> None:
        self.time = start
        self.step = step
        self._lock = threading.Lock()

    def __call__(self) -> datetime:
        with self._lock:
            self.time += self.step
            return self.time


def day(n: int) -> datetime:
    """The n-th day of 2025, from 0."""
    return START + timedelta(days=n)


_counter = itertools.count()


def fresh_cube(prefix: str = "cube") -> str:
    """A cube name that no other test uses, also across processes."""
    import os
    import time

    return f"{prefix}-{os.getpid()}-{time.time_ns()}-{next(_counter)}"


def plain_history(memory: TreeTextMemory, memory_id: str) -> list[dict[str, Any]]:
    """Every state of a memory as plain values, vectors left out."""
    return [plain_state(s) for s in memory.store.history(memory.cube_id, [memory_id])]


def plain_state(s: State) -> dict[str, Any]:
    return {
        "id": s.memory_id,
        "version": s.version,
        "fields": dict(s.fields),
        "valid": (s.valid_from, s.valid_to),
        "recorded": (s.recorded_from, s.recorded_to),
        "by": (s.opened_by, s.closed_by),
        "tokens": s.tokens,
    }


def script_of_docs(name: str) -> ModuleType:
    """A script of docs/, which is no package, as a module."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
