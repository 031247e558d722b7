"""documents: what documents a cube has, and which memories are parts of one."""

from __future__ import annotations

from dataclasses import dataclass, field

from treemem.changes import Edge, EdgeType, State
from treemem.contents import document_of
from treemem.context import Context
from treemem.filters import joined, parse
from treemem.read.states import VISIBLE, batched, each_page, edges_at
from treemem.records import DocumentRecord
from treemem.temporal import Moment

#: The free field by which the memories of documents are found: "document", "heading" or "passage".
PART = "document_part"
_PLACING = (EdgeType.PARENT, EdgeType.FOLLOWS)


@dataclass(slots=True)
class Parts:
    """What is known of a document at a moment: the states of its memories, and the edges that place them."""

    states: dict[str, State] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)


def documents(ctx: Context) -> list[DocumentRecord]:
    """See `TreeTextMemory.documents`."""
    where = joined(parse({"source": "file", f"info.{PART}": "document"}), ctx.visible)
    pages = each_page(ctx, Moment(ctx.now()), VISIBLE, where=where)
    found = [DocumentRecord.of(s) for page in pages for s in page.states if document_of(s.fields) == s.memory_id]
    return sorted(found, key=lambda document: (document.document_id, document.id))


def parts_of_document(ctx: Context, root: str, moment: Moment) -> Parts:
    """Return the parts of a document at a moment, seen from its memory down; hidden ones too."""
    found = Parts()
    level, seen = [root], {root}
    while level:
        states = [s for some in batched(level) for s in ctx.store.states(ctx.cube, some, moment, statuses=None)]
        found.states |= {s.memory_id: s for s in states if document_of(s.fields) == root}
        ours = [i for i in level if i in found.states or i == root]
        edges = edges_at(ctx, ours, _PLACING, moment, direction="out", statuses=None)
        found.edges += edges
        level = sorted({edge.target for edge in edges if edge.type is EdgeType.PARENT} - seen)
        seen |= set(level)
    return found
