"""What went wrong at a server that speaks the OpenAI protocol, told in its own words and without the key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from treemem.models.failures import said

_MAX_CHARACTERS = 300
#: What looks like a key of OpenAI or of those who follow it, whole or with stars.
_KEY = re.compile(r"\b(?:sk|pk|gsk|hf|xai)[-_][\w*-]{4,}")


#: Shorter keys are words such as "none", which servers without keys are given.
_LEAST_KEY = 8


@dataclass(frozen=True, slots=True)
class Fault:
    """What to tell of a failed request: `reason` is as in LLMError, `cause` the client's error if it shows no key."""

    said: str
    reason: str
    cause: Exception | None


def fault_of(error: Exception, key: object = None) -> Fault:
    """Return what a client's error means. `key` is the secret that was sent; it is never told."""
    told, reason = _told(error)
    cause = error if without_key(str(error), key) == str(error) else None
    return Fault(without_key(told, key), reason, cause)


def _told(error: Exception) -> tuple[str, str]:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "no answer in time; raise timeout=, or check the server", "timeout"
    if isinstance(error, openai.APIStatusError):
        message = server_message(error.body)
        told = f": {message}" if message else ""
        if isinstance(error, openai.AuthenticationError):
            return f"the server refused the key; set OPENAI_API_KEY or api_key={told}", "status"
        return f"the server answered {error.status_code}{told}", "status"
    if isinstance(error, openai.APIConnectionError):
        why = "" if error.__cause__ is None else f" {said(error.__cause__)}"
        return f"the connection failed or was cut ({error}{why})", "connection"
    return f"no usable answer ({said(error)})", "invalid"


def server_message(body: Any) -> str:
    """Return the message in an answer's body, in one line of at most 300 characters; empty if it has none.

    Servers write `error.message`, `error`, `message` or `detail`; the OpenAI client takes `error` off already.
    """
    for _ in range(3):
        if not isinstance(body, dict):
            break
        body = next((body[name] for name in ("error", "message", "detail") if body.get(name)), "")
    if isinstance(body, list):
        body = "; ".join(str(each.get("msg", each)) if isinstance(each, dict) else str(each) for each in body[:3])
    return " ".join(str(body or "").split())[:_MAX_CHARACTERS]


def without_key(text: str, key: object) -> str:
    """Return a text in which no key can be read."""
    if isinstance(key, str) and len(key) >= _LEAST_KEY:
        text = text.replace(key, "***")
    return _KEY.sub("***", text)


def refused_parameter(error: Exception, names: Sequence[str]) -> str:
    """Return which of the request's parameters an answer 400 or 422 refuses; empty if it names none of them."""
    import openai

    if not isinstance(error, openai.APIStatusError) or error.status_code not in (400, 422):
        return ""
    if error.param:
        last = str(error.param).rpartition(".")[2]
        return last if last in names else ""
    text = str(error.body)
    places = {name: re.search(rf"\b{re.escape(name)}\b", text) for name in names}
    mentioned = [(place.start(), name) for name, place in places.items() if place]
    return min(mentioned)[1] if mentioned else ""
