"""CrewAI's Memory, crews and agents run with a memory; the storage answers as CrewAI's own does."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.scripted import Answer, Script, serving
from treemem import InvalidInputError, TreeTextMemory

pytest.importorskip("crewai")

from crewai import LLM, Agent, Crew, Memory, Task
from crewai.memory import MemoryRecord
from crewai.memory.storage.backend import StorageBackend
from crewai.memory.storage.lancedb_storage import LanceDBStorage

from treemem.integrations.crewai import TreememStorage, crew_memory

BEGAN = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)  # CrewAI's times are UTC without saying so


class Analyst(Script):
    """A model that answers what CrewAI's memory asks, by the schema that it wants, and else from the script."""

    def __init__(self, *answers: Answer, **by_schema: Any) -> None:
        super().__init__(*answers)
        self.by_schema = by_schema

    def next(self, request: dict[str, Any]) -> tuple[str, Answer]:
        wanted = request.get("response_format", {}).get("json_schema", {}).get("name")
        if wanted in self.by_schema:
            self.sent.append(request)
            return f"call_{len(self.sent)}", json.dumps(self.by_schema[wanted])
        return super().next(request)


@pytest.fixture
def analyst(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Analyst]:
    made = Analyst(
        MemoryAnalysis={
            "suggested_scope": "/team",
            "categories": ["facts"],
            "importance": 0.7,
            "extracted_metadata": {"entities": ["Anna"], "dates": [], "topics": []},
        },
        ExtractedMemories={"memories": ["Anna lives in Porto.", "Anna sings in a choir."]},
        ConsolidationPlan={"actions": [], "insert_new": True},
    )
    with serving(made) as served:
        monkeypatch.setenv("OPENAI_API_KEY", "none")
        monkeypatch.setenv("OPENAI_BASE_URL", f"{served.url}/v1")
        yield made


def test_it_is_a_storage_backend(embedded: TreeTextMemory) -> None:
    assert isinstance(TreememStorage(embedded), StorageBackend)


def test_what_is_remembered_is_recalled(memory: TreeTextMemory, analyst: Analyst) -> None:
    crew = crew_memory(memory, consolidation_threshold=1.0)
    told = crew.remember("We decided to use PostgreSQL for the user database.")
    assert told is not None
    assert (told.scope, told.categories, told.importance) == ("/team", ["facts"], 0.7)
    crew.remember("Anna sings in a choir.", scope="/people/anna", categories=["music"], importance=0.9)
    for depth in ("shallow", "deep"):
        found = crew.recall("Which database did we decide to use?", depth=depth, limit=1)
        assert found[0].record.content == "We decided to use PostgreSQL for the user database."
    assert [m.record.content for m in crew.recall("Anna?", scope="/people")] == ["Anna sings in a choir."]
    assert [m.record.content for m in crew.recall("Anna?", categories=["music"])] == ["Anna sings in a choir."]
    assert crew.tree() == "/ (2 records)\n  /people (1 records)\n    /people/anna (1 records)\n  /team (1 records)"
    crew.update(told.id, "We use MariaDB for the user database.")
    assert memory.history(told.id)[0].item.memory.startswith("We decided")
    assert memory.search("Which database?", 1)[0].memory == "We use MariaDB for the user database."
    assert crew.forget(scope="/people") == 1
    assert memory.search("Who sings?", 5)[0].memory == "We use MariaDB for the user database."
    crew.reset()
    assert crew.list_records() == []
    crew.close()


def test_a_model_consolidates(embedded: TreeTextMemory, analyst: Analyst) -> None:
    crew = crew_memory(embedded)
    old = crew.remember("Anna lives in Porto.", scope="/a", categories=[], importance=0.5)
    assert old is not None
    update = {"action": "update", "record_id": old.id, "new_content": "Anna lives in Lisbon.", "reason": "moved"}
    gone = {"action": "delete", "record_id": "no such record, not even an id", "new_content": None, "reason": "why"}
    analyst.by_schema["ConsolidationPlan"] = {"actions": [update, gone], "insert_new": False}
    crew.remember("Anna lives in Porto.", scope="/a", categories=[], importance=0.5)
    assert [record.content for record in crew.list_records()] == ["Anna lives in Lisbon."]
    said = [version.item.memory for version in embedded.history(old.id)]
    assert (said[0], said[-1]) == ("Anna lives in Porto.", "Anna lives in Lisbon.")
    crew.close()


def test_a_crew_remembers(memory: TreeTextMemory, analyst: Analyst) -> None:
    kept = crew_memory(memory, consolidation_threshold=1.0)
    for question in ("Note where Anna lives.", "Where does Anna live?"):
        analyst.answers = ["Noted."]
        agent = Agent(role="Helper", goal="Help", backstory="None", llm="gpt-4o-mini")
        crew = Crew(
            agents=[agent], tasks=[Task(description=question, expected_output="A word", agent=agent)], memory=kept
        )
        assert str(crew.kickoff()) == "Noted."
    shown = [sent for sent in analyst.sent if "response_format" not in sent]
    assert "Anna lives in Porto." in str(shown[-1]["messages"])
    copied = crew.copy()
    assert copied._memory.recall("Who sings?", depth="shallow", limit=1)[0].record.content == "Anna sings in a choir."
    kept.close()


def test_an_agent_uses_the_tools(embedded: TreeTextMemory, analyst: Analyst) -> None:
    kept = crew_memory(embedded, consolidation_threshold=1.0)
    kept.remember("Anna sings in a choir.", scope="/", categories=[], importance=0.5)
    analyst.answers = [
        ("search_memory", {"queries": ["What does Anna sing in?"]}),
        ("save_to_memory", {"contents": ["Ben rows."]}),
        "Done.",
    ]
    agent = Agent(role="Helper", goal="Help", backstory="None", llm=LLM("gpt-4o-mini"), memory=kept)
    assert str(agent.kickoff("Anna? And Ben rows.")) == "Done."
    kept.drain_writes()
    assert "Anna sings in a choir." in str(
        [m for m in analyst.sent[-2]["messages"] if m["role"] == "tool"] + analyst.sent
    )
    assert embedded.search("Who rows?", 1)[0].memory == "Ben rows."
    kept.close()


def _record(chance: random.Random, number: int) -> MemoryRecord:
    word = chance.choice(["anna", "ben", "choir", "bread", "tea", "river"])
    return MemoryRecord(
        content=f"{word} {number}",
        scope=chance.choice(["/", "/crew", "/crew/a", "/crew/a/deep", "/crew/b", "/Ü b"]),
        categories=chance.sample(["x", "y", "z'", "%"], chance.randint(0, 2)),
        metadata=chance.choice([{}, {"n": 1}, {"n": 2, "deep": {"a": [None, True]}}]),
        importance=chance.choice([0.0, 0.5, 1.0]),
        created_at=BEGAN + timedelta(seconds=number),
        last_accessed=BEGAN,
        source=chance.choice([None, "anna"]),
        private=chance.random() < 0.3,
    )


def test_random_operations_answer_as_the_own_storage(
    location: str, backend: str, tmp_path: Path, memory: TreeTextMemory
) -> None:
    chance = random.Random(5)
    ours, theirs = TreememStorage(memory), LanceDBStorage(path=tmp_path / "lance", compact_every=0)
    kept: dict[str, MemoryRecord] = {}
    for number in range(120 if backend == "sqlite" else 25):
        done, scope = chance.random(), chance.choice([None, "/", "/crew", "/crew/a"])
        if done < 0.5 or not kept:
            some = [_record(chance, number * 3 + i) for i in range(chance.randint(1, 3))]
            for record, vector in zip(some, ours.embedder([r.content for r in some]), strict=True):
                record.embedding = vector
                kept[record.id] = record
            ours.save(some)
            theirs.save(some)
        elif done < 0.65:
            changed = chance.choice([*kept.values()]).model_copy(
                update={"content": f"tea {number}", "scope": "/crew/b"}
            )
            changed.embedding = ours.embedder([changed.content])[0]
            kept[changed.id] = changed
            ours.update(changed)
            theirs.update(changed)
        elif done < 0.75:
            ids = chance.sample([*kept, "none"], 1)
            assert ours.delete(record_ids=ids) == theirs.delete(record_ids=ids)
            kept.pop(ids[0], None)
        elif done < 0.8:
            asked: dict[str, Any] = {"categories": ["x", "%"], "metadata_filter": chance.choice([None, {"n": 1}])}
            assert ours.delete(**asked) == theirs.delete(**asked)
            kept = {record.id: record for record in theirs.list_records(limit=1_000)}
        else:
            (vector,) = ours.embedder([chance.choice(["anna", "tea 5", "river bread"])])
            query: dict[str, Any] = {"scope_prefix": scope, "limit": 1_000, "min_score": chance.choice([0.0, 0.4])}
            query["categories"] = chance.choice([None, ["x"], ["z'", "%"]])
            query["metadata_filter"] = chance.choice([None, None, {"n": 2}])
            assert _scores(ours.search(vector, **query)) == _scores(theirs.search(vector, **query))
        assert ours.count(scope) == theirs.count(scope)
        assert ours.list_scopes(scope or "/") == theirs.list_scopes(scope or "/")
        assert ours.list_categories(scope) == theirs.list_categories(scope)
        assert ours.get_scope_info(scope or "/") == theirs.get_scope_info(scope or "/")
        page = {"limit": chance.choice([3, 200]), "offset": chance.choice([0, 2])}
        below = [r for r in kept.values() if (r.scope + "/").startswith((scope or "/").rstrip("/") + "/")]
        newest = sorted(below, key=lambda record: record.created_at, reverse=True)
        assert _plain(*ours.list_records(scope, **page)) == _plain(*newest[page["offset"] :][: page["limit"]])
        one = chance.choice([*kept, "none"])
        assert _plain(ours.get_record(one)) == _plain(theirs.get_record(one))


def _plain(*records: MemoryRecord | None) -> list[Any]:
    return [None if record is None else record.model_dump(exclude={"embedding"}) for record in records]


def _scores(found: list[tuple[MemoryRecord, float]]) -> dict[str, Any]:
    return {record.id: (*_plain(record), round(score, 4)) for record, score in found}


def test_odd_records_come_back_as_they_were(memory: TreeTextMemory) -> None:
    storage = TreememStorage(memory)
    odd = [
        MemoryRecord(content=text, scope=scope, categories=[text], metadata={"x": text, text: [text, 1.0]}, source=text)
        for text in ("a\x00b", "\ud83d half", "  ", "line\nline\u2028\x1b", "long " * 3_000)
        for scope in ("/", "/a\x00b/\ud800", "no slash", "//a//b//")
    ]
    for number, record in enumerate(odd):
        record.id = f"{number}: any id / \x00 \ud83d" if number % 2 else record.id
    storage.save(odd)
    for record in odd:
        assert _plain(storage.get_record(record.id)) == _plain(record)
        assert record.id in {each.id for each, _ in storage.search(storage.embedder([record.content])[0], limit=50)}
        assert record.id in {each.id for each in storage.list_records(record.scope)}
    assert storage.count("/a\x00b") == 5
    assert storage.delete(categories=["a\x00b"]) == 4
    assert storage.delete(record_ids=[]) == 0
    assert storage.delete(record_ids=[record.id for record in odd]) == 16


def test_a_scope_is_a_wall(embedded: TreeTextMemory) -> None:
    storage = TreememStorage(embedded)
    storage.save([MemoryRecord(content=f"Note {scope}", scope=scope) for scope in ("/a", "/ab", "/a/b", "/A")])
    (vector,) = storage.embedder(["Note"])
    assert {r.scope for r, _ in storage.search(vector, scope_prefix="/a")} == {"/a", "/a/b"}
    ids = [record.id for record in storage.list_records()]
    assert storage.delete(scope_prefix="/a", record_ids=ids) == 2
    assert {record.scope for record in storage.list_records()} == {"/ab", "/A"}
    storage.reset()
    annas, bens = TreememStorage(embedded.for_caller("anna")), TreememStorage(embedded.for_caller("ben"))
    annas.save([MemoryRecord(content="Mine")])
    assert (annas.count(), bens.count(), bens.delete(), annas.delete()) == (1, 0, 0, 1)


def test_what_cannot_be_kept_is_refused(embedded: TreeTextMemory) -> None:
    storage = TreememStorage(embedded)
    with pytest.raises(InvalidInputError, match=r"embedder=storage\.embedder"):
        storage.save([MemoryRecord(content="x", embedding=[1.0, 2.0])])
    with pytest.raises(InvalidInputError, match="JSON"):
        storage.save([MemoryRecord(content="x", metadata={"when": object()})])
    storage.save([MemoryRecord(content="x")])
    for vector in ([1.0], [0.0] * 48, [float("nan")] * 48):
        with pytest.raises(InvalidInputError, match="embedding"):
            storage.search(vector)
    assert storage.count() == 1
    embedded.add("Another memory of the cube.")
    assert storage.count() == 1
    storage.reset()
    assert [item.memory for page in embedded.pages() for item in page.items] == ["Another memory of the cube."]


async def test_many_at_once(memory: TreeTextMemory) -> None:
    storage = TreememStorage(memory)
    records = [MemoryRecord(content=f"note {n}", scope=f"/{n % 3}") for n in range(24)]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda record: storage.save([record]), records))
        list(pool.map(lambda record: storage.update(record.model_copy(update={"importance": 1.0})), records))
    (vector,) = storage.embedder(["note 5"])
    found = await storage.asearch(vector, limit=1)
    assert (found[0][0].content, found[0][0].importance, found[0][1]) == ("note 5", 1.0, pytest.approx(1.0, abs=1e-3))
    await storage.asave([MemoryRecord(content="one more")])
    assert await storage.adelete(scope_prefix="/1") == 8
    assert storage.count() == 17


@pytest.mark.usefixtures("analyst")
def test_memory_of_crewai_with_a_model_of_its_own(embedded: TreeTextMemory) -> None:
    """A vector that nothing is known of is compared with every record."""
    storage = TreememStorage(embedded)
    kept = Memory(storage=storage, embedder=lambda texts: [v.tolist() for v in embedded.embedder.embed(texts)])
    kept.remember("Anna sings.", scope="/", categories=[], importance=0.5)
    kept.remember("Ben rows.", scope="/", categories=[], importance=0.5)
    found = kept.recall("Ben rows.", depth="shallow")
    assert [match.record.content for match in found] == ["Ben rows.", "Anna sings."]
    kept.close()
