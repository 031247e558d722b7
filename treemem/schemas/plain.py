"""Results of the verbs as JSON-able data. The command line prints it, services answer with it."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from treemem.graphs import MemoryGraph
from treemem.items import TextualMemoryItem
from treemem.search.results import SearchHit, SearchResult


def plain(value: Any) -> Any:
    """Return a result as JSON-able data; vectors are left out."""
    if isinstance(value, SearchResult):
        return _found(value)
    if isinstance(value, SearchHit):
        return {**_item(value), "passage": value.passage}
    if isinstance(value, TextualMemoryItem):
        return _item(value)
    if isinstance(value, MemoryGraph):
        return value.plain()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {str(name): plain(each) for name, each in value.items()}
    return str(value) if isinstance(value, Path) else value


def _item(item: TextualMemoryItem) -> dict[str, Any]:
    return item.model_dump(mode="json", exclude={"metadata": {"embedding"}})


def _found(found: SearchResult) -> dict[str, Any]:
    """Return a search: what time it was about, how long it took, its hits, and the account if one was asked for."""
    data = {
        "as_of": plain(found.as_of),
        "known_at": plain(found.known_at),
        "when": plain(found.when),
        "timings": dict(found.timings),
        "degraded": list(found.degraded),
        "hits": [plain(hit) for hit in found],
    }
    if found.explanation is not None:
        data["explanation"] = found.explanation.plain()
    return data
