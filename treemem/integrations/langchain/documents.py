"""Documents of LangChain as memories, and back; filters over their metadata."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from treemem.errors import InvalidInputError
from treemem.filters import FilterLike
from treemem.integrations.keeping import Record, missing
from treemem.items import TextualMemoryItem
from treemem.search.results import SearchHit

try:
    from langchain_core.documents import Document
except ImportError as error:
    raise missing("langchain-core", "langchain", error) from error

#: The key of `info` that lists the names of a document's metadata, in their order.
NAMES = "langchain_metadata"


def record_of(document: Document) -> Record:
    """Return the memory that a document becomes: its text, its id or a new one, its metadata in `info`."""
    metadata = dict(document.metadata)
    if NAMES in metadata:
        raise InvalidInputError(f"metadata: {NAMES!r} is where treemem keeps the names of the others")
    info = {**metadata, NAMES: list(metadata)}
    return {"id": document.id or str(uuid.uuid4()), "memory": document.page_content, "info": info}


def document_of(item: TextualMemoryItem, *, told: bool = False) -> Document:
    """Return a memory as a document: `info` as its metadata, with what treemem knows beside it if `told`.

    That is a dict under "treemem": memory_type, conversation_id, tags, valid_from and valid_to; of a hit also score,
    similarity, passage, superseded_by, may_supersede, and the path that led to it.
    """
    info = item.metadata.info
    names = info.get(NAMES)
    metadata = {name: info.get(name) for name in (info if names is None else names)}
    if told:
        metadata["treemem"] = _known(item)
    return Document(id=item.id, page_content=item.memory, metadata=metadata)


def _known(item: TextualMemoryItem) -> dict[str, Any]:
    metadata = item.metadata
    known: dict[str, Any] = {
        "memory_type": metadata.memory_type,
        "conversation_id": metadata.conversation_id,
        "tags": list(metadata.tags),
        "valid_from": metadata.valid_from and metadata.valid_from.isoformat(),
        "valid_to": metadata.valid_to and metadata.valid_to.isoformat(),
    }
    if isinstance(item, SearchHit):
        known |= {
            "score": item.score,
            "similarity": item.similarity,
            "passage": item.passage,
            "superseded_by": item.superseded_by,
            "may_supersede": item.may_supersede,
            "path": [str(step) for step in item.path],
        }
    return known


def of_metadata(where: FilterLike | None) -> FilterLike | None:
    """Return a filter over documents' metadata as one over memories: {"source": "x"} asks for `info.source`.

    Its operators and `and`, `or`, `not` are those of treemem. A filter made with `treemem.field` is one already.
    """
    if not isinstance(where, Mapping):
        return where
    made: dict[str, Any] = {}
    for name, value in where.items():
        if name in ("and", "or") and isinstance(value, Sequence) and not isinstance(value, str):
            made[name] = [of_metadata(each) for each in value]
        elif name == "not":
            made[name] = of_metadata(value)
        else:
            made[f"info.{name}"] = value
    return made
