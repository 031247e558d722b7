"""explain: where a memory comes from, and the words that an item rests on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from treemem.changes import Edge, State
from treemem.contents import SHOWN, document_of, is_message, is_read, origin_of, role_of
from treemem.context import Context
from treemem.errors import MemoryNotFoundError
from treemem.ids import checked_id
from treemem.ingest.reading.report import Provenance, Quote
from treemem.read.states import VISIBLE, derivations
from treemem.records import said_at
from treemem.temporal import Moment, from_micros

#: What `info` of an item says of the item itself.
_DETAILS = (
    *("kind", "speaker", "about", "polarity", "modality", "time", "starts", "ends", "recurs", "reasoning", "relation"),
)


def explain(ctx: Context, memory_id: str) -> Provenance:
    """See `TreeTextMemory.explain`."""
    checked_id(memory_id)
    states = ctx.store.states(ctx.cube, [memory_id], Moment(ctx.now()), statuses=VISIBLE)
    known = [s for s in (states or ctx.store.known(ctx.cube, [memory_id])) if ctx.caller.sees(s)]
    shown = [s for s in known if s.fields["status"] in VISIBLE]
    if not shown:
        raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {ctx.cube!r}; add() makes one")
    state = shown[-1]
    made = next(iter(s for s in ctx.store.history(ctx.cube, [memory_id]) if ctx.caller.sees(s)), state)
    operations = ctx.store.operations(ctx.cube, ids=[made.opened_by], limit=1)
    made_by = operations[0].kind if operations else None
    edges = [e for e in derivations(ctx, [memory_id]) if e.source == memory_id]
    seen = _seen(ctx, [e.target for e in edges])
    edges = sorted((e for e in edges if e.target in seen), key=lambda e: (e.recorded_from, e.target))
    info: Mapping[str, Any] = state.fields.get("info") or {} if is_read(state.fields) else {}
    return Provenance(
        id=memory_id,
        kind=_kind(state),
        memory=str(state.fields["memory"]),
        made_by=made_by,
        made_at=from_micros(made.recorded_from),
        quotes=tuple(_quote(ctx, e, seen[e.target]) for e in edges if "start" in e.properties),
        context=tuple(e.target for e in edges if "start" not in e.properties and e.properties.get("part") != SHOWN),
        prompt=info.get("prompt"),
        model=info.get("model"),
        details={name: info[name] for name in _DETAILS if name in info} if info else None,
    )


def _seen(ctx: Context, ids: list[str]) -> dict[str, State]:
    """Return the sources that the caller may see, as they are known now."""
    found = {}
    for state in ctx.store.known(ctx.cube, sorted(set(ids))) if ids else ():
        if ctx.caller.sees(state) and state.fields["status"] != "deleted":
            found[state.memory_id] = state
    return found


def _kind(state: State) -> str:
    if is_read(state.fields):
        return "item"
    if document_of(state.fields) is not None:
        return "document"
    return "message" if is_message(state.fields.get("sources") or ()) else "memory"


def _quote(ctx: Context, edge: Edge, source: State) -> Quote:
    """Return the words that an edge stands for, as the source said them when they were read."""
    place = edge.properties
    version, start, end = (place.get(name) for name in ("version", "start", "end"))
    words = None
    if all(isinstance(n, int) for n in (version, start, end)):
        for state in ctx.store.versions(ctx.cube, [(edge.target, int(version or 0))]):
            if ctx.caller.sees(state):
                words = str(state.fields["memory"])[start:end]
    origin = origin_of(source.fields)
    at = said_at(origin) if is_message((origin,)) else None
    name = origin.get("name") if is_message((origin,)) else None
    return Quote(
        source=edge.target,
        text=words,
        start=int(start or 0),
        end=int(end or 0),
        speaker=name if isinstance(name, str) else None,
        role="document" if document_of(source.fields) else role_of(source.fields),
        said_at=from_micros(source.valid_from if at is None else at),
        again=place.get("part") == "again",
    )
