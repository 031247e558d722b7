"""The REST service over real sockets: every route, on the embedded store; what it stands on, on Neo4j too."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.helpers import fresh_cube
from tests.openai_server import Script, Streamed, serving
from tests.rest_server import ALL, Caller, running, some_keys
from tests.test_llm_streams import openai_chunks
from treemem import ConfigError, InvalidInputError, MiniLM, OpenAILLM, TreeTextMemory, errors
from treemem.service.access import Access, FixedKeys, NoKeys
from treemem.service.rest import app, codes, details
from treemem.service.rest.application import NOT_SUPPORTED, ROUTES
from treemem.service.rest.models import Models
from treemem.service.rest.rates import Rates
from treemem.service.rest.serving import Address
from treemem.service.running import BusyError

EMBEDDER = MiniLM()


def said(body: dict[str, Any]) -> Any:
    """Answers in two words, as a stream where one is wanted."""
    if body.get("stream"):
        return Streamed(*openai_chunks("你", "好"))
    message = {"role": "assistant", "content": "你好"}
    return {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}


@pytest.fixture(scope="module")
def model() -> Iterator[Script]:
    with serving(said) as script:
        yield script


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TreeTextMemory]:
    with TreeTextMemory.open(tmp_path_factory.mktemp("rest") / "m.db", embedder=EMBEDDER) as opened:
        yield opened


@pytest.fixture(scope="module")
def url(memory: TreeTextMemory, model: Script) -> Iterator[str]:
    llm = OpenAILLM("m", base_url=model.url, api_key="none")
    with running(app(memory, some_keys("one"), models=Models(EMBEDDER, llm), base_path="/memory")) as address:
        yield address


@pytest.fixture
def caller(url: str) -> Caller:
    return Caller(url)


@pytest.fixture(scope="module", params=["embedded", pytest.param("neo4j", marks=pytest.mark.neo4j)])
def either(request: pytest.FixtureRequest) -> Iterator[str]:
    """A service on either store, for what it stands on."""
    if request.param == "embedded":
        yield request.getfixturevalue("url")
        return
    uri = request.getfixturevalue("neo4j_uri")
    with TreeTextMemory.open(uri, cube=fresh_cube("rest"), embedder=EMBEDDER) as memory:
        with running(app(memory, some_keys(fresh_cube("rest")), models=Models(EMBEDDER))) as address:
            yield address


# ---- On both stores ---------------------------------------------------------------------------------------------


def test_one_conversation_of_two_users_is_two(either: str) -> None:
    one, two = Caller(either), Caller(either, "key-two")
    one.add("iso1", "My locker code is 4471.", "Same line for both of us.", conversation="conversation_001")
    one.add("iso2", "My locker code is 9038.", "Same line for both of us.", conversation="conversation_001")
    assert one.found("iso1", "What is my locker code?")[0] == "My locker code is 4471."
    assert "My locker code is 9038." not in one.found("iso1", "What is my locker code?", relativity=0)
    assert one.found("iso2", "What is my locker code?")[0] == "My locker code is 9038."
    assert two.found("iso1", "What is my locker code?", relativity=0) == []
    for user, code in (("iso1", "4471"), ("iso2", "9038")):
        log = one.post("get/message", user_id=user, conversation_id="conversation_001")["message_detail_list"]
        assert [m["content"] for m in log] == [f"My locker code is {code}.", "Same line for both of us."]
    item = one.post("search/memory", user_id="iso1", query="locker code")["memory_detail_list"][0]
    two.refused("update/memory", codes.NO_MEMORY, 404, memory_id=item["id"], content="Mine.")
    two.refused("delete/memory", codes.NO_MEMORY, 404, memory_ids=[item["id"]])


def test_a_conversation_is_read_back_as_it_was_said(either: str) -> None:
    caller = Caller(either)
    for question, answer in (
        ("Call the plumber.", "Got it."),
        ("Buy two lamps.", "Got it."),
        ("Call the plumber.", "Got it."),
    ):
        messages = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
        caller.post("add/message", user_id="r", conversation_id="r1", messages=messages)

    def log(most: int) -> list[str]:
        data = caller.post("get/message", user_id="r", conversation_id="r1", message_limit_number=most)
        return [m["content"] for m in data["message_detail_list"]]

    whole = ["Call the plumber.", "Got it.", "Buy two lamps.", "Got it.", "Call the plumber.", "Got it."]
    assert log(50) == whole
    assert log(3) == whole[-3:]
    assert caller.post("get/message", user_id="r", conversation_id="other") == {"message_detail_list": []}


def test_what_is_public_is_found_by_all_users_of_the_project(either: str) -> None:
    caller = Caller(either, "key-three")
    caller.add("cook", "The canteen is closed on 14 March.", allow_public=True)
    assert caller.found("guest", "Where can I have lunch on 14 March?") == ["The canteen is closed on 14 March."]
    assert caller.found("guest", "knee") == []
    assert Caller(either, "key-two").found("guest", "Where can I have lunch on 14 March?") == []


def test_pages_and_what_is_deleted(either: str) -> None:
    caller = Caller(either)
    caller.add("p", *(f"Box {n} holds {word}." for n, word in enumerate("abcdefghijklmnopqrstuvw")))
    pages = [caller.post("get/memory", user_id="p", page=n) for n in (1, 2, 3, 4)]
    assert [len(page["memory_detail_list"]) for page in pages] == [10, 10, 3, 0]
    assert {(page["total"], page["pages"], page["size"]) for page in pages} == {(23, 3, 10)}
    assert [page["current"] for page in pages] == [1, 2, 3, 4]
    ids = [item["id"] for page in pages for item in page["memory_detail_list"]]
    assert len(set(ids)) == 23
    assert caller.post("delete/memory", memory_ids=[ids[0]]) == {"success": True}
    caller.refused("delete/memory", codes.NO_MEMORY, 404, memory_ids=[ids[0]])
    assert caller.post("delete/memory", memory_ids=[ids[1]], user_ids=["p", "q"]) == {"success": True}
    caller.refused("delete/memory", codes.NO_USER, 404, user_id="nobody")
    assert caller.post("delete/memory", user_ids=["p"]) == {"success": True}
    assert caller.post("get/memory", user_id="p")["total"] == 0


def test_a_task_is_known_until_the_end(either: str) -> None:
    caller = Caller(either)
    messages = [{"role": "user", "content": "The spare key lies under the blue pot."}]
    data = caller.post("add/message", user_id="t", messages=messages, asyncMode=True)
    assert data["status"] == "running"
    assert caller.found("t", "Where is the spare key?") == ["The spare key lies under the blue pot."]
    (task,) = caller.post("get/status", task_id=data["task_id"])
    assert (task["task_id"], task["status"]) == (data["task_id"], "completed")
    assert len(task["memory_views"]["added"]) == 1
    assert caller.post("add/message", user_id="t", messages=messages, async_mode=False)["status"] == "completed"
    caller.refused("get/status", codes.NO_TASK, 404, task_id="nobody")
    Caller(either, "key-two").refused("get/status", codes.NO_TASK, 404, task_id=data["task_id"])


def test_a_knowledge_base(either: str) -> None:
    caller = Caller(either)
    base = caller.post("create/knowledgebase", knowledgebase_name="Travel")["id"]
    text = "# 差旅\n\n住宿:一线城市每晚不超过550元\n".encode()
    answer = caller.http.post(
        f"{either}/add/knowledgebase-file", params={"knowledgebase_id": base}, files=[("file", ("规定.md", text))]
    )
    (file,) = answer.json()["data"]
    assert (file["name"], file["size"], file["type"]) == ("规定.md", len(text), "document")
    for named in ([base], "all", ["all"]):
        assert "550" in caller.found("traveller", "住宿能报销多少?", knowledgebase_ids=named)[0]
    assert caller.found("traveller", "住宿能报销多少?") == []
    Caller(either, "key-two").refused(
        "search/memory", codes.NO_BASE, 404, user_id="u", query="住宿", knowledgebase_ids=[base]
    )
    listed = caller.post("get/knowledgebase-file", knowledgebase_id=base)
    assert (listed["total"], listed["page"], listed["page_size"]) == (1, 1, 20)
    assert (
        listed["file_detail_list"] == caller.post("get/knowledgebase-file", file_ids=[file["id"]])["file_detail_list"]
    )
    assert caller.post("delete/knowledgebase-file", file_ids=[file["id"]]) == {"success": True}
    assert caller.found("traveller", "住宿能报销多少?", knowledgebase_ids=[base]) == []
    caller.refused("get/knowledgebase-file", codes.NO_MEMORY, 404, file_ids=[file["id"]])
    assert caller.post("delete/knowledgebase", knowledgebase_id=base) == {"success": True}
    caller.refused("get/knowledgebase-file", codes.NO_BASE, 404, knowledgebase_id=base)


def test_a_filter_for_a_source(caller: Caller) -> None:
    caller.add("s", "The attic has a new window.", info={"scene": "chat"})
    caller.add("s", "The attic has an old window.")
    tree = {"user": {"and": [{"scene": "chat"}]}, "public": {"and": [{"scene": "other"}]}}
    assert caller.found("s", "attic window", filter=tree) == ["The attic has a new window."]


def test_filters(caller: Caller) -> None:
    home = {"tags": ["home"], "info": {"scene": "chat", "status": "new", "levels": ["a", "b"], "size": 3}}
    caller.add("f", "The boiler is serviced in May.", app_id="app", agent_id="butler", **home)
    caller.add("f", "The boiler room has a green door.", tags=["work"], info={"scene": "chatter"})
    both = ["The boiler is serviced in May.", "The boiler room has a green door."]

    def found(tree: Any) -> list[str]:
        return sorted(caller.found("f", "boiler", filter=tree, relativity=0))

    assert found(None) == both
    for tree in (
        {"and": [{"tags": {"contains": "home"}}]},
        {"and": [{"tags": "home"}, {"app_id": "app"}]},
        {"or": [{"agent_id": "butler"}, {"agent_id": "nobody"}]},
        {"and": [{"scene": "chat"}]},
        {"and": [{"status": "new"}]},
        {"and": [{"size": {"gte": 3, "lt": 4}}]},
        {"and": [{"levels": ["x", "b"]}]},
        {"user": {"and": [{"scene": "chat"}]}},
    ):
        assert found(tree) == both[:1], tree
    assert found({"and": [{"create_time": {"gte": "2000-01-01"}}, {"update_time": {"gt": "2000-01-01"}}]}) == both
    assert found({"and": [{"create_time": {"lt": "2000-01-01"}}]}) == []
    assert found({"public": {"and": [{"scene": "chat"}]}, "knowledgebase": {"and": [{"tags": "home"}]}}) == both
    assert found({"agent": {"and": [{"app_id": "other"}]}}) == both[1:]
    for wrong in (
        {},
        {"user_id": "f"},
        {"and": [{"info": {"scene": "chat"}}]},
        {"user": {"and": [{"scene": "chat"}]}, "scene": "chat"},
        {"and": []},
        {"and": [{"tags": {"like": "home"}}]},
        {"and": [{"create_time": "yesterday or so"}]},
        {"and": [{"scene": None}]},
    ):
        caller.refused("search/memory", codes.PARAMETERS, 400, user_id="f", query="boiler", filter=wrong)
    caller.refused("search/memory", codes.TYPE, 400, user_id="f", query="boiler", filter="home")


# ---- Asking -----------------------------------------------------------------------------------------------------


def test_every_list_and_field_is_there(caller: Caller) -> None:
    caller.add("shape", "My sister keeps bees in Porto.", tags=["family"], info={"scene": "chat"})
    data = caller.post("search/memory", user_id="shape", query="Who keeps bees?", relativity=None, filter=None)
    (fact,) = data.pop("memory_detail_list")
    assert data.pop("preference_note") == ""
    assert len(data) == 6
    assert all(value == [] for value in data.values())
    assert type(fact["create_time"]) is int
    assert fact["create_time"] > 1_700_000_000_000
    assert (fact["memory_type"], fact["status"], fact["confidence"]) == ("LongTermMemory", "activated", 1.0)
    assert 0.5 <= fact["relativity"] <= 1
    assert (fact["tags"], fact["conversation_id"]) == (["family"], "c")
    (item,) = caller.post("get/memory", user_id="shape")["memory_detail_list"]
    assert (item["info"], item["sources"][0]["role"]) == ({"scene": "chat"}, "user")
    one = caller.http.get(f"{caller.url}/v1/get/memory/{fact['id']}").json()["data"]
    assert (one["content"], one["user_id"], one["status"]) == (fact["memory_value"], "shape", "activated")
    assert one["metadata"]["sources"]


def test_preferences_come_with_a_note(caller: Caller) -> None:
    caller.add("wish", "From now on, answer me in at most two sentences.")
    caller.add("wish", "以后回答我,先说结论,再说理由。", "以后是什么时候?")
    data = caller.post("search/memory", user_id="wish", query="How should I answer?")
    assert {p["preference"] for p in data["preference_detail_list"]} == {
        "From now on, answer me in at most two sentences.",
        "以后回答我,先说结论,再说理由。",
    }
    assert {p["preference_type"] for p in data["preference_detail_list"]} == {"explicit_preference"}
    assert data["preference_note"]
    assert len(caller.post("get/memory", user_id="wish")["preference_detail_list"]) == 2
    for none in ({"include_preference": False}, {"include_memory_view": ["detail_factual"]}):
        data = caller.post("search/memory", user_id="wish", query="How should I answer?", **none)
        assert (data["preference_detail_list"], data["preference_note"]) == ([], "")
    caller.refused("search/memory", codes.PARAMETERS, 400, user_id="wish", query="x", include_memory_view=["all"])


def test_what_was_superseded_is_not_returned(caller: Caller) -> None:
    caller.add("move", "My dentist is Dr. Silva.")
    caller.add("move", "My dentist is no longer Dr. Silva, my dentist is Dr. Okafor now.")
    newest = "My dentist is no longer Dr. Silva, my dentist is Dr. Okafor now."
    assert caller.found("move", "Who is my dentist?") == [newest]


def test_limits(caller: Caller) -> None:
    caller.add("many", *(f"The drawer number {n} has {n} spoons." for n in range(30)))
    ask = {"user_id": "many", "query": "drawer with spoons", "relativity": 0}
    assert len(caller.post("search/memory", **ask)["memory_detail_list"]) == 9
    assert len(caller.post("search/memory", **ask, memory_limit_number=99)["memory_detail_list"]) == 25
    assert caller.post("search/memory", **ask, memory_limit_number=0)["memory_detail_list"] == []


def test_odd_users_and_agents(caller: Caller) -> None:
    odd = "名/ ..\"'{}:é%2F👩‍👩‍👧"
    caller.add(odd, "The gate code is 77.", conversation=odd)
    assert caller.found(odd, "gate code") == ["The gate code is 77."]
    assert len(caller.post("get/message", user_id=odd, conversation_id=odd)["message_detail_list"]) == 1
    messages = [{"role": "user", "content": "The agent's own note about sails."}]
    caller.post("add/message", agent_id="sailor", messages=messages)
    assert caller.found("agent/sailor", "sails", relativity=0) == []
    data = caller.post("search/memory", agent_id="sailor", query="note about sails")
    assert [m["memory_value"] for m in data["memory_detail_list"]] == ["The agent's own note about sails."]
    caller.post("add/message", user_id=["g1", "g2"], messages=[{"role": "user", "content": "We meet on Friday."}])
    assert caller.found("g1", "When do we meet?") == caller.found("g2", "When do we meet?") == ["We meet on Friday."]


def test_messages_as_programs_write_them(caller: Caller) -> None:
    messages = [
        {
            "role": "user",
            "content": [{"type": "text", "text": "What are the tides?"}],
            "chat_time": "2025年9月12日 早上8点",
        },
        {
            "role": "assistant",
            "tool_calls": [{"id": "t", "type": "function", "function": {"name": "tide_table", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "t", "content": "High at 9."},
        {"role": "user", "content": "Thanks a lot for the tides", "chat_time": "昨天下午", "role_name": "Anna"},
    ]
    caller.post("add/message", user_id="tide", conversation_id="t", messages=messages)
    data = caller.post("get/message", user_id="tide", conversation_id="t")["message_detail_list"]
    assert [m["content"] for m in data] == ["What are the tides?", "Thanks a lot for the tides"]
    assert data[0]["create_time"] == 1757664000000


def test_tools_are_told_where_they_are_asked_for(either: str) -> None:
    caller = Caller(either)
    schema = {
        "name": "tide_table",
        "description": "High and low water of a harbour",
        "parameters": {"type": "object", "properties": {"harbour": {"type": "string"}}},
    }
    function = {"name": "tide_table", "arguments": json.dumps({"harbour": "Dover"})}
    messages = [
        {"role": "system", "content": f"You may call: {json.dumps([schema])}"},
        {"role": "user", "content": "When is high water at Dover?"},
        {"role": "assistant", "tool_calls": [{"id": "t", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "t", "content": [{"type": "text", "text": "High water at 9."}]},
    ]
    caller.post("add/message", user_id="sailor", conversation_id="tides", messages=messages)

    def found(user: str = "sailor", **more: Any) -> Any:
        query = "When is the tide high at Dover?"
        return caller.post("search/memory", user_id=user, query=query, **more)["tool_memory_detail_list"]

    assert found() == []
    known, call = found(include_tool_memory=True)
    assert (known["tool_type"], known["tool_value"]) == ("ToolSchemaMemory", schema)
    assert call["tool_type"] == "ToolTrajectoryMemory"
    assert call["tool_value"] == (
        'Asked: "When is high water at Dover?" -> tide_table(harbour=Dover) -> ok: High water at 9.'
    )
    assert call["tool_used_status"] == [
        {"used_tool": "tide_table", "error_type": "", "success_rate": 1.0, "tool_experience": ""}
    ]
    assert (call["conversation_id"], call["status"], type(call["create_time"])) == ("tides", "activated", int)
    assert 0.45 <= call["relativity"] <= 1
    assert len(found(include_tool_memory=True, tool_memory_limit_number=1)) == 1
    assert found(include_tool_memory=True, relativity=0.99) == []
    assert found("other", include_tool_memory=True) == []
    listed = caller.post("get/memory", user_id="sailor")["tool_memory_detail_list"]
    assert {each["id"] for each in listed} == {known["id"], call["id"]}
    assert caller.post("get/memory", user_id="sailor", include_tool_memory=False)["tool_memory_detail_list"] == []
    one = caller.http.get(f"{caller.url}/get/memory/{call['id']}").json()["data"]
    assert (one["memory_view"], len(one["message_ids"])) == ("tool_memory", 3)
    assert caller.post("delete/memory", memory_ids=[call["id"]]) == {"success": True}
    assert found(include_tool_memory=True) == []


# ---- Changing ---------------------------------------------------------------------------------------------------


def test_update(caller: Caller) -> None:
    caller.add("upd", "The dentist is Dr. Silva.")
    (item,) = caller.post("get/memory", user_id="upd")["memory_detail_list"]
    caller.post("update/memory", memory_id=item["id"], content="The dentist is Dr. Okafor.", title="dentist")
    (after,) = caller.post("get/memory", user_id="upd")["memory_detail_list"]
    assert (after["memory_value"], after["memory_key"]) == ("The dentist is Dr. Okafor.", "dentist")
    caller.post("update/memory", memory_id=item["id"], status="archived")
    assert caller.found("upd", "Who is the dentist?") == []
    assert caller.http.get(f"{caller.url}/get/memory/{item['id']}").json()["data"]["status"] == "archived"
    caller.post("update/memory", memory_id=item["id"], status="activated")
    assert caller.found("upd", "Who is the dentist?") == ["The dentist is Dr. Okafor."]
    caller.post("update/memory", memory_id=item["id"], status="deleted")
    caller.refused("update/memory", codes.NO_MEMORY, 404, memory_id=item["id"], title="x")
    caller.refused("update/memory", codes.PARAMETERS, 400, memory_id=item["id"], status="resolving")
    caller.refused("update/memory", codes.EMPTY, 400, memory_id=item["id"])


def test_a_user_is_deleted_and_nothing_of_nobody(caller: Caller, memory: TreeTextMemory) -> None:
    (notice,) = memory.cube("one").add("The lift is out of order until May.")
    caller.refused("delete/memory", codes.NO_USER, 404, user_id="never seen")
    call = {"id": "t", "type": "function", "function": {"name": "tides", "arguments": "{}"}}
    messages = [{"role": "user", "content": "I prefer tea."}, {"role": "assistant", "tool_calls": [call]}]
    caller.post("add/message", user_id="leaver", conversation_id="l", messages=messages)
    assert caller.post("delete/memory", user_id="leaver") == {"success": True}
    assert memory.cube("one").get(notice).memory == "The lift is out of order until May."
    assert memory.cube("one").for_caller("leaver").messages("l") == []
    data = caller.post("get/memory", user_id="leaver")
    assert (data["total"], data["memory_detail_list"], data["preference_detail_list"]) == (0, [], [])
    caller.refused("delete/memory", codes.NO_USER, 404, user_id="leaver")
    memory.cube("one").delete(notice)


def test_delete_by_filter_and_kind(caller: Caller) -> None:
    caller.add("del", "Keep this line about boats.", info={"batch": "k"})
    caller.add("del", "Drop this line about boats.", info={"batch": "d"})
    caller.post("delete/memory", filter={"and": [{"batch": "d"}]})
    assert caller.found("del", "boats", relativity=0) == ["Keep this line about boats."]
    caller.refused("delete/memory", codes.PARAMETERS, 400, filter={})
    caller.refused("delete/memory", codes.PARAMETERS, 400, user_id="del", memory_ids=["a"])
    caller.refused("delete/memory", codes.EMPTY, 400)
    caller.refused("delete/memory", codes.NO_MEMORY, 404, filter={"and": [{"batch": "none"}]})


def test_feedback_changes_what_is_remembered(caller: Caller) -> None:
    caller.add("fb", "My dentist is Dr. Silva.")
    data = caller.post(
        "add/feedback", user_id="fb", conversation_id="c", feedback_content="No, my dentist is Dr. Okafor."
    )
    assert caller.post("get/status", task_id=data["task_id"])[0]["status"] == "completed"
    texts = caller.found("fb", "Who is my dentist?", relativity=0)
    assert any("Okafor" in text for text in texts)
    assert "My dentist is Dr. Silva." not in texts
    caller.refused(
        "add/feedback", codes.NOT_LINKED, 400, user_id="fb", feedback_content="No.", allow_knowledgebase_ids=["x"]
    )


def test_what_is_said_can_go_into_a_base(caller: Caller) -> None:
    base = caller.post("create/knowledgebase", knowledgebase_name="Shared")["id"]
    caller.add("sharer", "The printer is on floor 3.", allow_knowledgebase_ids=[base])
    assert caller.found("reader", "Where is the printer?", knowledgebase_ids=[base]) == ["The printer is on floor 3."]
    assert caller.found("reader", "Where is the printer?") == []
    caller.refused(
        "add/message",
        codes.NOT_LINKED,
        400,
        user_id="u",
        messages=[{"role": "user", "content": "x"}],
        allow_knowledgebase_ids=["base-none"],
    )


def test_files_that_are_refused(caller: Caller) -> None:
    base = caller.post("create/knowledgebase", knowledgebase_name="Files")["id"]
    good = base64.b64encode(b"# Rules\n\nNo shoes inside.\n").decode()
    (file,) = caller.post(
        "add/knowledgebase-file",
        knowledgebase_id=base,
        file=[{"name": "rules.md", "content": f"data:text/markdown;base64,{good}"}],
    )
    again = caller.post("add/knowledgebase-file", knowledgebase_id=base, file=[{"name": "rules.md", "content": good}])
    assert again == [file]

    def refused(code: int, status: int, **one: Any) -> None:
        given = {"name": "a.md", "content": good, **one}
        caller.refused("add/knowledgebase-file", code, status, knowledgebase_id=base, file=[given])

    refused(codes.BASE64, 400, content="no base64!")
    refused(codes.UNSUPPORTED, 400, content="https://example.org/a.md")
    refused(codes.UNSUPPORTED, 400, type="skill")
    refused(codes.FILE_TYPE, 400, type="film")
    refused(codes.FILE_FORMAT, 400, name="a.exe")
    caller.refused("add/knowledgebase-file", codes.EMPTY_LIST, 400, knowledgebase_id=base, file=[])
    many = [{"name": "a.md", "content": good}] * 21
    caller.refused("add/knowledgebase-file", codes.MANY_FILES, 400, knowledgebase_id=base, file=many)
    caller.refused("get/knowledgebase-file", codes.PARAMETERS, 400)


# ---- What only treemem has --------------------------------------------------------------------------------------


def test_both_times_history_and_undo(caller: Caller, url: str) -> None:
    caller.add("own", "The office is in Lisbon.")
    (item,) = caller.post("get/memory", user_id="own")["memory_detail_list"]
    whole = caller.http.post(f"{url}/v1/operations?user_id=own", json={}).json()["data"]["operations"]
    caller.post("update/memory", memory_id=item["id"], content="The office is in Porto.")
    versions = caller.post("v1/history", memory_id=item["id"])["versions"]
    assert [v["item"]["memory"] for v in versions if not v.get("recorded_to")] == [
        "The office is in Lisbon.",
        "The office is in Porto.",
    ]
    before = caller.post("v1/get", memory_id=item["id"], known_at=whole[0]["recorded_at"])
    assert before["memory"]["memory"] == "The office is in Lisbon."
    found = caller.post("v1/search?user_id=own", query="Where is the office?")
    assert next(hit["memory"] for hit in found["hits"]) == "The office is in Porto."
    last = caller.post("v1/operations", limit=1)["operations"][0]
    learned = caller.post("v1/diff", known_at_1=whole[0]["recorded_at"])
    assert item["id"] in [changed["id"] for changed in learned["memories"]]
    caller.post("v1/undo", operation=last["id"])
    assert caller.found("own", "Where is the office?") == ["The office is in Lisbon."]
    caller.refused("v1/get", codes.NO_MEMORY, 404, memory_id="nothing")
    caller.refused("v1/get?user_id=other", codes.NO_MEMORY, 404, memory_id=item["id"])
    caller.refused("v1/get", codes.PARAMETERS, 400, memory_id=item["id"], nonsense=1)
    caller.refused("v1/undo", codes.NOT_FOUND, 404, operation="nothing")
    reader = Caller(url, "key-read")
    reader.refused("v1/operations", codes.NO_RIGHT, 403)
    reader.refused("v1/undo?user_id=own", codes.NO_RIGHT, 403, operation=last["id"])
    assert reader.post("v1/operations?user_id=own")["operations"]


# ---- Models -----------------------------------------------------------------------------------------------------


def test_chat(caller: Caller, model: Script) -> None:
    caller.add("chat", "Anna lives in Porto.")
    data = caller.post(
        "chat", user_id="chat", conversation_id="talk", query="Where does Anna live?", system_prompt="Be kind."
    )
    assert data["response"] == "你好"
    sent = json.dumps(model.requests[-1], ensure_ascii=False)
    assert "Anna lives in Porto." in sent
    assert "Be kind." in sent
    body = {"user_id": "chat", "conversation_id": "talk", "query": "And now?", "stream": True, "tags": ["t"]}
    with caller.http.stream("POST", f"{caller.url}/chat", json=body) as stream:
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        events = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
    assert events == [{"type": "text", "data": "你"}, {"type": "text", "data": "好"}, {"type": "end", "data": ""}]
    log = caller.post("get/message", user_id="chat", conversation_id="talk")["message_detail_list"]
    assert [m["content"] for m in log] == ["Where does Anna live?", "你好", "And now?", "你好"]
    caller.post("chat", user_id="chat", conversation_id="quiet", query="Hm?", add_message_on_answer=False)
    assert caller.post("get/message", user_id="chat", conversation_id="quiet")["message_detail_list"] == []


def test_whoever_hangs_up_leaves_the_question_alone(caller: Caller, model: Script) -> None:
    model.next.append(lambda body: Streamed(*openai_chunks("One ")[:2], *[0.1, *openai_chunks("more ")[:2]] * 60))
    body = {"user_id": "gone", "conversation_id": "talk", "query": "Will you wait?", "stream": True}
    with caller.http.stream("POST", f"{caller.url}/chat", json=body) as stream:
        next(stream.iter_lines())
    for _ in range(100):
        log = caller.post("get/message", user_id="gone", conversation_id="talk")["message_detail_list"]
        if log:
            break
        time.sleep(0.05)
    assert [m["content"] for m in log] == ["Will you wait?"]


def test_a_model_that_fails_is_told(caller: Caller, model: Script) -> None:
    body = {"user_id": "bad", "conversation_id": "talk", "query": "Hello?"}
    model.next.extend([400])
    caller.refused("chat", codes.MEMORY_SERVICE, 503, **body)
    model.next.extend([400])
    caller.refused("chat", codes.MEMORY_SERVICE, 503, **body, stream=True)
    model.next.append(lambda body: Streamed(*openai_chunks("Half")[:-2], "cut"))
    with caller.http.stream("POST", f"{caller.url}/chat", json={**body, "stream": True}) as stream:
        kinds = [json.loads(line[5:])["type"] for line in stream.iter_lines() if line.startswith("data:")]
    assert kinds[-1] == "error"


def test_rerank_and_extract(caller: Caller, url: str) -> None:
    body = {"query": "Where is the cat?", "documents": ["The dog barks.", "The cat is on the mat."], "top_n": 1}
    answer = caller.http.post(f"{url}/rerank", json=body).json()
    assert [r["index"] for r in answer["results"]] == [1]
    assert answer["results"][0]["document"] == {"text": "The cat is on the mat."}
    assert set(answer) == {"id", "model", "usage", "results"}


def test_without_models(memory: TreeTextMemory) -> None:
    with running(app(memory, some_keys("plain"), models=Models(EMBEDDER))) as address:
        caller = Caller(address)
        caller.refused("chat", codes.UNSUPPORTED, 400, user_id="u", conversation_id="c", query="Hello?")
        messages = [{"role": "user", "content": "I prefer window seats."}]
        data = caller.post("extract/memory", messages=messages)
        assert [m["memory_value"] for m in data["memory_detail_list"]] == ["I prefer window seats."]
        assert [p["preference"] for p in data["preference_detail_list"]] == ["I prefer window seats."]
        assert (
            caller.post("extract/memory", messages=messages, extraction_types=["memory"])["preference_detail_list"]
            == []
        )


# ---- Who may call, and what is refused --------------------------------------------------------------------------


def test_keys(url: str) -> None:
    Caller(url, "").refused("get/memory", codes.NO_KEY, 401, user_id="u")
    Caller(url, "wrong").refused("get/memory", codes.BAD_KEY, 401, user_id="u")
    bearer = httpx.post(f"{url}/get/memory", json={"user_id": "u"}, headers={"Authorization": "Bearer key-one"})
    assert bearer.status_code == 200
    reader = Caller(url, "key-read")
    assert reader.found("u", "anything") == []
    reader.refused("add/message", codes.NO_RIGHT, 403, user_id="u", messages=[{"role": "user", "content": "x"}])
    reader.refused("create/knowledgebase", codes.NO_RIGHT, 403, knowledgebase_name="x")
    chat = {"user_id": "u", "conversation_id": "c", "query": "x"}
    reader.refused("chat", codes.NO_RIGHT, 403, **chat)
    Caller(url, "key-write").refused("chat", codes.NO_RIGHT, 403, **chat)  # a chat tells what is remembered


def test_a_message_says_neither_which_it_is_nor_who_sees_it(caller: Caller) -> None:
    """Two users may send messages of one id; only `allow_public` makes one public."""
    for user in ("m1", "m2"):
        given = {"role": "user", "content": f"The yacht of {user} is red.", "id": "m-1", "sequence": 7}
        given["metadata"] = {"visibility": "public"}
        caller.post("add/message", user_id=user, messages=[given], allow_public=False)
    assert caller.found("m1", "yacht") == ["The yacht of m1 is red."]
    assert caller.found("zed", "yacht") == []


def test_large_filters_and_lists_are_refused_at_once(caller: Caller) -> None:
    started = time.monotonic()
    many: list[Any] = [{"x": n} for n in range(3_000)]
    for tree in ({"or": many}, {"x": many}, {"x": {"in": list(range(3_000))}}, {"tags": ["a"] * 3_000}):
        caller.refused("search/memory", codes.PARAMETERS, 400, user_id="u", query="x", filter=tree)
    said = [{"role": "user", "content": "x"}]
    caller.refused("extract/memory", codes.PARAMETERS, 400, messages=said, extraction_types=[1] * 200_000)
    assert time.monotonic() - started < 10


def test_names_that_cannot_be_kept_are_refused_before_anything_is_written(caller: Caller) -> None:
    said = [{"role": "user", "content": "The key is under the mat."}]
    told = caller.http.post(f"{caller.url}/add/message", json={"user_id": ["nul", "n\0"], "messages": said})
    assert told.status_code == 400
    assert caller.found("nul", "key") == []


def test_deleting_by_id_and_type_is_refused(caller: Caller) -> None:
    caller.refused("delete/memory", codes.PARAMETERS, 400, user_id="u", memory_ids=["a"], memory_type="skill")


def test_what_was_not_foreseen_is_told_in_an_envelope(memory: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: Any, **__: Any) -> None:
        raise KeyError("the secret is 1234")

    monkeypatch.setattr("treemem.service.rest.asking.get_memory_by_id", breaks)
    with running(app(memory, some_keys("one"))) as address:
        answer = Caller(address).http.get(f"{address}/get/memory/x")
    assert (answer.status_code, answer.json()["code"]) == (500, codes.INTERNAL)
    assert "secret" not in answer.text


def test_without_keys_other_names_and_pages_are_refused(memory: TreeTextMemory) -> None:
    with running(app(memory, NoKeys("open"))) as address:
        body = {"user_id": "u"}
        assert httpx.post(f"{address}/get/memory", json=body).status_code == 200
        for headers in ({"Host": "evil.example"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
            answer = httpx.post(f"{address}/get/memory", json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (403, codes.NO_RIGHT)
        as_text = httpx.post(f"{address}/get/memory", content=json.dumps(body), headers={"Content-Type": "text/plain"})
        assert as_text.status_code == 400


@pytest.mark.parametrize(
    ("path", "code", "body"),
    [
        ("add/message", codes.EMPTY, {"user_id": "u"}),
        ("add/message", codes.EMPTY, {"messages": [{"role": "user", "content": "x"}], "user_id": None}),
        ("add/message", codes.EMPTY_LIST, {"user_id": "u", "messages": []}),
        ("add/message", codes.TYPE, {"user_id": "u", "messages": "x"}),
        ("add/message", codes.TYPE, {"user_id": 5, "messages": [{"role": "user", "content": "x"}]}),
        ("add/message", codes.LONG_USER, {"user_id": "u" * 101, "messages": [{"role": "user", "content": "x"}]}),
        (
            "add/message",
            codes.LONG_CONVERSATION,
            {"user_id": "u", "conversation_id": "c" * 101, "messages": [{"role": "user", "content": "x"}]},
        ),
        ("add/message", codes.TOO_LONG, {"user_id": "u", "messages": [{"role": "user", "content": "word " * 40_000}]}),
        ("add/message", codes.PARAMETERS, {"user_id": "u", "messages": [{"role": "user", "content": 5}]}),
        ("search/memory", codes.EMPTY, {"user_id": "u"}),
        ("search/memory", codes.EMPTY, {"user_id": "u", "query": ""}),
        ("search/memory", codes.LONG_USER, {"user_id": "u" * 101, "query": "x"}),
        ("search/memory", codes.RELATIVITY, {"user_id": "u", "query": "x", "relativity": 1.5}),
        ("search/memory", codes.PARAMETERS, {"user_id": "u", "query": "x", "memory_limit_number": -1}),
        ("get/memory", codes.PARAMETERS, {"user_id": "u", "size": 51}),
        ("get/message", codes.EMPTY, {"user_id": "u"}),
        ("rerank", codes.EMPTY_LIST, {"query": "x", "documents": []}),
    ],
)
def test_what_is_wrong_is_told_by_its_code(caller: Caller, path: str, code: int, body: dict[str, Any]) -> None:
    caller.refused(path, code, 400, **body)


def test_paths_as_clients_write_them(caller: Caller, url: str) -> None:
    caller.add("paths", "The kettle is broken.")
    for start in ("", "/", "/memory", "/memory/", "/api/openmem/v1"):
        answer = caller.http.post(f"{url}{start}/get/memory", json={"user_id": "paths"})
        assert answer.json()["data"]["total"] == 1, start
    assert caller.http.get(f"{url}/get/memory/a%2Fb").json()["code"] == codes.NO_MEMORY
    assert caller.http.get(f"{url}/nowhere").json()["code"] == codes.NOT_FOUND
    assert caller.http.get(f"{url}/add/message").status_code == 405


def test_what_is_not_supported_says_so(caller: Caller) -> None:
    for path in NOT_SUPPORTED:
        assert "not supported" in caller.refused(path.strip("/"), codes.UNSUPPORTED, 400)
    caller.refused(
        "add/message",
        codes.UNSUPPORTED,
        400,
        user_id="u",
        messages=[{"role": "user", "content": "x"}],
        allow_memory_view=["preference"],
    )
    more = {"user_id": "u", "conversation_id": "c", "query": "x"}
    caller.refused("chat", codes.UNSUPPORTED, 400, **more, internet_search=True)


def test_bodies_that_are_too_large_or_no_json(caller: Caller, url: str) -> None:
    huge = b'{"user_id": "' + b"u" * (16 * 1024 * 1024) + b'"}'
    headers = {"Content-Type": "application/json"}
    told = caller.http.post(f"{url}/get/memory", content=huge, headers=headers)
    assert (told.status_code, told.json()["code"]) == (413, codes.LARGE_FILE)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(huge), 1 << 20):
            yield huge[start : start + (1 << 20)]

    told = caller.http.post(f"{url}/get/memory", content=pieces(), headers=headers)
    assert (told.status_code, told.json()["code"]) == (413, codes.LARGE_FILE)
    for broken in (b"{", b"[]", b"\xff", b'{"user_id": "\\ud800"}', b"[" * 100_000):
        answer = caller.http.post(f"{url}/get/memory", content=broken, headers=headers)
        assert answer.status_code == 400, broken[:20]
        assert answer.json()["code"] in (codes.PARAMETERS, codes.TYPE, codes.EMPTY)


def test_too_many_requests_at_once_are_refused(memory: TreeTextMemory) -> None:
    with running(app(memory, some_keys("busy"), models=Models(EMBEDDER), at_once=1, waiting=0)) as address:
        statuses = []

        def ask() -> None:
            answer = Caller(address).http.post(f"{address}/search/memory", json={"user_id": "u", "query": "x" * 5_000})
            statuses.append(answer.status_code)

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) <= {200, 429}
    assert 200 in statuses


def test_a_project_sends_no_more_than_its_rate(memory: TreeTextMemory) -> None:
    with running(app(memory, some_keys("rated"), rate=0.001)) as address:
        Caller(address).add("u", "One.")
        told = Caller(address, "key-read").http.post(f"{address}/search/memory", json={"user_id": "u", "query": "one"})
        assert (told.status_code, told.json()["code"]) == (429, codes.RATE)
        assert told.headers["retry-after"]
        assert "try again in" in told.json()["message"]
        Caller(address, "key-two").add("u", "Another project's.")
        assert httpx.get(f"{address}/health").status_code == 200


def test_tokens_come_back_at_the_rate() -> None:
    now = [0.0]
    rates = Rates(4, lambda: now[0])

    def taken() -> int:
        """Take all that there is."""
        count = 0
        with contextlib.suppress(BusyError):
            while True:
                rates.take("a")
                count += 1
        return count

    assert taken() == 4
    now[0] = 0.5
    assert taken() == 2
    now[0] = 100
    assert taken() == 4
    for wrong in (0, -1, float("nan"), float("inf")):
        with pytest.raises(ConfigError):
            Rates(wrong)


def test_health_says_nothing_of_what_is_held(url: str) -> None:
    for path in ("/health", "/ready", "/ping/", "/v1/ping/"):
        answer = httpx.get(url + path)
        assert answer.status_code == 200
        assert answer.json()["code"] == 0
    assert httpx.get(f"{url}/openapi.json").json()["paths"].keys() >= {route.path for route in ROUTES}


def test_metrics_count_requests_and_say_nothing_else(memory: TreeTextMemory) -> None:
    with running(app(memory, some_keys("counted"), metrics=True)) as address:
        caller = Caller(address)
        caller.add("counted-user", "An unspeakable word.")
        caller.refused("search/memory", codes.TYPE, 400, user_id="counted-user", query={"unspeakable": 1})
        for method, path in (("GET", "/no/such"), ("BREW", "/health"), ("POST", "/metrics")):
            caller.http.request(method, address + path)
        shown = httpx.get(f"{address}/metrics")
        assert shown.headers["content-type"].startswith("text/plain")
        counted = {
            (s.labels["method"], s.labels["route"], s.labels["status"]): s.value
            for family in text_string_to_metric_families(shown.text)
            for s in family.samples
            if s.name == "treemem_requests_total"
        }
    assert counted == {
        ("POST", "/add/message", "200"): 1,
        ("POST", "/search/memory", "400"): 1,
        ("GET", "none", "404"): 1,
        ("other", "/health", "405"): 1,
        ("POST", "none", "404"): 1,
    }
    assert not any(word in shown.text for word in ("counted", "unspeakable", "key-one", "such"))


def test_metrics_are_there_where_they_were_asked_for(url: str) -> None:
    assert httpx.get(f"{url}/metrics").status_code == 401


def test_logs_have_no_words_of_requests(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        caller.add("logged-user", "Unspeakable-word is what I said.")
        caller.found("logged-user", "unspeakable-word")
        caller.refused("search/memory", codes.TYPE, 400, user_id="logged-user", query={"unspeakable-word": 1})
    ours = [record.getMessage() for record in caplog.records if record.name.startswith("treemem")]
    assert any("/add/message 200" in line for line in ours)
    assert not any(word in line for line in ours for word in ("nspeakable", "logged-user", "key-one"))


def test_every_error_of_the_product_has_a_code() -> None:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.TreememError) and kind is not errors.TreememError:
            error = kind.__new__(kind)
            assert 40_000 <= codes.code_of(error) < 60_000
            assert 400 <= codes.status_of(codes.code_of(error)) < 600


def test_relativity_is_a_scale_that_runs_both_ways() -> None:
    assert details.cosine_of(0) is None
    for wanted in (0.1, 0.45, 0.5, 0.7, 1.0):
        cosine = details.cosine_of(wanted)
        assert cosine is not None
        assert details.relativity(cosine) == pytest.approx(wanted, abs=1e-4)
    assert details.relativity(-1.0) == 0


def test_what_may_be_listened_on() -> None:
    assert Address().is_local
    assert Address(host="0.0.0.0", behind_proxy=True).host
    for wrong in (
        {"host": "0.0.0.0"},
        {"host": "0.0.0.0", "open": True, "behind_proxy": True},
        {"port": 70_000},
        {"certificate": "a.pem"},
    ):
        with pytest.raises(ConfigError):
            Address(**wrong)


def test_access_is_checked() -> None:
    for project, rights in (("a:b", ALL), ("", ALL), ("a/b", ALL), ("a", frozenset()), ("a", frozenset({"all"}))):
        with pytest.raises(InvalidInputError):
            Access(project, rights)
    keys = FixedKeys({"key": Access("p", ALL)})
    assert keys.access("key") == Access("p", ALL)
    assert keys.access("kez") is None


def test_a_memory_of_one_caller_is_not_served(memory: TreeTextMemory) -> None:
    for view in (memory.for_caller("anna"), memory.cube("walled", walled=True)):
        with pytest.raises(ConfigError):
            app(view, NoKeys())
