"""What users do in an application: kept as it was told, read by a model, and what it shows follows it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.helpers import day
from tests.openai_server import Script, serving
from tests.readers import reading
from treemem import Added, InvalidInputError, MemoryExistsError, OpenAILLM, TreeTextMemory

BOOKMARK = {"id": "event-17", "action": "bookmarked", "object": "Trattoria Roma", "at": day(1), "by": "Ann", "page": 3}
LIKES = (
    "bookmarked: Trattoria Roma",
    {
        "kind": "preference",
        "text": "Ann likes trattorias.",
        "about": "Ann",
        "preference": "implicit",
        "reasoning": "She bookmarked it.",
    },
)


@pytest.fixture(scope="module")
def server() -> Iterator[Script]:
    with serving(reading(LIKES)) as script:
        yield script


@pytest.fixture
def with_model(open_memory: OpenMemory, server: Script) -> TreeTextMemory:
    return open_memory(llm=OpenAILLM("m", base_url=server.url, api_key="k", timeout=5.0, max_retries=0))


def test_an_event_is_kept_as_it_was_told_and_nothing_is_concluded(memory: TreeTextMemory) -> None:
    events: list[dict[str, Any]] = [
        BOOKMARK,
        {"action": "rated", "object": {"film": 7, "stars": 5}},
        {"action": "left"},
    ]
    ids = memory.add_events(events, user_id="ann", info={"app": "maps"})
    assert memory.add_events([BOOKMARK], user_id="ann", info={"app": "maps"}) == ["event-17"] == ids[:1]
    item = memory.get("event-17")
    assert (item.memory, item.metadata.type) == ("Ann bookmarked: Trattoria Roma", "behaviour")
    assert (item.metadata.memory_type, item.metadata.user_id) == ("UserMemory", "ann")
    assert item.metadata.valid_from == item.metadata.memory_time == day(1)
    told = {**BOOKMARK, "at": day(1).isoformat()}
    del told["id"]
    assert item.metadata.info == {"app": "maps", "behaviour": told}
    assert [memory.get(i).memory for i in ids[1:]] == ['rated: {"film":7,"stars":5}', "left"]
    found = memory.search("What did Ann bookmark?", filter={"type": "behaviour"})
    assert found[0].id == "event-17"
    assert memory.preferences.list() == ()
    assert len(memory.get_all()["nodes"]) == 3
    assert memory.check() == []
    with pytest.raises(MemoryExistsError):
        memory.add_events({**BOOKMARK, "page": 4})


WRONG: list[Any] = [
    "clicked",
    7,
    [BOOKMARK, {"object": "no action"}],
    [{"action": ""}],
    [{"action": "two\nlines"}],
    [{"action": "x" * 201}],
    [{"action": "clicked", "at": "one day"}],
    [{"action": "clicked", "by": 7}],
    [{"action": "clicked", "what": object()}],
    [{"action": "clicked", 7: 7}],
    [{"action": "clicked", "id": "a b"}],
    ["clicked"],
]


def test_what_is_no_event_is_refused_before_anything_is_written(memory: TreeTextMemory) -> None:
    for wrong in WRONG:
        with pytest.raises(InvalidInputError, match="events"):
            memory.add_events(wrong)
    assert len(memory.get_all()["nodes"]) == 0
    with pytest.raises(InvalidInputError, match="language model"):
        memory.add_events(BOOKMARK, mode="fine")
    assert len(memory.get_all()["nodes"]) == 0


def test_a_model_reads_what_events_show_and_that_follows_them(with_model: TreeTextMemory) -> None:
    memory = with_model
    (event,) = memory.add_events(BOOKMARK, mode="fine", user_id="ann")
    (shown,) = memory.for_caller("ann").preferences.list(kind="implicit")
    assert (shown.text, shown.reasoning) == ("Ann likes trattorias.", "She bookmarked it.")
    assert [source.memory_id for source in shown.sources] == [event]
    assert memory.for_caller("bob").preferences.list() == ()
    memory.delete(event)
    assert memory.preferences.list() == ()
    memory.restore(event)
    assert [each.id for each in memory.preferences.list()] == [shown.id]
    memory.purge(event)
    assert memory.preferences.list() == ()
    assert len(memory.get_all()["nodes"]) == 0
    assert memory.check() == []


def test_a_worker_reads_them_later(with_model: TreeTextMemory) -> None:
    memory = with_model
    added = memory.add_events([BOOKMARK], mode="async")
    assert isinstance(added, Added)
    assert memory.preferences.list() == ()
    memory.tasks.work(once=True)
    assert memory.tasks.get(added.task_ids[0]).status == "done"
    assert [each.kind for each in memory.preferences.list()] == ["implicit"]


def test_elsewhere_it_is_an_event_and_comes_back_as_behaviour(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add_events(BOOKMARK)
    file = memory.export(tmp_path / "textual_memory.json", format="memos")
    (node,) = json.loads(file.read_text("utf-8"))["nodes"]
    assert node["metadata"]["type"] == "event", "a word that it has there"
    again = memory.cube(f"{memory.cube_id}-again")
    again.import_(file)
    item = again.get("event-17")
    assert (item.metadata.type, item.metadata.info["behaviour"]["object"]) == ("behaviour", "Trattoria Roma")
