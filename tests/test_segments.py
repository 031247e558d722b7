"""Words of every script: with their marks, without what is written at will, in runs where no space parts them."""

from __future__ import annotations

import unicodedata

import pytest

from treemem.segments import _marks, is_latin
from treemem.text import analyse, analysed, words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("मुंबई में बारिश", ["मुंब", "म", "बारिश"]),  # stemmed
        ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
        ("مُحَمَّد", ["محمد"]),
        ("محمــد", ["محمد"]),
        ("שָׁלוֹם", ["שלום"]),
        ("می\u200cخواهم", ["میخواهم"]),
        ("İstanbul", ["istanbul"]),
        ("co\u00adoperate", analyse("cooperate")),
        ("Zu\u0308rich", ["zürich"]),
        ("x\u0331y", ["x\u0331y"]),
        ("snake_case'naïf", ["snake", "case", "naïf"]),
        ("我有猫", ["我", "我有", "有", "有猫", "猫"]),
        ("猫", ["猫"]),
        ("live in 上海 now", ["live", "上", "上海", "海"]),
        ("ไม่มี", ["ไ", "ไม่", "ม่", "ม่มี", "มี"]),
        ("ກິນ", ["ກິ", "ກິນ", "ນ"]),
        ("မြန်", ["မြ", "မြန်", "န်"]),
        ("ភាសា", ["ភា", "ភាសា", "សា"]),
        ("\u0301", []),
    ],
)
def test_tokens(text: str, tokens: list[str]) -> None:
    assert analyse(text) == tokens


def test_words_of_a_run_are_pairs_alone() -> None:
    assert words("我有猫 ไม่มี 猫") == ("我有", "有猫", "ไม่", "ม่มี", "猫")


def test_every_mark_is_one() -> None:
    assert all(unicodedata.category(c)[0] == "M" for c in _marks().replace("-", ""))


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        ("", True),
        ("12 ?!", True),
        ("Où?", True),
        ("Где?", False),
        ("猫", False),
        ("Siri 在哪里?", False),
        ("iPhone坏了", True),
    ],
)
def test_latin(text: str, latin: bool) -> None:
    assert is_latin(text) is latin


@pytest.mark.parametrize("most", [2, 4, 7])
def test_parts_are_cut_as_their_whole_is(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr("treemem.text.MAX_TOKENS", most)
    parts = [f"The zqvgarten{most} ist nicht of the boats", f"und zqvmorgen{most} sind die besten"]
    assert analysed(parts) == analyse(" ".join(parts))
