"""Language models at Anthropic's own interface, /v1/messages (extra `anthropic`, which is httpx alone)."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from treemem.checks import shown
from treemem.errors import LLMError
from treemem.keywords import checked_names
from treemem.models.failures import answered, said
from treemem.models.faults import Fault, answer_fault, body_of, cut_off, server_message, timed_out, without_key
from treemem.models.openai_llm import Structured
from treemem.models.served import DEADLINE, Asked, Reply, ServedLLM, Tokens, Turn
from treemem.models.wire import bounded_refusals, certificates, checked_url, http_library

_URL = "https://api.anthropic.com"
_VERSION = "2023-06-01"
#: Ways to ask for structure: a tool that has to be called, a format of the answer, words.
_TOOL, _FORMAT, _WORDS = "tool", "json_schema", "json_object"
_STRUCTURED = {"auto": (_TOOL, _FORMAT, _WORDS), _TOOL: (_TOOL,), _FORMAT: (_FORMAT,), _WORDS: (_WORDS,)}
_STRUCTURE = ("tool_choice", "tools", "output_config")
#: Why an answer ended too early.
_CUT = ("max_tokens", "model_context_window_exceeded")


@dataclass(frozen=True, slots=True)
class _Manners:
    """How a model wants to be asked."""

    temperature: bool = True
    effort: bool = True
    structures: tuple[str, ...] = _STRUCTURED["auto"]

    def without(self, refused: str) -> _Manners | None:
        """Return the manners that leave out a refused parameter, None if there are none."""
        if refused == "temperature":
            return replace(self, temperature=False)
        if refused == "effort" or (refused == "output_config" and self.structures[0] != _FORMAT):
            return replace(self, effort=False) if self.effort else None
        return replace(self, structures=self.structures[1:]) if len(self.structures) > 1 else None


class _Dialect:
    """Requests and answers of /v1/messages."""

    refusable: tuple[str, ...] = ("temperature", *_STRUCTURE)

    def __init__(self, model: str, effort: str | None) -> None:
        self._model = model
        self._effort = effort

    def body(self, asked: Asked, manners: _Manners) -> dict[str, Any]:
        """Return the request."""
        made: dict[str, Any] = {"model": self._model, "max_tokens": asked.max_tokens}
        if manners.temperature:
            made["temperature"] = 0
        system = asked.system
        output: dict[str, Any] = {}
        if self._effort is not None and manners.effort:
            output["effort"] = self._effort
        if asked.streams:
            made["stream"] = True
        if asked.shape is not None:
            way, schema = manners.structures[0], asked.shape.strict or asked.shape.schema
            if way == _TOOL:
                tool = {"name": asked.shape.name, "description": "Takes the answer.", "input_schema": schema}
                made |= {"tools": [tool], "tool_choice": {"type": "tool", "name": asked.shape.name}}
            elif way == _FORMAT:
                output["format"] = {"type": "json_schema", "schema": schema}
            else:
                system = f"{system}\n\n{asked.shape.in_words()}"
        if output:
            made["output_config"] = output
        if system:
            made["system"] = system
        return {**made, "messages": [_message(turn) for turn in asked.turns]}

    def reply(self, data: Any, asked: Asked) -> Reply:
        """Return what an answer says: the tool's input, or its blocks of text; blocks of thought are none."""
        if data.get("type") == "error":
            raise Fault(server_message(data), "status")
        blocks = data["content"]
        inputs = [block["input"] for block in blocks if block.get("type") == "tool_use"]
        texts = [block["text"] for block in blocks if block.get("type") == "text"]
        ended = data.get("stop_reason")
        text = "".join(texts) if texts else None
        if asked.shape is not None and inputs:
            text = json.dumps(inputs[0])
        return Reply(text, _tokens(data.get("usage")), _refusal(ended, data, text), ended in _CUT)

    def listener(self) -> _Listener:
        """Return what puts a stream together."""
        return _Listener()


class _Listener:
    """Puts the events of a stream together."""

    def __init__(self) -> None:
        self._usage: dict[str, Any] = {}
        self._delta: dict[str, Any] = {}
        self._over = False

    def hear(self, event: dict[str, Any]) -> str:
        """Return the text in an event; thoughts and kinds of events that are not known are passed over."""
        kind = event.get("type")
        if kind == "error":
            raise Fault(server_message(event) or "the server failed", "status")
        if kind == "message_start":
            self._usage.update(event["message"].get("usage") or {})
        elif kind == "message_delta":
            self._delta.update(event.get("delta") or {})
            self._usage.update({n: v for n, v in (event.get("usage") or {}).items() if v is not None})
        elif kind == "message_stop":
            self._over = True
        elif kind == "content_block_delta" and event["delta"].get("type") == "text_delta":
            return str(event["delta"]["text"])
        elif kind == "content_block_start" and event["content_block"].get("type") == "text":
            return str(event["content_block"].get("text") or "")
        return ""

    def reply(self) -> Reply:
        """Return how the answer ended. Raises Fault where its end did not come."""
        if not self._over:
            raise Fault("the connection was cut: the answer broke off before its end", "connection")
        ended = self._delta.get("stop_reason")
        return Reply("", _tokens(self._usage), _refusal(ended, self._delta, None), ended in _CUT)


class _Wire:
    """The way to /v1/messages, which sends each request once."""

    def __init__(self, url: str, key: str, name: str) -> None:
        try:
            self._library = http_library()
        except ImportError as error:
            raise LLMError("httpx is not installed; pip install 'treemem[anthropic]'", "missing") from error
        self._key = SecretStr(key)
        self._url = url
        headers = {"x-api-key": key, "anthropic-version": _VERSION, "user-agent": "treemem"}
        self._client = answered(
            lambda: self._library.Client(
                headers=headers, event_hooks=bounded_refusals(self._library), verify=certificates(self._library)
            ),
            lambda told: LLMError(f"{name}: {without_key(told, key)}", "input"),
        )

    @contextmanager
    def send(self, body: dict[str, Any], timeout: float) -> Iterator[Iterator[bytes]]:
        """Yield the answer's pieces. Raises Fault."""
        http, key = self._library, self._key.get_secret_value()
        opening = self._client.stream("POST", self._url, json=body, timeout=timeout)
        try:
            response = opening.__enter__()
        except http.TimeoutException as error:
            raise timed_out() from error
        except (http.RequestError, http.InvalidURL) as error:
            raise cut_off(error, key) from error
        except (ValueError, TypeError) as error:
            raise Fault(f"the request cannot be sent ({said(error)})", "input") from error
        try:
            if response.status_code >= 300:
                data = b"".join(self._pieces(response))
                raise answer_fault(response.status_code, body_of(data), response.headers, key)
            yield self._pieces(response)
        finally:
            opening.__exit__(None, None, None)

    def _pieces(self, response: Any) -> Iterator[bytes]:
        try:
            yield from response.iter_bytes()
        except self._library.TimeoutException as error:
            raise timed_out() from error
        except (self._library.RequestError, self._library.StreamError) as error:
            raise cut_off(error, self._key.get_secret_value()) from error

    def hidden(self, text: str) -> str:
        """Return a text without the key."""
        return without_key(text, self._key.get_secret_value())


@checked_names
class AnthropicLLM(ServedLLM):
    """A model of Anthropic's at its own interface, /v1/messages (extra `anthropic`).

    `timeout`, `deadline`, `max_retries`, `attempts`, `max_parallel` and `prices` are as in `OpenAILLM`; 529
    (overloaded) is tried again as well. The key comes from `api_key` or ANTHROPIC_API_KEY, `base_url` is for proxies
    and gateways. Thread-safe.

    A structured answer is the input of a `tool` that has to be called, an answer in the format of a `json_schema`, or
    `json_object`: words alone; `auto` tries them in this order. What a model refuses of it, of the temperature (0) or
    of `reasoning_effort` is left out, and from then on at once. Blocks of thought are passed over.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 60.0,
        max_retries: int = 3,
        attempts: int = 2,
        max_parallel: int = 4,
        prices: tuple[float, float] | tuple[float, float, float] = (0.0, 0.0),
        structured: Structured = "auto",
        deadline: float = DEADLINE,
        reasoning_effort: str | None = None,
    ) -> None:
        name = f"anthropic/{model}"
        if structured not in _STRUCTURED:
            raise LLMError(f"structured: wanted one of {', '.join(_STRUCTURED)}, found {shown(structured)}", "input")
        key = api_key or os.environ.get("ANTHROPIC_API_KEY")
        if not key:
            raise LLMError(f"{name}: wanted a key; give api_key= or set ANTHROPIC_API_KEY", "input")
        place = (checked_url(base_url, name) or os.environ.get("ANTHROPIC_BASE_URL") or _URL).rstrip("/")
        place = (checked_url(place, name) or _URL).removesuffix("/messages").removesuffix("/v1")
        super().__init__(
            name,
            _Wire(f"{place}/v1/messages", key, name),
            _Dialect(model, reasoning_effort),
            _Manners(structures=_STRUCTURED[structured]),
            timeout=timeout,
            deadline=deadline,
            max_retries=max_retries,
            attempts=attempts,
            max_parallel=max_parallel,
            prices=prices,
        )


def _message(turn: Turn) -> dict[str, Any]:
    if turn.picture is None:
        return {"role": turn.role, "content": turn.text}
    data = base64.b64encode(turn.picture.content).decode("ascii")
    source = {"type": "base64", "media_type": turn.picture.media_type, "data": data}
    return {"role": turn.role, "content": [{"type": "image", "source": source}, {"type": "text", "text": turn.text}]}


def _refusal(ended: Any, data: Any, text: str | None) -> str:
    """Return why a model did not answer, empty if it did."""
    if ended != "refusal":
        return ""
    details = data.get("stop_details")
    told = details.get("explanation") or details.get("category") if isinstance(details, dict) else None
    return str(told or text or "the model's safety rules")


def _tokens(usage: Any) -> Tokens:
    """Return the tokens; those read from a cache or written into one are not in `input_tokens`."""
    if not isinstance(usage, dict):
        return Tokens()
    fresh, kept, cached = (
        Tokens.of(usage.get(name), 0).prompt
        for name in ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
    )
    return Tokens.of(fresh + kept + cached, usage.get("output_tokens"), cached)
