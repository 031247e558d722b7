"""Prompts are files, one a task and version; memory texts come to them as JSON data, never as instructions."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=32)
def prompt(name: str) -> str:
    """Return the text of `treemem/prompts/<name>.md`; a name ends in its version ("rerank.v1")."""
    return (files("treemem") / "prompts" / f"{name}.md").read_text("utf-8").strip()
