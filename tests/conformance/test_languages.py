"""Memories of any script are found by their words, on both stores."""

from __future__ import annotations

import pytest

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder, fresh_cube

SAID = {
    "chinese": (
        ["我养了一只猫。", "我对虾过敏。", "我买了两张票。", "我的伞丢了。", "我每天吃药。"],
        {"猫": 0, "虾呢？": 1, "票呢": 2, "伞": 3},
    ),
    "thai": (["ฉันเลี้ยงแมว", "ฉันอยู่เชียงใหม่", "ฉันแพ้กุ้ง"], {"แมวชื่ออะไร": 0, "เชียงใหม่": 1, "กินกุ้งได้ไหม": 2}),
    "japanese": (
        ["犬を飼っています。", "京都に住んでいます。", "蜂が苦手です。"],
        {"犬の名前は？": 0, "京都": 1, "蜂": 2},
    ),
    "hindi": (
        ["मेरे पास एक बिल्ली है।", "मैं मुंबई में रहता हूँ।", "मुझे चाय पसंद है।"],
        {"बिल्ली का नाम": 0, "मुंबई": 1, "चाय": 2},
    ),
    "arabic": (["عندي قطة بيضاء", "أسكن في دمشق", "أحب الشاي"], {"قِطَّة": 0, "دمشق": 1, "الشاي": 2}),
    "khmer": (["ខ្ញុំមានឆ្មា", "ខ្ញុំរស់នៅភ្នំពេញ", "ខ្ញុំចូលចិត្តតែ"], {"ឆ្មា": 0, "ភ្នំពេញ": 1}),
    "russian": (["У меня есть кошка.", "Я живу в Казани.", "Я люблю чай."], {"кошка": 0, "Казани": 1, "чай": 2}),
}


class English(HashEmbedder):
    """A model whose vectors say nothing of other scripts."""

    english_only = True


@pytest.mark.parametrize("language", SAID)
def test_a_word_finds_its_memory(open_memory: OpenMemory, language: str) -> None:
    said, asked = SAID[language]
    with open_memory(cube=fresh_cube("words"), embedder=English()) as memory:
        ids = memory.add(said)
        found = {question: memory.search(question, 1)[0].id for question in asked}
    assert found == {question: ids[number] for question, number in asked.items()}
