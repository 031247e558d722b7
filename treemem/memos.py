"""Settings of the original, MemOS, as settings of ours: its sections with a backend and a config."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from treemem.errors import ConfigError

#: Sections of the original's configuration that say nothing about where memories are kept.
_IGNORED = frozenset(
    {"extractor_llm", "dispatcher_llm", "reader", "reranker", "reorganize", "internet_retriever"}
    | {"mode", "search_strategy", "memory_filename", "include_embedding"}
)


def translated(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return our settings from those of the original: graph_db and embedder sections with a backend and a config."""
    if "config" in data and "backend" in data and isinstance(data["config"], Mapping):
        data = data["config"]
    given = {name: value for name, value in data.items() if name not in _IGNORED}
    sizes = given.pop("memory_size", None)
    if sizes is not None:
        given.setdefault("capacity", sizes)
    graph = given.pop("graph_db", None)
    if graph is not None:
        given = _graph(graph) | given
    embedder = given.get("embedder")
    if isinstance(embedder, Mapping) and "backend" in embedder:
        given["embedder"] = _embedder(embedder)
    return given


def _graph(section: Any) -> dict[str, Any]:
    backend, config = _section("graph_db", section, ("neo4j", "neo4j-community"))
    found = {
        "store": config.get("uri"),
        "user": config.get("user"),
        "password": config.get("password"),
        "database": None if backend == "neo4j-community" else config.get("db_name"),
        "cube": config.get("user_name"),
    }
    used = ("uri", "user", "password", "db_name", "user_name")
    for name in config:
        close = difflib.get_close_matches(str(name).lower(), used, 1, 0.8)
        if close and name not in (*used, "use_multi_db"):
            raise ConfigError(f"graph_db.config.{name}: there is no such setting; did you mean {close[0]}?")
    return {name: value for name, value in found.items() if value is not None}


def _embedder(section: Any) -> dict[str, Any]:
    kinds = {
        "sentence_transformer": "sentence-transformers",
        "universal_api": "openai",
        "openai": "openai",
        "ollama": "openai",
        "ark": "openai",
    }
    backend, config = _section("embedder", section, tuple(kinds))
    url = config.get("base_url") or config.get("api_base")
    if backend == "ollama" and (url is None or isinstance(url, str)):
        url = (url or "http://localhost:11434").rstrip("/")
        url = url if url.endswith("/v1") else url + "/v1"
    found = {
        "kind": kinds[backend],
        "model": config.get("model_name_or_path"),
        "dimension": config.get("embedding_dims"),
        "base_url": url,
        "api_key": config.get("api_key") or ("ollama" if backend == "ollama" else None),
    }
    return {name: value for name, value in found.items() if value is not None}


def _section(name: str, section: Any, backends: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(section, Mapping) or not isinstance(section.get("config"), Mapping):
        raise ConfigError(f"{name}: wanted {{'backend': ..., 'config': {{...}}}}")
    backend = section.get("backend")
    if backend not in backends:
        raise ConfigError(f"{name}.backend: wanted one of {', '.join(backends)}, found {backend!r:.60}")
    return backend, section["config"]
