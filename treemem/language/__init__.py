"""What the rules know of a language, as data: one TOML file a language in `packs`, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=8)
def pack(language: str) -> Mapping[str, Any]:
    """Return the tables of a language ("en", "zh"). Raises FileNotFoundError for one that there is no pack of."""
    found: Mapping[str, Any] = tomllib.loads((files(__name__) / "packs" / f"{language}.toml").read_text("utf-8"))
    return found


def listed(language: str, name: str) -> frozenset[str]:
    """Return the entries of a list of a pack, which stand in one text with commas or line ends between them."""
    text = str(pack(language)[name])
    return frozenset(part.strip() for part in text.replace("\n", ",").split(",") if part.strip())
