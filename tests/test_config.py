"""Configuration: arguments before files before environment; files of the original; secrets stay secret."""

from __future__ import annotations

import json
import logging
import re
import stat
import time
import traceback
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HashEmbedder, fresh_cube
from tests.neo4j_server import driver as plain_driver
from treemem import (
    ConfigError,
    CosineReranker,
    InvalidInputError,
    LLMReranker,
    OpenAILLM,
    StoreError,
    TreememError,
    TreeTextMemory,
    TreeTextMemoryConfig,
)
from treemem.config import from_environment
from treemem.ids import derived_id
from treemem.opening import open_embedder
from treemem.store.neo4j.store import Neo4jStore


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("TREEMEM_") and name not in ("TREEMEM_NEO4J_URI", "TREEMEM_REQUIRE_NEO4J"):
            monkeypatch.delenv(name)


@pytest.mark.parametrize("name", ["TREEMEM_USERID", "TREEMEM_USER", "TREEMEM_SESSION", "TREEMEM_SESION_ID"])
def test_a_misspelt_caller_opens_nothing(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "ann")
    with pytest.raises(ConfigError, match=r"did you mean TREEMEM_(USER|SESSION)_ID\?"):
        from_environment()
    monkeypatch.delenv(name)
    for other in ("TREEMEM_NEO4J_URI", "TREEMEM_NEO4J_VERSION", "TREEMEM_SERVICE_TOKEN", "TREEMEM_REQUIRE_EXTRAS"):
        monkeypatch.setenv(other, "x")
    monkeypatch.setenv("TREEMEM_USER_ID", "ann")
    assert from_environment()["user_id"] == "ann"


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
        ('{"embedder": {"model": "intfloat/e5-base"}}', ConfigError, "has a model of its own"),
        ('{"embedder": {"kind": "multilingual", "model": "e5-base"}}', ConfigError, "has a model of its own"),
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


SECRET = "hunter2SECRET"


#: What somebody may write who means a server, and what is said to be meant.
MISTYPED = [
    ({"store": f"jdbc:neo4j:bolt://u:{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"jdbc:neo4j:bolt://h?password={SECRET}"}, "neo4j://h?"),
    ({"store": f"neo4j//neo4j:{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"neo4j+s//{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"neo4j:/u:{SECRET}@h:7687/db"}, "neo4j://h:7687?"),
    ({"store": f"neo4j;//u:{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"neo4j\uff1a//u:{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"//u:{SECRET}@h:1"}, "neo4j://h:1?"),
    ({"store": f"//u:{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"//{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"/u:{SECRET}@h:7687"}, "neo4j://h:7687?"),
    ({"store": f"u:{SECRET}@h"}, "neo4j://h?"),
    ({"store": f"u:{SECRET}@h/db"}, "neo4j://h?"),
    ({"store": f"u:{SECRET}/more@h"}, "neo4j://h?"),
    ({"store": f"u:{SECRET}@neo4j://h"}, "neo4j://h?"),
    ({"store": f" neo4j//u:{SECRET}@[::1]:7687 "}, "neo4j://[::1]:7687?"),
    ({"store": f"neo4j//u:{SECRET}@h:x y"}, "neo4j://host:7687?"),
]


def shown(error: BaseException) -> str:
    """All that a log would show of an error, its causes included."""
    return "".join(traceback.format_exception(error)) + repr(error)


@pytest.mark.parametrize(
    ("data", "near"),
    [
        ({"passwrod": SECRET}, "password"),
        ({"PASSWORD": SECRET}, "password"),
        ({"pass-word": SECRET}, "password"),
        ({"apikey": SECRET}, ""),
        ({"neo4j": {"password": SECRET}}, ""),
        ({"password": 12345678}, "password"),
        ({"password": {"value": SECRET}}, "password"),
        ({"password": [SECRET]}, "password"),
        ({"user": {"name": SECRET}}, "user"),
        ({"cube": [SECRET]}, "cube"),
        ({"store": {"url": SECRET}}, "store"),
        ({"embedder": SECRET}, "embedder"),
        ({"embedder": {"apikey": SECRET}}, "embedder.api_key"),
        ({"embedder": {"api_key": [SECRET]}}, "api_key"),
        ({"embedder": {"api-key": SECRET}}, "embedder.api_key"),
        ({"embedder": {"model": {"x": SECRET}}}, "model"),
        ({"embedder": {"base_url": f"https://me:{SECRET}@host/v1"}}, "api_key"),
        ({"embedder": {"base_url": f"https://host/v1?api-key={SECRET}"}}, "api_key"),
        ({"graph_db": SECRET}, "graph_db"),
        ({"graph_db": {"backend": "neo4j", "config": SECRET}}, "graph_db"),
        ({"graph_db": {"backend": "neo4j", "config": {"uri": "bolt://h", "pasword": SECRET}}}, "password"),
        ({"graph_db": {"backend": "neo4j", "config": {"uri": "bolt://h", "password": {"x": SECRET}}}}, "password"),
        ({"embedder": {"backend": "ollama", "config": {"api_base": {"x": SECRET}}}}, "base_url"),
        ({"embedder": {"backend": "ark", "config": {"api_key": [SECRET], "model_name_or_path": "m"}}}, "api_key"),
        ({"store": f"neo4j://h?password={SECRET}"}, "password="),
        ({"store": f"neo4j://h?auth_token={SECRET}"}, "password="),
        ({"store": f"neo4j://me:12/{SECRET}@h"}, "password="),
        ({"store": f"neo4j://me:pw#{SECRET}@h"}, "password="),
        ({"store": f"neo4j://me:pa[{SECRET}@h"}, "neo4j://host"),
        ({"store": f"mysql://me:{SECRET}@h"}, "mysql:// is unknown"),
        ({"store": f"me:{SECRET}@localhost:7687"}, "neo4j://localhost:7687"),
        ({"store": f"bolt:me:{SECRET}@localhost:7687/db"}, "neo4j://localhost:7687"),
        ({"store": f"neo4j://me:{SECRET}@h", "password": "another"}, "password="),
        *MISTYPED,
    ],
)
def test_no_error_repeats_a_secret(tmp_path: Path, data: dict[str, Any], near: str) -> None:
    (tmp_path / "c.json").write_text(json.dumps(data))
    with pytest.raises(TreememError) as error:
        TreeTextMemoryConfig.from_file(tmp_path / "c.json")
    assert near in str(error.value)
    assert SECRET not in shown(error.value)
    assert "12345678" not in shown(error.value)
    if "graph_db" not in data and "backend" not in str(data):
        with pytest.raises((TreememError, ValueError)) as direct:
            TreeTextMemoryConfig(**data)
        assert SECRET not in shown(direct.value)


@pytest.mark.parametrize(
    "text", ['{"password": "hunter2SECRET", ', '["hunter2SECRET"]', '"hunter2SECRET"', "hunter2SECRET"]
)
@pytest.mark.parametrize("suffix", ["json", "toml", "TOML"])
def test_a_broken_file_is_not_repeated(tmp_path: Path, text: str, suffix: str) -> None:
    (tmp_path / f"c.{suffix}").write_text(text)
    with pytest.raises((ConfigError, InvalidInputError)) as error:  # in TOML, ["name"] is a table of an unknown name
        TreeTextMemoryConfig.from_file(tmp_path / f"c.{suffix}")
    assert SECRET not in shown(error.value)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("TREEMEM_EMBEDDER_APIKEY", "TREEMEM_EMBEDDER_API_KEY"),
        ("TREEMEM_EMBEDDER_KEY", "TREEMEM_EMBEDDER_"),
        ("TREEMEM_EMBEDDER_URL", "TREEMEM_EMBEDDER_BASE_URL"),
        ("TREEMEM_EMBEDDER_DIMENSION", "dimension"),
        ("TREEMEM_RECORD_USAGE", "record_usage"),
        ("TREEMEM_ZONE", "zone"),
    ],
)
def test_no_variable_is_repeated(monkeypatch: pytest.MonkeyPatch, name: str, near: str) -> None:
    monkeypatch.setenv(name, "sk-SECRET" if "EMBEDDER_D" not in name and "USAGE" not in name else "many")
    with pytest.raises(TreememError, match=near) as error:
        TreeTextMemoryConfig.of({})
    assert "SECRET" not in shown(error.value)


@pytest.mark.parametrize(
    ("uri", "store", "user", "password", "database"),
    [
        ("neo4j://h", "neo4j://h", None, None, None),
        ("NEO4J+S://h:7687/", "neo4j+s://h:7687", None, None, None),
        ("neo4j://h/sales", "neo4j://h", None, None, "sales"),
        ("bolt://h?database=sales", "bolt://h", None, None, "sales"),
        ("neo4j://h/sales?database=sales&policy=eu", "neo4j://h?policy=eu", None, None, "sales"),
        ("neo4j://me:pa%40ss%3A@h:7687/db", "neo4j://h:7687", "me", "pa@ss:", "db"),
        ("neo4j://me@h", "neo4j://h", "me", None, None),
        ("bolt://:pw@[::1]:7687", "bolt://[::1]:7687", None, "pw", None),
        ("./localhost:7687", "./localhost:7687", None, None, None),
        ("folder/localhost:7687", "folder/localhost:7687", None, None, None),
        ("C:\\data\\m.db", "C:\\data\\m.db", None, None, None),
        ("notes: 2025.db", "notes: 2025.db", None, None, None),
        ("me@home.db", "me@home.db", None, None, None),
        ("neo4j/data.db", "neo4j/data.db", None, None, None),
        ("./u:x@h", "./u:x@h", None, None, None),
        ("/data/u:x@h.db", "/data/u:x@h.db", None, None, None),
        ("//data/m.db", "//data/m.db", None, None, None),
        ("C:\\data\\me@h.db", "C:\\data\\me@h.db", None, None, None),
    ],
)
def test_what_a_location_says(uri: str, store: str, user: Any, password: Any, database: Any) -> None:
    for config in (TreeTextMemoryConfig(store=uri), TreeTextMemoryConfig.of({"store": uri})):
        held = None if config.password is None else config.password.get_secret_value()
        assert (config.store, config.user, held, config.database) == (store, user, password, database)
        if password:
            assert password not in repr(config) + str(config.model_dump()) + config.model_dump_json()


@pytest.mark.parametrize(
    "uri",
    [
        "neo4j://h/sales/more",
        "neo4j://h/sales#x",
        "neo4j://h/sales?database=other",
        "neo4j://h?database=a&db=b",
        "bolt://h?policy=eu",
        "neo4j://",
        "neo4j://:7687",
        "neo4j://h:99999",
        "neo4j://h:x",
        "http://localhost:7474",
        "",
        "  ",
        "a\x00b",
    ],
)
def test_what_cannot_be_used_of_a_location_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="store"):
        TreeTextMemory.open(uri, embedder=HashEmbedder())


def test_no_open_and_no_repr_repeats_a_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for location in [data["store"] for data, _ in MISTYPED]:
        with pytest.raises(TreememError) as error:
            TreeTextMemory.open(location, embedder=HashEmbedder())
        assert SECRET not in shown(error.value), location
        if "@" in location:
            with pytest.raises(TreememError) as error:
                Neo4jStore(location)
            assert SECRET not in str(error.value), location
    assert list(tmp_path.iterdir()) == []


def test_no_error_shows_the_query_of_a_uri(tmp_path: Path) -> None:
    location = f"neo4j://127.0.0.1:9?region={SECRET}"
    with pytest.raises(TreememError, match=r"127\.0\.0\.1:9") as error:
        TreeTextMemory.open(location, embedder=HashEmbedder(), user="u", password="p", timeout=2)
    assert SECRET not in shown(error.value)
    with pytest.raises(ConfigError) as error:
        TreeTextMemory.open(f"bolt://127.0.0.1:9?x={SECRET}", embedder=HashEmbedder(), timeout=2)
    assert SECRET not in shown(error.value)


@pytest.mark.parametrize(
    "location", ["localhost:7687", "127.0.0.1:7687", "[::1]:7687", "db.example.com:7687/sales", "neo4j:localhost:7687"]
)
def test_a_server_without_a_scheme_makes_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, location: str
) -> None:
    monkeypatch.chdir(tmp_path)
    host = location.removeprefix("neo4j:").partition("/")[0]
    with pytest.raises(ConfigError, match=re.escape(f"did you mean neo4j://{host}")):
        TreeTextMemory.open(location, embedder=HashEmbedder())
    assert list(tmp_path.iterdir()) == []
    with TreeTextMemory.open(Path("localhost:7687"), embedder=HashEmbedder()) as memory:
        assert memory.stats().location == "localhost:7687", "a Path is a file"


def test_a_database_of_the_uri_is_used_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="database"):
        TreeTextMemory.open("neo4j://127.0.0.1:1/sales", database="other", embedder=HashEmbedder())
    monkeypatch.setenv("TREEMEM_STORE", "neo4j://h/of-env")
    monkeypatch.setenv("TREEMEM_NEO4J_PASSWORD", "of-env")
    assert TreeTextMemoryConfig.of({}).database == "of-env"
    config = TreeTextMemoryConfig.of({"store": "neo4j://me:mine@h/mine"})
    assert config.password is not None
    assert (config.database, config.password.get_secret_value()) == ("mine", "mine")
    monkeypatch.setenv("TREEMEM_NEO4J_DATABASE", "other")
    with pytest.raises(ConfigError, match="database"):
        TreeTextMemoryConfig.of({})


@pytest.mark.neo4j
def test_a_database_that_does_not_exist_is_told(neo4j_uri: str) -> None:
    with pytest.raises(StoreError, match="nowhere-here"):
        TreeTextMemory.open(f"{neo4j_uri}/nowhere-here", embedder=HashEmbedder())
    cube = fresh_cube("database")
    with TreeTextMemory.open(f"{neo4j_uri}?database=neo4j", cube=cube, embedder=HashEmbedder()) as memory:
        memory.add("kept")
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder()) as memory:
        assert memory.stats().memories == 1


def test_the_folder_of_the_default_store_is_the_users_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    with TreeTextMemory.open(embedder=HashEmbedder()) as memory:
        assert memory.stats().location == str(tmp_path / "data" / "treemem" / "treemem.db")
    assert stat.S_IMODE((tmp_path / "data" / "treemem").stat().st_mode) == 0o700


def test_files_with_a_mark_of_their_encoding_are_read(tmp_path: Path) -> None:
    for name, text in (("c.toml", 'cube = "marked"'), ("c.json", '{"cube": "marked"}')):
        (tmp_path / name).write_bytes(("\ufeff" + text).encode())
        assert TreeTextMemoryConfig.from_file(tmp_path / name).cube == "marked"


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


OLLAMA = {"backend": "ollama", "config": {"model_name_or_path": "qwen3"}}
THEIR_EMBEDDER = {"backend": "ollama", "config": {"model_name_or_path": "nomic"}}
THEIR_GRAPH = {
    "backend": "neo4j-community",
    "config": {"uri": "bolt://h:1", "user_name": "al", "embedding_dimension": 768},
}
THEIR_TREE = {
    "extractor_llm": {"backend": "huggingface", "config": {"model_name_or_path": "x"}},
    "dispatcher_llm": OLLAMA,
    "graph_db": THEIR_GRAPH,
    "embedder": THEIR_EMBEDDER,
    "reranker": {"backend": "cosine_local", "config": {"level_weights": {}}},
    "internet_retriever": {"backend": "google", "config": {}},
    "mode": "sync",
    "reorganize": True,
}


def test_the_sections_of_memos_that_we_have_are_used(caplog: pytest.LogCaptureFixture) -> None:
    config = TreeTextMemoryConfig.of(THEIR_TREE)
    assert config.embedder.dimension == 768
    assert config.llm is not None
    assert (config.llm.model, config.llm.base_url) == ("qwen3", "http://localhost:11434/v1")
    assert config.reranker is not None
    assert (config.reranker.kind, config.reorganize, config.cube) == ("cosine", True, "al")
    (warning,) = [record.getMessage() for record in caplog.records]
    assert warning.endswith("left aside: extractor_llm, internet_retriever")


@pytest.mark.parametrize(
    ("theirs", "cube", "left"),
    [
        (
            {"cube_id": "u/c", "user_id": "u", "text_mem": {"backend": "tree_text", "config": THEIR_TREE}},
            "al",
            "act_mem",
        ),
        (
            {"cube_id": "u/c", "text_mem": {"backend": "general_text", "config": {"embedder": THEIR_EMBEDDER}}},
            f"u-c-{derived_id('memos', 'u/c')[:8]}",
            "act_mem",
        ),
        (
            {
                "user_id": "root",
                "chat_model": OLLAMA,
                "mem_reader": {"backend": "s", "config": {"embedder": THEIR_EMBEDDER}},
            },
            "default",
            "act_mem",
        ),
    ],
)
def test_configurations_of_memos_and_of_its_cubes_open(
    theirs: dict[str, Any], cube: str, left: str, caplog: pytest.LogCaptureFixture
) -> None:
    config = TreeTextMemoryConfig.of({**theirs, "act_mem": {"backend": "kv_cache", "config": {}}, "para_mem": {}})
    assert (config.cube, config.embedder.model, config.user_id) == (cube, "nomic", None)
    (warning,) = [record.getMessage() for record in caplog.records]
    assert left in warning
    assert "para_mem" not in warning


def test_yaml_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("store: m.db\nllm:\n  model: qwen3\n  api_key: hunter2\n")
    config = TreeTextMemoryConfig.from_file(path)
    assert (config.store, config.llm and config.llm.model) == ("m.db", "qwen3")
    assert "hunter2" not in repr(config) + config.model_dump_json()
    for wrong in (
        "a: !!bool hunter2",
        "a: !!timestamp hunter2",
        "a: !!int hunter2",
        "a: [hunter2",
        "hunter2: !!python/object:os.system {}",
        "- hunter2",
        "a: &a [*a]\n\t",
    ):
        path.write_text(wrong)
        with pytest.raises((ConfigError, InvalidInputError)) as error:
            TreeTextMemoryConfig.from_file(path)
        assert "hunter2" not in str(error.value)
    path.write_text("llm:\n  model: qwen3\n")
    monkeypatch.setenv("TREEMEM_LLM_API_KEY", "k")
    found = TreeTextMemoryConfig.from_file(path).llm
    assert found is not None
    assert (found.model, found.api_key and found.api_key.get_secret_value()) == ("qwen3", "k")


def test_a_language_model_and_a_reranker_of_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"llm": {"model": "m", "api_key": "k", "base_url": "http://127.0.0.1:1/v1"}, "reranker": {"kind": "llm"}}
    config = TreeTextMemoryConfig.of({"store": str(tmp_path / "m.db"), **settings})
    with TreeTextMemory(config, embedder=HashEmbedder()) as memory:
        assert isinstance(memory._context.llm, OpenAILLM)
        assert isinstance(memory._context.reranker, LLMReranker)
        memory.add(["The key hangs here.", "The key hangs here"])
    monkeypatch.setenv("TREEMEM_RERANKER_KIND", "cosine")
    monkeypatch.setenv("TREEMEM_REORGANIZE", "true")
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder()) as memory:
        assert isinstance(memory._context.reranker, CosineReranker)
        end = time.monotonic() + 30
        found: list[str] = []
        while "merged" not in found and time.monotonic() < end:
            time.sleep(0.05)
            found = [node["metadata"]["status"] for node in memory.get_all()["nodes"]]
        assert "merged" in found
    for wrong, said in (
        ({"reranker": {"kind": "llm"}}, "needs a language model"),
        ({"reranker": {"kind": "cross-encoder"}}, "needs a model"),
        ({"reranker": {"kind": "cosine", "model": "m"}}, "leave model out"),
        ({"llm": {"base_url": "http://x"}}, "wanted a model"),
        ({"llm": {"modle": "m"}}, "llm.model"),
        ({"llm": {"model": "m", "base_url": "http://a:b@c"}}, "llm.base_url"),
    ):
        with pytest.raises((ConfigError, InvalidInputError), match=said):
            TreeTextMemory(TreeTextMemoryConfig.of({"store": str(tmp_path / "m.db"), **wrong}), embedder=HashEmbedder())
