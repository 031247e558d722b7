"""Where a memory lives and how it is opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from treemem.errors import ConfigError
from treemem.items import validated
from treemem.store.protocol import GraphStore

NEO4J_SCHEMES = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")


class TreeTextMemoryConfig(BaseModel):
    """Settings of a memory. What is left out comes from the environment (`TREEMEM_STORE`, `TREEMEM_NEO4J_USER`, ...).

    `store` is a path for the embedded store or a Neo4j URI; `timeout` is in seconds. `user_id` and `session_id` say who
    calls: reads then show what that caller may see, and what is added is theirs.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str | None = None
    cube: str = "default"
    user: str | None = None
    password: SecretStr | None = Field(default=None, repr=False)
    database: str | None = None
    timeout: float = Field(default=30.0, gt=0, le=3_600)
    cache_bytes: int = Field(default=1 << 30, gt=0)
    actor: str | None = None
    user_id: str | None = None
    session_id: str | None = None

    @classmethod
    def from_json_file(cls, path: str | Path) -> TreeTextMemoryConfig:
        """Return the settings in a JSON file; raises ConfigError or InvalidInputError naming what is wrong."""
        try:
            text = Path(path).read_text("utf-8")
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
        import json

        try:
            data = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{path}: no JSON ({error})") from error
        return validated(cls, data)


def default_path() -> Path:
    """Return where the embedded store lies if nothing else is said: the user's data folder."""
    from platformdirs import user_data_path

    return user_data_path("treemem", appauthor=False) / "treemem.db"


def open_store(config: TreeTextMemoryConfig) -> GraphStore:
    """Return the store that a configuration names, with its schema up to date.

    Raises ConfigError for a location that is neither a path nor a Neo4j URI, StoreError if it cannot be opened.
    """
    location = config.store or os.environ.get("TREEMEM_STORE") or str(default_path())
    scheme, colon, _ = location.partition("://")
    store: GraphStore
    if colon and scheme in NEO4J_SCHEMES:
        from treemem.store.neo4j import Neo4jStore

        user = config.user or os.environ.get("TREEMEM_NEO4J_USER")
        secret = config.password.get_secret_value() if config.password else os.environ.get("TREEMEM_NEO4J_PASSWORD")
        store = Neo4jStore(
            location,
            auth=(user or "neo4j", secret) if secret else None,
            database=config.database or os.environ.get("TREEMEM_NEO4J_DATABASE"),
            timeout=config.timeout,
        )
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


def from_arguments(store: str | Path | None, settings: dict[str, Any]) -> TreeTextMemoryConfig:
    """Return the configuration that `TreeTextMemory.open` arguments describe."""
    given = {name: value for name, value in settings.items() if value is not None}
    return validated(TreeTextMemoryConfig, {**given, "store": None if store is None else str(store)})
