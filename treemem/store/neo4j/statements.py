"""The Cypher statements by name, each in the words of the server it is run on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from treemem.changes import NodeKind
from treemem.store.texts import Texts

#: The folder of what Neo4j 5.26 LTS needs in other words.
LTS = "lts"
LABELS = {NodeKind.MEMORY: "Memory", NodeKind.ENTITY: "Entity", NodeKind.SOURCE: "Source"}


def folder() -> Traversable:
    """Return the folder of Cypher files: inside the package when installed, beside it in a checkout."""
    packaged = files("treemem") / "cypher"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "cypher"


#: Every statement and fragment; see treemem/store/texts.py for how they are written.
CYPHER = Texts(folder, ".cypher", "//")


@dataclass(frozen=True, slots=True)
class Statement:
    """A file in `cypher/statements/`, with the values of its places. What it says depends on the server."""

    name: str
    values: Mapping[str, str] = field(default_factory=dict)

    def text(self, *, lts: bool = False) -> str:
        """Return the Cypher of it, with `lts` as Neo4j 5.26 understands it."""
        return CYPHER.text(self.name, self.values, LTS if lts else None)


@lru_cache(maxsize=256)
def statement(name: str, *, target: NodeKind | None = None) -> Statement:
    """Return a statement; a `target` fills the place TARGET with the label of what its edges end at."""
    return Statement(name, {} if target is None else {"TARGET": LABELS[target]})


def migrations(*, lts: bool = False) -> list[tuple[str, list[str]]]:
    """Return the schema files in order, each with its statements; with `lts` those for Neo4j 5.26."""
    return [(name, CYPHER.script("schema", name, LTS if lts else None)) for name in CYPHER.names("schema")]
