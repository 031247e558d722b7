"""What Graphiti, Zep and Letta remember, read into a cube."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OpenMemory
from tests.graphiti import MADE, Graph, graph, year
from treemem import (
    InvalidInputError,
    MemoryExistsError,
    StoreError,
    StoreUnavailableError,
    TreememError,
    TreeTextMemory,
)
from treemem.exchange import graphiti, letta, zep
from treemem.exchange.formats import FORMATS

BEGAN = datetime(1, 1, 1, tzinfo=UTC)


def written(path: Path, data: Any) -> Path:
    path.write_text(data if isinstance(data, str) else json.dumps(data), "utf-8")
    return path


def edges(memory: TreeTextMemory, as_of: Any = None) -> set[tuple[str, str, str]]:
    """The edges between memories that hold at a time."""
    found = memory.get_all(as_of=as_of)["edges"]
    return {(e["source"], e["type"], e["target"]) for e in found if e["target_kind"] == "memory"}


# ---- Graphiti


def town(made: Graph) -> dict[str, str]:
    """A small graph with everything that Graphiti has."""
    ids = {
        "ann": made.entity("Ann", "Ann builds boats.", age=41, born=year(1985).date(), langs=["pt", "en"]),
        "porto": made.entity("Porto", label="City"),
    }
    ids["first"] = made.episode("Ann: I moved to Porto.", year(2024, 3))
    ids["second"] = made.episode("Ann left.", year(2025, 3), source="text", source_description="note")
    ids["lived"] = made.fact(
        ids["ann"],
        ids["porto"],
        "Ann lives in Porto.",
        "LIVES_IN",
        episodes=[ids["first"], "gone"],
        valid_at=year(2024, 3),
        invalid_at=year(2025, 3),
        expired_at=MADE,
        reference_time=year(2024, 3),
        since="march",
    )
    ids["knows"] = made.fact(ids["ann"], ids["porto"], "Ann likes Porto.")
    made.driver.execute_query(
        "MATCH (n:Episodic {uuid: $uuid}) SET n.entity_edges = $facts", uuid=ids["second"], facts=[ids["knows"], "lost"]
    )
    ids["boats"] = made.community("Boats", "People around boats.")
    ids["all"] = made.community("Everybody", "")
    ids["saga"] = made.saga("talks", "What Ann told.")
    made.edge("MENTIONS", ids["first"], ids["ann"])
    made.edge("HAS_MEMBER", ids["boats"], ids["ann"])
    made.edge("HAS_MEMBER", ids["all"], ids["boats"])
    made.edge("HAS_EPISODE", ids["saga"], ids["first"])
    made.edge("HAS_EPISODE", ids["saga"], ids["second"])
    made.edge("NEXT_EPISODE", ids["first"], ids["second"])
    return ids


@pytest.mark.neo4j
def test_a_graph_of_graphiti_is_read(memory: TreeTextMemory, neo4j_uri: str) -> None:
    with graph(neo4j_uri) as made:
        ids = town(made)
        before = made.counted()
        done = memory.import_(neo4j_uri, group_ids=[made.group])
        assert (done.format, done.memories, done.edges, done.left_out) == ("graphiti", 9, 7, ())
        lived = memory.get(ids["lived"], as_of=year(2024, 6))
        item = lived.metadata
        assert (lived.memory, item.type, item.entities) == ("Ann lives in Porto.", "fact", ["Ann", "Porto"])
        assert (item.valid_from, item.valid_to, item.created_at) == (year(2024, 3), year(2025, 3), MADE)
        told = dict(item.info)
        assert told.pop("expired_at").startswith("2025-06-01T12:00:00.123456")
        assert told.pop("reference_time").startswith("2024-03-01T00:00:00")
        assert told == {
            "name": "LIVES_IN",
            "group_id": made.group,
            "source_node_uuid": ids["ann"],
            "target_node_uuid": ids["porto"],
            "since": "march",
            "episodes": ["gone"],
        }
        knows = memory.get(ids["knows"]).metadata
        assert (knows.valid_from, knows.valid_to) == (MADE, None)  # without a time it holds from when it was recorded
        ann = memory.get(ids["ann"])
        assert (ann.memory, ann.metadata.key, ann.metadata.tags) == ("Ann builds boats.", "Ann", ["Person"])
        assert ann.metadata.info == {"age": 41, "born": "1985-01-01", "langs": ["pt", "en"], "group_id": made.group}
        assert (memory.get(ids["porto"]).memory, memory.get(ids["all"]).memory) == ("Porto", "Everybody")
        first = memory.get(ids["first"]).metadata
        assert (first.valid_from, first.memory_time, first.source) == (year(2024, 3), year(2024, 3), "conversation")
        assert (first.entities, first.info["source_description"], first.info["name"]) == (["Ann"], "chat", "turn")
        assert memory.get(ids["second"]).metadata.info["entity_edges"] == ["lost"]
        assert memory.get(ids["boats"]).metadata.type == "topic"
        always = {
            (ids["knows"], "DERIVED_FROM", ids["second"]),
            (ids["second"], "FOLLOWS", ids["first"]),
            (ids["boats"], "PARENT", ids["ann"]),
            (ids["all"], "PARENT", ids["boats"]),
            (ids["saga"], "PARENT", ids["first"]),
            (ids["saga"], "PARENT", ids["second"]),
        }
        assert edges(memory) == always
        assert (ids["lived"], "DERIVED_FROM", ids["first"]) in edges(memory, year(2024, 6))
        assert memory.get_by_ids([ids["lived"]]) == []  # it ended
        again = memory.import_(neo4j_uri.replace("bolt://", "bolt://neo4j:x@"), group_ids=made.group, format="graphiti")
        assert (again.memories, again.edges, again.left_out) == (0, 0, ())
        assert made.counted() == before
        assert memory.check() == []
        memory.undo(str(done.operation))
        assert memory.get_all()["nodes"] == []


@pytest.mark.neo4j
def test_odd_facts_of_graphiti_are_kept(memory: TreeTextMemory, neo4j_uri: str) -> None:
    with graph(neo4j_uri) as made:
        ann, ben = made.entity("Ann", "x"), made.entity("Ben", "y", uuid="no id/of ours")
        turned = made.fact(ann, ben, "turned", valid_at=year(2024), invalid_at=year(2023))
        expired = made.fact(ann, ben, "expired", valid_at=year(2024), expired_at=year(2026))
        itself = made.fact(ann, ann, "itself", valid_at="some day")
        many = made.fact(ann, ben, "many", numbers=list(range(100_001)))
        empty = made.fact(ann, ben, " ")
        quiet = made.episode("", year(2024), name="podcast 1")
        one, two = made.community("one", "1"), made.community("two", "2")
        for each in (one, two):
            made.edge("HAS_MEMBER", each, ann)
        with pytest.raises(InvalidInputError, match=r"fact .*: (its text|info).*; nothing was imported"):
            memory.import_(neo4j_uri, group_ids=[made.group])
        assert memory.stats().operations == 0
        done = memory.import_(neo4j_uri, group_ids=[made.group], on_error="skip")
        assert {where for where, _ in done.left_out} == {f"fact {empty}", f"fact {many}"}
        found = memory.history(turned)[0].item.metadata
        assert found.valid_to == year(2023)
        assert found.info["valid_at"].startswith("2024-01-01T00:00:00")
        assert memory.history(expired)[0].item.metadata.valid_to == year(2026)
        assert memory.get(itself).metadata.info["valid_at"] == "some day"
        assert memory.get(quiet).memory == "podcast 1"
        assert memory.get(itself).metadata.entities == ["Ann"]
        assert len({kind for source, kind, target in edges(memory) if target == ann} & {"PARENT", "HAS_MEMBER"}) == 2
        assert [n["metadata"]["info"]["uuid"] for n in memory.get_all()["nodes"] if n["memory"] == "y"] == [
            "no id/of ours"
        ]
        assert len(done.notes) == 5
        assert ben == "no id/of ours"


@pytest.mark.neo4j
def test_what_changed_in_graphiti_since_is_told(memory: TreeTextMemory, neo4j_uri: str) -> None:
    with graph(neo4j_uri) as made:
        ann, ben = made.entity("Ann", "Ann sails."), made.entity("Ben")
        knows = made.fact(ann, ben, "Ann knows Ben.", valid_at=year(2024))
        memory.import_(neo4j_uri, group_ids=[made.group])
        made.driver.execute_query("MATCH (n:Entity {uuid: $uuid}) SET n.summary = 'Ann swims.'", uuid=ann)
        made.driver.execute_query(
            "MATCH ()-[e:RELATES_TO {uuid: $uuid}]->() SET e.invalid_at = $at, e.expired_at = $at", uuid=knows, at=MADE
        )
        new = made.fact(ann, ben, "Ann married Ben.", valid_at=MADE)
        with pytest.raises(MemoryExistsError, match="nothing was imported"):
            memory.import_(neo4j_uri, group_ids=[made.group])
        done = memory.import_(neo4j_uri, group_ids=[made.group], on_error="skip")
        assert (done.memories, {where for where, _ in done.left_out}) == (1, {ann, knows})
        assert (memory.get(ann).memory, memory.get(new).memory) == ("Ann sails.", "Ann married Ben.")
        assert memory.get(knows).metadata.valid_to is None


@pytest.mark.neo4j
def test_a_reader_of_graphiti_cannot_write(neo4j_uri: str) -> None:
    refused = pytest.raises(StoreError, match="read access mode")
    with graphiti.opened(neo4j_uri) as source, refused, graphiti.reading(source) as transaction:
        transaction.run("CREATE (n:Nothing)").consume()


@pytest.mark.neo4j
def test_what_is_no_graph_of_graphiti_is_refused(memory: TreeTextMemory, neo4j_uri: str) -> None:
    memory.add("Ann sings in Porto.")  # on Neo4j, our own nodes are called Entity as well
    with graph(neo4j_uri) as made:
        made.entity("Ann", "x")
        with pytest.raises(InvalidInputError, match="has no group 'nobody'"):
            memory.import_(neo4j_uri, group_ids=["nobody"])
        for wrong in ([], [1], "a b"):
            with pytest.raises(InvalidInputError, match="group"):
                memory.import_(neo4j_uri, group_ids=wrong)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="nowhere"):
        memory.import_(f"{neo4j_uri}/nowhere")
    for wrong in (
        "bolt://",
        "bolt://ann:secret@host:77777777",
        "neo4j://ann:secret@h:1/a/b",
        "bolt://h:1?password=secret",
    ):
        with pytest.raises(InvalidInputError, match="path") as refusal:
            memory.import_(wrong)
        assert "secret" not in str(refusal.value)
    with pytest.raises(StoreUnavailableError) as away:
        memory.import_("bolt://ann:secret@127.0.0.1:1")
    assert "secret" not in str(away.value)
    with pytest.raises(InvalidInputError, match="group_ids"):
        memory.import_("x.json", group_ids=["a"])
    with pytest.raises(InvalidInputError, match="conversation_id"):
        memory.import_(neo4j_uri, conversation_id="t")
    with pytest.raises(InvalidInputError, match="URI"):
        memory.import_("x.json", format="graphiti")
    assert memory.stats().memories == 1


@pytest.mark.neo4j
def test_callers_read_a_graph_of_graphiti_as_themselves(open_memory: OpenMemory, neo4j_uri: str) -> None:
    memory = open_memory()
    with graph(neo4j_uri) as made:
        town(made)
        for user in ("ann", "ben"):
            view = memory.for_caller(user_id=user)
            assert view.import_(neo4j_uri, group_ids=[made.group]).memories == 9
            assert view.import_(neo4j_uri, group_ids=[made.group]).memories == 0
            own = view.get_all()["nodes"]
            assert {n["metadata"]["user_id"] for n in own} == {user}
            assert all(n["metadata"]["info"]["uuid"] != n["id"] for n in own)
            assert len(edges(view)) == 6
    assert memory.check() == []


# ---- Zep


def zep_edge(uuid: str, fact: str, **own: Any) -> dict[str, Any]:
    ends = {"source_node_uuid": "n-ann", "target_node_uuid": "n-porto", "name": "LIVES_IN"}
    return {"uuid": uuid, "fact": fact, "created_at": "2025-06-01T12:00:00Z", **ends, **own}


#: What `graph.node.get_by_user_id`, `graph.edge.get_by_user_id`, `graph.episode.get_by_user_id` (version 3) and
#: `thread.get` give, in one file.
ZEP: dict[str, Any] = {
    "nodes": [
        {
            "uuid": "n-ann",
            "name": "Ann",
            "summary": "Ann builds boats.",
            "labels": ["Entity", "User"],
            "attributes": {"age": 41},
            "created_at": "2025-06-01T12:00:00Z",
            "score": 0.3,
        },
        {"uuid": "n-porto", "name": "Porto", "summary": "", "labels": ["Entity"], "created_at": "2025-06-01T12:00:00Z"},
    ],
    "edges": [
        zep_edge(
            "e-lives",
            "Ann lives in Porto.",
            valid_at="2024-03-01T00:00:00Z",
            invalid_at="2025-03-01T00:00:00Z",
            expired_at="2025-06-01T00:00:00Z",
            episodes=["p-1", "p-gone"],
            attributes={"since": "march"},
            relevance=0.5,
        ),
        zep_edge("e-likes", "Ann likes Porto.", valid_at=None, invalid_at=None, expired_at=None, episodes=["p-1"]),
    ],
    "episodes": [
        {
            "uuid": "p-1",
            "content": "I moved to Porto.",
            "created_at": "2024-03-01T08:00:00Z",
            "source": "message",
            "source_description": "chat",
            "role": "Ann",
            "role_type": "user",
            "processed": True,
            "thread_id": "t-1",
        }
    ],
    "threads": [
        {
            "thread_id": "t-1",
            "messages": [
                {
                    "uuid": "m-1",
                    "name": "Ann",
                    "role": "user",
                    "content": "I moved to Porto.",
                    "created_at": "2024-03-01T08:00:00Z",
                    "metadata": {"client": "web"},
                    "processed": True,
                },
                {"uuid": "m-2", "role": "assistant", "content": "Lovely!", "created_at": "2024-03-01T08:01:00Z"},
            ],
        }
    ],
    "context": "FACTS: Ann lives in Porto.",
}


def test_what_zep_gives_is_read(memory: TreeTextMemory, tmp_path: Path) -> None:
    path = written(tmp_path / "zep.json", ZEP)
    done = memory.import_(path, remember="all")
    assert (done.format, done.memories, done.edges, done.conversations, done.messages) == ("zep", 7, 2, 1, 2)
    assert [note.partition(",")[0] for note in done.notes] == ["the context of a prompt"]
    lives = memory.get("e-lives", as_of="2024-06-01")
    assert (lives.memory, lives.metadata.type, lives.metadata.entities) == (
        "Ann lives in Porto.",
        "fact",
        ["Ann", "Porto"],
    )
    assert str(lives.metadata.valid_from) == "2024-03-01 00:00:00+00:00"
    assert str(lives.metadata.valid_to) == "2025-03-01 00:00:00+00:00"
    assert lives.metadata.info == {
        "name": "LIVES_IN",
        "source_node_uuid": "n-ann",
        "target_node_uuid": "n-porto",
        "expired_at": "2025-06-01T00:00:00Z",
        "since": "march",
        "episodes": ["p-gone"],
    }
    assert str(memory.get("e-likes").metadata.valid_from) == "2025-06-01 12:00:00+00:00"
    ann = memory.get("n-ann")
    assert (ann.memory, ann.metadata.key, ann.metadata.tags, ann.metadata.info) == (
        "Ann builds boats.",
        "Ann",
        ["User"],
        {"age": 41},
    )
    assert ("e-likes", "DERIVED_FROM", "p-1") in edges(memory)
    assert memory.get("p-1").metadata.info["role_type"] == "user"
    said = memory.messages("t-1")
    assert [(m.role, m.name, m.content) for m in said] == [
        ("user", "Ann", "I moved to Porto."),
        ("assistant", None, "Lovely!"),
    ]
    again = memory.import_(path, remember="all")
    assert (again.memories, again.edges, again.left_out) == (0, 0, ())
    assert len(memory.messages("t-1")) == 2
    assert memory.check() == []


def test_facts_that_say_only_when_they_end_hold_since_ever(memory: TreeTextMemory, tmp_path: Path) -> None:
    told = [
        zep_edge("e-open", "Ann lived in Rome.", valid_at=None, invalid_at="2020-01-01T00:00:00Z"),
        zep_edge("e-odd", "Ann lived in Bonn.", valid_at="once", invalid_at="2020-01-01T00:00:00Z"),
        zep_edge("e-late", "Ann lives in Porto.", valid_at=None, invalid_at="2026-01-01T00:00:00Z"),
        zep_edge("e-turned", "Ann sings.", valid_at="2021-01-01T00:00:00Z", invalid_at="2020-01-01T00:00:00Z"),
    ]
    done = memory.import_(written(tmp_path / "e.json", told))
    assert [note for note in done.notes if note.startswith("facts")] == [
        "facts that end before they begin hold for the last moment before their end (1)",
        "facts that say their end and no beginning hold since ever (2)",
    ]
    for uuid in ("e-open", "e-odd"):
        for at in ("0001-01-01", "1999-05-05", "2019-12-31"):
            assert memory.get(uuid, as_of=at).metadata.valid_from == BEGAN
        assert memory.get_by_ids([uuid], as_of="2020-01-01") == []
    assert str(memory.get("e-late", as_of="2025-07-01").metadata.valid_from) == "2025-06-01 12:00:00+00:00"
    assert memory.get_by_ids(["e-turned"], as_of="2019-12-31") == []
    found = memory.search("Where did Ann live?", as_of="2019-06-01")
    assert {hit.id for hit in found} >= {"e-open", "e-odd"}
    assert memory.check() == []


def test_facts_that_come_twice_are_refused_or_told(memory: TreeTextMemory, tmp_path: Path) -> None:
    first = zep_edge("e-1", "Ann sings.", valid_at="2024-01-01T00:00:00Z", invalid_at=None)
    with pytest.raises(InvalidInputError, match="fact e-1: its uuid comes twice"):
        memory.import_(written(tmp_path / "e.json", {"edges": [first, zep_edge("e-1", "Ann dances.")]}))
    newer = {**first, "invalid_at": "2025-01-01T00:00:00Z"}
    done = memory.import_(written(tmp_path / "e.json", {"edges": [first, first], "facts": [newer]}))
    assert (done.memories, done.notes) == (
        1,
        ("facts that come again with other times are read as they come first (1)",),
    )


def test_responses_of_zep_are_told_one_by_one(memory: TreeTextMemory, tmp_path: Path) -> None:
    page = {"items": [zep_edge("e-4", "Ben sails.", episode_uuids=["p-1"])], "next_cursor": "x", "total_size": 1}
    fact = {"uuid": "f-2", "fact": "Cleo cooks.", "content": "Cleo cooks.", "created_at": "2024-01-01T00:00:00Z"}
    old = {
        "session_id": "s-1",
        "context": "x",
        "facts": ["Cleo cooks.", "Dan dives."],
        "relevant_facts": [fact],
        "summary": {"uuid": "s-2", "content": "They talked of hobbies.", "created_at": "2024-01-02T00:00:00Z"},
        "messages": [
            {
                "uuid": "m-9",
                "role": "Dan",
                "role_type": "user",
                "content": "I dive.",
                "created_at": "2024-01-01T00:00:00Z",
            }
        ],
    }
    observed = {"results": {"observations": [{"uuid": "o-1", "name": "habit", "summary": "Ann walks daily."}]}}
    objects = [{"uuid_": "n-9", "name": "Eve", "summary": "Eve paints.", "labels": None, "created_at": "2024-01-01"}]
    thread = {"messages": ZEP["threads"][0]["messages"], "total_count": 2, "row_count": 2}
    told = {}
    for name, data in {"page": page, "old": old, "seen": observed, "nodes": objects, "talk": thread}.items():
        done = memory.import_(written(tmp_path / f"{name}.json", data), remember="all")
        told[name] = (done.format, done.memories, done.messages)
    assert told == {
        "page": ("zep", 1, 0),
        "old": ("zep", 4, 1),
        "seen": ("zep", 1, 0),
        "nodes": ("zep", 1, 0),
        "talk": ("zep", 2, 2),
    }
    assert memory.get("e-4").metadata.info["episode_uuids"] == ["p-1"]
    assert {each.id for each in memory.conversations()} == {"s-1", "talk"}
    assert {n["memory"] for n in memory.get_all()["nodes"]} >= {"Dan dives.", "Cleo cooks.", "They talked of hobbies."}
    assert "content" not in memory.get("f-2").metadata.info


def test_what_zep_does_not_give_is_refused_or_told(memory: TreeTextMemory, tmp_path: Path) -> None:
    data = {**ZEP, "edges": [*ZEP["edges"], 5, zep_edge("e-5", " "), zep_edge("e-lives", "again")], "users": [{"a": 1}]}
    path = written(tmp_path / "zep.json", data)
    with pytest.raises(InvalidInputError, match=r"zep\.json: edges\[2\].*nothing was imported"):
        memory.import_(path, format="zep")
    assert memory.stats().operations == 0
    done = memory.import_(path, format="zep", on_error="skip", remember="all")
    assert [where for where, _ in done.left_out] == ["edges[2]", "fact e-5", "fact e-lives"]
    assert done.memories == 7
    assert any("users" in note for note in done.notes)


# ---- Letta

AGENT: dict[str, Any] = {
    "agents": [
        {
            "id": "agent-0",
            "name": "Loop",
            "system": "You are Loop.",
            "agent_type": "letta_v1_agent",
            "block_ids": ["block-0", "block-1"],
            "tool_ids": ["tool-0"],
            "in_context_message_ids": ["message-0", "message-1"],
            "messages": [
                {
                    "id": "message-0",
                    "type": "message",
                    "role": "system",
                    "content": [{"type": "text", "text": "You are Loop."}],
                    "created_at": "2025-10-31T22:56:56+00:00",
                },
                {
                    "id": "message-1",
                    "role": "user",
                    "content": [{"type": "text", "text": json.dumps({"type": "user_message", "message": "I bake."})}],
                    "created_at": "2025-10-31T22:57:00+00:00",
                },
                {
                    "id": "message-2",
                    "role": "assistant",
                    "content": [{"type": "text", "text": "A baker, then."}],
                    "model": "gpt-4o-mini",
                    "tool_calls": [
                        {
                            "id": "c-1",
                            "type": "function",
                            "function": {"name": "send_message", "arguments": '{"message": "What do you bake?"}'},
                        }
                    ],
                    "created_at": "2025-10-31T22:57:02+00:00",
                },
                {
                    "id": "message-2a",
                    "role": "system",
                    "content": [{"type": "text", "text": "You are Loop. <human>The user bakes bread.</human>"}],
                    "created_at": "2025-10-31T22:57:02+00:00",
                },
                {
                    "id": "message-3",
                    "role": "tool",
                    "content": [{"type": "text", "text": '{"status": "OK"}'}],
                    "tool_call_id": "c-1",
                    "created_at": "2025-10-31T22:57:03+00:00",
                },
                {
                    "id": "message-4",
                    "role": "user",
                    "content": [{"type": "text", "text": json.dumps({"type": "heartbeat", "reason": "x"})}],
                    "created_at": "2025-10-31T22:58:00+00:00",
                },
            ],
        }
    ],
    "groups": [],
    "blocks": [
        {
            "id": "block-0",
            "label": "human",
            "value": "The user bakes bread.",
            "limit": 2000,
            "description": "Of the user.",
        },
        {"id": "block-1", "label": "persona", "value": " ", "limit": 2000},
    ],
    "files": [
        {"id": "file-0", "file_name": "a/bread.md", "original_file_name": "bread.md", "content": "Flour, water."}
    ],
    "sources": [],
    "tools": [{"id": "tool-0", "name": "send_message"}],
    "mcp_servers": [],
    "metadata": {"revision_id": "f6cd5a1e519d"},
    "created_at": "2025-11-01T00:00:00+00:00",
}
PASSAGES = [
    {
        "id": f"passage-{'0' * 35}{n}",
        "text": text,
        "embedding": [0.1] * 5,
        "embedding_config": {"embedding_model": "x"},
        "archive_id": "archive-1",
        "created_at": f"2025-0{n}-01T00:00:00Z",
        "tags": ["food"],
        "metadata": {"mood": "good"},
        "is_deleted": n == 2,
    }
    for n, text in ((1, "Rye needs a night."), (2, "Rye needs an hour."))
]


def test_agent_files_of_letta_are_read(memory: TreeTextMemory, tmp_path: Path) -> None:
    path = written(tmp_path / "loop.af", AGENT)
    done = memory.import_(path, remember="all")
    assert (done.format, done.conversations, done.messages, done.left_out) == ("letta", 1, 4, ())
    by_key = {n["metadata"]["key"]: n for n in memory.get_all()["nodes"] if n["metadata"]["key"]}
    human = by_key["human"]["metadata"]
    assert by_key["human"]["memory"] == "The user bakes bread."
    assert (human["memory_type"], human["agent_id"]) == ("UserMemory", "Loop")
    assert human["info"] == {"limit": 2000, "description": "Of the user."}
    assert (by_key["bread.md"]["memory"], by_key["bread.md"]["metadata"]["memory_type"]) == (
        "Flour, water.",
        "KnowledgeBaseMemory",
    )
    assert "persona" not in by_key
    said = memory.messages("letta-Loop")
    assert [(m.role, m.content) for m in said] == [
        ("user", "I bake."),
        ("assistant", "What do you bake?"),
        ("tool", '{"status": "OK"}'),
        ("system", ""),
    ]
    assert said[3].extra == {"event": {"type": "heartbeat", "reason": "x"}}
    assert said[1].extra["parts"] == [{"type": "thoughts", "thoughts": "A baker, then."}]
    assert len(done.notes) == 4
    renumbered = json.loads(json.dumps(AGENT))
    renumbered["agents"][0]["messages"] = renumbered["agents"][0]["messages"][1:]  # a later export counts anew
    renumbered["created_at"] = "2025-12-01T00:00:00+00:00"
    for each in (AGENT, renumbered, json.dumps(AGENT)):
        again = memory.import_(written(path, each if isinstance(each, dict) else json.dumps(each)), remember="all")
        assert (again.format, again.memories, again.left_out) == ("letta", 0, ())
    assert len(memory.messages("letta-Loop")) == 4


def test_the_first_agent_files_of_letta_are_read(memory: TreeTextMemory, tmp_path: Path) -> None:
    first = {
        "agent_type": "memgpt_agent",
        "name": "MemGPT",
        "system": "You are.",
        "core_memory": [
            {
                "label": "human",
                "value": "Chad likes code.",
                "limit": 5000,
                "created_at": "2025-04-01T00:00:00",
                "updated_at": "2025-04-02T00:00:00",
                "metadata_": {"k": 1},
            }
        ],
        "messages": [
            {"role": "system", "content": [{"type": "text", "text": "You are."}], "created_at": "2025-04-01T00:00:00"},
            {"role": "user", "content": [{"type": "text", "text": "Hi, I code."}], "created_at": "2025-04-01T00:00:01"},
        ],
        "in_context_message_indices": [0, 1],
        "tools": [],
        "tags": [],
        "version": "0.6.50",
    }
    done = memory.import_(written(tmp_path / "m.af", first), remember="all")
    assert (done.format, done.memories, done.messages) == ("letta", 2, 1)
    (human,) = [n["metadata"] for n in memory.get_all()["nodes"] if n["metadata"]["key"] == "human"]
    assert human["info"] == {"k": 1, "limit": 5000, "updated_at": "2025-04-02T00:00:00"}
    assert human["created_at"].startswith("2025-04-01")
    assert human["valid_from"].startswith("2025-04-02")  # the value is that of the last change


def test_lists_of_letta_are_read(memory: TreeTextMemory, tmp_path: Path) -> None:
    done = memory.import_(written(tmp_path / "passages.json", PASSAGES))
    assert (done.format, done.memories, len(done.notes)) == ("letta", 1, 2)  # one was deleted there
    item = memory.get(PASSAGES[0]["id"])
    assert (item.memory, item.metadata.tags) == ("Rye needs a night.", ["food"])
    assert item.metadata.info == {"archive_id": "archive-1", "mood": "good"}
    assert str(item.metadata.valid_from) == str(item.metadata.created_at) == "2025-01-01 00:00:00+00:00"
    assert len(item.metadata.embedding or ()) == 48
    assert [n["id"] for n in memory.get_all()["nodes"]] == [PASSAGES[0]["id"]]
    assert memory.import_(written(tmp_path / "p.json", {"passages": PASSAGES})).memories == 0
    talk = [
        {"id": "message-1", "date": "2025-05-01T00:00:00Z", "message_type": "user_message", "content": "I sail."},
        {"id": "message-2", "date": "2025-05-01T00:00:01Z", "message_type": "reasoning_message", "reasoning": "Hm."},
        {
            "id": "message-2",
            "date": "2025-05-01T00:00:01Z",
            "message_type": "assistant_message",
            "content": "Where to?",
        },
    ]
    path = written(tmp_path / "talk.json", talk)
    assert memory.import_(path, remember="all", conversation_id="sea").messages == 3
    assert memory.import_(path, remember="all", conversation_id="sea").memories == 0
    assert [(m.role, m.content) for m in memory.messages("sea")] == [
        ("user", "I sail."),
        ("assistant", ""),
        ("assistant", "Where to?"),
    ]
    block = {"id": "block-" + "1" * 36, "label": "human", "value": "Sails.", "limit": 5, "tags": ["x"]}
    assert memory.import_(written(tmp_path / "b.json", [block])).memories == 1
    odd = [
        {**PASSAGES[0], "text": " ", "id": "x"},
        {**PASSAGES[1], "id": "y", "is_deleted": None, "created_at": "2025-06-01"},
    ]
    done = memory.import_(written(tmp_path / "odd.json", odd), on_error="skip")
    assert ([where for where, _ in done.left_out], done.memories) == (["passages[0]"], 1)


def test_callers_read_zep_and_letta_as_themselves(open_memory: OpenMemory, tmp_path: Path) -> None:
    memory = open_memory()
    for name, data, new in (("zep", ZEP, 7), ("letta", AGENT, 5), ("passages", PASSAGES, 1)):
        path = written(tmp_path / f"{name}.json", data)
        for user in ("ann", "ben"):
            view = memory.for_caller(user_id=user)
            assert view.import_(path, remember="all").memories == new, name
            assert view.import_(path, remember="all").memories == 0
            assert {n["metadata"]["user_id"] for n in view.get_all()["nodes"]} == {user}
    assert memory.check() == []


# ---- all formats

SERVERS = (
    "neo4j://bob:sekret@h",
    "bolt+x://bob:sekret@h",
    "neo4j:/bob:sekret@h",
    "bolt:bob:sekret@h:7687",
    " neo4j//bob:sekret@h",
    "bob:sekret@h",
    "http:/h/x?password=sekret",
    "neo4j://bob:sek\x00ret@h",
    "bob:sekret@neo4j://h",
)


@pytest.mark.parametrize("given", [*SERVERS, Path("neo4j://bob:sekret@h"), b"bolt://bob:sekret@h"])
def test_no_refusal_of_a_path_shows_a_password(
    memory: TreeTextMemory, given: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    verbs: list[Callable[[], Any]] = [
        *(partial(memory.import_, given, format=name) for name in ("mem0", "zep", "messages", "archive", "graphiti")),
        *(partial(memory.export, given, format=name) for name in (None, "archive", "neo4j-csv")),
        partial(memory.archive_hash, given),
        partial(memory.dump, given),
        partial(memory.load, given),
    ]
    if not str(given).startswith("neo4j://bob:sekret"):  # that one is asked, as a database of Graphiti's
        verbs.append(partial(memory.import_, given))
    for verb in verbs:
        with pytest.raises(TreememError) as refusal:
            verb()
        shown: BaseException | None = refusal.value
        while shown is not None:
            assert "sekret" not in str(shown), verb
            assert "ret@" not in str(shown), verb
            shown = shown.__cause__ or shown.__context__
    assert not [each for each in tmp_path.rglob("*") if "bob" in each.name]


def test_a_file_that_is_called_like_a_server_is_read_by_its_whole_path(memory: TreeTextMemory, tmp_path: Path) -> None:
    path = written(tmp_path / "bob:x@h.json", ZEP["edges"])
    assert memory.import_(str(path)).memories == 2
    assert memory.import_(path, format="zep").memories == 0


_DUMPED = {"lc": 1, "type": "constructor", "id": ["langchain", "HumanMessage"], "kwargs": {"content": "hi"}}
_TALK = [{"role": "user", "content": "hi"}]
#: A file of each format that is JSON, of several shapes where it has them.
FILES: dict[str, list[Any]] = {
    "memos": [
        {"nodes": [{"id": "a", "memory": "x", "metadata": {}}], "edges": []},
        [{"id": "a", "memory": "x", "metadata": {}}],
        [{"id": "a", "vector": [0.5], "payload": {"memory": "x"}}],
    ],
    "mem0": [
        {"results": [{"id": "a", "memory": "x"}]},
        [{"id": "a", "memory": "x", "hash": "h"}],
        [{"id": "a", "memory": "x", "user_id": "u", "categories": None}],
        {"id": "a", "memory": "x", "user_id": "u"},
        {"results": []},
        [{"id": "e", "memory_id": "a", "event": "ADD", "new_memory": "x", "created_at": "2025-01-01"}],
    ],
    "zep": [
        ZEP,
        *({kind: ZEP[kind]} for kind in ("nodes", "edges", "episodes", "threads")),
        *(ZEP[kind] for kind in ("nodes", "edges", "episodes")),
        {"messages": ZEP["threads"][0]["messages"], "total_count": 2},
        {"items": ZEP["nodes"], "next_cursor": None},
    ],
    "letta": [AGENT, PASSAGES, {"passages": PASSAGES}, AGENT["blocks"], {"core_memory": [], "messages": _TALK}],
    "chatgpt": [[{"mapping": {"1": {"message": None, "parent": None, "children": []}}, "title": "t", "id": "i"}]],
    "claude": [[{"uuid": "u", "name": "n", "created_at": "2025-01-01", "summary": "s", "chat_messages": []}]],
    "telegram": [{"name": "n", "id": 1, "messages": [{"id": 1, "type": "message", "from": "A", "text": "x"}]}],
    "slack": [[{"type": "message", "ts": "1700000000.0", "user": "u", "text": "hi"}]],
    "finetuning": [{"messages": _TALK}],
    "messages": [
        _TALK,
        [{"type": "human", "data": {"content": "hi"}}],
        [{"id": "m", "role": "user", "content": "hi", "metadata": {}}],
        [_DUMPED],
        {"messages": [_DUMPED], "summary": "they talk"},
        {"values": {"messages": [_DUMPED]}},
        [{"id": 1, "session_id": "s", "message": json.dumps({"type": "human", "data": {"content": "hi"}})}],
        [json.dumps({"type": "human", "data": {"content": "hi"}})],
        {"first": _TALK, "second": [_DUMPED]},
    ],
}


def test_every_format_is_among_these() -> None:
    """Those of one JSON value are compared below; the others are told by what they begin with."""
    others = {"archive", "graphml", "whatsapp", "graphiti"}
    assert {each.name for each in FORMATS if each.reads} == FILES.keys() | others


def test_formats_that_are_no_json_are_told(memory: TreeTextMemory, tmp_path: Path) -> None:
    memory.add("Ann sings.")
    chat = written(tmp_path / "chat.txt", "12.03.24, 14:05 - Ann: I sing.\n")
    files = {"archive": memory.export(tmp_path / "a.jsonl"), "graphml": memory.export(tmp_path / "a.graphml")}
    for number, (name, path) in enumerate({**files, "whatsapp": chat}.items()):
        assert memory.cube(f"{memory.cube_id}-{number}").import_(path).format == name
        for other in ("zep", "letta"):
            with pytest.raises(TreememError):
                memory.import_(path, format=other)


@pytest.mark.parametrize("name", FILES)
def test_no_format_is_taken_for_another(memory: TreeTextMemory, tmp_path: Path, name: str) -> None:
    for number, data in enumerate(FILES[name]):
        assert zep.fits(data) == (name == "zep"), number
        assert letta.fits(data) == (name == "letta"), number
        for other in {"zep", "letta"} - {name}:
            with pytest.raises(TreememError):
                memory.import_(written(tmp_path / "other.json", data), format=other)
        assert memory.import_(written(tmp_path / f"{number}.json", data), on_error="skip").format == name, number


#: What other programs may well write, and Zep and Letta do not.
NOT_THEIRS: list[Any] = [
    {"facts": ["Cats purr.", "Dogs bark."]},
    {"facts": ["Cats purr."], "context": "A question about animals.", "answer": "yes"},
    {"summary": "x", "facts": ["Cats purr."]},
    {"facts": ["Cats purr."], "edges": [[0, 1]], "nodes": ["a", "b"]},
    [{"uuid": "u", "fact": "x"}, *({"text": "y"} for _ in range(9))],
    [{"message_type": []}, {"message_type": {}}, {"message_type": None}],
    ["user_message"],
]


@pytest.mark.parametrize("number", range(len(NOT_THEIRS)))
def test_what_other_programs_write_is_not_taken_for_theirs(number: int) -> None:
    assert not zep.fits(NOT_THEIRS[number])
    assert not letta.fits(NOT_THEIRS[number])


def test_facts_of_a_session_are_told_by_what_is_beside_them(memory: TreeTextMemory, tmp_path: Path) -> None:
    path = written(tmp_path / "s.json", {"facts": ["Ann sings."], "session_id": "s-1"})
    assert (memory.import_(path).format, memory.stats().memories) == ("zep", 1)
    alone = written(tmp_path / "alone.json", {"facts": ["Ben sails."]})
    assert memory.import_(alone, format="zep").memories == 1  # whoever says so knows


_API = [{"message_type": "user_message", "content": f"I sail to {n}.", "date": "2025-05-01"} for n in range(3)]
#: Files with a row that cannot be read, and the place of it.
ONE_BAD: dict[str, tuple[Any, str]] = {
    "edges": ([*ZEP["edges"], 5], "edges[2]"),
    "a page of edges": ({"items": [*ZEP["edges"], {"uuid": "x"}]}, "edges[2]"),
    "several kinds of zep": ({**ZEP, "nodes": ["x", *ZEP["nodes"]]}, "nodes[0]"),
    "passages": (["x", PASSAGES[0]], "passages[0]"),
    "passages under their name": ({"passages": [PASSAGES[0], 5]}, "passages[1]"),
    "blocks": ([*AGENT["blocks"], {"label": 5}], "blocks[2]"),
    "messages": ([*_API, 5], "talk, message 3"),
    "agents": ({**AGENT, "agents": [*AGENT["agents"], 5]}, "agents[1]"),
    "no number": ([PASSAGES[0], {**PASSAGES[0], "id": None, "created_at": float("nan")}], "passages[1]"),
    "infinite": ([*ZEP["edges"], zep_edge("e", "x", weight=float("inf"))], "fact e"),
    "half characters": ({**ZEP, "facts": ["half \ud800"]}, "fact "),
}


@pytest.mark.parametrize("name", ONE_BAD)
def test_one_row_that_cannot_be_read_spoils_no_file(memory: TreeTextMemory, tmp_path: Path, name: str) -> None:
    data, where = ONE_BAD[name]
    path = written(tmp_path / "talk.json", data)
    wanted = "zep" if zep.fits(data) else "letta"
    for format in ("auto", wanted):
        with pytest.raises(InvalidInputError, match=re.escape(where)):
            memory.import_(path, format=format)
    done = memory.import_(path, on_error="skip", remember="all")
    assert (done.format, len(done.left_out)) == (wanted, 1)
    assert done.left_out[0][0].startswith(where)
    assert done.memories >= 1
    assert memory.check() == []


#: What may stand anywhere in a file that somebody, or something, made.
ODD: list[Any] = [None, 0, -1, 10**30, True, "", " ", "x", "\ud800", "a\x00b", [], {}, [[]], ["x"], {"x": 1}]
ODD += [{"uuid": []}, [{}], float("nan"), float("inf"), "9999-12-31", "0001-01-01", "x" * 200, {"": 1}, [None]]


def mutated(data: Any, draw: random.Random) -> Any:
    """Return a copy of JSON in which one to three values are something else, or gone."""
    made = copy.deepcopy(data)
    for _ in range(draw.randint(1, 3)):
        places: list[tuple[Any, Any]] = []
        waiting = [made]
        while waiting:
            each = waiting.pop()
            named = each.items() if isinstance(each, dict) else enumerate(each) if isinstance(each, list) else ()
            for name, value in named:
                places.append((each, name))
                waiting.append(value)
        if not places:
            break
        where, name = draw.choice(places)
        if draw.random() < 0.15:
            del where[name]
        else:
            where[name] = copy.deepcopy(draw.choice(ODD))
    return made


@pytest.mark.parametrize("name", ["zep", "letta"])
def test_whatever_stands_in_a_file_is_read_or_refused(name: str) -> None:
    draw = random.Random(f"odd values of {name}")
    for _ in range(500):
        data = mutated(draw.choice(FILES[name] + [_API, {**ZEP, "session_id": "s", "facts": ["x", "y"]}]), draw)
        for mine in (("", ""), ("ann", "s")):
            zep.fits(data)
            letta.fits(data)
            for refused in (_raised, lambda where, error: None):
                with contextlib.suppress(InvalidInputError):
                    found, chats = zep.read(data, "n", mine, refused)
                    assert found.plain()["treemem"] is True
                    assert all(chat.messages for chat in chats)
                with contextlib.suppress(InvalidInputError):
                    assert letta.Export(data, "n", mine, refused).plain()


def _raised(where: str, error: TreememError) -> None:
    raise error


def test_whatever_stands_in_a_file_spoils_no_cube(open_memory: OpenMemory, backend: str, tmp_path: Path) -> None:
    memory = open_memory()
    draw = random.Random(7)
    for number in range(60 if backend == "sqlite" else 20):
        name = draw.choice(["zep", "letta"])
        path = written(tmp_path / "odd.json", mutated(draw.choice([*FILES[name], _API]), draw))
        view = memory if number % 2 else memory.for_caller(user_id="ann")
        for format in ("auto", name):
            with contextlib.suppress(TreememError):
                view.import_(path, format=format, on_error="skip", remember="all")
    assert memory.check() == []


HOSTILE: dict[str, Any] = {
    "deep": '{"edges": ' + "[" * 200_000,
    "no lists": {"edges": {"uuid": 1, "fact": {}}, "nodes": 7, "agents": 1, "blocks": {}, "passages": "x"},
    "uuids that are lists": {"edges": [{"uuid": [], "fact": []}], "nodes": [{"uuid": {}, "name": 1, "created_at": []}]},
    "agents that are none": {
        "agents": [{"name": 5, "messages": "x", "block_ids": "y"}],
        "blocks": [None, 1, {"label": 2}],
    },
    "messages that are none": {"core_memory": [[]], "messages": [1, {"role": [], "content": 3}, {"message_type": {}}]},
    "huge numbers": {"edges": [zep_edge("e", "x", valid_at=10**400, attributes={"n": 10**400})]},
    "half characters": {"edges": [zep_edge("e", "x\ud800"), zep_edge("f\ud800", "y")]},
    "nothing": {"odd": []},
    "deep attributes": '{"edges": [{"uuid": "e", "fact": "x", "attributes": ' + '{"a":' * 500 + "1" + "}" * 500 + "}]}",
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("format", ["zep", "letta", "auto"])
def test_hostile_files_are_refused(memory: TreeTextMemory, tmp_path: Path, name: str, format: str) -> None:
    path = written(tmp_path / "h.json", HOSTILE[name])
    with pytest.raises(TreememError):
        memory.import_(path, format=format)
    assert memory.stats().memories == 0
    try:
        done = memory.import_(path, format=format, on_error="skip")
    except TreememError:
        assert memory.stats().memories == 0
    else:
        assert done.left_out
    assert memory.check() == []
