"""`like`: what matches, the same in Python and in the embedded store, and never slow."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import HashEmbedder
from treemem import SearchOptions, TreeTextMemory
from treemem.filters.like import like

PATTERNS = st.text(alphabet="ab%_\n.*😀", max_size=12)
TEXTS = st.text(alphabet="ab\n.*😀", max_size=14)


@given(pattern=PATTERNS, text=TEXTS)
def test_it_is_the_regular_expression_that_it_stands_for(pattern: str, text: str) -> None:
    parts = {"%": ".*", "_": "."}
    told = "".join(parts.get(c) or re.escape(c) for c in pattern)
    assert like(pattern, text) == (re.fullmatch(told, text, re.DOTALL) is not None)


@pytest.mark.parametrize(
    ("pattern", "text", "wanted"),
    [
        ("", "", True),
        ("", "a", False),
        ("%", "", True),
        ("%%", "a\nb", True),
        ("_", "😀", True),
        ("_", "", False),
        ("a%a", "a", False),
        ("a%a", "aa", True),
        ("A%", "abc", False),
        ("%[*]?%", "x[*]?y", True),
        ("%a_c%", "abbc abc", True),
        ("%_b%b", "ab", False),
        ("%_", "", False),
        ("%__%_", "abc", True),
        ("%__%_", "ab", False),
    ],
)
def test_examples(pattern: str, text: str, wanted: bool) -> None:
    assert like(pattern, text) is wanted


def test_what_is_no_text_never_matches() -> None:
    assert like("%", None) is False
    assert like("1", 1) is False  # type: ignore[arg-type]


SLOW = {
    "runs": ("%a" * 12 + "%b", "a" * 5_000),
    "many runs": ("%a" * 400 + "%b", "a" * 50_000),
    "single characters": ("%" + "a_" * 500 + "b%", "a" * 50_000),
    "runs of them": ("%_a" * 200 + "%b", "a" * 50_000),
    "only single ones": ("%" + "_" * 5_000 + "%", "a" * 4_999),
    "a long piece": ("%" + "a" * 5_000 + "b%", "a" * 200_000),
    "nearly alike": ("%" + "ab" * 2_000 + "b%", "ab" * 50_000),
    "percent signs": ("%" * 50_000 + "b", "a" * 50_000),
}


@pytest.mark.parametrize("kind", SLOW)
def test_no_pattern_is_slow(kind: str) -> None:
    pattern, text = SLOW[kind]
    started = time.process_time()
    assert like(pattern, text) is False
    assert time.process_time() - started < 1


def test_the_store_and_the_walk_test_it_alike_and_fast(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder(), record_usage=False) as memory:
        memory.add([{"id": "seed", "memory": "tea a a a a a b"}, {"id": "long", "memory": "a" * 5_000}])
        memory.link("seed", "RELATES_TO", "long")
        slow = {"memory": {"like": "%a" * 12 + "%b"}}
        started = time.process_time()
        assert [item.id for page in memory.pages(filter=slow) for item in page.items] == []
        few = SearchOptions(vector_limit=1, text_limit=1)
        assert [hit.id for hit in memory.search("tea", filter=slow, options=few)] == []
        assert [hit.id for hit in memory.search("tea", filter={"memory": {"like": "%a%a%a%b"}})] == ["seed"]
        assert time.process_time() - started < 2


def test_a_negative_zero_is_no_less_than_zero(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "a.db", embedder=HashEmbedder()) as memory:
        memory.add([{"id": "zero", "memory": "a"}], info={"x": -0.0})
        memory.add([{"id": "less", "memory": "b"}], info={"x": -0.5})
        wanted = {"lt": ["less"], "lte": ["less", "zero"], "gte": ["zero"], "gt": []}
        for op, ids in wanted.items():
            tests = {"info.x": {op: 0}}
            assert sorted(item.id for page in memory.pages(filter=tests) for item in page.items) == ids
            assert sorted(hit.id for hit in memory.search("a b", filter=tests)) == ids
        assert [item.id for page in memory.pages(filter={"info.x": 0}) for item in page.items] == ["zero"]
