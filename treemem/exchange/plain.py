"""Writing the plain graph: memories and the edges between them as JSON, some at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import IO, Any

from treemem.exchange.scratch import scratch

_TABLES = """
CREATE TABLE shown (id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE edge (num INTEGER PRIMARY KEY, memory TEXT, row TEXT);
"""
#: Edges between what is shown; `memory` is null of those that lead to an entity or a source.
_KEPT = "SELECT row FROM edge WHERE memory IS NULL OR memory IN (SELECT id FROM shown) ORDER BY num"


def write(file: IO[bytes], pages: Iterable[tuple[list[dict[str, Any]], list[dict[str, Any]]]]) -> None:
    """Write what `graph_pages` gives as the JSON of what `get_all` gives. Edges wait on the disk for the last memory.

    Raises ValueError or RecursionError for a memory that JSON cannot hold, and StoreFullError.
    """
    with scratch(_TABLES, "write a graph out") as db:
        between = b'{"nodes": ['
        for nodes, edges in pages:
            for node in nodes:
                file.write(between + _json(node).encode())
                between = b", "
            db.executemany("INSERT INTO shown VALUES (?)", ((node["id"],) for node in nodes))
            db.executemany(
                "INSERT INTO edge (memory, row) VALUES (?, ?)",
                ((e["target"] if e["target_kind"] == "memory" else None, _json(e)) for e in edges),
            )
        file.write((b"" if between == b", " else between) + b'], "edges": [')
        between = b""
        for (row,) in db.execute(_KEPT):
            file.write(between + row.encode())
            between = b", "
        file.write(b"]}")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
