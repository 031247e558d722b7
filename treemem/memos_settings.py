"""Settings of the original, MemOS, as settings of ours: its sections with a backend and a config.

Read are the configurations of a tree memory, of a cube (whose `text_mem` is one) and of MemOS itself (which names
models alone). What says something that treemem does not have is named in one warning.
"""

from __future__ import annotations

import difflib
import logging
import re
from collections.abc import Mapping, Sequence
from typing import Any

from treemem.errors import ConfigError
from treemem.ids import ID, derived_id

log = logging.getLogger("treemem.config")
#: Sections that only the original has: of a tree memory, of a cube, of MemOS itself.
_THEIRS = frozenset(
    {"extractor_llm", "dispatcher_llm", "graph_db", "memory_size", "internet_retriever", "mode", "search_strategy"}
    | {"memory_filename", "include_embedding", "model_schema", "config_filename", "cube_id", "text_mem", "act_mem"}
    | {"para_mem", "pref_mem", "chat_model", "mem_reader", "mem_scheduler", "user_manager", "max_turns_window", "top_k"}
    | {"enable_textual_memory", "enable_activation_memory", "enable_parametric_memory", "enable_preference_memory"}
    | {"enable_mem_scheduler", "PRO_MODE", "reader", "vector_db"}
)
#: Those of them that say nothing which could be missed: versions, names of files, what is so here in any case.
_NOTHING = frozenset(
    {"model_schema", "config_filename", "memory_filename", "include_embedding", "mode", "enable_textual_memory"}
)
_EMBEDDERS = {
    "sentence_transformer": "sentence-transformers",
    "universal_api": "openai",
    "openai": "openai",
    "ollama": "openai",
    "ark": "openai",
}
#: What no id has.
_NO_ID = re.compile(r"[^A-Za-z0-9._:-]")
_OLLAMA = "http://localhost:11434"
#: Language models behind an interface that is compatible with OpenAI's, and where it is if nothing is said.
_LLMS = {
    "openai": None,
    "openai_new": None,
    "ollama": _OLLAMA,
    "vllm": "http://localhost:8088/v1",
    "qwen": "https://dashscope.aliyuncs.com/compatible-mode/v1",
    "deepseek": "https://api.deepseek.com",
    "minimax": "https://api.minimax.io/v1",
}


def translated(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return our settings from those of the original, and settings of ours as they are. Raises ConfigError."""
    if "config" in data and "backend" in data and isinstance(data["config"], Mapping):
        data = data["config"]
    sections = any(_has_backend(data.get(name)) for name in ("embedder", "reranker"))
    if not sections and not _THEIRS & data.keys():
        return dict(data)
    left = {name for name, value in data.items() if name in _THEIRS - _NOTHING and _says(value)}
    if "text_mem" in data:
        _, config = _section("text_mem", data["text_mem"], None)
        cube = data.get("cube_id") or data.get("user_id")
        left |= {name for name in config if name in _THEIRS - _NOTHING and _says(config[name])}
        if isinstance(cube, str) and not ID.fullmatch(cube):  # "user/cube" there; an id is no path here
            cube = f"{_NO_ID.sub('-', cube)[:80]}-{derived_id('memos', cube)[:8]}"
        found = {**({"cube": cube} if cube else {}), **_tree(config, ("extractor_llm", "dispatcher_llm"), left)}
        found = {**found, **_own(data)}
        left -= {"text_mem", "cube_id"}
    elif "mem_reader" in data or "chat_model" in data:  # of MemOS itself; its user is whose memories are meant
        _, config = _section("mem_reader", data.get("mem_reader") or {"config": {}}, None)
        models = {"embedder": config.get("embedder"), "llm": config.get("llm"), "chat_model": data.get("chat_model")}
        found = _tree({name: model for name, model in models.items() if model}, ("chat_model", "llm"), left)
        found = {**found, **_own(data)}
        left.discard("mem_reader")
    else:
        found = _tree(data, ("extractor_llm", "dispatcher_llm"), left)
    if left:
        log.warning("settings of MemOS that treemem does not have are left aside: %s", ", ".join(sorted(left)))
    return found


def _own(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of ours that stand beside theirs; their `user_id` says whose memories are meant."""
    return {name: value for name, value in data.items() if name not in {*_THEIRS, "user_id"}}


def _says(value: Any) -> bool:
    """Return whether a section says anything: what is switched off, or has no backend, does not."""
    if isinstance(value, Mapping):
        return value.get("backend", "something") not in (None, "uninitialized") and value != {}
    return value not in (None, False, "", [])


def _tree(data: Mapping[str, Any], llms: Sequence[str], left: set[str]) -> dict[str, Any]:
    """Return the settings of a tree memory; what is used goes out of `left`. `llms` names its language models, the best
    one first.
    """
    given = {name: value for name, value in data.items() if name not in {*_THEIRS, *llms}}
    if data.get("memory_size") is not None:
        given.setdefault("capacity", data["memory_size"])
        left.discard("memory_size")
    dimension = None
    if data.get("graph_db") is not None:
        graph, dimension = _graph(data["graph_db"])
        given = graph | given
        left.discard("graph_db")
    if _has_backend(given.get("embedder")):
        given["embedder"] = _embedder(given["embedder"], dimension)
    if _has_backend(given.get("reranker")):
        backend = given.pop("reranker")["backend"]
        if backend == "cosine_local":
            given["reranker"] = {"kind": "cosine"}
        elif backend != "noop":
            left.add(f"reranker ({backend!r:.40})")
    if given.get("reorganize") is None:
        given.pop("reorganize", None)
    for name in llms:
        found = _llm(data.get(name))
        if found is not None:
            given.setdefault("llm", found)
            left.discard(name)  # all of them are served by the one that is best
    return given


def _has_backend(section: Any) -> bool:
    return isinstance(section, Mapping) and "backend" in section


def _graph(section: Any) -> tuple[dict[str, Any], Any]:
    """Return the settings of a graph database, and the dimension of its vectors."""
    backend, config = _section("graph_db", section, ("neo4j", "neo4j-community"))
    found = {
        "store": config.get("uri"),
        "user": config.get("user"),
        "password": config.get("password"),
        "database": None if backend == "neo4j-community" else config.get("db_name"),
        "cube": config.get("user_name"),
    }
    used = ("uri", "user", "password", "db_name", "user_name", "embedding_dimension")
    for name in config:
        close = difflib.get_close_matches(str(name).lower(), used, 1, 0.8)
        if close and name not in (*used, "use_multi_db"):
            raise ConfigError(f"graph_db.config.{name}: there is no such setting; did you mean {close[0]}?")
    return {name: value for name, value in found.items() if value is not None}, config.get("embedding_dimension")


def _embedder(section: Any, dimension: Any) -> dict[str, Any]:
    backend, config = _section("embedder", section, tuple(_EMBEDDERS))
    kind = _EMBEDDERS[backend]
    found = {
        "kind": kind,
        "model": config.get("model_name_or_path"),
        "dimension": config.get("embedding_dims") or (dimension if kind == "openai" else None),
        "base_url": _url(config, _OLLAMA if backend == "ollama" else None),
        "api_key": config.get("api_key") or ("ollama" if backend == "ollama" else None),
    }
    return {name: value for name, value in found.items() if value is not None}


def _llm(section: Any) -> dict[str, Any] | None:
    """Return the settings of a language model, None where there is none or it is not behind a compatible interface."""
    if not _has_backend(section) or section["backend"] not in _LLMS or not isinstance(section.get("config"), Mapping):
        return None
    backend, config = section["backend"], section["config"]
    found = {
        "model": config.get("model_name_or_path"),
        "base_url": _url(config, _LLMS[backend]),
        "api_key": config.get("api_key") or (backend if backend in ("ollama", "vllm") else None),
    }
    return {name: value for name, value in found.items() if value is not None}


def _url(config: Mapping[str, Any], default: str | None) -> Any:
    """Return where an interface is; that of Ollama which is compatible lies below /v1."""
    url = config.get("base_url") or config.get("api_base") or default
    if default == _OLLAMA and isinstance(url, str):
        url = url.rstrip("/")
        url = url if url.endswith("/v1") else url + "/v1"
    return url


def _section(name: str, section: Any, backends: tuple[str, ...] | None) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(section, Mapping) or not isinstance(section.get("config"), Mapping):
        raise ConfigError(f"{name}: wanted {{'backend': ..., 'config': {{...}}}}")
    backend = section.get("backend")
    if backends is not None and backend not in backends:
        raise ConfigError(f"{name}.backend: wanted one of {', '.join(backends)}, found {backend!r:.60}")
    return str(backend), section["config"]
