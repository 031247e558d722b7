"""Bad input on both stores: a clear error, nothing half-written, `check` clean."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import OpenMemory
from tests.helpers import DIMENSION, HashEmbedder, day, fresh_cube
from treemem import (
    InvalidChangeError,
    InvalidInputError,
    MemoryExistsError,
    MemoryNotFoundError,
    StoreFullError,
    StoreUnavailableError,
    TreememError,
    TreeTextMemory,
)

SYNTAX = [
    "'; DROP TABLE state; --",
    '"}) DETACH DELETE n //',
    "x' OR '1'='1",
    "+scope:* -tokens:(a OR b) AND NOT c~2^9",
    'NEAR("a" "b", 5) * "unclosed',
    "${jndi:ldap://x} {{7*7}} \\",
    "`backticks` $parameter :Label",
]


@pytest.fixture
def full(memory: TreeTextMemory) -> Iterator[TreeTextMemory]:
    """A memory with content that must be the same, and sound, after the test."""
    memory.add([{"id": "kept", "memory": "Anna lives in Porto."}, {"id": "other", "memory": "Ben sings."}], at=day(0))
    memory.link("kept", "PARENT", "other", at=day(0))
    before, stats = memory.content_hash(), memory.stats()
    yield memory
    assert memory.content_hash() == before
    assert memory.stats() == stats, "no operation, no clock moved"
    assert memory.check() == []


Call = Callable[[TreeTextMemory], Any]
REFUSED: dict[str, tuple[Call, type[TreememError], str]] = {
    "empty text": (lambda m: m.add(""), InvalidInputError, "nothing but white space"),
    "no text": (lambda m: m.add({"metadata": {}}), InvalidInputError, "memory: required"),
    "over 1 MB": (lambda m: m.add("a" * 1_000_001), InvalidInputError, "Split the text"),
    "NUL": (lambda m: m.add("a\x00b"), InvalidInputError, "NUL"),
    "NUL in info": (lambda m: m.add("a", info={"note": "\x00"}), InvalidInputError, "NUL"),
    "lone surrogate": (lambda m: m.add("a\ud800"), InvalidInputError, "surrogate"),
    "surrogate question": (lambda m: m.search("a\udfff"), InvalidInputError, "surrogate"),
    "a number": (lambda m: m.add(5), InvalidInputError, "wanted memories"),
    "a list in a list": (lambda m: m.add([["x"]]), InvalidInputError, "wanted a string, a dict"),
    "bad cube": (lambda m: m.cube("no spaces"), InvalidInputError, "cube: wanted"),
    "wrong dimension": (lambda m: m.add({"memory": "a", "metadata": {"embedding": [1.0] * 7}}), InvalidInputError, "7"),
    "NaN vector": (
        lambda m: m.add({"memory": "a", "metadata": {"embedding": [float("nan")] * DIMENSION}}),
        InvalidInputError,
        "NaN",
    ),
    "zero vector": (
        lambda m: m.add({"memory": "a", "metadata": {"embedding": [0.0] * DIMENSION}}),
        InvalidInputError,
        "length zero",
    ),
    "text for a vector": (lambda m: m.add({"memory": "a", "metadata": {"embedding": "x"}}), InvalidInputError, "list"),
    "absurd time": (lambda m: m.add("a", at="yesterday-ish"), InvalidInputError, "no time"),
    "the end of time": (lambda m: m.add("a", at="9999-12-31T23:59:59.999999Z"), InvalidInputError, "leave the end out"),
    "a year too many": (lambda m: m.add("a", at=10**22), InvalidInputError, "outside the years"),
    "inverted": (lambda m: m.add("a", at=day(2), until=day(1)), InvalidInputError, "empty or inverted"),
    "id twice": (
        lambda m: m.add([{"id": "d", "memory": "one"}, {"id": "d", "memory": "two"}]),
        InvalidInputError,
        "twice in one call",
    ),
    "id taken": (lambda m: m.add({"id": "kept", "memory": "something else"}), MemoryExistsError, "update()"),
    "bad id": (lambda m: m.add({"id": "a b", "memory": "x"}), InvalidInputError, "id: wanted"),
    "id as Cypher": (lambda m: m.get("x'}) DETACH DELETE n //"), InvalidInputError, "id: wanted"),
    "cycle": (lambda m: m.link("other", "PARENT", "kept", at=day(0)), InvalidChangeError, "ancestor"),
    "itself": (lambda m: m.link("kept", "CAUSES", "kept"), InvalidChangeError, "itself"),
    "missing end": (lambda m: m.link("kept", "CAUSES", "nobody"), InvalidChangeError, "there is no memory"),
    "unknown type": (lambda m: m.link("kept", "knows", "other"), InvalidInputError, "wanted one of PARENT"),
    "type as Cypher": (lambda m: m.link("kept", "A|B]->() //", "other"), InvalidInputError, "wanted one of"),
    "weight": (lambda m: m.link("kept", "CAUSES", "other", weight=-1), InvalidInputError, "weight"),
    "unknown memory": (lambda m: m.update("nobody", "x"), MemoryNotFoundError, "add() makes one"),
    "nothing to update": (lambda m: m.update("kept"), InvalidInputError, "give a new text"),
    "bad status": (lambda m: m.update("kept", status="lost"), InvalidInputError, "status"),
    "confidence": (lambda m: m.update("kept", confidence=101), InvalidInputError, "confidence"),
    "info is no JSON": (lambda m: m.add("a", info={"note": object()}), InvalidInputError, "no JSON value"),
    "huge number": (lambda m: m.add("a", info={"note": 2**70}), InvalidInputError, "64 bits"),
    "top_k 0": (lambda m: m.search("a", 0), InvalidInputError, "top_k: wanted 1"),
    "top_k negative": (lambda m: m.search("a", -3), InvalidInputError, "top_k"),
    "top_k 10,000": (lambda m: m.search("a", 10_000), InvalidInputError, "top_k"),
    "top_k True": (lambda m: m.search("a", True), InvalidInputError, "top_k"),
    "known_at later": (
        lambda m: m.get("kept", known_at="2999-01-01"),
        InvalidInputError,
        "after the cube's last change",
    ),
    "known_at later, search": (lambda m: m.search("a", known_at="2999-01-01"), InvalidInputError, "last change"),
    "empty question": (lambda m: m.search("  "), InvalidInputError, "query"),
    "cursor": (lambda m: list(m.pages(cursor="1,2")), InvalidInputError, "did not come from a page"),
    "page size": (lambda m: list(m.pages(limit=0)), InvalidInputError, "limit"),
    "a message without content": (lambda m: m.add_messages([{"role": "user"}]), InvalidInputError, "content"),
    "the third message": (
        lambda m: m.add_messages([{"content": "a"}, {"content": "b"}, {"content": 3}]),
        InvalidInputError,
        "messages[2].content",
    ),
    "a role": (lambda m: m.add_messages([{"role": "boss", "content": "a"}]), InvalidInputError, "role"),
    "the last of many": (lambda m: m.add([*(f"note {i}" for i in range(20)), ""]), InvalidInputError, "white space"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_anything_is_written(full: TreeTextMemory, name: str) -> None:
    call, error, said = REFUSED[name]
    with pytest.raises(error) as raised:
        call(full)
    assert said in str(raised.value)


def test_a_second_parent_is_refused(memory: TreeTextMemory) -> None:
    memory.add([{"id": i, "memory": f"about {i}"} for i in "abc"])
    memory.link("a", "PARENT", "c")
    with pytest.raises(InvalidChangeError, match="already has the parent a"):
        memory.link("b", "PARENT", "c")
    assert memory.check() == []


@pytest.mark.parametrize("text", SYNTAX)
def test_syntax_is_just_text(memory: TreeTextMemory, text: str) -> None:
    (other,) = memory.add("Anna lives in Porto.")
    (odd,) = memory.add({"memory": text, "metadata": {"key": text, "tags": [text], "info": {text: text}}})
    assert memory.get(odd).memory == text
    assert memory.get(odd).metadata.info == {text: text}
    assert odd in {hit.id for hit in memory.search(text)}
    assert [h.id for h in memory.search("Anna", filter={"info." + text: text})] == [odd]
    assert [h.id for h in memory.search("Anna", filter={"key": {"contains": text}})] == [odd]
    memory.update(odd, text + " again", reason=text, actor=text)
    assert memory.operations()[0].reason == text
    assert memory.get(other).memory == "Anna lives in Porto."
    assert memory.check() == []


@pytest.mark.slow
def test_large_but_allowed(memory: TreeTextMemory) -> None:
    text = ("word " * 200_000)[:999_999] + "x"
    (big,) = memory.add(text)
    assert memory.get(big).memory == text
    assert memory.search("word")[0].id == big
    assert len(memory.search("question " * 1_200)) == 1
    for odd in ("?", "...", "the of and", "😀", "好"):
        memory.search(odd)
    assert memory.check() == []


def test_reads_of_what_never_was(memory: TreeTextMemory) -> None:
    assert list(memory.cube(fresh_cube("never")).search("anything")) == []
    memory.add("Anna lives in Porto.", at=day(0))
    assert list(memory.search("Anna", as_of="0001-01-01")) == []
    assert memory.get_by_ids(["nobody"]) == []


def test_the_store_goes_away_in_the_middle(open_memory: OpenMemory) -> None:
    memory = open_memory()
    memory.add("before")
    memory.close()
    for call in (lambda: memory.add("after"), lambda: memory.search("x"), memory.stats):
        with pytest.raises(StoreUnavailableError, match="closed; open it again"):
            call()
    again = open_memory()
    assert [i.memory for page in again.pages() for i in page.items] == ["before"]


def test_a_full_disk(tmp_path: Path) -> None:
    """On a tmpfs of two megabytes: the error says so, and what was acknowledged is there."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a tmpfs")
    try:
        memory = TreeTextMemory.open(place / "m.db", embedder=HashEmbedder())
        done = 0
        with pytest.raises(StoreFullError, match="no space left"):  # noqa: PT012 (which of them fills it is open)
            for _ in range(200):
                memory.add([f"note {done + i} with some more text to fill the disk" for i in range(50)])
                done += 50
        memory.close()
        shutil.copytree(place, tmp_path / "copy")
        with TreeTextMemory.open(tmp_path / "copy" / "m.db", embedder=HashEmbedder()) as again:
            assert again.stats().memories == done > 0
            assert again.check() == []
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_vectors_of_an_embedder_that_lies(open_memory: OpenMemory) -> None:
    class Liar(HashEmbedder):
        def embed(self, texts: Any) -> Any:
            return np.full((len(texts), DIMENSION), np.inf, dtype=np.float32)

    memory = open_memory(embedder=Liar())
    for call in (lambda: memory.add("x"), lambda: memory.search("x")):
        with pytest.raises(TreememError, match="NaN or infinity"):
            call()
    assert memory.stats().memories == 0
