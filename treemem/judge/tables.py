"""The tables of turns in the language packs: lists of phrases, and patterns for any of them."""

from __future__ import annotations

import re
from functools import lru_cache

from treemem.language import pack


def listed_in(text: str) -> tuple[str, ...]:
    """Return the phrases of a text with commas or line ends between them, longest first."""
    parts = {part.strip() for part in text.replace("\n", ",").split(",")}
    return tuple(sorted(parts - {""}, key=lambda part: (-len(part), part)))


@lru_cache(maxsize=64)
def phrases(language: str, name: str) -> tuple[str, ...]:
    """Return a list of a language's table of turns."""
    return listed_in(str(pack(language)["turn"][name]))


@lru_cache(maxsize=64)
def pattern_of(language: str, name: str) -> re.Pattern[str]:
    """Return a pattern for any phrase of such a list; in English for whole words."""
    edge = r"\b" if language == "en" else ""
    return re.compile(rf"{edge}(?:{'|'.join(map(re.escape, phrases(language, name)))}){edge}", re.IGNORECASE)
