"""Tools: what conversations called, how it ended, what was learnt; derived from messages, and gone with them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.test_chat import Talker
from tests.conformance.test_provenance import TOKEN, everywhere
from tests.conftest import OpenMemory
from tests.helpers import day
from tests.verbs import said_by_every_verb
from treemem import (
    AsyncTreeTextMemory,
    InvalidInputError,
    MemoryNotFoundError,
    OperationMismatchError,
    Tool,
    TreeTextMemory,
)
from treemem.ingest.calls import Call
from treemem.ingest.tooling import declared_in, told

WEATHER = {
    "name": "get_weather",
    "description": "Get the weather of a place",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}, "required": ["location"]},
}
PROMPT = {"role": "system", "content": "You can call [these] tools:\n" + json.dumps([WEATHER], indent=2)}


def asks(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def calls(key: str, result: str, tool: str = "get_weather", **arguments: Any) -> list[dict[str, Any]]:
    """A call and its result, as OpenAI has them."""
    function = {"name": tool, "arguments": json.dumps(arguments)}
    return [
        {"role": "assistant", "tool_calls": [{"id": key, "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": key, "content": [{"type": "text", "text": result}]},
    ]


def retried(memory: TreeTextMemory, conversation: str = "c", **more: Any) -> list[str]:
    """A call that failed, and one that then worked."""
    messages = [
        PROMPT,
        asks("What is the weather in Beijing?"),
        *calls("1", '{"error": {"type": "NotFound"}}', location="Bejing"),
        *calls("2", '{"temperature": 7}', location="Beijing"),
    ]
    memory.add_messages(messages, conversation_id=conversation, **more)
    return [each.id for each in memory.messages(conversation)]


def names(tools: Sequence[Tool]) -> list[tuple[str, int, int]]:
    return [(tool.name, tool.calls, tool.failed) for tool in tools]


def test_a_call_and_its_result_become_a_memory(memory: TreeTextMemory) -> None:
    ids = retried(memory)
    (tool,) = memory.tools.list()
    assert (tool.name, tool.origin, tool.calls, tool.failed, tool.success_rate) == (
        "get_weather",
        "declared",
        2,
        1,
        0.5,
    )
    assert (tool.description, dict(tool.parameters)) == (WEATHER["description"], WEATHER["parameters"])
    assert tool.declared_in == ids[0]
    newest, failed = tool.recent
    assert newest.text == (
        'Asked: "What is the weather in Beijing?" -> get_weather(location=Beijing) -> ok: {"temperature": 7}'
    )
    assert (newest.ok, failed.ok, failed.error) == (True, False, "NotFound")
    assert newest.sources == (ids[5], ids[4], ids[1])
    (learnt,) = tool.experience
    assert learnt.text == (
        'failed with "NotFound": get_weather(location=Bejing); worked then: get_weather(location=Beijing)'
    )
    assert (learnt.failed, learnt.worked) == (failed.id, newest.id)
    edges = memory.store.edges_ever(memory.cube_id, [newest.id])
    assert {(e.type.value, e.source, e.target) for e in edges} == {
        ("DERIVED_FROM", newest.id, each) for each in newest.sources
    }
    assert memory.search("weather in Beijing", memory_types=["ToolTrajectoryMemory"]).hits == (), "no hits of searches"
    assert memory.check() == []


def test_the_result_may_come_later_and_in_anthropics_words(memory: TreeTextMemory) -> None:
    memory.add_messages([PROMPT, asks("Weather in Oslo?")], conversation_id="c")
    use = {"type": "tool_use", "id": "t", "name": "get_weather", "input": {"location": "Oslo"}}
    memory.add_messages([{"role": "assistant", "content": [use]}], conversation_id="c")
    assert memory.tools.list() == (), "without a result nothing is known of it"
    answer = {"type": "tool_result", "tool_use_id": "t", "content": "no such place", "is_error": True}
    for _ in range(2):
        memory.add_messages([{"role": "user", "content": [answer]}], conversation_id="c")
    (tool,) = memory.tools.list()
    assert (tool.origin, tool.calls, tool.failed) == ("declared", 1, 1)
    assert tool.recent[0].text == 'Asked: "Weather in Oslo?" -> get_weather(location=Oslo) -> failed: no such place'
    assert tool.experience[0].text == 'failed with "failed": get_weather(location=Oslo)'


def test_a_call_once_whatever_is_repeated(memory: TreeTextMemory) -> None:
    messages = [asks("Weather in Oslo?"), *calls("1", "cold", location="Oslo")]
    for _ in range(2):
        memory.add_messages(messages, conversation_id="c", operation_id="once")
    memory.add_messages(messages, conversation_id="c")
    (tool,) = memory.tools.list()
    assert (tool.calls, tool.origin) == (1, "called")
    assert dict(tool.parameters) == {"type": "object", "properties": {"location": {"type": "string"}}}


def test_it_follows_its_messages(memory: TreeTextMemory) -> None:
    ids = retried(memory)
    assert names(memory.tools.list()) == [("get_weather", 2, 1)]
    result = ids[5]
    gone = memory.delete(result)
    assert names(memory.tools.list()) == [("get_weather", 1, 1)]
    memory.undo(gone.operation)
    assert names(memory.tools.list()) == [("get_weather", 2, 1)]
    memory.correct(result, '{"temperature": 8}')
    assert names(memory.tools.list()) == [("get_weather", 1, 1)], "it says what was not said"
    memory.correct(result, '{"temperature": 7}')
    assert names(memory.tools.list()) == [("get_weather", 2, 1)]
    memory.delete(ids[0])
    assert memory.tools.get("get_weather").origin == "called", "the prompt is gone"
    memory.delete(ids[2])
    assert names(memory.tools.list()) == [("get_weather", 1, 0)]
    memory.delete(ids[1])
    assert memory.tools.list() == (), "the question"
    memory.restore(ids[1])
    assert names(memory.tools.list()) == [("get_weather", 1, 0)]
    assert memory.check() == []


def test_undo_of_the_result_and_time(memory: TreeTextMemory) -> None:
    memory.add_messages([{**asks("Weather in Oslo?"), "chat_time": day(0)}], conversation_id="c")
    memory.add_messages(
        [{**each, "chat_time": day(3)} for each in calls("1", "cold", location="Oslo")],
        conversation_id="c",
        operation_id="result",
    )
    assert memory.tools.list(as_of=day(1)) == ()
    (tool,) = memory.tools.list(as_of=day(4))
    assert tool.last_used == day(3)
    memory.undo("result")
    assert memory.tools.list() == ()


def test_callers_see_their_own(memory: TreeTextMemory) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    ids = retried(ann)
    assert names(ann.tools.list()) == [("get_weather", 2, 1)]
    assert bob.tools.list() == bob.tools.search("weather in Beijing") == ()
    assert bob.search("weather in Beijing", tools=3).tool_note == ""
    with pytest.raises(MemoryNotFoundError):
        bob.tools.forget("get_weather")
    ann.update(ids[5], visibility="public")
    assert bob.tools.list() == (), "the call and the question are hers"
    retried(memory.for_caller("ann"), "public", visibility="public")
    assert names(bob.tools.list()) == [("get_weather", 2, 1)]
    assert names(memory.tools.list()) == [("get_weather", 3, 2)], "one has messages of two owners, and is hidden"


def test_what_was_forgotten_stays_so(memory: TreeTextMemory) -> None:
    ids = retried(memory)
    memory.tools.register(WEATHER)
    done = memory.tools.forget("get_weather")
    assert memory.tools.list() == ()
    memory.undo(memory.delete(ids[5]).operation)
    assert memory.tools.list() == ()
    assert len(memory.messages("c")) == 6
    memory.undo(done.operation)
    assert names(memory.tools.list()) == [("get_weather", 2, 1)]
    with pytest.raises(MemoryNotFoundError, match="no tool 'other'"):
        memory.tools.get("other")
    for verb in (memory.tools.get, memory.tools.forget):
        with pytest.raises(InvalidInputError, match="name"):
            verb("\ud800")


def test_registered_schemas(memory: TreeTextMemory) -> None:
    first = memory.tools.register(WEATHER, at=day(0))
    assert memory.tools.register({"type": "function", "function": WEATHER}) == first
    anthropic = {"name": "get_weather", "description": "Weather, by the hour", "input_schema": {"type": "object"}}
    assert memory.tools.register(anthropic, at=day(9)) == first
    assert memory.tools.get("get_weather", as_of=day(5)).description == WEATHER["description"]
    now = memory.tools.get("get_weather", as_of=day(10))
    assert (now.description, now.origin, now.calls, now.success_rate) == ("Weather, by the hour", "registered", 0, None)
    retried(memory)
    assert memory.tools.get("get_weather", as_of=day(10_000)).origin == "registered", "before what a prompt says"
    bob = memory.for_caller("bob")
    mine = bob.tools.register({**WEATHER, "description": "Bob's"})
    assert mine != first
    assert (bob.tools.get("get_weather").description, bob.tools.get("get_weather").id) == ("Bob's", mine)
    for wrong in ({}, {"name": "no spaces please", "description": "x"}, {"name": "x", "parameters": {"properties": 1}}):
        with pytest.raises(InvalidInputError, match="schema: wanted"):
            memory.tools.register(wrong)
    for operation in ("a", "a"):
        memory.tools.register({"name": "later", "description": "Waits."}, operation_id=operation)
    assert [tool.name for tool in memory.tools.list()] == ["get_weather", "later"]


def test_search_finds_tools_by_what_they_were_asked(memory: TreeTextMemory) -> None:
    retried(memory)
    memory.add_messages([asks("Translate harp."), *calls("3", "arpa", "translate", word="harp")], conversation_id="d")
    memory.tools.register({"name": "tide_table", "description": "High and low water of a harbour"})
    assert memory.tools.search("What is the weather in Beijing?", 2)[0].name == "get_weather"
    assert memory.tools.search("high water of the harbour", 1)[0].name == "tide_table"
    assert memory.search("weather in Beijing").tools == ()
    found = memory.search("weather in Beijing", tools=1)
    assert names(found.tools) == [("get_weather", 2, 1)]
    assert "get_weather: Get the weather of a place (2 calls, 50% ok); parameters: location" in found.tool_note
    assert "worked then: get_weather(location=Beijing)" in found.tool_note
    assert found.hits == memory.search("weather in Beijing").hits
    with pytest.raises(InvalidInputError, match="tools: wanted 0 to 100"):
        memory.search("weather", tools=101)


def test_they_can_be_switched_off(open_memory: OpenMemory) -> None:
    memory = open_memory(note_tools=False)
    retried(memory)
    assert memory.tools.list() == ()


def test_purge_leaves_no_word_of_a_call(open_memory: OpenMemory, location: str, tmp_path: Path) -> None:
    memory = open_memory()
    (kept,) = memory.add("It rains.")
    memory.add_messages([asks(f"About {TOKEN}."), *calls("1", f"{TOKEN} it is", place=TOKEN)], conversation_id="c")
    assert memory.tools.list()[0].calls == 1
    memory.purge([each.id for each in memory.messages("c")])
    assert memory.tools.list() == ()
    for verb, text in said_by_every_verb(memory, kept, "rain", tmp_path / "after"):
        assert TOKEN not in text, verb
    assert all(TOKEN not in text.lower() for text in everywhere(memory, location))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_purge_of_any_message_takes_the_call(memory: TreeTextMemory, part: int) -> None:
    memory.add_messages([asks("Weather in Oslo?"), *calls("1", "cold", location="Oslo")], conversation_id="c")
    memory.purge(memory.messages("c")[part].id)
    assert memory.tools.list() == ()


def test_secrets_are_quoted_nowhere_else() -> None:
    arguments = {
        "apiKey": "k-1",
        "user": {"password": "p-2", "name": "Bo"},
        "header": "Bearer abcdefghijklmnop",
        "author": "Bo",
        "max": 3,
        "long": "x" * 500,
    }
    text = told(
        Call("f", arguments, "m", "r", False, result='{"token": "t-3", "ok": true}'), "Use sk-abcdefghijklmn now"
    )
    assert not any(secret in text for secret in ("k-1", "p-2", "abcdefghijkl", "t-3", "x" * 100))
    assert all(kept in text for kept in ("author=Bo", '"name": "Bo"', "max=3", '"ok": true', "now"))
    assert len(text) < 1_000


def test_schemas_are_found_in_prompts() -> None:
    many = [WEATHER, {"type": "function", "function": {"name": "g", "description": "G"}}, {"name": "no schema"}]
    text = f"Use [the tools] {{carefully}}: {json.dumps(many)} and {json.dumps({'name': 'h', 'inputSchema': {}})}."
    assert sorted(declared_in(text)) == ["g", "get_weather", "h"]
    assert declared_in('"name"' + "[" * 100_000) == {}
    assert declared_in('"name"' + '{"a": ' * 5_000) == {}


def test_the_asynchronous_twin(memory: TreeTextMemory) -> None:
    retried(memory)

    async def ask() -> list[Tool]:
        return list(await AsyncTreeTextMemory(memory, threads=1).tools.search("weather"))

    assert names(asyncio.run(ask())) == [("get_weather", 2, 1)]


def test_a_chat_is_told_of_tools(memory: TreeTextMemory) -> None:
    ids = retried(memory)
    llm = Talker("Seven degrees.")
    memory.chat("What is the weather in Beijing?", llm=llm, tools=2, preferences=0, conversation_id="chat")
    system, _, _ = llm.sent[0]
    assert "worked then: get_weather(location=Beijing)" in system
    memory.chat("What is the weather in Beijing?", llm=llm, conversation_id="other")
    assert "worked then" not in llm.sent[1][0]
    memory.add_messages([asks("Weather in Oslo?"), *calls("9", "quokka", location="Oslo")], conversation_id="d")
    answer = memory.chat("Weather in Oslo?", llm=Talker("A quokka."), tools=2, top_k=1, conversation_id="e")
    quokka = next(m for m in memory.messages("d") if m.role == "tool")
    memory.purge(quokka.id)
    assert answer.answer_id not in {m.id for m in memory.messages("e")}, "it was told by the call"
    assert len(ids) == len(memory.messages("c"))


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ('{"a": "\\u0000"}', "ok"),
        ('{"a": "\\ud800"}', "ok"),
        ('{"\\ud800": 1, "": {"": 2}}', '{"": 1}'),
        ("{}", '{"a": "\\ud800"}'),
        ("{}", '{"error": "\\u0000"}'),
        ('{"a": ' * 300 + "1" + "}" * 300, "ok"),
    ],
)
def test_no_call_refuses_its_messages(memory: TreeTextMemory, arguments: str, result: str) -> None:
    odd = [{**WEATHER, "description": "Half \ud800, none \x00"}, {**WEATHER, "name": "other"}]
    prompt = {"role": "system", "content": json.dumps(odd)}
    call, answer = calls("1", result)
    call["tool_calls"][0]["function"]["arguments"] = arguments
    memory.add_messages([prompt, asks("Weather?"), call, answer], conversation_id="c")
    assert len(memory.messages("c")) == 4
    found = memory.search("Weather?", tools=1)
    assert names(found.tools) == [("get_weather", 1, int("error" in result))]
    found.tool_note.encode()


def test_what_cannot_be_noted_costs_no_message(memory: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> str:
        raise InvalidInputError("no note")

    monkeypatch.setattr("treemem.write.tooling.told", refuse)
    memory.add_messages([asks("Weather?"), *calls("1", "cold")], conversation_id="c")
    assert (len(memory.messages("c")), memory.tools.list()) == (3, ())


@pytest.mark.parametrize(
    "wrong", [{"arguments": None}, {"messages": []}, {"messages": 5}, {"outcome": None}, {"tool": 1}]
)
def test_a_call_that_was_tampered_with_is_none(memory: TreeTextMemory, wrong: dict[str, Any]) -> None:
    ann, bob = memory.for_caller("ann"), memory.for_caller("bob")
    retried(ann, visibility="public")
    retried(bob)
    first = next(call for call in ann.tools.get("get_weather").recent if call.user_id == "ann")
    ann.update(first.id, info={**ann.get(first.id).metadata.info, **wrong})
    ann.add(
        {
            "memory": "forged",
            "memory_type": "ToolTrajectoryMemory",
            "info": {"tool": "x"} | wrong,
            "sources": [{"type": "tool_call"}],
            "visibility": "public",
        }
    )
    whole = {"tool": "x", "call": "x()", "outcome": "ok", "arguments": {}, "messages": ["nowhere"]}
    ann.add(
        {
            "memory": "made up",
            "memory_type": "ToolTrajectoryMemory",
            "info": whole,
            "sources": [{"type": "tool_call"}],
            "visibility": "public",
        }
    )
    for each in (bob, memory):
        assert [(tool.name, tool.calls) for tool in each.tools.list()] == [("get_weather", 3)]
        assert each.search("What is the weather in Beijing?", tools=2).tools[0].calls == 3
    ann.delete([each.id for each in ann.messages("c") if each.role == "tool"])
    assert names(bob.tools.list()) == [("get_weather", 2, 1)]
    with pytest.raises(MemoryNotFoundError):
        ann.get(first.id)


def test_forget_takes_what_is_hidden_now(memory: TreeTextMemory) -> None:
    ids = retried(memory)
    memory.delete(ids[5])
    done = memory.tools.forget("get_weather")
    memory.restore(ids[5])
    assert memory.tools.list() == ()
    with pytest.raises(MemoryNotFoundError):
        memory.tools.forget("get_weather")
    memory.undo(done.operation)
    assert len(memory.tools.list()) == 1
    assert memory.check() == []


@pytest.mark.parametrize("many", [2, 130])
def test_forgetting_can_be_repeated(memory: TreeTextMemory, many: int) -> None:
    memory.tools.register({"name": "w", "description": "Tells the weather."})
    said = [each for n in range(many) for each in calls(str(n), "7", "w", place=n)]
    memory.add_messages(said, conversation_id="talk")
    done = memory.tools.forget("w", operation_id="forget-w")
    assert done.states_closed == many + 1
    memory.add_messages(calls("later", "8", "w", place=8), conversation_id="talk")
    again = memory.tools.forget("w", operation_id="forget-w")
    assert again == replace(done, repeated=True)
    assert memory.tools.get("w").calls == 1, "what was noted since is another forgetting's"
    with pytest.raises(OperationMismatchError):
        memory.delete(memory.messages("talk")[0].id, operation_id="forget-w")


def used(key: str, place: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": key, "name": "w", "input": {"l": place}}


def came(key: str, said: str) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": key, "content": said}


def gemini(role: str, kind: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "parts": [{kind: {"name": "w", **part}} for part in parts]}


ERROR = '{"error": "no such place"}'
FORMS: dict[str, tuple[list[dict[str, Any]], list[str]]] = {
    "two results of Anthropic": (
        [
            {"role": "assistant", "content": [used("a", "Oslo"), used("b", "Rome")]},
            {"role": "user", "content": [came("a", ERROR), came("b", ERROR)]},
        ],
        [f"w(l=Oslo) -> failed: {ERROR}", f"w(l=Rome) -> failed: {ERROR}"],
    ),
    "a result beside words of the user": (
        [
            {"role": "assistant", "content": [used("a", "Oslo")]},
            {"role": "user", "content": [came("a", ERROR), {"type": "text", "text": "Go on"}]},
        ],
        [f"w(l=Oslo) -> failed: {ERROR}"],
    ),
    "Gemini without ids": (
        [
            gemini("model", "functionCall", {"args": {"l": "Oslo"}}, {"args": {"l": "Rome"}}),
            gemini("user", "functionResponse", {"response": {"result": 1}}, {"response": {"error": "E"}}),
        ],
        ['w(l=Oslo) -> ok: {"result": 1}', 'w(l=Rome) -> failed: {"error": "E"}'],
    ),
    "one id twice": (
        [
            {"role": "assistant", "content": [used("a", "Oslo"), used("a", "Rome")]},
            {"role": "tool", "tool_call_id": "a", "content": "ONE"},
            {"role": "tool", "tool_call_id": "a", "content": "TWO"},
        ],
        ["w(l=Oslo) -> ok: ONE", "w(l=Rome) -> ok: TWO"],
    ),
    "an answer by name to a call with an id": (
        [{"role": "assistant", "content": [used("a", "Oslo")]}, {"role": "function", "name": "w", "content": "ONE"}],
        ["w(l=Oslo) -> ok: ONE"],
    ),
    "items of responses": (
        [
            {"type": "function_call", "id": "fc", "call_id": "z", "name": "w", "arguments": '{"l": "Oslo"}'},
            {"type": "function_call_output", "call_id": "z", "output": "ONE"},
        ],
        ["w(l=Oslo) -> ok: ONE"],
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_result_goes_to_its_call(memory: TreeTextMemory, form: str) -> None:
    messages, expected = FORMS[form]
    memory.add_messages([asks("Q"), *messages], conversation_id="c")
    (tool,) = memory.tools.list()
    assert sorted(call.text.partition(" -> ")[2] for call in tool.recent) == expected
    assert tool.failed == sum("failed" in each for each in expected)
    if "beside" in form:
        *_, last = memory.messages("c")
        assert (last.role, last.content) == ("user", "Go on")
        assert last.extra["parts"][0]["content"] == [{"type": "text", "text": ERROR}]


@pytest.mark.parametrize(
    ("result", "failed"),
    [
        ('{"exit_code": "1"}', 1),
        ('{"exit_code": 1.5}', 1),
        ('{"exit_code": "0"}', 0),
        ('{"exit_code": "none"}', 0),
        ('{"order": 5, "status": "cancelled"}', 0),
        ('{"status": "error"}', 1),
        ('[{"ok": true}, {"error": "no such place"}]', 1),
        ('[{"temperature": 7}, {"temperature": 8}]', 0),
        ('["error"]', 0),
    ],
)
def test_how_a_result_says_that_it_failed(memory: TreeTextMemory, result: str, failed: int) -> None:
    memory.add_messages([asks("Q"), *calls("1", result)], conversation_id="c")
    assert memory.tools.list()[0].failed == failed


@pytest.mark.parametrize("as_text", [True, False])
def test_long_arguments_are_told_by_their_beginning(memory: TreeTextMemory, as_text: bool) -> None:
    given = {"content": "start " + "y" * 5_000, "lines": list(range(3_000)), "path": "/etc/x"}
    call, result = calls("1", "ok", "write_file", **given)
    if not as_text:
        call = {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "write_file", "input": given}]}
    memory.add_messages([asks("Write it"), call], conversation_id="c")
    memory.add_messages([result], conversation_id="c")
    (tool,) = memory.tools.list()
    assert all(each in tool.recent[0].text for each in ("content=start yyy", "lines=[0, 1, 2", "path=/etc/x"))
    assert sorted(tool.parameters["properties"]) == ["content", "lines", "path"]
    kept = json.dumps(dict(memory.messages("c")[1].extra))
    assert "characters left out" in kept
    assert "y" * 500 not in kept


def test_a_long_result_beside_others_tells_its_error(memory: TreeTextMemory) -> None:
    uses = {"role": "assistant", "content": [used("a", "Oslo"), used("b", "Rome")]}
    said = json.dumps({"log": "z" * 5_000, "error": "no such place"})
    results = {"role": "user", "content": [came("a", said), came("b", "ok")]}
    memory.add_messages([asks("Q"), uses, results], conversation_id="c")
    assert names(memory.tools.list()) == [("w", 2, 1)]


HIDDEN_VALUES: dict[str, Any] = {
    "a key": "-----BEGIN RSA PRIVATE KEY-----\nQUOKKA42QUOKKA\n-----END RSA PRIVATE KEY-----",
    "an address": "postgres://bob:QUOKKA42QUOKKA@host/db",
    "an option": "mysql --password=QUOKKA42QUOKKA --token QUOKKA42QUOKKA",
    "lines": "Authorization:\nBearer QUOKKA42QUOKKA",
    "a command": "a\tsk-QUOKKA42QUOKKA,k=hf_QUOKKA42QUOKKA",
    "in JSON": '{"a": "[{\\"db_pass\\": \\"QUOKKA42QUOKKA\\"}]"}',
    "after words": "Result: {'clientsecret': 'QUOKKA42QUOKKA and more QUOKKA42QUOKKA'}",
    "pairs": [["Cookie", "QUOKKA42QUOKKA"], {"name": "API_KEY", "value": "QUOKKA42QUOKKA"}],
    "names": {"passwords": ["QUOKKA42QUOKKA"], "APIKey": "QUOKKA42QUOKKA", "PASSWORD2": "QUOKKA42QUOKKA"},
    "a cookie": "Set-Cookie: sid=QUOKKA42QUOKKA; path=/",
}


@pytest.mark.parametrize("case", HIDDEN_VALUES)
def test_more_secrets_are_quoted_nowhere_else(case: str) -> None:
    value = HIDDEN_VALUES[case]
    result = value if isinstance(value, str) else json.dumps(value)
    for call in (Call("f", {"x": value}, "m", "r", False, result="ok"), Call("f", {}, "m", "r", False, result=result)):
        text = told(call, None)
        assert "QUOKKA42" not in text
        assert "***" in text
    assert "QUOKKA42" not in told(Call("f", {}, "m", "r", True, result=json.dumps({"error": result})), result)


def test_what_is_no_secret_is_quoted() -> None:
    given = {"max_tokens": 500, "author": "Bo", "use_token": True, "to": "bo@example.org", "at": "12:30", "pinned": "a"}
    text = told(Call("f", given, "m", "r", False, result="Key: C minor; tokens: 512"), "Who is the secretary?")
    assert "***" not in text


def test_each_prompt_is_read_once(memory: TreeTextMemory, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(text: str) -> dict[str, Any]:
        read.append(text)
        return dict(declared_in(text))

    monkeypatch.setattr("treemem.write.tooling.declared_in", counted)
    other = {"role": "system", "content": json.dumps([{**WEATHER, "description": "Other"}])}
    turns = [[prompt, asks(f"Q{n}"), *calls(str(n), "ok")] for n, prompt in enumerate([PROMPT, PROMPT, other, PROMPT])]
    memory.add_messages([each for turn in turns for each in turn], conversation_id="c")
    assert len(read) == 2
    prompts = [each.id for each in memory.messages("c") if each.role == "system"]
    called = [memory.get(call.id).metadata.info["declared"] for call in memory.tools.list()[0].recent]
    assert called == [*reversed(prompts)][:3]


@pytest.mark.parametrize("parameters", [{"properties": {1: 2}}, {1: 2}, {"properties": {"a": {2: 3}}}])
def test_a_schema_with_wrong_names_is_refused(memory: TreeTextMemory, parameters: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError, match="schema: parameters"):
        memory.tools.register({"name": "f", "description": "d", "parameters": parameters})


def test_a_result_that_comes_after_another_word_of_the_user_is_noted(memory: TreeTextMemory) -> None:
    call, result = calls("1", '{"temperature": 7}', location="Porto")
    again, other = calls("1", '{"error": "no such place"}', location="Prto")
    said = [asks("What is the weather in Porto?"), call, asks("Hurry up, please, we leave soon."), result]
    memory.add_messages(said, conversation_id="late")
    (tool,) = memory.tools.list()
    assert tool.recent[0].text.startswith('Asked: "What is the weather in Porto?" -> get_weather(location=Porto) -> ok')
    memory.add_messages([asks("And in Prto?"), again, asks("Where is that?"), other], conversation_id="late")
    assert names(memory.tools.list()) == [("get_weather", 2, 1)]  # one key twice: the later call is answered first
