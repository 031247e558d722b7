"""The Neo4j store, on the official driver."""

from treemem.store.neo4j.store import Neo4jStore

__all__ = ["Neo4jStore"]
