"""Rerankers behind a local server, one of fastembed that is built here, and embedders by name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HashEmbedder
from tests.openai_server import Script, serving
from treemem import (
    ConfigError,
    EmbedderError,
    FastEmbedReranker,
    InvalidInputError,
    OllamaEmbedder,
    RerankerError,
    ServedReranker,
    TreeTextMemory,
    TreeTextMemoryConfig,
)

TEXTS = ["Anna lives in Porto.", "The soup was cold.", "Anna sings.", "A bicycle."]


def _ranked(
    body: dict[str, Any], texts: str = "documents", rows: str | None = "results", score: str = "relevance_score"
) -> Any:
    if texts not in body:
        return 422, {"detail": [{"loc": ["body", texts], "msg": "Field required", "type": "missing"}]}
    made = [{"index": i, score: -float(len(text))} for i, text in enumerate(body[texts])]
    made.sort(key=lambda row: -row[score])
    return made if rows is None else {rows: made, "model": body["model"]}


@pytest.fixture
def server() -> Iterator[Script]:
    with serving(_ranked) as script:
        yield script


def over(server: Script, **options: Any) -> ServedReranker:
    return ServedReranker("tiny", **{"base_url": server.url, "timeout": 5.0, **options})


def test_each_text_is_scored_in_batches(server: Script) -> None:
    reranker = over(server, batch=3, max_characters=10, api_key="sk-test-key")
    assert list(reranker.scores("Who?", TEXTS)) == [-10.0] * 4
    assert [(r["path"], r["query"], len(r["documents"])) for r in server.requests] == [
        ("/v1/rerank", "Who?", n) for n in (3, 1)
    ]
    assert server.headers[0]["authorization"] == "Bearer sk-test-key"
    assert (reranker.name, list(reranker.scores("Who?", []))) == ("server/tiny", [])


@pytest.mark.parametrize(
    "speaks",
    [{"rows": "data"}, {"rows": None, "score": "score"}, {"texts": "texts", "rows": None, "score": "score"}],
    ids=["voyage", "a list", "text embeddings inference"],
)
def test_dialects(server: Script, speaks: dict[str, Any]) -> None:
    server.default = lambda body: _ranked(body, **speaks)
    reranker = over(server)
    wanted = [-float(len(text)) for text in TEXTS]
    assert list(reranker.scores("Who?", TEXTS)) == wanted
    before = len(server.requests)
    assert list(reranker.scores("Who?", TEXTS)) == wanted
    assert len(server.requests) == before + 1  # how it wants to be asked is known now


def test_passing_faults_are_tried_again(server: Script) -> None:
    server.next.extend([429, 503])
    assert len(over(server).scores("Who?", TEXTS)) == 4
    assert len(server.requests) == 3


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (400, "answered 400"),
        (401, "refused the key"),
        (lambda body: {"results": [{"index": 0, "relevance_score": 1.0}]}, "each of 4 texts scored once"),
        (lambda body: {"results": [{"index": 0, "relevance_score": 1.0}] * 4}, "scored once"),
        (lambda body: {"results": [{"index": i, "relevance_score": "1"} for i in range(4)]}, "scored once"),
        (lambda body: {"results": [{"index": True, "relevance_score": None}, None, 1, []]}, "scored once"),
        (lambda body: {"results": None}, "scored once"),
        (lambda body: [], "scored once"),
        (lambda body: b"<html>busy</html>", "wanted each|no usable answer"),
    ],
)
def test_what_is_wrong_is_told(server: Script, step: Any, said: str) -> None:
    server.next.append(step)
    with pytest.raises(RerankerError, match=said):
        over(server, max_retries=0).scores("Who?", TEXTS)


def test_the_key_is_never_shown_and_a_search_goes_on(server: Script, tmp_path: Path) -> None:
    reranker = over(server, api_key="sk-very-secret", max_retries=0)
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder(), reranker=reranker) as memory:
        memory.add(TEXTS)
        assert memory.search("Anna", 4)[0].memory == "A bicycle."  # the shortest, as the server wants
        server.next.append((401, {"message": "wrong key sk-very-secret"}))
        found = memory.search("Anna", 4)
        assert "refused the key" in found.degraded[0]
        assert "very-secret" not in found.degraded[0] + repr(vars(reranker))


def test_providers_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COHERE_API_KEY", raising=False)
    with pytest.raises(RerankerError, match="set COHERE_API_KEY"):
        ServedReranker("rerank-v3.5", provider="cohere")
    monkeypatch.setenv("COHERE_API_KEY", "k")
    assert ServedReranker("rerank-v3.5", provider="cohere").name == "cohere/rerank-v3.5"
    for wrong in ({}, {"provider": "nobody"}, {"base_url": "http://x", "batch": 0}):
        with pytest.raises(RerankerError):
            ServedReranker("m", **wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="provider: wanted one of"):
        ServedReranker("m", provider=["x"])  # type: ignore[arg-type]


def test_by_settings(server: Script, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"reranker": {"kind": "server", "model": "tiny", "base_url": server.url}}
    config = TreeTextMemoryConfig(store=str(tmp_path / "m.db"), **settings)
    with TreeTextMemory(config, embedder=HashEmbedder()) as memory:
        memory.add(TEXTS)
        assert memory.search("Anna", 4)[0].memory == "A bicycle."
    for wrong, said in (
        ({"kind": "server", "model": "m"}, "needs a base_url"),
        ({"kind": "fastembed"}, "needs a model"),
        ({"kind": "jina"}, "needs a model"),
    ):
        with pytest.raises(ConfigError, match=said):
            TreeTextMemory(TreeTextMemoryConfig(store=str(tmp_path / "m.db"), reranker=wrong), embedder=HashEmbedder())  # type: ignore[arg-type]
    with pytest.raises(InvalidInputError, match="password or a key"):
        TreeTextMemoryConfig.of({"reranker": {"kind": "server", "model": "m", "base_url": "http://a:b@x"}})


@pytest.fixture
def of_fastembed(tmp_path: Path) -> Path:
    """A cross-encoder that scores a pair by the sum of its word pieces, with the carried model's tokenizer."""
    import onnx
    from onnx import TensorProto, helper

    folder = tmp_path / "cross"
    shutil.copytree(str(files("treemem.models") / "minilm"), folder, ignore=shutil.ignore_patterns("*.onnx"))
    signs = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    (folder / "config.json").write_text('{"pad_token_id": 0}')
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256, **signs}))
    (folder / "special_tokens_map.json").write_text(json.dumps(signs))
    inputs = [helper.make_tensor_value_info(n, TensorProto.INT64, ["b", "s"]) for n in ("input_ids", "attention_mask")]
    nodes = [
        helper.make_node("Cast", ["attention_mask"], ["mask"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["mask", "axes"], ["logits"], keepdims=1),
    ]
    out = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["b", 1])
    axes = helper.make_tensor("axes", TensorProto.INT64, [1], [1])
    graph = helper.make_graph(nodes, "sum", inputs, [out], [axes])
    (folder / "onnx").mkdir()
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), folder / "onnx/model.onnx"
    )
    return folder


def test_fastembed_reranks(of_fastembed: Path, tmp_path: Path) -> None:
    reranker = FastEmbedReranker("Xenova/ms-marco-MiniLM-L-6-v2", folder=of_fastembed, batch_size=2)
    scores = reranker.scores("Who?", TEXTS)
    assert sorted(scores) == [scores[i] for i in (2, 3, 1, 0)]  # the longer the text, the more
    assert reranker.name == "fastembed/Xenova/ms-marco-MiniLM-L-6-v2"
    with TreeTextMemory.open(tmp_path / "m.db", embedder=HashEmbedder(), reranker=reranker) as memory:
        memory.add(TEXTS)
        assert memory.search("Who sings?", 4)[0].memory == TEXTS[0]
    with pytest.raises(RerankerError, match="cannot be loaded"):
        FastEmbedReranker("no/such-model")


def _embedded(body: dict[str, Any]) -> dict[str, Any]:
    vectors = HashEmbedder().embed(body["input"])
    data = [{"object": "embedding", "index": i, "embedding": v.tolist()} for i, v in enumerate(vectors)]
    return {"object": "list", "model": body["model"], "data": data, "usage": {}}


def test_ollama_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(_embedded) as server:
        monkeypatch.setenv("TREEMEM_EMBEDDER_KIND", "ollama")
        monkeypatch.setenv("TREEMEM_EMBEDDER_MODEL", "tiny")
        monkeypatch.setenv("TREEMEM_EMBEDDER_BASE_URL", server.url.removesuffix("/v1"))
        with TreeTextMemory.open(tmp_path / "m.db") as memory:
            assert (memory.embedder.name, memory.embedder.dimension) == ("ollama/tiny", 48)
            memory.add(TEXTS)
            assert memory.search("Anna sings.", 1)[0].memory == "Anna sings."
        assert server.requests[0]["path"] == "/v1/embeddings"
        known = OllamaEmbedder("tiny", dimension=3, base_url=server.url)
        with pytest.raises(EmbedderError, match="wanted vectors of shape"):
            known.embed(["x"])
        server.next.append((404, {"error": {"message": 'model "tiny" not found, try pulling it first'}}))
        with pytest.raises(EmbedderError, match="try pulling it first"):
            OllamaEmbedder("tiny", base_url=server.url)


@pytest.mark.parametrize("data", [[], None, *([{"index": 0, "embedding": each}] for each in (None, [], "abc", ["a"]))])
def test_an_ollama_that_gives_no_vector_is_told(data: Any) -> None:
    with serving(lambda body: {"object": "list", "model": "tiny", "data": data, "usage": {}}) as server:
        with pytest.raises(EmbedderError, match="ollama/tiny"):
            OllamaEmbedder("tiny", base_url=server.url)
        with pytest.raises(EmbedderError, match="ollama/tiny"):
            OllamaEmbedder("tiny", dimension=3, base_url=server.url).embed(["x"])


@pytest.mark.parametrize("dimension", [0, -1, True, "3"])
def test_a_dimension_of_ollama_is_a_number(dimension: Any) -> None:
    with pytest.raises(ConfigError, match="dimension: wanted a number"):
        OllamaEmbedder("tiny", dimension=dimension)
