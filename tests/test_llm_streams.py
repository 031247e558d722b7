"""Answers in words, whole and as they come, in both protocols: pieces, ends, breaks, and hanging up."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pydantic import BaseModel

from tests.openai_server import Script, Streamed, serving
from treemem import AnthropicLLM, LLMAnswer, LLMError, LLMText, LLMUsage, OpenAILLM
from treemem.models import llm as models
from treemem.models.served import ServedLLM
from treemem.models.wire import events

Make = Callable[..., ServedLLM]
Pieces = list[bytes | dict[str, Any] | float | str]


def openai_chunks(*texts: str, ended: str | None = "stop") -> Pieces:
    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        return {"object": "chat.completion.chunk", "choices": [{"index": 0, "delta": delta, "finish_reason": reason}]}

    counts = {"prompt_tokens": 20, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}
    found: Pieces = [chunk({"role": "assistant", "content": ""}), *(chunk({"content": text}) for text in texts)]
    return found if ended is None else [*found, chunk({}, ended), {"choices": [], "usage": counts}, b"data: [DONE]\n\n"]


def anthropic_events(*texts: str, ended: str | None = "end_turn") -> Pieces:
    usage = {"input_tokens": 12, "cache_read_input_tokens": 8, "output_tokens": 1}
    found: Pieces = [
        {"type": "message_start", "message": {"content": [], "usage": usage}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "hm"}},
        b'event: ping\ndata: {"type": "ping"}\n\n: a comment\n\n',
        {"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": t}} for t in texts),
    ]
    if ended is None:
        return found
    last = {"type": "message_delta", "delta": {"stop_reason": ended}, "usage": {"output_tokens": 3}}
    return [*found, last, {"type": "message_stop"}]


class Kind:
    """One protocol: a model of it, and its streams."""

    def __init__(self, make: Make, stream: Callable[..., Pieces], cut: str, refusal: str) -> None:
        self.make, self.stream, self.cut, self.refusal = make, stream, cut, refusal


def _openai(script: Script, **settings: Any) -> ServedLLM:
    return OpenAILLM("m", **{"base_url": script.url, "api_key": "k", "timeout": 5.0, "max_retries": 1, **settings})


def _anthropic(script: Script, **settings: Any) -> ServedLLM:
    return AnthropicLLM("m", **{"base_url": script.url, "api_key": "k", "timeout": 5.0, "max_retries": 1, **settings})


KINDS = {
    "openai": Kind(_openai, openai_chunks, "length", "content_filter"),
    "anthropic": Kind(_anthropic, anthropic_events, "max_tokens", "refusal"),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def server() -> Iterator[Script]:
    with serving(lambda body: Streamed()) as script:
        yield script


TALK = [
    {"role": "user", "content": "Hello"},
    {"role": "assistant", "content": "Hi"},
    {"role": "user", "content": "Who am I?"},
]


def test_pieces_come_as_they_are_said(server: Script, kind: Kind) -> None:
    server.next.append(lambda body: Streamed(*kind.stream("You ", "are ", "安娜 \n")))
    with kind.make(server).stream("Be kind.", TALK, max_tokens=77) as stream:
        assert not server.requests, "nothing is sent before it is asked for"
        assert list(stream) == ["You ", "are ", "安娜 \n"]
        assert stream.text == "You are 安娜 \n"
    used = stream.usage
    assert (used.requests, used.prompt_tokens, used.completion_tokens, used.cached_tokens) == (1, 20, 3, 8)
    (request,) = server.requests
    assert request["stream"] is True
    assert request["max_tokens"] == 77
    assert [each["role"] for each in request["messages"]][-3:] == ["user", "assistant", "user"]
    assert not {"response_format", "tools"} & request.keys()


def test_a_first_piece_comes_before_the_last(server: Script, kind: Kind) -> None:
    pieces = kind.stream("one", "two")
    server.next.append(lambda body: Streamed(*pieces[:-3], 1.0, *pieces[-3:]))
    started = time.monotonic()
    stream = kind.make(server).stream("", "Hello")
    assert next(stream) == "one"
    assert time.monotonic() - started < 0.9
    stream.close()


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["<think>no", "w</th", "ink>\n\n", "Hello", " you"], "Hello you"),
        (["<thi", "nking>", "x</thinking>", "<think>y</think> Hi"], "Hi"),
        (["<th", "e end> <think>stays</think>"], "<the end> <think>stays</think>"),
        (["  ", "<", "3"], "<3"),
        (["a < b </think>"], "a < b </think>"),
    ],
)
def test_thoughts_are_not_said(server: Script, kind: Kind, texts: list[str], said: str) -> None:
    server.next.append(lambda body: Streamed(*kind.stream(*texts)))
    assert "".join(kind.make(server).stream("", "Hello")) == said


def test_what_breaks_off_is_no_answer(server: Script, kind: Kind) -> None:
    for steps, reason, told in (
        ([*kind.stream("half", ended=None), "cut"], "connection", "cut"),
        (kind.stream("half", ended=None), "connection", "broke off"),
        (kind.stream("half", ended=kind.cut), "cut", "max_tokens"),
        (kind.stream("half", ended=kind.refusal), "refused", "refused to answer"),
        ([*kind.stream("half", ended=None), b"data: {nonsense\n\n"], "invalid", "no JSON object"),
        ([*kind.stream("half", ended=None), b"data: [1]\n\n"], "invalid", "no JSON object"),
        ([*kind.stream("half", ended=None), {"type": "error", "error": {"message": "Overloaded"}}], "status", "Overl"),
    ):
        server.next.append(lambda body, steps=steps: Streamed(*steps))
        stream = kind.make(server).stream("", "Hello")
        assert next(stream) == "half"
        with pytest.raises(LLMError, match=told) as error:
            list(stream)
        assert error.value.reason == reason
    for empty in (kind.stream(), kind.stream("<think>", "for ever")):
        server.next.append(lambda body, empty=empty: Streamed(*empty))
        with pytest.raises(LLMError, match="answer is empty"):
            list(kind.make(server).stream("", "Hello"))


def test_a_stream_is_begun_again_until_it_begins(server: Script, kind: Kind) -> None:
    server.next.extend([(503, {}, {"Retry-After": "0"}), lambda body: Streamed(*kind.stream("Hi"))])
    stream = kind.make(server).stream("", "Hello")
    assert list(stream) == ["Hi"]
    server.next.extend([(529, {}, {"Retry-After": "0"})] * 2)
    with pytest.raises(LLMError, match="answered 529"):
        list(kind.make(server).stream("", "Hello"))


def test_whoever_stops_early_hangs_up(server: Script, kind: Kind) -> None:
    llm = kind.make(server, max_parallel=1)
    long = [*kind.stream("one", ended=None), *([*kind.stream("x" * 100_000, ended=None)[-1:], 0.01] * 300)]
    for stop in ("close", "drop"):
        server.gone.clear()
        server.next.append(lambda body: Streamed(*long))
        stream: Any = llm.stream("", "Hello")
        assert next(stream) == "one"
        if stop == "close":
            stream.close()
            assert list(stream) == []
        del stream
        assert server.gone.wait(5), stop
        server.next.append(lambda body: Streamed(*kind.stream("again")))
        assert "".join(llm.stream("", "Hello")) == "again", "its place is free"


def test_a_stream_without_end_is_bounded(server: Script, kind: Kind) -> None:
    piece = kind.stream("x" * 1_000_000, ended=None)[-1]
    server.next.append(lambda body: Streamed(*kind.stream(ended=None), *([piece] * 40)))
    with pytest.raises(LLMError, match="longer than 10 MB"):
        list(kind.make(server).stream("", "Hello"))
    server.next.append(lambda body: Streamed(*kind.stream(ended=None), *([piece, 0.1] * 40)))
    with pytest.raises(LLMError, match="in time"):
        list(kind.make(server, deadline=0.3).stream("", "Hello"))


def test_a_server_that_counts_no_streams_is_not_asked_to(server: Script) -> None:
    def answer(body: dict[str, Any]) -> Any:
        if "stream_options" in body:
            return 400, {"error": {"message": "Unknown parameter: 'stream_options'", "param": "stream_options"}}
        return Streamed(*openai_chunks("Hi")[:-2], b"data: [DONE]\n\n")

    server.default = answer
    llm = _openai(server)
    for _ in range(2):
        stream = llm.stream("", "Hello")
        assert list(stream) == ["Hi"]
        assert stream.usage.prompt_tokens == 0
    assert len(server.requests) == 3


def test_words_at_once(server: Script, kind: Kind) -> None:
    text = "<think>hm</think>\n You are Anna. "
    message = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]}
    server.default = lambda body: {**message, "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
    llm = kind.make(server)
    assert llm.say("Be kind.", TALK).text == "You are Anna."
    assert "stream" not in server.requests[0]
    message["choices"][0]["message"]["content"] = text = "<think>hm</think>"
    with pytest.raises(LLMError, match="but for thoughts"):
        llm.say("", "Hello")


@pytest.mark.parametrize(
    "messages",
    [[], [{"role": "tool", "content": "x"}], [{"role": "user", "content": None}], TALK[:2]],
)
def test_what_nobody_says_is_refused(server: Script, kind: Kind, messages: Any) -> None:
    with pytest.raises(LLMError, match="messages") as error:
        kind.make(server).stream("", messages)
    assert error.value.reason == "input"


class Mine:
    """A model of somebody's own that gives values alone."""

    name = "mine"

    def ask(self, system: str, user: str, answer: type[BaseModel], *, max_tokens: int = 1_024) -> Any:
        return LLMAnswer(answer.model_validate({"text": f"{len(user)} characters"}), LLMUsage(1, 2, 3))


class Talker(Mine):
    def __init__(self, *pieces: Any) -> None:
        self.pieces = pieces

    def say(self, system: str, messages: Any, *, max_tokens: int = 1_024) -> Any:
        return self.pieces[0]

    def stream(self, system: str, messages: Any, *, max_tokens: int = 1_024) -> Any:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


def test_models_of_others_speak_too() -> None:
    assert models.say(Mine(), "", "Hello").text == "5 characters"
    stream = models.stream(Mine(), "", TALK)
    assert list(stream) == ["43 characters"]
    assert stream.usage.completion_tokens == 3
    assert list(stream) == []
    assert list(models.stream(Talker("a", "b"), "", "x")) == ["a", "b"]
    told = LLMText("yes", LLMUsage())
    assert models.say(Talker(told), "", "x") == told
    for wrong in (Talker(3), Talker("a", RuntimeError("broke"))):
        with pytest.raises(LLMError, match="mine: "):
            list(models.stream(wrong, "", "x"))
    with pytest.raises(LLMError, match="wanted an LLMText"):
        models.say(Talker("bare"), "", "x")


def test_events_are_read_however_they_are_cut() -> None:
    given = [{"a": 1}, {"b": "é\n"}, {"c": [1, 2]}]
    raw = b": hello\r\n\r\n" + b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in given)
    raw += b'event: x\ndata: {"d":\ndata: 4}\n\ndata:{"e": 5}'
    wanted = [*given, {"d": 4}, {"e": 5}]
    for size in (1, 2, 3, 7, 1_000):
        assert list(events(iter([raw[i : i + size] for i in range(0, len(raw), size)]))) == wanted
    started = time.monotonic()
    assert list(events(iter([b"x"] * 300_000))) == []
    assert time.monotonic() - started < 2
