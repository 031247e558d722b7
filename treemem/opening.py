"""From settings to what they name: a store, migrated, and an embedder."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from treemem.checks import shown
from treemem.config import EmbedderConfig, LLMConfig, RerankerConfig, TreeTextMemoryConfig
from treemem.errors import ConfigError
from treemem.locations import is_server
from treemem.store.protocol import GraphStore

if TYPE_CHECKING:
    import neo4j

    from treemem.models.embedders import Embedder
    from treemem.models.llm import LLM
    from treemem.models.rerankers import Reranker
    from treemem.store.neo4j.store import Neo4jStore


def chosen_embedder(config: EmbedderConfig, given: Embedder | str | None, threads: int = 0) -> Embedder:
    """Return the embedder that was given, the one of a kind that was named, or else that of the configuration.

    `threads` is how many cores one call of a model that runs here may use, 0 for all: for short texts one is the least
    work, and a service has other requests for the other cores. Raises ConfigError, EmbedderError.
    """
    if given is None:
        return open_embedder(config, threads)
    if not isinstance(given, str):
        return given
    kinds = get_args(EmbedderConfig.model_fields["kind"].annotation)
    if given not in kinds:
        near = difflib.get_close_matches(given, kinds, 1, 0)
        raise ConfigError(
            f"embedder: wanted a model or one of {', '.join(kinds)}, found {shown(given)}; did you mean {near[0]!r}?"
        )
    return open_embedder(config.model_copy(update={"kind": given}), threads)


def open_embedder(config: EmbedderConfig, threads: int = 0) -> Embedder:
    """Return the embedder that a configuration names, see `chosen_embedder`; raises ConfigError, EmbedderError."""
    from treemem.models.embedders import MiniLM, OllamaEmbedder, OpenAIEmbedder
    from treemem.models.multilingual import MultilingualE5
    from treemem.models.packages import FastEmbedEmbedder, SentenceTransformersEmbedder

    if config.kind in ("minilm", "multilingual") and config.model is not None:
        raise ConfigError(
            f"embedder: kind {config.kind!r} has a model of its own; leave model out, or name another kind"
        )
    if config.kind == "minilm":
        return MiniLM(threads=threads)
    if config.kind == "multilingual":
        return MultilingualE5(batch_size=config.batch_size or 32, threads=threads)
    if config.model is None:
        raise ConfigError(f"embedder: kind {config.kind!r} needs a model")
    if config.kind == "sentence-transformers":
        return SentenceTransformersEmbedder(config.model, batch_size=config.batch_size or 32)
    if config.kind == "fastembed":
        return FastEmbedEmbedder(config.model, batch_size=config.batch_size or 32, threads=threads or None)
    served: dict[str, Any] = {
        "base_url": config.base_url,
        "api_key": None if config.api_key is None else config.api_key.get_secret_value(),
        "batch_size": config.batch_size or 128,
        "timeout": config.timeout,
    }
    if config.kind == "ollama":
        return OllamaEmbedder(config.model, dimension=config.dimension, **served)
    if config.dimension is None:
        raise ConfigError("embedder: kind 'openai' needs the dimension of the model's vectors")
    return OpenAIEmbedder(config.model, dimension=config.dimension, **served)


#: Where providers answer if nothing is said, and the key of those that need none.
_PLACES = {"ollama": "http://localhost:11434/v1", "vllm": "http://localhost:8000/v1"}
_NO_KEY = "none"


def open_llm(config: LLMConfig | None) -> LLM | None:
    """Return the language model that a configuration names; raises ConfigError, LLMError."""
    if config is None:
        return None
    if config.model is None:
        raise ConfigError("llm: wanted a model, found none; name one, or leave the section out")
    if config.api_version is not None and config.provider != "azure":
        raise ConfigError(f"llm: provider {config.provider!r} has no api_version; leave it out, or say azure")
    from treemem.models.anthropic_llm import AnthropicLLM
    from treemem.models.openai_llm import AzureOpenAILLM, OpenAILLM

    shared: dict[str, Any] = {
        "timeout": config.timeout,
        "deadline": config.deadline,
        "max_retries": config.max_retries,
        "max_parallel": config.max_parallel,
        "structured": config.structured,
        "reasoning_effort": config.reasoning_effort,
        "prices": config.prices,
    }
    url, key = config.base_url, None if config.api_key is None else config.api_key.get_secret_value()
    if config.provider == "anthropic":
        return AnthropicLLM(config.model, base_url=url, api_key=key, **shared)
    if config.provider == "azure":
        return AzureOpenAILLM(config.model, endpoint=url, api_key=key, api_version=config.api_version, **shared)
    if config.provider in _PLACES:
        place = (url or _PLACES[config.provider]).rstrip("/")
        url, key = place if place.endswith("/v1") else f"{place}/v1", key or _NO_KEY
    return OpenAILLM(config.model, base_url=url, api_key=key, **shared)


def open_reranker(config: RerankerConfig | None, embedder: Embedder, llm: LLM | None) -> Reranker | None:
    """Return the reranker that a configuration names; raises ConfigError, RerankerError."""
    if config is None:
        return None
    from treemem.models.rerankers import CosineReranker, CrossEncoderReranker, LLMReranker
    from treemem.models.served_rerankers import FastEmbedReranker, ServedReranker

    if config.kind in ("cosine", "llm") and config.model is not None:
        raise ConfigError(
            f"reranker: kind {config.kind!r} has no model of its own; leave model out, or name another kind"
        )
    if config.kind == "cosine":
        return CosineReranker(embedder)
    if config.kind == "llm":
        if llm is None:
            raise ConfigError("reranker: kind 'llm' needs a language model; name one in the section llm")
        return LLMReranker(llm)
    if config.model is None:
        raise ConfigError(f"reranker: kind {config.kind!r} needs a model")
    if config.kind == "cross-encoder":
        return CrossEncoderReranker(config.model)
    if config.kind == "fastembed":
        return FastEmbedReranker(config.model)
    if config.kind == "server" and config.base_url is None:
        raise ConfigError("reranker: kind 'server' needs a base_url, such as http://localhost:8000/v1")
    return ServedReranker(
        config.model,
        provider=None if config.kind == "server" else config.kind,
        base_url=config.base_url,
        api_key=None if config.api_key is None else config.api_key.get_secret_value(),
        timeout=config.timeout,
    )


def default_path() -> Path:
    """Return where the embedded store lies if nothing else is said: the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("treemem", appauthor=False) / "treemem.db"


def open_store(
    config: TreeTextMemoryConfig,
    driver: neo4j.Driver | None = None,
    *,
    dimension: int | None = None,
    bookmarks: Iterable[str] = (),
) -> GraphStore:
    """Return the store that a configuration names, with its schema up to date; over a `driver` of the caller if given.

    `dimension` is how many numbers the vectors will have. Reads see what the `bookmarks` stand for.

    Raises ConfigError for a location that is neither a path nor a Neo4j URI, StoreError if it cannot be opened.
    """
    return migrated_store(config, driver, dimension=dimension, bookmarks=bookmarks)[0]


def migrated_store(
    config: TreeTextMemoryConfig,
    driver: neo4j.Driver | None = None,
    *,
    dimension: int | None = None,
    bookmarks: Iterable[str] = (),
) -> tuple[GraphStore, tuple[str, ...]]:
    """Return the store as `open_store` does, and the names of the migrations that ran for it."""
    location = config.store or ("the caller's driver" if driver is not None else str(default_path()))
    served = driver is not None or is_server(location)
    store = (
        server_store(config, driver, dimension=dimension, bookmarks=bookmarks)
        if served
        else _file_store(config, location)
    )
    try:
        return store, tuple(store.migrate())
    except BaseException:
        store.close()
        raise


def _file_store(config: TreeTextMemoryConfig, location: str) -> GraphStore:
    """Return the embedded store in a file as it is, its schema not looked at. Raises ConfigError."""
    from treemem.store.sqlite import SqliteStore
    from treemem.store.sqlite.files import make_folder

    path = file_of(location)
    try:
        make_folder(path.parent)
    except OSError as error:
        raise ConfigError(f"store: the folder {path.parent} cannot be made ({error.strerror})") from error
    return SqliteStore(path, timeout=config.timeout, cache_bytes=config.cache_bytes)


def copy_of_file(file: Path, target: Path) -> None:
    """Copy the file of an embedded store that nobody has open, which is not written to. Raises StoreError."""
    from treemem.store.sqlite.copying import copy_file

    copy_file(file, target)


def file_of(location: str) -> Path:
    """Return the file that a location of the embedded store names, or raise ConfigError."""
    if location == ":memory:":
        raise ConfigError("store: an SQLite database in memory cannot be shared by threads; give a file path")
    try:
        path = Path(location).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"store: {location}: there is no such user's home folder; give the whole path") from error
    if path.is_dir() or not path.name:
        raise ConfigError(f"store: {path} is a folder; name a file in it")
    return path


def server_store(
    config: TreeTextMemoryConfig,
    driver: neo4j.Driver | None = None,
    *,
    dimension: int | None = None,
    bookmarks: Iterable[str] = (),
) -> Neo4jStore:
    """Return the store on the server that a configuration names as it is: not connected to, its schema not looked at.

    Raises ConfigError.
    """
    from treemem.store.neo4j.rows import MOST_DIMENSIONS
    from treemem.store.neo4j.store import Neo4jStore

    if dimension is not None and dimension > MOST_DIMENSIONS:
        raise ConfigError(
            f"embedder: its vectors have {dimension} dimensions, Neo4j indexes at most {MOST_DIMENSIONS}; choose a "
            "model with shorter vectors, or the embedded store (a file path), which has no such limit"
        )

    location = config.store or "the caller's driver"
    secret = None if config.password is None else config.password.get_secret_value()
    if config.trusted_certificates is not None and not Path(config.trusted_certificates).is_file():
        raise ConfigError(f"trusted_certificates: there is no file {config.trusted_certificates}")
    return Neo4jStore(
        location,
        auth=(config.user or "neo4j", secret) if secret else None,
        database=config.database,
        trusted_certificates=config.trusted_certificates,
        timeout=config.timeout,
        driver=driver,
        bookmarks=bookmarks,
    )
