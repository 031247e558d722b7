"""Configuration: arguments before files before environment; files of the original; secrets stay secret."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HashEmbedder, fresh_cube
from tests.neo4j_server import driver as plain_driver
from treemem import ConfigError, InvalidInputError, StoreError, TreeTextMemory, TreeTextMemoryConfig
from treemem.config import open_embedder


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("TREEMEM_") and name not in ("TREEMEM_NEO4J_URI", "TREEMEM_REQUIRE_NEO4J"):
            monkeypatch.delenv(name)


def test_arguments_stand_before_files_before_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREEMEM_STORE", str(tmp_path / "env.db"))
    monkeypatch.setenv("TREEMEM_CUBE", "from-env")
    monkeypatch.setenv("TREEMEM_ACTOR", "env")
    with TreeTextMemory.open(cube="argument", embedder=HashEmbedder()) as memory:
        assert memory.cube_id == "argument"
        assert memory.stats().location == str(tmp_path / "env.db")
        memory.add("x")
        assert memory.operations()[0].actor == "env"
    (tmp_path / "c.toml").write_text('cube = "from-file"\n[embedder]\nkind = "minilm"\n')
    config = TreeTextMemoryConfig.from_file(tmp_path / "c.toml")
    assert (config.cube, config.store) == ("from-file", str(tmp_path / "env.db"))
    with TreeTextMemory(TreeTextMemoryConfig(cube="given"), embedder=HashEmbedder()) as memory:
        assert memory.stats().location == str(tmp_path / "env.db")


def test_the_originals_file(tmp_path: Path) -> None:
    theirs: dict[str, Any] = {
        "backend": "tree_text",
        "config": {
            "extractor_llm": {"backend": "ollama", "config": {"model_name_or_path": "qwen3"}},
            "graph_db": {
                "backend": "neo4j",
                "config": {
                    "uri": "bolt://localhost:7687",
                    "user": "neo4j",
                    "password": "12345678",
                    "db_name": "shared",
                    "user_name": "alice",
                    "use_multi_db": False,
                    "auto_create": True,
                    "embedding_dimension": 768,
                },
            },
            "embedder": {
                "backend": "ollama",
                "config": {"model_name_or_path": "nomic-embed-text:latest", "embedding_dims": 768},
            },
            "reorganize": False,
            "memory_size": {"WorkingMemory": 7, "LongTermMemory": 1500, "UserMemory": 480},
        },
    }
    (tmp_path / "tree_config.json").write_text(json.dumps(theirs))
    config = TreeTextMemoryConfig.from_json_file(tmp_path / "tree_config.json")
    assert (config.store, config.user, config.database) == ("bolt://localhost:7687", "neo4j", "shared")
    assert config.cube == "alice"
    assert config.capacity["WorkingMemory"] == 7
    assert config.password is not None
    assert config.password.get_secret_value() == "12345678"
    assert (config.embedder.kind, config.embedder.dimension) == ("openai", 768)
    assert config.embedder.base_url == "http://localhost:11434/v1"
    assert open_embedder(config.embedder).name == "openai/nomic-embed-text:latest"


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("{", ConfigError, "no JSON"),
        ("[]", ConfigError, "wanted an object"),
        ('{"shop": 1}', InvalidInputError, "shop"),
        ('{"capacity": {"Dreams": 1}}', InvalidInputError, "no memory type"),
        ('{"timeout": -1}', InvalidInputError, "timeout"),
        ('{"graph_db": {"backend": "nebula", "config": {}}}', ConfigError, "wanted one of neo4j"),
        ('{"embedder": {"kind": "openai", "model": "m"}}', ConfigError, "needs the dimension"),
        ('{"embedder": {"kind": "openai"}}', ConfigError, "needs a model"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, text: str, error: type[Exception], said: str) -> None:
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(error, match=said):
        open_embedder(TreeTextMemoryConfig.from_json_file(tmp_path / "c.json").embedder)


def test_secrets_are_never_shown(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "s3cret-word"
    config = TreeTextMemoryConfig.model_validate(
        {
            "store": "bolt://127.0.0.1:1",
            "password": secret,
            "timeout": 2,
            "embedder": {"kind": "openai", "model": "m", "dimension": 3, "api_key": secret},
        }
    )
    assert secret not in repr(config) + str(config) + config.model_dump_json()
    with pytest.raises(StoreError) as error:
        TreeTextMemory(config, embedder=HashEmbedder())
    assert secret not in str(error.value) + caplog.text


def test_certificates_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there is no file"):
        TreeTextMemory.open("neo4j://127.0.0.1:1", password="x", trusted_certificates=str(tmp_path / "no.pem"))


def test_a_server_without_tls_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be reached"):
        TreeTextMemory.open("neo4j+s://127.0.0.1:1", timeout=3, embedder=HashEmbedder())


@pytest.mark.neo4j
def test_a_driver_of_the_callers_is_used_and_left_open(neo4j_uri: str) -> None:
    with plain_driver(neo4j_uri) as mine:
        cube = fresh_cube("own-driver")
        with TreeTextMemory.open(driver=mine, cube=cube, embedder=HashEmbedder()) as memory:
            memory.add("through my own driver")
            assert memory.search("driver")[0].memory == "through my own driver"
            assert "driver" in memory.stats().location
        assert mine.execute_query("RETURN 1 AS one").records[0]["one"] == 1
