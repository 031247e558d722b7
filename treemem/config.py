"""Where a memory lives, who calls, and which model it uses: arguments, files, environment, in this order."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, SecretStr, field_validator

from treemem.errors import ConfigError
from treemem.items import CAPACITY, MEMORY_TYPES, validated
from treemem.store.protocol import GraphStore

if TYPE_CHECKING:
    import neo4j

    from treemem.models.embedders import Embedder

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


class EmbedderConfig(BaseModel):
    """An embedding model by kind: `minilm` (carried), `sentence-transformers`, or `openai` (any compatible server).

    `dimension` is needed for `openai`; the key comes from `api_key` or OPENAI_API_KEY.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    kind: Literal["minilm", "sentence-transformers", "openai"] = "minilm"
    model: str | None = None
    dimension: int | None = Field(default=None, ge=1, le=65_536)
    base_url: str | None = None
    api_key: SecretStr | None = Field(default=None, repr=False)
    batch_size: int | None = Field(default=None, ge=1, le=10_000)
    timeout: float = Field(default=30.0, gt=0, le=3_600)


class TreeTextMemoryConfig(BaseModel):
    """Settings of a memory. What is left out comes from the environment: TREEMEM_STORE, TREEMEM_CUBE, and so on.

    `store` is a path for the embedded store or a Neo4j URI (`neo4j+s://` for TLS with a trusted certificate);
    `trusted_certificates` is a PEM file for servers with a certificate of their own. `timeout` is in seconds.
    `user_id` and `session_id` say who calls: reads then show what that caller may see, and what is added is theirs.
    With `record_usage` searches count what they return, some seconds later, beside the versioned states: the
    reorganizer keeps what is of use. Without it reading writes nothing. `capacity` is how many memories of a type it
    leaves active; the least valuable ones beyond are archived; without a bound for a type none is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    store: str | None = None
    cube: str = "default"
    user: str | None = None
    password: SecretStr | None = Field(default=None, repr=False)
    database: str | None = None
    trusted_certificates: str | None = None
    timeout: float = Field(default=30.0, gt=0, le=3_600)
    cache_bytes: int = Field(default=1 << 30, gt=0)
    actor: str | None = None
    user_id: str | None = None
    session_id: str | None = None
    record_usage: bool = True
    capacity: dict[str, NonNegativeInt] = Field(default_factory=lambda: dict(CAPACITY))
    embedder: EmbedderConfig = Field(default_factory=EmbedderConfig)

    @field_validator("capacity")
    @classmethod
    def _of_types(cls, capacity: dict[str, int]) -> dict[str, int]:
        unknown = sorted(capacity.keys() - set(MEMORY_TYPES))
        if unknown:
            raise ValueError(f"{unknown[0]!r} is no memory type; wanted some of {', '.join(MEMORY_TYPES)}")
        return capacity

    @classmethod
    def from_file(cls, path: str | Path) -> TreeTextMemoryConfig:
        """Return the settings in a TOML or JSON file, ours or of the original; raises ConfigError, InvalidInputError.

        What the file leaves out comes from the environment.
        """
        where = Path(path)
        try:
            text = where.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: cannot be read ({error})") from error
        try:
            data = tomllib.loads(text) if where.suffix == ".toml" else json.loads(text)
        except ValueError as error:
            kind = "TOML" if where.suffix == ".toml" else "JSON"
            raise ConfigError(f"{path}: no {kind} ({error})") from error
        if not isinstance(data, dict):
            raise ConfigError(f"{path}: wanted an object with settings, found {type(data).__name__}")
        return cls.of(data)

    @classmethod
    def from_json_file(cls, path: str | Path) -> TreeTextMemoryConfig:
        """Return the settings in a JSON file, as `from_file` does."""
        return cls.from_file(path)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> TreeTextMemoryConfig:
        """Return settings from a mapping, ours or of the original, completed from the environment."""
        given = _translated(data)
        return validated(cls, {**from_environment(), **given})


#: Environment variables and the setting each stands for.
ENVIRONMENT = {
    "TREEMEM_STORE": "store",
    "TREEMEM_CUBE": "cube",
    "TREEMEM_NEO4J_USER": "user",
    "TREEMEM_NEO4J_PASSWORD": "password",
    "TREEMEM_NEO4J_DATABASE": "database",
    "TREEMEM_NEO4J_CERTIFICATES": "trusted_certificates",
    "TREEMEM_TIMEOUT": "timeout",
    "TREEMEM_ACTOR": "actor",
    "TREEMEM_USER_ID": "user_id",
    "TREEMEM_SESSION_ID": "session_id",
    "TREEMEM_RECORD_USAGE": "record_usage",
}


def from_environment() -> dict[str, Any]:
    """Return the settings that the environment gives; empty variables count as not given."""
    found: dict[str, Any] = {setting: os.environ[name] for name, setting in ENVIRONMENT.items() if os.environ.get(name)}
    prefix = "TREEMEM_EMBEDDER_"
    embedder = {n[len(prefix) :].lower(): value for n, value in os.environ.items() if n.startswith(prefix) and value}
    return found | ({"embedder": embedder} if embedder else {})


#: Sections of the original's configuration that say nothing about where memories are kept.
_IGNORED = frozenset(
    {"extractor_llm", "dispatcher_llm", "reader", "reranker", "reorganize", "internet_retriever"}
    | {"mode", "search_strategy", "memory_filename", "include_embedding"}
)


def _translated(data: Mapping[str, Any]) -> dict[str, Any]:
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
    if backend == "ollama":
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
        raise ConfigError(f"{name}.backend: wanted one of {', '.join(backends)}, found {backend!r}")
    return backend, section["config"]


def open_embedder(config: EmbedderConfig) -> Embedder:
    """Return the embedder that a configuration names; raises ConfigError, EmbedderError."""
    from treemem.models.embedders import MiniLM, OpenAIEmbedder, SentenceTransformersEmbedder

    if config.kind == "minilm":
        return MiniLM()
    if config.model is None:
        raise ConfigError(f"embedder: kind {config.kind!r} needs a model")
    if config.kind == "sentence-transformers":
        return SentenceTransformersEmbedder(config.model, batch_size=config.batch_size or 32)
    if config.dimension is None:
        raise ConfigError("embedder: kind 'openai' needs the dimension of the model's vectors")
    return OpenAIEmbedder(
        config.model,
        dimension=config.dimension,
        base_url=config.base_url,
        api_key=None if config.api_key is None else config.api_key.get_secret_value(),
        batch_size=config.batch_size or 128,
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
    location = config.store or ("the caller's driver" if driver is not None else str(default_path()))
    scheme, colon, _ = location.partition("://")
    store: GraphStore
    if driver is not None or (colon and scheme in NEO4J_SCHEMES):
        store = _neo4j(config, location, driver, dimension, bookmarks)
    elif location == ":memory:":
        raise ConfigError("store: an SQLite database in memory cannot be shared by threads; give a file path")
    elif colon:
        raise ConfigError(f"store: {scheme}:// is unknown; give a file path or one of {', '.join(NEO4J_SCHEMES)}")
    else:
        from treemem.store.sqlite import SqliteStore

        path = Path(location).expanduser()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"store: the folder {path.parent} cannot be made ({error.strerror})") from error
        store = SqliteStore(path, timeout=config.timeout, cache_bytes=config.cache_bytes)
    try:
        store.migrate()
    except BaseException:
        store.close()
        raise
    return store


def _neo4j(
    config: TreeTextMemoryConfig,
    location: str,
    driver: neo4j.Driver | None,
    dimension: int | None,
    bookmarks: Iterable[str],
) -> GraphStore:
    from treemem.store.neo4j import MOST_DIMENSIONS, Neo4jStore

    if dimension is not None and dimension > MOST_DIMENSIONS:
        raise ConfigError(
            f"embedder: its vectors have {dimension} dimensions, Neo4j indexes at most {MOST_DIMENSIONS}; choose a "
            "model with shorter vectors, or the embedded store (a file path), which has no such limit"
        )

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


def from_arguments(settings: Mapping[str, Any]) -> TreeTextMemoryConfig:
    """Return the configuration that arguments describe, completed from the environment."""
    given = {name: value for name, value in settings.items() if value is not None}
    if isinstance(given.get("store"), Path):
        given["store"] = str(given["store"])
    return validated(TreeTextMemoryConfig, {**from_environment(), **given})
