"""The embedders, a cube's loyalty to its model, and how to change it."""

from __future__ import annotations

import json
import os
import shutil
import threading
import warnings
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder
from tests.openai_server import Script, serving
from treemem import (
    CallableEmbedder,
    EmbedderError,
    FastEmbedEmbedder,
    MiniLM,
    ModelMismatchError,
    OpenAIEmbedder,
    SentenceTransformersEmbedder,
    TreeTextMemory,
)


def embeddings(body: dict[str, Any]) -> dict[str, Any]:
    vectors = HashEmbedder().embed(body["input"])
    data = [{"object": "embedding", "index": i, "embedding": v.tolist()} for i, v in enumerate(vectors)]
    return {"object": "list", "model": body["model"], "data": data[::-1], "usage": {}}


@pytest.fixture
def server() -> Iterator[Script]:
    with serving(embeddings) as script:
        yield script


def over(server: Script, **options: Any) -> OpenAIEmbedder:
    settings: dict[str, Any] = {"dimension": 48, "base_url": server.url, "api_key": "sk-test", "timeout": 5.0}
    return OpenAIEmbedder("tiny", **(settings | options))


def test_openai_embeds_in_batches_and_in_order(server: Script) -> None:
    texts = [f"text {i}" for i in range(7)]
    made = over(server, batch_size=3).embed(texts)
    assert [len(r["input"]) for r in server.requests] == [3, 3, 1]
    assert np.allclose(made, HashEmbedder().embed(texts), atol=1e-6)
    assert made.dtype == np.float32
    assert server.headers[0]["authorization"] == "Bearer sk-test"
    assert over(server).embed([]).shape == (0, 48)


@pytest.mark.parametrize("faults", [[429], [500, 503], [429, 429, 502]])
def test_openai_tries_again(server: Script, faults: list[int]) -> None:
    server.next.extend(faults)
    assert over(server).embed(["a"]).shape == (1, 48)
    assert len(server.requests) == len(faults) + 1


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (400, "answered 400"),
        (401, "refused the key"),
        (lambda body: {"object": "list", "data": [], "model": "m"}, "wanted"),
        (lambda body: {"data": [{"index": 0, "embedding": [1.0, 2.0]}], "model": "m"}, "wanted vectors of shape"),
        (lambda body: {"data": [{"index": 0, "embedding": [None] * 48}], "model": "m"}, "NaN"),
        (lambda body: b"<html>busy</html>", "no usable answer"),
    ],
)
def test_openai_says_what_is_wrong(server: Script, step: Any, said: str) -> None:
    server.next.append(step)
    with pytest.raises(EmbedderError, match=said):
        over(server).embed(["a"])


def test_openai_gives_up_in_time_and_nothing_is_stored(server: Script, tmp_path: Path) -> None:
    server.next.extend([2.0] * 3)
    with TreeTextMemory.open(tmp_path / "m.db", embedder=over(server, timeout=0.2, max_retries=1)) as memory:
        with pytest.raises(EmbedderError, match="no answer in time"):
            memory.add("never stored")
        assert memory.stats().memories == 0
        server.next.clear()
        memory.add("stored")
        assert memory.search("stored")[0].memory == "stored"


def test_the_key_is_never_shown(server: Script) -> None:
    embedder = over(server, api_key="sk-very-secret")
    server.next.append(401)
    with pytest.raises(EmbedderError) as error:
        embedder.embed(["a"])
    assert "very-secret" not in str(error.value) + repr(embedder) + repr(vars(embedder))


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A sentence-transformers model of one layer, built here, whichever test asks for it first."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old names that both versions of the package have
        return _built(tmp_path_factory)


def _built(tmp_path_factory: pytest.TempPathFactory) -> str:
    try:
        from sentence_transformers import SentenceTransformer, models
        from transformers import BertConfig, BertModel, BertTokenizerFast
    except ImportError:
        if os.environ.get("TREEMEM_REQUIRE_EXTRAS") == "1":
            raise
        pytest.skip("sentence-transformers is not installed")
    folder = tmp_path_factory.mktemp("tiny")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "tea", "coffee", "anna", "likes", "a", "b"]
    (folder / "vocab.txt").write_text("\n".join(words))
    BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder / "bert")
    config = BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    BertModel(config).save_pretrained(folder / "bert")
    transformer = models.Transformer(str(folder / "bert"))
    SentenceTransformer(
        modules=[transformer, models.Pooling(transformer.get_word_embedding_dimension())], device="cpu"
    ).save(str(folder / "model"))
    return str(folder / "model")


@pytest.mark.filterwarnings("ignore")
def test_sentence_transformers(tiny: str, tmp_path: Path) -> None:
    embedder = SentenceTransformersEmbedder(tiny, name="tiny", device="cpu")
    made = embedder.embed(["anna likes tea", "coffee"])
    assert made.shape == (2, 16)
    assert np.allclose(np.linalg.norm(made, axis=1), 1, atol=1e-5)
    assert embedder.name == "sentence-transformers/tiny"
    with TreeTextMemory.open(tmp_path / "m.db", embedder=embedder) as memory:
        memory.add(["anna likes tea", "coffee"])
        found = {hit.memory: hit.similarity for hit in memory.search("coffee")}
        assert found["coffee"] == pytest.approx(1.0, abs=1e-4)


class Prompted:
    """A model as sentence-transformers 6 has it: the old name warns, questions and texts have prompts of their own."""

    def __init__(self, prompts: dict[str, str]) -> None:
        self.prompts = prompts
        self.seen: list[str] = []

    def get_embedding_dimension(self) -> int:
        return 4

    def get_sentence_embedding_dimension(self) -> int:
        warnings.warn("renamed to get_embedding_dimension", FutureWarning, stacklevel=2)
        return 4

    def encode(self, texts: list[str], prompt: str | None = None, prompt_name: str | None = None, **_: Any) -> Any:
        before = prompt if prompt is not None else self.prompts.get(prompt_name or "", "")
        self.seen += [before + text for text in texts]
        return np.array([[len(text), 1, text.count("a"), 1] for text in texts], dtype=np.float32)

    def encode_query(self, texts: list[str], prompt: str | None = None, **options: Any) -> Any:
        return self.encode(texts, prompt, "query", **options)

    def encode_document(self, texts: list[str], prompt: str | None = None, **options: Any) -> Any:
        return self.encode(texts, prompt, "document" if "document" in self.prompts else "passage", **options)


class Older:
    """A model as sentence-transformers 3 and 4 have it: one method, prompts by name."""

    def __init__(self, prompts: dict[str, str]) -> None:
        self.model = Prompted(prompts)
        self.prompts, self.encode, self.seen = prompts, self.model.encode, self.model.seen

    def get_sentence_embedding_dimension(self) -> int:
        return 4


@pytest.mark.parametrize("kind", [Prompted, Older])
@pytest.mark.parametrize(
    ("prompts", "options", "seen", "suffix"),
    [
        ({"query": "query: ", "document": "passage: "}, {}, ["passage: Anna sings.", "query: Who sings?"], "+prompt"),
        ({"query": "q: ", "passage": "p: "}, {}, ["p: Anna sings.", "q: Who sings?"], "+prompt"),
        ({"query": "q: "}, {}, ["Anna sings.", "q: Who sings?"], ""),
        ({"query": "", "document": ""}, {}, ["Anna sings.", "Who sings?"], ""),
        ({}, {}, ["Anna sings.", "Who sings?"], ""),
        ({}, {"query_prompt": "Q ", "text_prompt": "T "}, ["T Anna sings.", "Q Who sings?"], "+prompt"),
        ({"query": "q: ", "document": "p: "}, {"text_prompt": ""}, ["Anna sings.", "q: Who sings?"], ""),
    ],
)
def test_questions_and_texts_get_their_own_prompts(
    tmp_path: Path, kind: Any, prompts: dict[str, str], options: dict[str, str], seen: list[str], suffix: str
) -> None:
    model = kind(prompts)
    embedder = SentenceTransformersEmbedder(model, name="e5", **options)
    assert embedder.name == "sentence-transformers/e5" + suffix
    with TreeTextMemory.open(tmp_path / "m.db", embedder=embedder) as memory:
        memory.add("Anna sings.")
        memory.search("Who sings?")
    assert model.seen == seen


def test_a_real_model_with_prompts(tiny: str, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(tiny, device="cpu")
    model.prompts = {"query": "coffee ", "document": "b b "}
    embedder = SentenceTransformersEmbedder(model, name="tiny")
    plain = SentenceTransformersEmbedder(SentenceTransformer(tiny, device="cpu"), name="tiny")
    assert np.allclose(embedder.embed(["anna"]), plain.embed(["b b anna"]), atol=1e-5)
    assert np.allclose(embedder.embed_questions(["anna"]), plain.embed_questions(["coffee anna"]), atol=1e-5)
    assert not np.allclose(embedder.embed(["anna"]), embedder.embed_questions(["anna"]), atol=1e-3)


@pytest.fixture
def of_fastembed(tmp_path: Path) -> Path:
    """The carried model as fastembed wants it: its files beside what transformers says of the tokenizer."""
    folder = tmp_path / "minilm"
    shutil.copytree(str(files("treemem.models") / "minilm"), folder)
    signs = {"unk_token": "[UNK]", "sep_token": "[SEP]", "pad_token": "[PAD]", "cls_token": "[CLS]"}
    (folder / "config.json").write_text('{"pad_token_id": 0}')
    (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 256, **signs}))
    (folder / "special_tokens_map.json").write_text(json.dumps(signs))
    return folder


def test_fastembed(of_fastembed: Path, tmp_path: Path) -> None:
    model = FastEmbedEmbedder("sentence-transformers/all-MiniLM-L6-v2", folder=of_fastembed, batch_size=2)
    texts = ["Anna lives in Porto.", "The soup was cold.", "A bicycle.", ""]
    assert model.name == "fastembed/sentence-transformers/all-MiniLM-L6-v2"
    assert (model.embed(texts).shape, model.embed([]).shape) == ((4, 384), (0, 384))
    assert (
        (model.embed(texts) * MiniLM().embed(texts)).sum(axis=1) > 0.95
    ).all()  # eight bits: what is in a batch counts
    assert np.allclose(model.embed_questions(texts), model.embed(texts), atol=1e-5)  # it has no prompts
    with TreeTextMemory.open(tmp_path / "m.db", embedder=model) as memory:
        memory.add(texts[:3])
        assert memory.search("Where does Anna live?")[0].memory == texts[0]
    with pytest.raises(EmbedderError, match=r"^no/such-model: cannot be loaded \("):
        FastEmbedEmbedder("no/such-model")
    with pytest.raises(EmbedderError, match="needs a name"):
        FastEmbedEmbedder(object())


@pytest.mark.filterwarnings("ignore")
def test_a_model_that_cannot_be_loaded_is_told(tmp_path: Path) -> None:
    pytest.importorskip("sentence_transformers")
    (tmp_path / "empty").mkdir()
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        SentenceTransformersEmbedder(tmp_path / "empty")


def test_a_model_of_a_users_own_may_tell_questions_from_texts(open_memory: OpenMemory) -> None:
    asked: list[str] = []

    class Two(HashEmbedder):
        def embed_questions(self, texts: Any) -> Any:
            asked.extend(texts)
            return self.embed(texts)

    memory = open_memory(embedder=Two())
    memory.add("Anna sings.", at="2025-01-01")
    memory.add("I moved to Porto.", at="2025-03-01")
    memory.search("What did Anna do before I moved to Porto?")
    assert asked[0] == "What did Anna do before I moved to Porto?"
    assert "Anna sings." not in asked


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": {"message": "model 'tiny' not found"}}, "model 'tiny' not found"),
        ({"detail": "too long"}, "too long"),
    ],
)
def test_the_embedding_server_is_quoted(server: Script, body: Any, said: str) -> None:
    server.next.append((404, body))
    with pytest.raises(EmbedderError, match=said):
        over(server).embed(["a"])


def test_any_callable() -> None:
    embedder = CallableEmbedder(lambda texts: [[3.0, 4.0] for _ in texts], name="two", dimension=2)
    assert np.allclose(embedder.embed(["a"]), [[0.6, 0.8]])
    wrong = CallableEmbedder(lambda texts: [[0.0, 0.0]], name="zero", dimension=2)
    with pytest.raises(EmbedderError, match="length zero"):
        wrong.embed(["a"])


@pytest.mark.parametrize(
    "name", ["a\nb", "a\x00b", "a\x1b[2J", "a\u200bb", "a\u2028b", "\u202eb", "\ud800", "x" * 1_001]
)
def test_a_name_that_no_archive_takes_is_refused_at_open(tmp_path: Path, name: str) -> None:
    embedder = CallableEmbedder(lambda texts: [[3.0, 4.0] for _ in texts], name=name, dimension=2)
    with pytest.raises(EmbedderError, match="name: wanted at most 1000 characters"):
        TreeTextMemory.open(tmp_path / "m.db", embedder=embedder)
    assert list(tmp_path.iterdir()) == []


def test_what_can_be_opened_can_be_dumped_and_loaded(open_memory: OpenMemory, tmp_path: Path) -> None:
    embedder = CallableEmbedder(lambda texts: [[3.0, 4.0] for _ in texts], name="模型 " + "x" * 997, dimension=2)
    memory = open_memory(embedder=embedder)
    memory.add("x")
    assert memory.cube(memory.cube_id + "-again").load(memory.dump(tmp_path / "dump")) > 0
    for dimension in (1_000_001, 1 << 70):
        large = CallableEmbedder(lambda texts: [], name="large", dimension=dimension)
        with pytest.raises(EmbedderError, match="dimension: wanted at most 1000000"):
            open_memory(embedder=large)


def other_model(dimension: int = 24, fail_after: int | None = None) -> CallableEmbedder:
    calls = 0

    def embed(texts: list[str]) -> Any:
        nonlocal calls
        calls += 1
        if fail_after is not None and calls > fail_after:
            raise EmbedderError("the model went away")
        return HashEmbedder().embed(texts)[:, :dimension]

    return CallableEmbedder(embed, name=f"other/{dimension}", dimension=dimension)


@pytest.mark.parametrize("dimension", [24, 48])
def test_reembed_resumes_and_search_goes_on(open_memory: OpenMemory, location: str, dimension: int) -> None:
    memory = open_memory()
    memory.add([f"note number {i} on tea" for i in range(600)])
    (home,) = memory.add("Anna lives in Porto.", at="2025-01-01")
    memory.update(home, "Anna lives in Ghent.", at="2025-06-01")
    known_then = memory.stats().clock
    with TreeTextMemory.open(location, cube=memory.cube_id, embedder=other_model(dimension, fail_after=3)) as broken:
        with pytest.raises(ModelMismatchError, match=r"reembed\(\)"):
            broken.search("tea")
        with pytest.raises(ModelMismatchError):
            broken.add("refused")
        with pytest.raises(EmbedderError, match="went away"):
            broken.reembed()
    assert memory.search("Anna lives")[0].memory == "Anna lives in Ghent."  # with the old model, half way
    memory.add("written meanwhile")
    seen: list[int] = []
    with TreeTextMemory.open(location, cube=memory.cube_id, embedder=other_model(dimension)) as changed:
        done = changed.reembed(progress=lambda n, total: seen.append(n))
        assert 0 < done < 603, "what was done before the fault is not done again"
        assert seen[-1] == done
        assert changed.search("Anna lives")[0].memory == "Anna lives in Ghent."
        assert changed.search("Anna lives", as_of="2025-03-01")[0].memory == "Anna lives in Porto."
        assert changed.search("Anna lives", known_at=known_then)[0].similarity is not None
        assert changed.search("written meanwhile")[0].memory == "written meanwhile"
        assert len(changed.get(home).metadata.embedding or []) == dimension
        assert changed.operations()[0].kind == "reembed"
        assert changed.check() == []
        assert changed.reembed() == 0
    with pytest.raises(ModelMismatchError, match="other/"):
        memory.search("tea")


def test_the_carried_model_is_used_by_many_threads() -> None:
    model = MiniLM()
    wanted = model.embed(["tea", "a longer text about coffee"])
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(model.embed(["tea", "a longer text about coffee"])))] * 1
    threads += [threading.Thread(target=lambda: found.append(model.embed(["tea", "a longer text about coffee"])))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(each, wanted, atol=1e-5) for each in found)
