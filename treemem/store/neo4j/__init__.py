"""The Neo4j store, on the official driver."""

from treemem.store.neo4j.rows import MOST_DIMENSIONS
from treemem.store.neo4j.store import Neo4jStore

__all__ = ["MOST_DIMENSIONS", "Neo4jStore"]
