"""Cypher lives in files, one statement each; this is the only loader."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from treemem.changes import NodeKind

#: Where the recall statement takes its hops.
_HOPS = "/* hops */"
LABELS = {NodeKind.MEMORY: "Memory", NodeKind.ENTITY: "Entity", NodeKind.SOURCE: "Source"}


def folder() -> Traversable:
    """Return the folder of Cypher files: inside the package when installed, beside it in a checkout."""
    packaged = files("treemem") / "cypher"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "cypher"


@lru_cache(maxsize=256)
def statement(name: str, *, target: NodeKind | None = None) -> str:
    """Return the text of `cypher/statements/<name>.cypher`; a target label is put in from its enum."""
    text = _read("statements", name)
    if _HOPS in text:
        text = text.replace(_HOPS, "\n".join(_hop(number) for number in (1, 2, 3)))
    if target is not None:
        text = text.replace("__TARGET__", LABELS[target])
    return text


def _read(kind: str, name: str) -> str:
    text = (folder() / kind / f"{name}.cypher").read_text("utf-8")
    return "\n".join(line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("//"))


def _hop(number: int) -> str:
    """Return one hop of the walk. No hub is walked through, but every seed is walked from."""
    levels = [f"L{level}" for level in range(number)]
    types = "PARENT|CAUSES|FOLLOWS|RELATES_TO|CONTRADICTS|SUPERSEDES|MERGED_INTO|MENTIONS|DERIVED_FROM"
    parts = {
        "__PASSABLE__": "true" if number == 1 else f"COUNT {{ (a)-[:{types}]-() }} <= $hub_degree",
        "__FRESH__": " AND ".join(f"NOT b IN {level}" for level in levels),
        "__LEVELS__": ", ".join(levels),
        "__FROM__": levels[-1],
        "__HOP__": str(number),
    }
    return re.sub("|".join(parts), lambda match: parts[match.group()], _read("fragments", "hop"))


def migrations() -> list[tuple[str, list[str]]]:
    """Return the schema files in order, each with its statements."""
    found = sorted((f for f in (folder() / "schema").iterdir()), key=lambda f: f.name)
    return [(f.name.removesuffix(".cypher"), _split(f.read_text("utf-8"))) for f in found]


def _split(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("//")]
    return [part.strip() for part in "\n".join(lines).split(";") if part.strip()]
