"""The protocol of OpenAI's chat completions, as OpenAI, Azure, Ollama, vLLM and many others speak it."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import dataclass, replace
from typing import Any

from treemem.models.faults import Fault, server_message
from treemem.models.served import Asked, Reply, Tokens, Turn

#: Models that think before they answer. They take no temperature and count their thoughts, as `max_completion_tokens`.
_THINKING = re.compile(r"\A(?:.*/)?(?:o[1-9]|gpt-[5-9])(?![a-z0-9])", re.IGNORECASE)
_LIMITS = ("max_tokens", "max_completion_tokens")
#: What parameters a way to ask for structure puts into a request.
_STRUCTURE = ("response_format", "tools", "tool_choice")
#: Ways to ask for structure, the best first; a server that refuses one is tried with the next.
STRICT, SCHEMA, OBJECT, TOOL = "strict", "json_schema", "json_object", "tool"
AUTO = (STRICT, SCHEMA, OBJECT, TOOL)


@dataclass(frozen=True, slots=True)
class OpenAIManners:
    """How a server wants to be asked: what it calls the limit of tokens, what else it takes, how it takes a schema."""

    limit: str = "max_tokens"
    temperature: bool = True
    effort: bool = True
    counts_streams: bool = True
    structures: tuple[str, ...] = AUTO

    @classmethod
    def of(cls, model: str, structures: tuple[str, ...]) -> OpenAIManners:
        """Return what is known of a model by its name."""
        if _THINKING.match(model):
            return cls("max_completion_tokens", temperature=False, structures=structures)
        return cls(structures=structures)

    def without(self, refused: str) -> OpenAIManners | None:
        """Return the manners that leave out a refused parameter, None if there are none."""
        if refused in _STRUCTURE:
            return replace(self, structures=self.structures[1:]) if len(self.structures) > 1 else None
        if refused in _LIMITS:
            return replace(self, limit=_LIMITS[refused == _LIMITS[0]])
        if refused == "temperature":
            return replace(self, temperature=False)
        if refused == "reasoning_effort":
            return replace(self, effort=False)
        return replace(self, counts_streams=False)


class OpenAIDialect:
    """Requests and answers of chat completions. `effort` is sent as `reasoning_effort`, until it is refused."""

    refusable: tuple[str, ...] = (*_LIMITS, "temperature", "reasoning_effort", "stream_options", *_STRUCTURE)

    def __init__(self, model: str, effort: str | None = None) -> None:
        self._model = model
        self._effort = effort

    def body(self, asked: Asked, manners: OpenAIManners) -> dict[str, Any]:
        """Return the request."""
        system = asked.system
        more: dict[str, Any] = {manners.limit: asked.max_tokens}
        if manners.temperature:
            more["temperature"] = 0
        if self._effort is not None and manners.effort:
            more["reasoning_effort"] = self._effort
        if asked.streams:
            more["stream"] = True
            if manners.counts_streams:
                more["stream_options"] = {"include_usage": True}
        if asked.shape is not None:
            more |= _structure(asked, manners.structures[0])
            if manners.structures[0] == OBJECT:
                system = f"{system}\n\n{asked.shape.in_words()}"
        messages = [{"role": "system", "content": system}] if system else []
        return {"model": self._model, "messages": [*messages, *map(_message, asked.turns)], **more}

    def reply(self, data: Any, asked: Asked) -> Reply:
        """Return what an answer says."""
        told = data.get("error")
        if told and not data.get("choices"):  # some servers answer 200 and say in the body that they failed
            raise Fault(server_message(told) or "the server failed", "status")
        choice = data["choices"][0]
        message = choice["message"]
        text = message.get("content")
        calls = message.get("tool_calls")
        if asked.shape is not None and calls:
            text = _arguments(calls)
        ended = choice.get("finish_reason")
        refusal = message.get("refusal") or ("content filter" if ended == "content_filter" else "")
        return Reply(_joined(text), _tokens(data.get("usage")), str(refusal), ended == "length")

    def listener(self) -> OpenAIListener:
        """Return what puts a stream together."""
        return OpenAIListener()


class OpenAIListener:
    """Puts the chunks of a stream together."""

    def __init__(self) -> None:
        self._ended: str | None = None
        self._refusal: list[str] = []
        self._tokens = Tokens()

    def hear(self, event: dict[str, Any]) -> str:
        """Return the text in a chunk. Raises Fault for one that tells a failure."""
        if event.get("error"):
            raise Fault(server_message(event["error"]) or "the server failed", "status")
        if event.get("usage"):
            self._tokens = _tokens(event["usage"])
        if not event.get("choices"):
            return ""
        choice = event["choices"][0]
        self._ended = choice.get("finish_reason") or self._ended
        delta = choice.get("delta") or {}
        if delta.get("refusal"):
            self._refusal.append(str(delta["refusal"]))
        return _joined(delta.get("content")) or ""

    def reply(self) -> Reply:
        """Return how the answer ended. Raises Fault where no chunk said so."""
        if self._ended is None:
            raise Fault("the connection was cut: the answer broke off before its end", "connection")
        refusal = "".join(self._refusal) or ("content filter" if self._ended == "content_filter" else "")
        return Reply("", self._tokens, refusal, self._ended == "length")


def _structure(asked: Asked, way: str) -> dict[str, Any]:
    """Return the part of a request that asks for structure."""
    shape = asked.shape
    assert shape is not None
    if way == OBJECT:
        return {"response_format": {"type": "json_object"}}
    strict = way in (STRICT, TOOL) and shape.strict is not None
    schema = shape.strict if strict else shape.schema
    sent = {"name": shape.name, **({"strict": True} if strict and way == STRICT else {})}
    if way == TOOL:
        function = {"name": shape.name, "description": "Takes the answer.", "parameters": schema}
        chosen = {"type": "function", "function": {"name": shape.name}}
        return {"tools": [{"type": "function", "function": function}], "tool_choice": chosen}
    return {"response_format": {"type": "json_schema", "json_schema": {**sent, "schema": schema}}}


def _message(turn: Turn) -> dict[str, Any]:
    if turn.picture is None:
        return {"role": turn.role, "content": turn.text}
    data = base64.b64encode(turn.picture.content).decode("ascii")
    shown = {"type": "image_url", "image_url": {"url": f"data:{turn.picture.media_type};base64,{data}"}}
    return {"role": turn.role, "content": [{"type": "text", "text": turn.text}, shown]}


def _arguments(calls: Any) -> str:
    """Return what a tool was called with, as JSON: some servers send it as a text, some as an object."""
    found = calls[0]["function"]["arguments"]
    return found if isinstance(found, str) else json.dumps(found)


def _joined(content: Any) -> str | None:
    """Return a content as text: some servers send it in parts, of which thoughts are none of the answer."""
    if isinstance(content, list):
        return "".join(part["text"] for part in content if part.get("type") in ("text", "output_text"))
    return content if isinstance(content, str) else None


def _tokens(usage: Any) -> Tokens:
    if not isinstance(usage, dict):
        return Tokens()
    prompt, completion = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    return Tokens.of(
        usage.get("prompt_tokens"),
        usage.get("completion_tokens"),
        prompt.get("cached_tokens"),
        completion.get("reasoning_tokens"),
    )
