"""Graphs as Graphiti writes them: labels, types and properties of its version 0.31, which was compared with these."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import neo4j

from tests.neo4j_server import driver as plain_driver

MADE = datetime(2025, 6, 1, 12, 0, 0, 123_456, UTC)
_VECTOR = [0.25] * 16


def year(n: int, month: int = 1) -> datetime:
    return datetime(n, month, 1, tzinfo=UTC)


class Graph:
    """A group of Graphiti's in a database that others use as well."""

    def __init__(self, driver: neo4j.Driver, group: str) -> None:
        self.driver, self.group = driver, group

    def _node(self, label: str, vector: bool, **properties: Any) -> str:
        own = {"uuid": str(uuid.uuid4()), "group_id": self.group, "created_at": MADE, **properties}
        statement = f"MERGE (n:{label} {{uuid: $own.uuid}}) SET n = $own"
        if vector:
            statement += " WITH n CALL db.create.setNodeVectorProperty(n, 'name_embedding', $vector)"
        self.driver.execute_query(statement + " RETURN n.uuid", own=own, vector=_VECTOR)  # type: ignore[arg-type]
        return str(own["uuid"])

    def entity(self, name: str, summary: str = "", label: str = "Person", **attributes: Any) -> str:
        return self._node(f"Entity:{label}", True, name=name, summary=summary, **attributes)

    def episode(self, content: str, valid_at: datetime, **own: Any) -> str:
        given = {"name": "turn", "source": "message", "source_description": "chat", "entity_edges": []}
        return self._node("Episodic", False, content=content, valid_at=valid_at, **{**given, **own})

    def community(self, name: str, summary: str) -> str:
        return self._node("Community", True, name=name, summary=summary)

    def saga(self, name: str, summary: str) -> str:
        return self._node("Saga", False, name=name, summary=summary)

    def edge(self, kind: str, source: str, target: str, vector: bool = False, **properties: Any) -> str:
        own = {"uuid": str(uuid.uuid4()), "group_id": self.group, "created_at": MADE, **properties}
        statement = (
            "MATCH (a {uuid: $source}) MATCH (b {uuid: $target}) "
            f"MERGE (a)-[e:{kind} {{uuid: $own.uuid}}]->(b) SET e = $own"
        )
        if vector:
            statement += " WITH e CALL db.create.setRelationshipVectorProperty(e, 'fact_embedding', $vector)"
        self.driver.execute_query(
            statement + " RETURN e.uuid",  # type: ignore[arg-type]
            source=source,
            target=target,
            own=own,
            vector=_VECTOR,
        )
        return str(own["uuid"])

    def fact(self, source: str, target: str, fact: str, name: str = "KNOWS", **own: Any) -> str:
        ends = {"source_uuid": source, "target_uuid": target}
        return self.edge("RELATES_TO", source, target, True, fact=fact, name=name, **ends, **{"episodes": [], **own})

    def counted(self) -> list[Any]:
        """What stands in the group: nodes, relationships and all their properties."""
        nodes, _, _ = self.driver.execute_query(
            "MATCH (n {group_id: $group}) RETURN labels(n) AS labels, properties(n) AS own ORDER BY n.uuid",
            group=self.group,
        )
        edges, _, _ = self.driver.execute_query(
            "MATCH ({group_id: $group})-[e]-() "
            "RETURN DISTINCT type(e) AS type, properties(e) AS own, e.uuid AS uuid ORDER BY uuid",
            group=self.group,
        )
        return [record.data() for record in (*nodes, *edges)]


@contextlib.contextmanager
def graph(uri: str) -> Iterator[Graph]:
    """A group of a test's own; its nodes are gone in the end."""
    with plain_driver(uri) as driver:
        made = Graph(driver, f"test-{uuid.uuid4().hex[:12]}")
        try:
            yield made
        finally:
            driver.execute_query("MATCH (n {group_id: $group}) DETACH DELETE n", group=made.group)
