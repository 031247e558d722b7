"""Language models by provider: what each is sent, how its answers are read, what it may refuse."""

from __future__ import annotations

import json
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest
from pydantic import BaseModel, Field

from tests.openai_server import Script, Streamed, serving
from treemem import AnthropicLLM, AzureOpenAILLM, LLMError, OpenAILLM, Picture, TreeTextMemoryConfig
from treemem.models.served import ServedLLM
from treemem.models.structure import strict_schema
from treemem.opening import open_llm

GOOD = {"city": "Porto", "sure": 0.9}
KEY = "sk-ant-very-secret-0123"


class Place(BaseModel):
    city: str = Field(min_length=1)
    sure: float = Field(default=0.5, ge=0, le=1)


def chat(body: dict[str, Any], message: Any = None, **more: Any) -> dict[str, Any]:
    """An answer of chat completions."""
    said = {"role": "assistant", "content": json.dumps(GOOD)} if message is None else message
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, **more.pop("usage", {})}
    choice = {"index": 0, "message": said, "finish_reason": more.pop("finish_reason", "stop")}
    return {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice], "usage": usage}


def claude(body: dict[str, Any], *blocks: dict[str, Any], **more: Any) -> dict[str, Any]:
    """An answer of /v1/messages: the tool that was asked for, or blocks."""
    if not blocks and body.get("tools"):
        blocks = (
            {"type": "thinking", "thinking": "He said so.", "signature": "x"},
            {"type": "tool_use", "id": "t", "name": body["tools"][0]["name"], "input": GOOD},
        )
        more.setdefault("stop_reason", "tool_use")
    return {
        "type": "message",
        "role": "assistant",
        "content": list(blocks) or [{"type": "text", "text": json.dumps(GOOD)}],
        "stop_reason": "end_turn",
        "usage": {
            "input_tokens": 10,
            "cache_read_input_tokens": 80,
            "cache_creation_input_tokens": 5,
            "output_tokens": 7,
        },
        **more,
    }


@pytest.fixture
def server() -> Iterator[Script]:
    def answer(body: dict[str, Any]) -> Any:
        return (
            claude(body) if "max_tokens" in body and script.requests[-1]["path"].endswith("/messages") else chat(body)
        )

    with serving(answer) as script:
        yield script


def anthropic(script: Script, **settings: Any) -> AnthropicLLM:
    return AnthropicLLM(
        "claude", **{"base_url": script.url, "api_key": KEY, "timeout": 5.0, "max_retries": 2, **settings}
    )


def openai(script: Script, **settings: Any) -> OpenAILLM:
    return OpenAILLM("m", **{"base_url": script.url, "api_key": KEY, "timeout": 5.0, "max_retries": 2, **settings})


def refusing(answer: Callable[[dict[str, Any]], Any], *refused: str, message: str = "{} is not supported") -> Any:
    def answered(body: dict[str, Any]) -> Any:
        wrong = [name for name in refused if name in json.dumps(body)]
        return (400, {"error": {"message": message.format(wrong[0]), "type": "bad"}}) if wrong else answer(body)

    return answered


def test_anthropic_is_asked_for_a_tool(server: Script) -> None:
    llm = anthropic(server, prices=(1.0, 10.0, 0.1))
    found = llm.ask("You place people.", "Anna lives in Porto.", Place)
    assert found.value == Place(city="Porto", sure=0.9)
    used = found.usage
    assert (used.prompt_tokens, used.completion_tokens, used.cached_tokens) == (95, 7, 80)
    assert used.cost == pytest.approx((15 * 1.0 + 80 * 0.1 + 7 * 10.0) / 1_000_000)
    (request,), (headers,) = server.requests, server.headers
    assert request["path"] == "/v1/messages"
    assert (headers["x-api-key"], headers["anthropic-version"]) == (KEY, "2023-06-01")
    assert request["system"] == "You place people."
    assert request["messages"] == [{"role": "user", "content": "Anna lives in Porto."}]
    assert request["tool_choice"] == {"type": "tool", "name": "Place"}
    assert request["tools"][0]["input_schema"]["required"] == ["city", "sure"]


def test_anthropic_looks_at_pictures(server: Script) -> None:
    anthropic(server).look("s", "What is it?", Place, Picture(b"png", "image/png"))
    picture, text = server.requests[0]["messages"][0]["content"]
    assert picture["source"] == {"type": "base64", "media_type": "image/png", "data": "cG5n"}
    assert text["text"] == "What is it?"


@pytest.mark.parametrize(
    ("step", "reason", "said"),
    [
        (lambda body: claude(body, {"type": "text", "text": "No."}, stop_reason="refusal"), "refused", "No."),
        (lambda body: claude(body, stop_reason="max_tokens"), "cut", "max_tokens"),
        (lambda body: claude(body, {"type": "thinking", "thinking": "?"}), "invalid", "without text"),
        (lambda body: {"type": "error", "error": {"type": "api_error", "message": "broke"}}, "status", "broke"),
        ((401, {"type": "error", "error": {"message": f"invalid x-api-key {KEY}"}}), "status", "refused the key"),
        ((404, {"type": "error", "error": {"message": "model: claude"}}), "status", "model: claude"),
        (lambda body: b"[]", "invalid", "no usable answer"),
        (lambda body: b'{"content": [3]}', "invalid", "no usable answer"),
    ],
)
def test_what_anthropic_cannot_do_is_told(server: Script, step: Any, reason: str, said: str) -> None:
    server.next.append(step)
    with pytest.raises(LLMError, match=said) as error:
        anthropic(server).ask("s", "u", Place)
    assert error.value.reason == reason
    assert "very-secret" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("make", [anthropic, openai])
@pytest.mark.parametrize("status", [408, 409, 429, 500, 529])
def test_passing_faults_are_tried_again(server: Script, make: Callable[..., ServedLLM], status: int) -> None:
    server.next.append((status, {"error": {"type": "overloaded_error", "message": "Overloaded"}}, {"Retry-After": "0"}))
    llm = make(server)
    found = llm.ask("s", "u", Place)
    assert found.value.city == "Porto"
    assert found.usage.requests == len(server.requests) == 2
    server.next.extend([(status, {"error": {"message": "Overloaded"}}, {"retry-after-ms": "1"})] * 3)
    with pytest.raises(LLMError, match=f"{status}: Overloaded"):
        llm.ask("s", "u", Place)
    assert len(server.requests) == 5


def test_a_server_is_asked_again_when_it_says(server: Script) -> None:
    server.next.append((429, {}, {"Retry-After": "0.3"}))
    started = time.monotonic()
    openai(server).ask("s", "u", Place)
    assert 0.3 <= time.monotonic() - started < 2
    for later in ("3600", formatdate(time.time() + 3_600, usegmt=True)):
        server.next.append((429, {}, {"Retry-After": later}))
        with pytest.raises(LLMError, match=r"asks to wait 3[56]\d\d s"):
            openai(server).ask("s", "u", Place)
    server.next.append((429, {}, {"Retry-After": "5"}))
    with pytest.raises(LLMError, match="asks to wait 5 s"):  # that would be past the end
        openai(server, deadline=2.0).ask("s", "u", Place)
    server.next.append((429, {"error": {"code": "insufficient_quota", "message": "You exceeded your quota"}}))
    with pytest.raises(LLMError, match="quota"):
        openai(server).ask("s", "u", Place)
    assert len(server.requests) == 6


@pytest.mark.parametrize("make", [anthropic, openai])
def test_an_answer_ends_at_its_deadline_however_it_drips(server: Script, make: Callable[..., ServedLLM]) -> None:
    server.next.append(lambda body: Streamed(*([b" ", 0.05] * 60)))
    started = time.monotonic()
    with pytest.raises(LLMError, match="in time") as error:
        make(server, deadline=0.3).ask("s", "u", Place)
    assert error.value.reason == "timeout"
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("make", [anthropic, openai])
def test_an_answer_without_end_is_not_read_to_its_end(server: Script, make: Callable[..., ServedLLM]) -> None:
    server.next.append(lambda body: Streamed(*([b" " * 1_000_000] * 40)))
    with pytest.raises(LLMError, match="longer than 10 MB") as error:
        make(server).ask("s", "u", Place)
    assert error.value.reason == "invalid"
    assert server.gone.wait(5)
    server.next.append(lambda body: (400, b"x" * 30_000_000))
    with pytest.raises(LLMError, match="answered 400"):
        make(server).ask("s", "u", Place)


@pytest.mark.parametrize(
    ("refused", "kinds"),
    [
        ((), ["strict", None]),
        (('"strict"',), ["strict", "json_schema", None]),
        (("json_schema",), ["strict", "json_schema", "json_object", None]),
        (("response_format",), ["strict", "json_schema", "json_object", "tool", None]),
    ],
)
def test_a_way_to_structure_is_found_out_once(server: Script, refused: tuple[str, ...], kinds: list[Any]) -> None:
    def answer(body: dict[str, Any]) -> Any:
        call = {"id": "1", "type": "function", "function": {"name": "Place", "arguments": json.dumps(GOOD)}}
        return chat(body, {"role": "assistant", "content": None, "tool_calls": [call]} if "tools" in body else None)

    server.default = refusing(answer, *refused, message="Invalid parameter: 'response_format': {}")
    llm = openai(server)
    for _ in range(2):
        assert llm.ask("s", "u", Place).value.city == "Porto"

    def kind(body: dict[str, Any]) -> str:
        sent = body.get("response_format", {})
        return "strict" if sent.get("json_schema", {}).get("strict") else sent.get("type", "tool")

    found = [kind(each) for each in server.requests]
    assert found == [*kinds[:-1], kinds[-2]]
    told = "fits this JSON schema" in server.requests[-1]["messages"][0]["content"]
    assert told == (found[-1] == "json_object")


def test_a_schema_that_a_server_cannot_guide_by_is_left_out(server: Script) -> None:
    message = "The provided JSON schema contains features not supported by xgrammar: {}"
    server.default = refusing(chat, '"json_schema"', message=message)
    assert openai(server).ask("s", "u", Place).value.city == "Porto"
    assert server.requests[-1]["response_format"] == {"type": "json_object"}


def test_a_way_that_was_chosen_is_the_only_one(server: Script) -> None:
    server.default = refusing(chat, "response_format")
    with pytest.raises(LLMError, match="response_format is not supported"):
        openai(server, structured="json_object").ask("s", "u", Place)
    assert len(server.requests) == 1
    with pytest.raises(LLMError, match="wanted one of auto"):
        openai(server, structured="xml")


def test_anthropic_falls_back_where_a_tool_cannot_be_forced(server: Script) -> None:
    said = "Thinking may not be enabled when {} forces tool use"
    server.default = refusing(claude, "tool_choice", message=said)
    llm = anthropic(server)
    assert llm.ask("s", "u", Place).value.city == "Porto"
    assert server.requests[-1]["output_config"]["format"]["schema"]["additionalProperties"] is False
    server.default = refusing(claude, "tool_choice", "output_config", "temperature")
    assert llm.ask("s", "u", Place).value.city == "Porto"
    last = server.requests[-1]
    assert "fits this JSON schema" in last["system"]
    assert "temperature" not in last


@pytest.mark.parametrize("make", [anthropic, openai])
def test_effort_is_sent_until_it_is_refused(server: Script, make: Callable[..., ServedLLM]) -> None:
    llm = make(server, reasoning_effort="low")
    llm.ask("s", "u", Place)
    sent = server.requests[-1]
    assert "low" in (sent.get("reasoning_effort"), sent.get("output_config", {}).get("effort"))
    server.default = refusing(claude if make is anthropic else chat, "reasoning_effort", "output_config")
    llm.ask("s", "u", Place)
    llm.ask("s", "u", Place)
    assert len(server.requests) == 4
    assert "low" not in json.dumps(server.requests[-1])


class Deep(BaseModel):
    free: dict[str, Any]


class Tree(BaseModel):
    name: str = Field(default="", description="what it is called", max_length=5)
    below: list[Tree] = []
    near: Place | None = None


def test_a_schema_is_made_fit_for_strict_mode() -> None:
    deep = strict_schema(Tree.model_json_schema())  # its root is a reference, which strict mode does not take
    assert deep is not None
    assert deep["type"] == "object"
    assert deep["$defs"]["Tree"]["required"] == deep["required"] == ["name", "below", "near"]
    assert deep["properties"]["below"]["items"] == {"$ref": "#/$defs/Tree"}
    flat = strict_schema(Place.model_json_schema())
    assert flat is not None
    assert flat["required"] == ["city", "sure"]
    assert flat["additionalProperties"] is False
    assert flat["properties"]["city"] == {"type": "string", "description": "minLength 1"}
    assert flat["properties"]["sure"]["description"] == "minimum 0; maximum 1"
    assert "default" not in json.dumps(flat)
    assert strict_schema(Deep.model_json_schema()) is None


def test_a_schema_that_comes_back_is_told_in_words(server: Script) -> None:
    echo = {"role": "assistant", "content": json.dumps(Place.model_json_schema())}
    server.next.append(lambda body: chat(body, echo))
    assert openai(server).ask("s", "u", Place).value.city == "Porto"
    assert "fits this JSON schema" in server.requests[-1]["messages"][-1]["content"]


def test_parts_arguments_and_counts_as_some_servers_send_them(server: Script) -> None:
    parts = [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": json.dumps(GOOD)}]
    details = {"prompt_tokens_details": {"cached_tokens": 60}, "completion_tokens_details": {"reasoning_tokens": 4}}
    server.next.append(lambda body: chat(body, {"role": "assistant", "content": parts}, usage=details))
    found = openai(server).ask("s", "u", Place)
    assert found.value.city == "Porto"
    assert (found.usage.cached_tokens, found.usage.reasoning_tokens) == (60, 4)
    call = {"function": {"name": "Place", "arguments": GOOD}}
    server.next.append(lambda body: chat(body, {"content": "", "tool_calls": [call]}, usage={"prompt_tokens": "many"}))
    found = openai(server, structured="tool").ask("s", "u", Place)
    assert (found.value.city, found.usage.prompt_tokens) == ("Porto", 0)


def test_azure_by_deployment_and_by_v1(server: Script) -> None:
    endpoint = server.url.removesuffix("/v1")
    old = AzureOpenAILLM("gpt-mine", endpoint=endpoint, api_key=KEY, api_version="2024-10-21")
    assert old.ask("s", "u", Place).value.city == "Porto"
    path = "/openai/deployments/gpt-mine/chat/completions?api-version=2024-10-21"
    assert server.requests[-1]["path"] == path
    assert server.headers[-1]["api-key"] == KEY
    assert old.name == "azure/gpt-mine"
    for given in (endpoint, f"{endpoint}/openai/v1/"):
        AzureOpenAILLM("gpt-mine", endpoint=given, api_key=KEY).ask("s", "u", Place)
        assert server.requests[-1]["path"] == "/openai/v1/chat/completions"
        assert server.headers[-1]["api-key"] == KEY
    server.next.append((400, {"error": {"code": "content_filter", "message": "The prompt was filtered"}}))
    with pytest.raises(LLMError, match="was filtered") as error:
        old.ask("s", "u", Place)
    assert error.value.reason == "refused"


def test_wrong_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    for make, said in (
        (lambda: AnthropicLLM("m"), "set ANTHROPIC_API_KEY"),
        (lambda: AzureOpenAILLM("m", api_key=KEY), "set AZURE_OPENAI_ENDPOINT"),
        (lambda: AzureOpenAILLM("m", endpoint="https://h"), "set AZURE_OPENAI_API_KEY"),
        (lambda: AzureOpenAILLM("../m", endpoint="https://h", api_key=KEY), "wanted letters"),
        (lambda: OpenAILLM("m", base_url=f"https://h/v1?key={KEY}", api_key="k"), "pass it as api_key"),
        (lambda: OpenAILLM("m", base_url=f"https://me:{KEY}@h/v1", api_key="k"), "pass it as api_key"),
        (lambda: OpenAILLM("m", base_url="localhost:1", api_key="k"), "http://"),
        (lambda: OpenAILLM("m", api_key="k", deadline=0), "deadline"),
        (lambda: OpenAILLM("m", api_key="k", prices=(1.0,)), "prices"),  # type: ignore[arg-type]
    ):
        with pytest.raises(LLMError, match=said) as error:
            make()
        assert "very-secret" not in str(error.value)


@pytest.mark.parametrize(
    ("settings", "kind", "path", "header"),
    [
        ({"provider": "anthropic"}, AnthropicLLM, "/v1/messages", "x-api-key"),
        ({"provider": "ollama"}, OpenAILLM, "/v1/chat/completions", "authorization"),
        ({"provider": "vllm"}, OpenAILLM, "/v1/chat/completions", "authorization"),
        ({}, OpenAILLM, "/chat/completions", "authorization"),
        ({"provider": "azure"}, AzureOpenAILLM, "/openai/v1/chat/completions", "api-key"),
        (
            {"provider": "azure", "api_version": "v"},
            AzureOpenAILLM,
            "/openai/deployments/m/chat/completions?api-version=v",
            "api-key",
        ),
    ],
)
def test_each_provider_by_settings_alone(
    server: Script, monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], kind: type, path: str, header: str
) -> None:
    place = server.url.removesuffix("/v1")
    for name, value in {**settings, "model": "m", "base_url": place, "api_key": KEY}.items():
        monkeypatch.setenv(f"TREEMEM_LLM__{name.upper()}", value)
    config = TreeTextMemoryConfig.of({}).llm
    assert config is not None
    assert KEY not in repr(config)
    llm = open_llm(config)
    assert isinstance(llm, kind)
    assert llm.ask("s", "u", Place).value.city == "Porto"
    assert server.requests[-1]["path"] == path
    assert KEY in server.headers[-1][header]


def test_a_variable_with_one_line_or_two_is_one_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TREEMEM_LLM_MODEL", "m")
    monkeypatch.setenv("TREEMEM_LLM__MODEL", "other")
    with pytest.raises(Exception, match="says something else"):
        TreeTextMemoryConfig.of({})
    monkeypatch.setenv("TREEMEM_LLM__MODEL", "m")
    monkeypatch.setenv("TREEMEM_LLM__MODLE", "m")
    with pytest.raises(Exception, match="did you mean TREEMEM_LLM_MODEL"):
        TreeTextMemoryConfig.of({})


def test_a_local_server_never_gets_the_key_of_openai(server: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    config = TreeTextMemoryConfig.of({"llm": {"provider": "ollama", "model": "m", "base_url": server.url}}).llm
    llm = open_llm(config)
    assert llm is not None
    llm.ask("s", "u", Place)
    assert "very-secret" not in server.headers[-1]["authorization"]


@pytest.mark.parametrize("make", [anthropic, openai])
def test_no_log_and_no_repr_shows_the_key(
    server: Script, caplog: pytest.LogCaptureFixture, make: Callable[..., ServedLLM]
) -> None:
    caplog.set_level(logging.DEBUG)
    llm = make(server)
    llm.ask("s", "u", Place)
    server.next.append((500, {"error": f"bad key {KEY}"}, {"retry-after-ms": "1"}))
    llm.ask("s", "u", Place)
    shown = caplog.text + repr(llm) + repr(vars(llm)) + repr(vars(llm._wire))
    assert "very-secret" not in shown
