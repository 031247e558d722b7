"""Texts of several languages in one cube: which pack reads which, and that no other is deaf to it."""

from __future__ import annotations

import pytest

from tests.test_language import verdict
from treemem.language import fitting


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("I live in Porto.", ["en"]),
        ("Ich wohne in Köln.", ["de"]),
        ("我住在北京。", ["zh"]),
        ("Porto!", ["en"]),
        ("", ["en"]),
        ("Meine Schwester sagt I moved to Ghent", ["de", "en"]),
        ("我用 GitHub 和 the cloud", ["zh", "en"]),
    ],
)
def test_which_packs_read_a_text(text: str, codes: list[str]) -> None:
    assert sorted(pack.code for pack in fitting(text)) == sorted(codes)
    assert fitting(text)[0].code == codes[0] or codes == ["de", "en"]


def test_in_a_mixed_cube_each_pair_is_read_in_its_language() -> None:
    texts = ["I live in Porto.", "Ich arbeite bei Siemens.", "我住在北京。"]
    texts += ["I moved to Ghent.", "Ich habe bei Siemens gekündigt.", "我搬到上海了。"]
    closed = {(a, b) for a in range(6) for b in range(a + 1, 6) if verdict(texts[a], texts[b]) == "supersedes"}
    assert closed == {(0, 3), (1, 4), (2, 5)}


@pytest.mark.parametrize(
    "newer",
    ["Meine Schwester sagt, I moved to Ghent.", "安娜说 I moved to Ghent now", "Angeblich: I live in Ghent now."],
)
def test_words_of_another_language_are_heard(newer: str) -> None:
    assert verdict("I live in Porto.", newer) == "apart"
