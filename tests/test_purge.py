"""What is purged is gone: from the embedded database's files byte by byte, from Neo4j by every statement and index."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import FakeClock, HashEmbedder, day, fresh_cube
from tests.neo4j_server import driver
from treemem import TreeTextMemory

SECRET = "Zebedee buried the xylophone under Quixwood"
WORDS = ("Zebedee", "xylophone", "Quixwood", "zebede", "xylophon", "quixwood")


def grow_and_purge(memory: TreeTextMemory) -> None:
    ids = memory.add_messages(
        [
            {"content": "Anna likes tea.", "chat_time": day(1)},
            {"content": SECRET, "chat_time": day(2)},
        ]
    )
    memory.add([f"note {i} about gardens" for i in range(300)])
    memory.update(ids[1], SECRET + " again", at=day(5))
    memory.delete(ids[1])
    memory.purge(ids[1], reason="asked to")
    assert memory.check() == []
    assert memory.get(ids[0]).memory == "Anna likes tea."


def test_no_byte_is_left_in_the_embedded_files(tmp_path: Path) -> None:
    path = tmp_path / "memory.db"
    with TreeTextMemory.open(path, embedder=HashEmbedder(), clock=FakeClock()) as memory:
        grow_and_purge(memory)
        for file in tmp_path.iterdir():
            found = [word for word in WORDS if word.encode() in file.read_bytes()]
            assert found == [], file.name


@pytest.mark.neo4j
def test_no_statement_or_index_finds_it_on_neo4j(neo4j_uri: str) -> None:
    cube = fresh_cube("purge")
    with TreeTextMemory.open(neo4j_uri, cube=cube, embedder=HashEmbedder(), clock=FakeClock()) as memory:
        grow_and_purge(memory)
    with driver(neo4j_uri, notifications_min_severity="OFF") as plain:
        everything = plain.execute_query(
            "MATCH (n) WHERE any(key IN keys(n) WHERE key <> 'embedding' AND any(word IN $words "
            "WHERE coalesce(toStringOrNull(n[key]), '') CONTAINS word)) RETURN labels(n) AS labels",
            words=list(WORDS),
        ).records
        assert everything == []
        for word in WORDS:
            hits = plain.execute_query(
                "CALL db.index.fulltext.queryNodes('treemem_text', $word) YIELD node RETURN node", word=word
            ).records
            assert hits == []
