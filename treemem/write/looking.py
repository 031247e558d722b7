"""Documents with pictures: what is there of one, at which of its pages a model has looked, and a look at them.

The memory of the document says at which pages a model has looked (`looked_at` of its source): passages that stayed say
the page of the version that they came with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from treemem.changes import State
from treemem.checks import shown
from treemem.contents import fields_of, origin_of
from treemem.context import Context
from treemem.errors import InvalidInputError
from treemem.ingest.documents import Document, as_document
from treemem.ingest.markdown import Page
from treemem.ingest.pictures import MOST_PICTURES, check_sees, described, sees
from treemem.read.filed import parts_of_document
from treemem.read.states import VISIBLE
from treemem.records import AddedDocument
from treemem.temporal import Moment
from treemem.write.document_parts import made_of, root_of, told


def wants_a_look(ctx: Context, document: Document, shared: Mapping[str, Any], at: int | None) -> bool:
    """Return whether a document has pictures at which a model has looked, or will look: it is written as it saw them.

    Raises InvalidInputError where it has nothing else and no model sees, or where a model has looked at pages of it
    that none can look at now: what it read there would be lost.
    """
    pages = numbers(document)
    if not document.pictures:
        return False
    if sees(ctx.llm):
        if len(pages) > MOST_PICTURES:
            raise InvalidInputError(
                f"document {shown(document.id)}: more than {MOST_PICTURES} scanned pages; split it first"
            )
        return True
    root, states = states_of(ctx, document, shared, at)
    if there(ctx, document, shared, root, states) is not None:
        return True
    before = _looked_at(states[root]) if root in states else []
    if before or not any(page.text for page in document.pages):
        place = f", pages {', '.join(map(str, before or pages))}" if before or pages else ""
        check_sees(ctx.llm, f"{shown(document.id)}{place}")
    return False


def there(
    ctx: Context, document: Document, shared: Mapping[str, Any], root: str, states: Mapping[str, State]
) -> AddedDocument | None:
    """Return what is there of a document with pictures that is the same and has the same metadata; None if anything
    would change, or a model that sees can look at what none has looked at.
    """
    ours = [s for s in states.values() if origin_of(s.fields).get("sha256") == document.digest]
    if root not in states or any(s.fields["status"] not in VISIBLE for s in ours):
        return None
    held = states[root].fields
    title = document.title or str(held["memory"])
    same = replace(document, title=title, pages=(Page("-", plain=True),), looked_at=tuple(_looked_at(states[root])))
    fields = fields_of(next(made_of(same, shared)).item)
    if told(held) != told(fields) or held.get("sources") != fields.get("sources"):
        return None
    found = as_kept(document, root, states)
    return None if not found.kept or (found.unread and sees(ctx.llm)) else found


def as_kept(document: Document, root: str, states: Mapping[str, State]) -> AddedDocument:
    """Return what is there of a document with pictures."""
    title = str(states[root].fields["memory"]) if root in states else document.title or ""
    visible = {i: origin_of(s.fields) for i, s in states.items() if s.fields["status"] in VISIBLE}
    kept = sorted(i for i, origin in visible.items() if origin.get("type") == "passage")
    before = _looked_at(states[root]) if root in states else ()
    unread = tuple(page for page in numbers(document) if page not in before)
    return AddedDocument(root, document.id, title, added=(), kept=tuple(kept), ended=(), unread=unread)


def looked_at(ctx: Context, document: Document, given: Any) -> Document:
    """Return a document with what a model sees on its pictures; `given` is what it was read from.

    Raises InvalidInputError if that says something else by now, LLMError where the model fails.
    """
    pages = numbers(document)
    if pages:
        whole = as_document(given, look=True)
        if whole.digest != document.digest:
            raise InvalidInputError(f"document {shown(document.id)}: it changed while it was read; add it again")
        document = whole
    seen = [described(page, ctx.llm, shown(document.id)) for page in document.pages]
    title = document.title or (None if pages else seen[0][0])
    return replace(document, title=title, pages=tuple(page for _, page in seen), looked_at=tuple(pages))


def numbers(document: Document) -> list[int]:
    """Return the numbers of the pages that are pictures; a picture that is a document by itself has none."""
    return [page.number for page in document.pictures if page.number is not None]


def states_of(
    ctx: Context, document: Document, shared: Mapping[str, Any], at: int | None
) -> tuple[str, dict[str, State]]:
    """Return the id of a document's memory, and the caller's states of its parts."""
    root = root_of(document.id, shared)
    states = parts_of_document(ctx, root, Moment(ctx.now(), at)).states
    return root, {i: s for i, s in states.items() if ctx.caller.owns(s)}


def _looked_at(state: State) -> list[int]:
    return list(origin_of(state.fields).get("looked_at") or ())
