"""Long texts on both stores: what stands anywhere in them is found, and follows them wherever they go."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import neo4j
import numpy as np
import pytest

from tests.conftest import OpenMemory
from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from treemem import MiniLM, ModelMismatchError, SearchOptions, TreeTextMemory
from treemem.passages import MOST_PASSAGES

WORDS = (
    "meeting garden river station office window coffee music letter friend holiday train mountain book paper green "
    "slow early quiet kitchen market doctor tablet headache pain pharmacy evening walk rain budget season rehearsal"
).split()
FILLER = (
    "The committee discussed the budget for the coming season. ",
    "Rain delayed the second half of the rehearsal. ",
    "Several members asked about the parking rules. ",
    "A new printer was ordered for the office. ",
    "The choir will travel in two buses. ",
    "Someone left a green umbrella in the hall. ",
)
VECTORS = SearchOptions(text_limit=0, hops=0, walk_weight=0.0)
TEXTS = SearchOptions(vector_limit=0, hops=0, walk_weight=0.0)


class Shorter:
    """HashEmbedder's vectors, cut."""

    name = "test/shorter"
    dimension = 32

    def embed(self, texts: Sequence[str]) -> Any:
        return HashEmbedder().embed(texts)[:, :32]


def notes(count: int) -> list[str]:
    chosen = random.Random(6)
    pick = lambda: chosen.choice(WORDS)  # noqa: E731 (a word, four times a line)
    return [f"They found the {pick()} {pick()} near the {pick()} {pick()} {n}." for n in range(count)]


def long_text(said: str, words: int = 2_000) -> str:
    """Return some 2,000 words in sentences, one of which, in the middle, is what was said."""
    chosen = random.Random(7)
    sentences = [" ".join(chosen.choice(WORDS) for _ in range(12)).capitalize() + "." for _ in range(words // 12)]
    sentences[len(sentences) // 2] = said
    return " ".join(sentences)


LONG = long_text("Zed plays the harp.")


@pytest.mark.parametrize("count", [30, 1_000])
@pytest.mark.parametrize("asked", ["ibuprofen", "Should I take ibuprofen with food?"])
def test_the_only_message_that_says_a_word_is_the_first_hit(open_memory: OpenMemory, count: int, asked: str) -> None:
    memory = open_memory(embedder=MiniLM())
    memory.add(notes(count))
    said = "The doctor said that I should take ibuprofen with food."
    memory.add_messages([{"role": "user", "content": long_text(said)}])
    first = memory.search(asked)[0]
    assert said in first.memory
    assert first.passage is not None
    assert said in first.passage
    assert first.passage in first.memory
    assert len(first.passage) < 1_000


def test_a_fact_at_the_end_of_a_long_answer_is_found(open_memory: OpenMemory, backend: str) -> None:
    memory = open_memory(embedder=MiniLM())
    chosen = random.Random(5)
    short = ["Keys are cut at the station kiosk.", "The boat race is in June.", "My house has a blue door."]
    memory.add([*short, "The soup pot is on the stove.", *(f"Note {n}: {chosen.choice(FILLER)}" for n in range(26))])
    body = "".join(chosen.choice(FILLER) for _ in range(56))
    fact = "The spare key of the boat house is hidden under the blue flowerpot."
    memory.add_messages([{"role": "assistant", "content": body + fact}])
    hits = memory.search("Where is the spare key of the boat house hidden?")
    first = 3 if backend == "sqlite" else 5  # on a server, how rare a word is depends on what other cubes say
    assert fact in "".join(hit.memory for hit in hits[:first])


def test_a_short_text_has_no_passage(memory: TreeTextMemory) -> None:
    memory.add("Anna lives in Porto.")
    assert memory.search("Anna")[0].passage is None


@pytest.mark.parametrize("options", [VECTORS, TEXTS])
def test_passages_follow_their_text(open_memory: OpenMemory, options: SearchOptions) -> None:
    clock = FakeClock(day(0))
    memory = open_memory(embedder=MiniLM(), clock=clock)
    filler = "".join(FILLER) * 6
    lighthouse = "The harbour master keeps a red lighthouse. The lighthouse of the harbour shines at night. "
    memory.add(list(FILLER))
    memory.add({"id": "long", "memory": filler + lighthouse * 5, "valid_from": day(-9)})

    def found(**moment: Any) -> bool:
        return "long" in [hit.id for hit in memory.search("red lighthouse harbour", 1, options=options, **moment)]

    assert found()
    before = memory.search("harbour").known_at
    clock.time = day(2)
    memory.update("long", filler + "Nothing of it is said here. " * 10, at=day(1))
    assert not found()
    assert found(as_of=day(0))
    assert found(known_at=before)
    operation = memory.history("long")[-1].opened_by
    assert operation is not None
    memory.undo(operation.id)
    assert found()
    memory.delete("long")
    assert not found()
    memory.restore("long")
    assert found()
    assert memory.check() == []
    memory.purge("long")
    assert not found()
    assert not found(known_at=before)


def test_passages_go_with_dumps_and_between_models(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory(embedder=HashEmbedder())
    memory.add([{"id": "long", "memory": long_text("The harbour master keeps a red lighthouse.")}, *notes(5)])
    (before,) = memory.store.known(memory.cube_id, ["long"])
    folder = memory.dump(tmp_path / "kept")
    name = fresh_cube()
    other = memory.cube(name)
    other.load(folder)
    (loaded,) = other.store.known(name, ["long"])
    assert len(before.content.vectors) > 10
    assert loaded.content.vectors.tobytes() == before.content.vectors.tobytes()
    assert loaded.tokens == before.tokens
    assert other.search("red lighthouse", 1, options=VECTORS)[0].id == "long"
    with_model = open_memory(embedder=Shorter(), cube=name)
    assert with_model.reembed() == 6
    (changed,) = with_model.store.known(name, ["long"])
    assert changed.content.vectors.shape == (len(before.content.vectors), 32)
    assert with_model.search("red lighthouse", 1, options=VECTORS)[0].id == "long"
    assert with_model.check() == []


def test_nothing_of_a_passage_is_left_in_the_database(open_memory: OpenMemory, backend: str, location: str) -> None:
    memory = open_memory(embedder=HashEmbedder())
    memory.add({"id": "long", "memory": long_text("The harbour master keeps a red lighthouse.")})
    memory.purge("long")
    if backend == "neo4j":
        with neo4j.GraphDatabase.driver(location) as driver:
            left = driver.execute_query("MATCH (p:Passage {cube_id: $cube}) RETURN count(p) AS n", cube=memory.cube_id)
        assert left.records[0]["n"] == 0
    assert memory.store.counts(memory.cube_id)["states"] == 0


def test_a_text_has_a_bounded_number_of_passages(memory: TreeTextMemory) -> None:
    memory.add({"id": "huge", "memory": "All of it is said once more. " * 20_000})
    (state,) = memory.store.known(memory.cube_id, ["huge"])
    assert state.tokens.count("\n") == MOST_PASSAGES
    assert 0 < len(state.content.vectors) - 1 <= MOST_PASSAGES


@pytest.mark.parametrize("text", [" \n" * 2_000 + "zebra", "\n\n" * 3_000 + "zebra", "zebra" + "\u3000" * 3_000 + "."])
def test_white_space_makes_no_passage(memory: TreeTextMemory, text: str) -> None:
    memory.add({"id": "blank", "memory": text})
    (state,) = memory.store.known(memory.cube_id, ["blank"])
    assert all(state.tokens.split("\n"))
    assert memory.search("zebra", 1)[0].id == "blank"
    assert memory.check() == []


def test_long_texts_of_others_do_not_hide_ours(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=HashEmbedder())
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    huge = "The zebra stands still in the shade of the tree. " * 3_400
    for n in range(3):
        ann.add({"id": f"a{n}", "memory": huge + f"{n}", "visibility": "private"})
    ours = bob.add(["A zebra ran.", "The zebra ate."], visibility="private")
    found = bob.search("zebra", options=SearchOptions(hops=0, vector_limit=0))
    assert {hit.id for hit in found} == set(ours)


def test_notes_are_found_beside_long_texts(open_memory: OpenMemory) -> None:
    memory = open_memory(embedder=HashEmbedder())
    huge = "The zebra stands still in the shade of the tree. " * 3_400
    memory.add([{"id": f"long{n}", "memory": huge + f"{n}"} for n in range(3)])
    memory.add([{"id": f"note{n}", "memory": f"Zebra number {n} ran away."} for n in range(12)])
    found = memory.search("zebra", 15, options=SearchOptions(hops=0, vector_limit=0))
    assert len(found) == 15


def test_a_long_background_or_key_is_not_repeated_by_every_passage(memory: TreeTextMemory) -> None:
    text = "All of it is said once more. " * 6_000
    memory.add({"id": "a", "memory": text, "background": "before " * 20_000, "key": "title " * 20_000})
    (state,) = memory.store.known(memory.cube_id, ["a"])
    assert len(state.tokens) < 800_000
    assert memory.check() == []


def test_keywords_beside_a_heavy_arm(memory: TreeTextMemory) -> None:
    memory.add("The zebra ran.")
    assert memory.search("zebra", options=SearchOptions(text_weight=1e6))


def test_what_an_earlier_version_stored_is_indexed_anew(
    open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory, given = open_memory(), np.eye(1, HashEmbedder().dimension, dtype=np.float32)[0]
    with monkeypatch.context() as earlier:
        earlier.setattr("treemem.contents.passages_of", lambda text: [])
        memory.add({"id": "long", "memory": LONG, "key": "Ledger"})
        memory.add({"id": "given", "memory": LONG, "embedding": given.tolist()})
        memory.update("long", LONG + " The end.")
        memory.add({"id": "short", "memory": "A short note."})
    before = [list(memory.history(i)) for i in ("long", "given", "short")]
    seen: list[tuple[int, int]] = []
    states = memory.stats().states
    assert memory.reindex(progress=lambda n, total: seen.append((n, total))) == states - 1
    assert seen[-1] == (states, states)
    assert [list(memory.history(i)) for i in ("long", "given", "short")] == before
    fresh = open_memory(cube=fresh_cube())
    fresh.add({"id": "long", "memory": LONG, "key": "Ledger"})
    fresh.update("long", LONG + " The end.")
    (renewed,), (made,) = (m.store.known(m.cube_id, ["long"])[-1:] for m in (memory, fresh))
    assert renewed.tokens == made.tokens
    assert np.allclose(renewed.content.vectors, made.content.vectors)
    (own,) = memory.store.known(memory.cube_id, ["given"])
    assert np.allclose(own.content.vectors[0], given)
    assert len(own.content.vectors) > 1
    assert memory.reindex() == 0
    assert memory.check() == []
    with pytest.raises(ModelMismatchError, match="reembed"):
        open_memory(embedder=Shorter()).reindex()


def test_a_change_while_it_is_indexed_anew_is_kept(open_memory: OpenMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = open_memory()
    with monkeypatch.context() as earlier:
        earlier.setattr("treemem.contents.passages_of", lambda text: [])
        memory.add([{"id": f"m{n}", "memory": f"{n}. {LONG}"} for n in range(3)])
    store, purge = memory.store, type(memory.store).purge
    calls: list[int] = []

    def beside(self: object, *args: object) -> object:
        calls.append(1)
        if len(calls) == 1:
            memory.update("m1", "Changed meanwhile.")
        return purge(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(type(store), "purge", beside)
    memory.reindex()
    assert len(calls) == 2
    assert memory.get("m1").memory == "Changed meanwhile."
    assert memory.reindex() == 0
    assert memory.check() == []
