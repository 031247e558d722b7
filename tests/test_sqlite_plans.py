"""Every query of the embedded store that a verb runs finds its rows by an index: no scan of a table of memories."""

from __future__ import annotations

import itertools
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.helpers import HashEmbedder, day
from treemem import TreeTextMemory
from treemem.store.sqlite import SqliteStore
from treemem.store.sqlite.statements import SQL
from treemem.temporal import END

#: Tables that grow with the memories, by the names and aliases that queries give them.
_TABLE = r"(?:state|node|edge|operation|usage|task|s|n|e|o|a|b|m)"
#: A scan, or a search for all that a cube holds.
_SCAN = re.compile(rf"SCAN {_TABLE}(?! (?:VIRTUAL|USING))\b|SEARCH {_TABLE} USING .*\(cube=\?(?: AND kind=\?)?\)$")


def test_no_verb_scans_a_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    connect = sqlite3.connect

    def traced(*args: Any, **settings: Any) -> sqlite3.Connection:
        connection = connect(*args, **settings)
        connection.set_trace_callback(said.append)
        return connection

    with monkeypatch.context() as patched:
        patched.setattr(sqlite3, "connect", traced)
        with TreeTextMemory.open(tmp_path / "memory.db", embedder=HashEmbedder()) as memory:
            ids = memory.add_messages(
                [{"content": f"Anna, note {i}", "chat_time": day(i)} for i in range(40)], operation_id="messages"
            )
            said.clear()
            memory.update(ids[0], "Anna says something else", operation_id="update")
            memory.correct(ids[1], "Anna said something else")
            memory.expire(ids[2], at=day(300))
            memory.delete(ids[3])
            memory.restore(ids[3])
            memory.link(ids[4], "PARENT", ids[5], at=day(10))
            memory.unlink(ids[4], "PARENT", ids[5])
            memory.undo("update")
            memory.get(ids[0])
            memory.history(ids[0])
            memory.operations(since=day(0))
            memory.diff(day(0))
            memory.add_messages([{"content": "Anna speaks"}, {"content": "Anna answers"}], conversation_id="talk")
            memory.messages("talk", limit=1)
            memory.neighbours(ids[5])
            memory.subgraph(ids[5])
            memory.path(ids[5], ids[9])
            memory.search("Anna's note", top_k=5)
            memory.search("Anna's note", when="ever")
            memory.search("Anna's note", as_of=day(20))
            next(memory.pages(limit=5))
            memory.store.record_usage(memory.cube_id, dict.fromkeys(ids, 1), 1)
            memory.store.usage(memory.cube_id, ids)
            task = memory.tasks.add("reindex")
            memory.tasks.list()
            memory.for_caller("ann").tasks.list(status="done")
            memory.tasks.cancel(task.id)
            memory.store.cubes_due(1, 1)
            memory.store.spent(memory.cube_id)
            memory.store.due_tasks(memory.cube_id, ["reindex"], 1, 1, 1)
    queries = {
        re.sub(r"\s+", " ", text) for text in said if re.match(r"\s*(?:SELECT|INSERT|UPDATE|DELETE|WITH)\b", text)
    }
    assert len(queries) > 20
    with sqlite3.connect(tmp_path / "memory.db") as plain:
        for query in sorted(queries):
            plan = [row[3] for row in plain.execute("EXPLAIN QUERY PLAN " + query)]
            assert not [step for step in plan if _SCAN.match(step)], (query[:300], plan)
    plain.close()


#: What reads or changes all that a cube holds: it finds its rows by the cube.
_WHOLE = {
    "all_edges",
    "all_nodes",
    "all_operations",
    "conversations",
    "count_unstaged",
    "counts",
    "dangling",
    "sizes",
    "states_known",
    "switch_vectors",
    "tombstones",
    "unstaged",
}
#: What a place of a statement is filled with, where it is not a filter.
_PLACES = {"END": ("src", "dst"), "BY": ("opened_by", "closed_by"), "ORDER": ("ASC", "DESC")}


class _Anything(dict[str, Any]):
    """A value for every parameter. That of `end` matters: an index of closed rows serves what is before END alone."""

    def __missing__(self, name: str) -> None:
        return None


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "memory.db"
    SqliteStore(path).migrate()
    return path


@pytest.mark.parametrize("name", SQL.names())
def test_statement_is_index_backed(file: Path, name: str) -> None:
    places = SQL.places(name)
    for values in itertools.product(*(_PLACES.get(place, ("",)) for place in places)):
        text = SQL.text(name, dict(zip(places, values, strict=True)))
        with closing(sqlite3.connect(file)) as plain:
            for table in ("doomed", "cut", "orphan"):
                plain.execute(f"CREATE TEMP TABLE {table} (num INTEGER PRIMARY KEY)")
            given: Any = _Anything(end=END) if ":" in text else [None] * text.count("?")
            plan = [row[3] for row in plain.execute("EXPLAIN QUERY PLAN " + text, given)]
        scanned = [step for step in plan if _SCAN.match(step)]
        assert not scanned or name in _WHOLE, (scanned, plan)


def test_every_statement_is_used_and_commented() -> None:
    code = "\n".join(p.read_text() for p in (Path(__file__).parents[1] / "treemem/store/sqlite").glob("*.py"))
    for name in SQL.names():
        assert SQL.source(name).startswith("-- "), name
        assert f'"{name}"' in code, f"{name} is not used"
    for name in SQL.names("fragments"):
        assert SQL.source(name, "fragments").startswith("-- "), name
