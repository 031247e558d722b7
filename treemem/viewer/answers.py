"""What the page is told: results of a memory's verbs as JSON-able data, with the ids of the nodes of a path."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.records import MemoryDiff, MemoryVersion, Neighbour, OperationRecord, Statistics
from treemem.reorganize.plan import Plan, Report
from treemem.search.results import SearchHit, SearchResult
from treemem.temporal import TimeLike, from_micros, parse_time
from treemem.text import caption

#: Bars of changes above the slider of known_at.
BARS = 120
#: How far back operations are looked at for these bars.
_MOST_OPERATIONS = 100_000
#: How many changes of an operation are listed.
_SHOWN = 50
#: Up to how many memories the edges before and after an operation are compared.
_MOST_FOR_EDGES = 3_000


def about(stats: Statistics, *, write: bool) -> dict[str, Any]:
    """Return what cube this is, how much it holds, and whether the page may change it."""
    return {
        "cube": stats.cube,
        "location": stats.location,
        "embedder": stats.embedder,
        "memories": stats.memories,
        "states": stats.states,
        "operations": stats.operations,
        "write": write,
    }


def known(memory: TreeTextMemory) -> dict[str, Any] | None:
    """Return when the cube changed first and last, and how much when; None if it never did."""
    times = sorted(o.recorded_at.timestamp() for o in memory.operations(limit=_MOST_OPERATIONS))
    if not times:
        return None
    first, last = times[0], times[-1]
    span = max(last - first, 1e-6)
    bars = Counter(min(int((t - first) / span * BARS), BARS - 1) for t in times)
    return {"first": _stamp(first), "last": _stamp(last), "bars": [bars[i] for i in range(BARS)]}


def _stamp(seconds: float) -> int:
    """Return milliseconds since 1970, rounded up: whoever looks then sees what was written in that millisecond."""
    return math.ceil(seconds * 1_000)


def found(result: SearchResult) -> dict[str, Any]:
    """Return the hits with the nodes that their paths lead over. The search must have been made with `explain`."""
    names: dict[str, str] = {}
    stages = []
    if result.explanation is not None:
        subgraph = result.explanation.subgraph
        names = {e.name: e.id for e in (*subgraph.entities, *subgraph.walked_entities)}
        stages = [{"name": s.name, "seconds": s.seconds, "sizes": dict(s.sizes)} for s in result.explanation.stages]
    return {
        "hits": [_hit(hit, names) for hit in result],
        "when": str(result.when),
        "as_of": result.as_of.isoformat(),
        "known_at": result.known_at.isoformat(),
        "stages": stages,
        "degraded": list(result.degraded),
    }


def _hit(hit: SearchHit, names: dict[str, str]) -> dict[str, Any]:
    path = [
        {
            "type": step.type,
            "source": step.source,
            "target": names.get(step.target, step.target) if step.target_kind == "entity" else step.target,
            "target_kind": step.target_kind,
            "name": step.target if step.target_kind == "entity" else None,
            "weight": step.weight,
        }
        for step in hit.path
    ]
    return {
        **item(hit),
        "score": hit.score,
        "similarity": hit.similarity,
        "arms": dict(hit.arms),
        "path": path,
        "passage": hit.passage,
        "superseded_by": hit.superseded_by,
        "may_supersede": hit.may_supersede,
        "contradicts": list(hit.contradicts),
    }


def item(found: TextualMemoryItem) -> dict[str, Any]:
    """Return a memory with its fields; vectors and what is empty are left out."""
    fields = found.metadata.model_dump(mode="json", exclude={"embedding"})
    said = {name: value for name, value in fields.items() if value not in (None, [], {})}
    return {"id": found.id, "memory": found.memory, "fields": said}


def told(memory: TreeTextMemory, memory_id: str, as_of: TimeLike | None, known_at: TimeLike | None) -> dict[str, Any]:
    """Return a memory at a moment (None if it does not hold then), its edges, and all its versions."""
    versions = memory.history(memory_id)
    held = memory.get_by_ids([memory_id], as_of=as_of, known_at=known_at)
    edges = memory.neighbours(memory_id, as_of=as_of, known_at=known_at) if held else []
    return {
        "id": memory_id,
        "item": item(held[0]) if held else None,
        "edges": [_edge(edge) for edge in edges],
        "history": [_version(version) for version in versions],
    }


def _edge(edge: Neighbour) -> dict[str, Any]:
    return {
        "type": edge.type,
        "direction": edge.direction,
        "id": edge.id,
        "kind": edge.kind,
        "label": _label(edge),
        "weight": edge.weight,
        "confidence": edge.confidence,
        "properties": dict(edge.properties),
    }


def _label(edge: Neighbour) -> str:
    if edge.item is not None:
        return caption(edge.item.memory, 120)
    return edge.name or (f"source {edge.id[:8]}" if edge.kind == "source" else edge.id)


def _version(version: MemoryVersion) -> dict[str, Any]:
    return {
        "version": version.version,
        "memory": version.item.memory,
        "fields": item(version.item)["fields"],
        "valid_from": _iso(version.valid_from),
        "valid_to": _iso(version.valid_to),
        "recorded_from": _iso(version.recorded_from),
        "recorded_to": _iso(version.recorded_to),
        "opened_by": operation(version.opened_by),
        "closed_by": None if version.closed_by is None else operation(version.closed_by),
    }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def operation(record: OperationRecord) -> dict[str, Any]:
    """Return a line of the audit trail."""
    return {
        "id": record.id,
        "kind": record.kind,
        "recorded_at": record.recorded_at.isoformat(),
        "status": record.status,
        "actor": record.actor,
        "reason": record.reason,
        "undoes": record.undoes,
    }


def operations(memory: TreeTextMemory, before: str | None, limit: int) -> dict[str, Any]:
    """Return lines of the audit trail, newest first, with whether there are older ones."""
    records = memory.operations(until=None if before is None else parse_time(before, "before"), limit=limit + 1)
    return {"operations": [operation(r) for r in records[:limit]], "more": len(records) > limit}


def changed(memory: TreeTextMemory, since: str, until: str | None) -> dict[str, Any]:
    """Return the memories and edges that changed from one transaction time up to another one, which is left out."""
    before = parse_time(since, "since") - 1
    after = None if until is None else parse_time(until, "until") - 1
    diff = memory.diff(from_micros(before), None if after is None else from_micros(after))
    said = [
        {"id": m.id, "kind": m.kind, "text": caption((m.after or m.before or ("",))[-1], 200)} for m in diff.memories
    ]
    edges = _edges_between(memory, diff) if memory.stats().memories <= _MOST_FOR_EDGES else []
    return {"memories": said[:_SHOWN], "edges": edges[:_SHOWN], "more": max(0, len(said) - _SHOWN)}


def _edges_between(memory: TreeTextMemory, diff: MemoryDiff) -> list[dict[str, Any]]:
    graphs = [memory.to_networkx(known_at=at) for at in (diff.known_at_1, diff.known_at_2)]
    before, after = (set(graph.edges(keys=True)) for graph in graphs)
    names = {node: str(data["label"]) for graph in graphs for node, data in graph.nodes(data=True)}
    signed = [("added", edge) for edge in sorted(after - before)] + [
        ("closed", edge) for edge in sorted(before - after)
    ]
    return [
        {"kind": kind, "source": s, "target": t, "type": name, "from": names[s], "to": names[t]}
        for kind, (s, t, name) in signed
        if name not in ("MENTIONS", "FOLLOWS", "DERIVED_FROM")
    ]


def plan(made: Plan) -> dict[str, Any]:
    """Return a plan with its actions by number."""
    return {
        "id": made.id,
        "looked_at": made.looked_at,
        "notes": list(made.notes),
        "actions": [_action(number, made) for number in made.actions],
    }


def _action(number: int, made: Plan) -> dict[str, Any]:
    action = made.actions[number]
    texts = action.evidence.get("texts", {})
    return {
        "number": number,
        "kind": action.kind.value,
        "edge": action.edge,
        "reason": action.reason,
        "confidence": action.confidence,
        "text": action.text,
        "memories": [{"id": i, "text": str(texts.get(i, ""))} for i in action.ids],
    }


def report(made: Report) -> dict[str, Any]:
    """Return what became of each action."""
    outcomes: Sequence[Any] = made.outcomes
    return {
        "outcomes": [
            {"number": o.action, "status": o.status, "operation": o.operation, "detail": o.detail} for o in outcomes
        ]
    }
