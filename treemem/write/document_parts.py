"""What a document is made of: a memory with its title, one for each heading, one for each passage."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ids import derived_id
from treemem.ingest.documents import Document
from treemem.ingest.markdown import passages, sections
from treemem.items import TextualMemoryItem, as_item
from treemem.read.filed import PART
from treemem.text import caption

#: Passages of a document at most: it is written as one transaction.
MOST_PASSAGES = 20_000
#: Characters of a passage's title, which is those of its document and headings.
LONGEST_KEY = 250


@dataclass(frozen=True, slots=True)
class Part:
    """A memory of a document: its id, what it says, its parent, and the passage before it where it is a passage."""

    id: str
    item: TextualMemoryItem
    parent: str | None = None
    before: str | None = None
    is_passage: bool = False


def root_of(name: str, owner: Mapping[str, Any]) -> str:
    """Return the id of a document's memory: one name is another document for each user, and for each session."""
    user = owner.get("user_id")
    return derived_id("document", user or "", "" if user else owner.get("session_id") or "", name)


def made_of(document: Document, shared: Mapping[str, Any]) -> Iterator[Part]:
    """Yield the memories of a document: itself, its headings and its passages, each after its parent."""
    found = sections(document.pages)
    first = next((s for s in found if s.level == 1), None)
    alone = first is not None and sum(s.level == 1 for s in found) == 1 and not any(s.blocks for s in found[:1])
    top = first if alone and found[1:2] == [first] else None
    text = next((block.text for section in found for block in section.blocks), "")
    title = document.title or (top.title if top else None) or document.name or caption(text)
    if not title:
        raise InvalidInputError(f"{shown(document.id)}: there is no text in it")
    root, seen = root_of(document.id, shared), Counter[tuple[str, ...]]()

    def item(part: str, memory_id: str, memory: str, key: str | None, place: Mapping[str, Any]) -> TextualMemoryItem:
        source = {"type": part, "document": root, "document_id": document.id, "sha256": document.digest}
        source |= {name: value for name, value in {"name": document.name, **place}.items() if value is not None}
        info = {**(shared.get("info") or {}), "document": document.id, PART: part}
        metadata = {"memory_type": "KnowledgeBaseMemory", **shared, "source": "file", "sources": [source], "info": info}
        return as_item({"id": memory_id, "memory": memory, "metadata": metadata | ({"key": key} if key else {})})[0]

    def own_id(*parts: str) -> str:
        seen[parts] += 1
        return derived_id(*parts, seen[parts])

    yield Part(root, item("document", root, title, None, {"looked_at": list(document.looked_at) or None}))
    above = [(0, root, title)]
    before: str | None = None
    many = 0
    for section in found:
        if section.level and section is not top:
            while above[-1][0] >= section.level:
                above.pop()
            heading = own_id("heading", above[-1][1], section.title)
            place = {"line": section.line, "page": section.page}
            yield Part(heading, item("heading", heading, section.title, None, place), above[-1][1])
            above.append((section.level, heading, section.title))
        key = ": ".join(name for *_, name in above)[:LONGEST_KEY]
        for passage in passages(section):
            memory_id = own_id("passage", above[-1][1], passage.text)
            place = {"line": passage.line, "page": passage.page}
            yield Part(
                memory_id, item("passage", memory_id, passage.text, key, place), above[-1][1], before, is_passage=True
            )
            before = memory_id
            many += 1
            if many > MOST_PASSAGES:
                raise InvalidInputError(f"{shown(document.id)}: more than {MOST_PASSAGES} passages; split it first")
    if not many:
        raise InvalidInputError(f"{shown(document.id)}: there is no text in it")


def told(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a part says, without where and since when it says it."""
    return {name: value for name, value in fields.items() if name not in ("sources", "created_at")}
