"""Rare terms by their form."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers import HashEmbedder
from treemem import SearchOptions, TreeTextMemory
from treemem.ingest.terms import _HINT, _TERM, LONGEST_PHRASE, MOST, terms_in
from treemem.text import words


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("The job calls load_rows in src/app.py.", ["load_rows", "src/app.py"]),
        ('I read "Charlotte\'s Web" and “The Dispossessed” twice.', ["Charlotte's Web", "The Dispossessed"]),
        ("Ticket TC-4471 is about eu-west-1, not v2.3.", ["TC-4471", "eu-west-1", "v2.3"]),
        ("Run `make all` with maxRetries, see #tidying and ask @ines.", ["make all", "maxRetries", "tidying", "ines"]),
        ("我在读《三体》，《三体》很好。", ["三体"]),
        ("See deploy.sh. It works.", ["deploy.sh"]),
        ("e.g. at 9 a.m. i.e. early, 3.14 or 10-12, well-known.", []),
        ("Ended here.Then it went on, and/or so.", []),
        ("Write to kay@northpost.example or https://a.example/x.html.", []),
        ('"What is it?" she said. "I think that we ought to go home now, all of us."', []),
        ("", []),
    ],
)
def test_terms(text: str, terms: list[str]) -> None:
    assert terms_in(text) == terms


@given(st.text(alphabet='aB_.-/#@"`1 《》', max_size=60))
def test_terms_are_few_and_short(text: str) -> None:
    found = terms_in(text)
    assert len(found) <= MOST
    assert all(0 < len(words(term)) <= LONGEST_PHRASE for term in found)


@pytest.mark.parametrize("piece", ["a_", "a-1", "aB", "a/", "a.", '"a', "_", "-1", "`a", "《a"])
def test_no_text_is_slow(piece: str) -> None:
    started = time.process_time()
    terms_in(piece * 20_000 + "/")
    assert time.process_time() - started < 2


def test_a_walk_passes_through_a_term(tmp_path: Path) -> None:
    with TreeTextMemory.open(tmp_path / "terms.db", embedder=HashEmbedder()) as memory:
        memory.add({"id": "calls", "memory": "The nightly job calls load_rows for every tenant."})
        memory.add({"id": "slow", "memory": "We found that load_rows waits for a lock."})
        hits = memory.search("nightly tenant", options=SearchOptions(vector_limit=0))
        assert [hit.id for hit in hits] == ["calls", "slow"]
        assert [str(step) for step in hits[1].path] == [
            "calls -MENTIONS-> [load_rows]",
            "slow -MENTIONS-> [load_rows]",
        ]


_PIECES = st.lists(st.sampled_from([*'aB_-./#@v7`"“”《》「」『』é九٣ ,()\n', "sh", "TC", "x1"]), max_size=40)


@given(_PIECES.map("".join))
def test_no_text_with_a_term_is_passed_over(text: str) -> None:
    assert _HINT.search(text) or not _TERM.search(text)
