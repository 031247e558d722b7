"""What a store is: five protocols, by who needs them, and the plain data that goes in and out.

Take the smallest that does: a `ReadStore` to search, a `LeaseStore` to take a turn, a `TaskStore` to
work. A `GraphStore` is all five. Every
method is one transaction unless it says otherwise, and every store may be used by many threads at once.
"""

from __future__ import annotations

from typing import Protocol

from treemem.store.protocol.admin import AdminStore
from treemem.store.protocol.data import (
    ENTITY,
    FIRST,
    LAST,
    LIVE,
    LOADING,
    MEMORY,
    NOT_WALKED,
    PASSAGE,
    PASSAGE_TEXT,
    PREFIXES,
    SOURCE,
    ConversationRow,
    CubeInfo,
    Lease,
    Node,
    Page,
    Pick,
    Recall,
    Rows,
    Seed,
    Subgraph,
    Tombstone,
    Touched,
    Unstaged,
    Used,
    WalkedEdge,
    seeds_alone,
)
from treemem.store.protocol.lease import LeaseStore
from treemem.store.protocol.read import ReadStore
from treemem.store.protocol.tasks import TaskStore
from treemem.store.protocol.write import WriteStore

__all__ = [
    "ENTITY",
    "FIRST",
    "LAST",
    "LIVE",
    "LOADING",
    "MEMORY",
    "NOT_WALKED",
    "PASSAGE",
    "PASSAGE_TEXT",
    "PREFIXES",
    "SOURCE",
    "AdminStore",
    "ConversationRow",
    "CubeInfo",
    "GraphStore",
    "Lease",
    "LeaseStore",
    "Node",
    "Page",
    "Pick",
    "ReadStore",
    "Recall",
    "Rows",
    "Seed",
    "Subgraph",
    "TaskStore",
    "Tombstone",
    "Touched",
    "Unstaged",
    "Used",
    "WalkedEdge",
    "WriteStore",
    "seeds_alone",
]


class GraphStore(ReadStore, WriteStore, LeaseStore, TaskStore, AdminStore, Protocol):
    """A graph of time-versioned states: everything that a memory needs of a store."""
