"""The language model client on a local server that speaks the protocol, faults included."""

from __future__ import annotations

import json
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from tests.openai_server import Script, serving
from treemem import LLMError, LLMUsage, OpenAILLM

GOOD = {"relation": "causes", "confidence": 0.9}


class Judgement(BaseModel):
    relation: Literal["causes", "none"]
    confidence: float = Field(ge=0, le=1)


class AllOptional(BaseModel):
    note: str = ""


def saying(content: Any, **choice: Any) -> Callable[[dict[str, Any]], Any]:
    """An answer of the server with this text."""
    text = content if isinstance(content, str) or content is None else json.dumps(content)
    message = {"role": "assistant", "content": text, "refusal": choice.pop("refusal", None)}
    return lambda body: {
        "id": "c",
        "object": "chat.completion",
        "created": 0,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": choice.get("finish_reason", "stop")}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


@pytest.fixture
def server() -> Iterator[Script]:
    with serving(saying(GOOD)) as script:
        yield script


def over(script: Script, **settings: Any) -> OpenAILLM:
    return OpenAILLM("m", base_url=script.url, **{"api_key": "sk-secret", "timeout": 5.0, "max_retries": 2, **settings})


def test_an_answer_is_validated_and_counted(server: Script) -> None:
    llm = over(server, prices=(1.0, 10.0))
    found = llm.ask("You judge.", "Does rain cause floods?", Judgement)
    assert found.value == Judgement(relation="causes", confidence=0.9)
    assert (found.usage.requests, found.usage.prompt_tokens, found.usage.completion_tokens) == (1, 100, 10)
    assert found.usage.cost == pytest.approx(200 / 1_000_000)
    assert llm.usage == found.usage
    (request,) = server.requests
    assert request["path"] == "/v1/chat/completions"
    assert request["response_format"]["json_schema"]["schema"]["properties"].keys() == {"relation", "confidence"}
    assert [m["role"] for m in request["messages"]] == ["system", "user"]


def test_servers_without_schemas_get_it_in_words(server: Script) -> None:
    over(server, structured="json_object").ask("You judge.", "x", Judgement)
    (request,) = server.requests
    assert request["response_format"] == {"type": "json_object"}
    assert "confidence" in request["messages"][0]["content"]


@pytest.mark.parametrize("fault", [429, 500, 503, "cut"])
def test_passing_faults_are_tried_again(server: Script, fault: Any) -> None:
    server.next.append(fault)
    assert over(server).ask("s", "u", Judgement).value.relation == "causes"
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "wrong",
    [
        "no JSON at all",
        '{"relation": "causes", "confi',
        {"relation": "maybe", "confidence": 0.5},
        {"relation": "causes", "confidence": 7},
        [],
        Judgement.model_json_schema(),
    ],
)
def test_a_wrong_answer_is_asked_for_again_with_what_was_wrong(server: Script, wrong: Any) -> None:
    server.next.append(saying(wrong))
    found = over(server).ask("s", "u", Judgement)
    assert found.value.confidence == 0.9
    assert found.usage.requests == 2
    assert "does not fit" in server.requests[1]["messages"][-1]["content"]


def test_a_schema_is_no_answer_even_where_everything_is_optional(server: Script) -> None:
    server.next.extend([saying(AllOptional.model_json_schema())] * 2)
    with pytest.raises(LLMError, match="schema came back") as error:
        over(server).ask("s", "u", AllOptional)
    assert error.value.reason == "invalid"


def test_fences_are_passed_over(server: Script) -> None:
    server.next.append(saying("```json\n" + json.dumps(GOOD) + "\n```"))
    assert over(server).ask("s", "u", Judgement).usage.requests == 1


@pytest.mark.parametrize(
    ("steps", "reason", "said"),
    [
        ([saying("{}")] * 2, "invalid", "2 attempts"),
        ([400], "status", "answered 400"),
        ([401], "status", "refused the key"),
        ([500] * 3, "status", "answered 500"),
        (["cut"] * 3, "connection", "cut"),
        ([saying(None, refusal="I will not")], "refused", "I will not"),
        ([saying(GOOD, finish_reason="content_filter")], "refused", "content filter"),
        ([saying('{"rel', finish_reason="length")], "cut", "max_tokens"),
        ([saying(None)], "invalid", "without text"),
        ([lambda body: {"choices": []}], "invalid", "no usable answer"),
        ([lambda body: b"<html>busy</html>"], "invalid", "no usable answer"),
    ],
)
def test_what_cannot_be_helped_is_told(server: Script, steps: list[Any], reason: str, said: str) -> None:
    server.next.extend(steps)
    llm = over(server)
    with pytest.raises(LLMError, match=said) as error:
        llm.ask("s", "u", Judgement)
    assert error.value.reason == reason
    assert llm.usage.requests >= 1
    assert llm.ask("s", "u", Judgement).value.relation == "causes"


def picky(*refused: str, speak: Callable[[str], Any]) -> Callable[[dict[str, Any]], Any]:
    """A server that refuses some parameters, as reasoning models do."""

    def answer(body: dict[str, Any]) -> Any:
        wrong = [name for name in refused if name in body]
        return (400, speak(wrong[0])) if wrong else saying(GOOD)(body)

    return answer


SPOKEN: dict[str, Callable[[str], Any]] = {
    "openai": lambda name: {
        "error": {
            "message": f"Unsupported parameter: '{name}' is not supported with this model. Use 'max_tokens' instead.",
            "type": "invalid_request_error",
            "param": name,
            "code": "unsupported_parameter",
        }
    },
    "in words": lambda name: {"error": {"message": f"`{name}` is deprecated for this model.", "type": "bad"}},
    "a string": lambda name: {"error": f"{name} does not support 0 with this model, only 1"},
    "a list": lambda name: {"detail": [{"loc": ["body", name], "msg": "Extra inputs are not permitted"}]},
}


@pytest.mark.parametrize("speak", SPOKEN.values(), ids=SPOKEN)
@pytest.mark.parametrize(
    ("model", "refused", "requests"),
    [
        ("m", ("max_tokens",), [2, 1]),
        ("m", ("temperature",), [2, 1]),
        ("m", ("max_tokens", "temperature"), [3, 1]),
        ("m", ("max_completion_tokens",), [1, 1]),
        ("gpt-5-mini", ("max_tokens", "temperature"), [1, 1]),
        ("gpt-5-mini", ("max_completion_tokens",), [2, 1]),
        ("openai/o3", ("max_tokens", "temperature"), [1, 1]),
        ("o4-mini-2025-04-16", ("max_tokens", "temperature"), [1, 1]),
    ],
)
def test_a_model_is_asked_in_the_way_it_wants(
    server: Script, speak: Callable[[str], Any], model: str, refused: tuple[str, ...], requests: list[int]
) -> None:
    server.default = picky(*refused, speak=speak)
    llm = OpenAILLM(model, base_url=server.url, api_key="sk-secret", max_retries=0)
    for number in requests:
        server.requests.clear()
        assert llm.ask("s", "u", Judgement, max_tokens=77).value.relation == "causes"
        assert len(server.requests) == number
    last = server.requests[-1]
    assert not set(refused) & last.keys()
    assert 77 in (last.get("max_tokens"), last.get("max_completion_tokens"))
    assert last.get("temperature", 0) == 0


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-4.1-mini", "gpt-35-turbo", "olmo", "qwen3", "o", "gpt-oss-120b"])
def test_other_models_get_a_temperature(server: Script, model: str) -> None:
    OpenAILLM(model, base_url=server.url, api_key="sk-secret").ask("s", "u", Judgement)
    assert server.requests[0]["temperature"] == 0
    assert "max_tokens" in server.requests[0]


@pytest.mark.parametrize("body", [SPOKEN["openai"]("max_tokens"), SPOKEN["openai"]("model"), {"error": {}}, {}, []])
def test_a_server_that_refuses_everything_is_not_asked_without_end(server: Script, body: Any) -> None:
    server.default = lambda _: (400, body)
    with pytest.raises(LLMError, match="answered 400"):
        over(server).ask("s", "u", Judgement)
    assert len(server.requests) <= 3
    server.default = saying(GOOD)
    over(server).ask("s", "u", Judgement)
    assert "max_tokens" in server.requests[-1], "what did not help is not remembered"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (404, {"error": {"message": "model 'm' not found, try pulling it first", "type": "api_error"}}, "try pulling"),
        (400, {"error": "context length exceeded"}, "context length exceeded"),
        (422, {"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        (400, {"detail": "no such deployment"}, "no such deployment"),
        (403, {"message": "quota\nused up"}, "quota used up"),
        (400, b"<html>gone</html>", "gone"),
        (401, {"error": {"message": "your plan has ended"}}, "your plan has ended"),
        (400, {"error": {"message": "x" * 5_000}}, "x{300}"),
    ],
)
def test_the_server_is_quoted(server: Script, status: int, body: Any, said: str) -> None:
    server.next.append((status, body))
    with pytest.raises(LLMError, match=said) as error:
        over(server).ask("s", "u", Judgement)
    assert len(str(error.value)) < 400
    assert "\n" not in str(error.value)


def test_a_server_that_repeats_the_key_does_not_make_us_show_it(server: Script) -> None:
    told = {"error": {"message": "Incorrect API key provided: my-very-secret-key (sk-proj-abc***xyz)."}}
    server.next.append((401, told))
    llm = over(server, api_key="my-very-secret-key")
    with pytest.raises(LLMError, match="Incorrect API key") as error:
        llm.ask("s", "u", Judgement)
    shown = "".join(traceback.format_exception(error.value))
    assert "very-secret" not in shown
    assert "abc" not in shown
    assert "very-secret" not in repr(llm) + repr(vars(llm))


WHOLE = json.dumps(GOOD)


@pytest.mark.parametrize(
    "text",
    [
        f"<think>Rain, so {{floods}}.</think>{WHOLE}",
        f"<think>\none\n</think>\n\n<think>two</think>```json\n{WHOLE}\n```",
        f"Okay, the user asks.\n</think>\n{WHOLE}",
        f"{WHOLE}\n<think>Was that right?</think>",
        f"<think></think>{WHOLE}",
        f"<THINK>Rain.</THINK>{WHOLE}",
        f"<thinking>Rain.</thinking>\n{WHOLE}<thinking>Right?</thinking>",
    ],
)
def test_thoughts_are_passed_over(server: Script, text: str) -> None:
    server.next.append(saying(text))
    assert over(server).ask("s", "u", Judgement).usage.requests == 1


def test_thoughts_inside_an_answer_stay(server: Script) -> None:
    server.next.append(saying({"note": "he wrote <think>this</think>"}))
    assert over(server).ask("s", "u", AllOptional).value.note == "he wrote <think>this</think>"


@pytest.mark.parametrize("text", ["", " \n", "<think>still thinking", "<think>done</think>", "```json\n```"])
def test_an_empty_answer_is_told(server: Script, text: str) -> None:
    server.next.extend([saying(text)] * 2)
    with pytest.raises(LLMError, match="answer is empty") as error:
        over(server).ask("s", "u", Judgement)
    assert error.value.reason == "invalid"


@pytest.mark.parametrize("text", ["[" * 100_000, "</think>" * 50_000, "<think>" * 50_000, "1" * 50_000])
def test_no_answer_is_too_odd_to_be_told(server: Script, text: str) -> None:
    server.next.extend([saying(text)] * 2)
    with pytest.raises(LLMError) as error:
        over(server).ask("s", "u", Judgement)
    assert error.value.reason == "invalid"
    assert len(str(error.value)) < 500


@pytest.mark.parametrize("told", [{"message": "model is overloaded"}, "model is overloaded"])
def test_a_failure_told_with_status_200(server: Script, told: Any) -> None:
    server.next.append(lambda body: {"error": told})
    with pytest.raises(LLMError, match="model is overloaded") as error:
        over(server).ask("s", "u", Judgement)
    assert error.value.reason == "status"


def test_half_a_character_is_no_answer(server: Script) -> None:
    server.next.extend([saying('{"note": "a\\ud800"}')] * 2)
    with pytest.raises(LLMError, match="half a character"):
        over(server).ask("s", "u", AllOptional)


def test_a_slow_server_ends_in_time(server: Script) -> None:
    server.next.extend([3.0] * 2)
    started = time.monotonic()
    with pytest.raises(LLMError, match="in time") as error:
        over(server, timeout=0.2, max_retries=1).ask("s", "u", Judgement)
    assert error.value.reason == "timeout"
    assert time.monotonic() - started < 5


def test_no_more_requests_at_once_than_allowed(server: Script) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def slow(body: dict[str, Any]) -> Any:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        time.sleep(0.05)
        with lock:
            running -= 1
        return saying(GOOD)(body)

    server.default = slow
    llm = over(server, max_parallel=2)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: llm.ask("s", "u", Judgement), range(12)))
    assert most == 2
    assert llm.usage.requests == 12
    assert llm.usage.prompt_tokens == 1_200


def test_the_key_is_never_shown(server: Script) -> None:
    server.next.append(401)
    llm = over(server)
    with pytest.raises(LLMError) as error:
        llm.ask("s", "u", Judgement)
    assert "secret" not in str(error.value) + repr(llm) + repr(vars(llm))


def test_bad_settings() -> None:
    with pytest.raises(LLMError, match="at least 1"):
        OpenAILLM("m", api_key="k", attempts=0)
    assert LLMUsage(1, 2, 3, 4.0, 5.0) + LLMUsage(1) == LLMUsage(2, 2, 3, 4.0, 5.0)
