"""Cypher lives in files, one statement each; this is the only loader."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from treemem.changes import NodeKind

LABELS = {NodeKind.MEMORY: "Memory", NodeKind.ENTITY: "Entity", NodeKind.SOURCE: "Source"}


def folder() -> Traversable:
    """Return the folder of Cypher files: inside the package when installed, beside it in a checkout."""
    packaged = files("treemem") / "cypher"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "cypher"


@lru_cache(maxsize=256)
def statement(name: str, *, target: NodeKind | None = None) -> str:
    """Return the text of `cypher/statements/<name>.cypher`; a target label is put in from its enum."""
    text = (folder() / "statements" / f"{name}.cypher").read_text("utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//")]
    text = "\n".join(lines)
    if target is not None:
        text = text.replace("__TARGET__", LABELS[target])
    return text


def migrations() -> list[tuple[str, list[str]]]:
    """Return the schema files in order, each with its statements."""
    found = sorted((f for f in (folder() / "schema").iterdir()), key=lambda f: f.name)
    return [(f.name.removesuffix(".cypher"), _split(f.read_text("utf-8"))) for f in found]


def _split(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
