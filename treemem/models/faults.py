"""What went wrong at a model's server, told in its own words and without the key."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from treemem.models.failures import said

_MAX_CHARACTERS = 300
#: What looks like a key of OpenAI, Anthropic or of those who follow them, whole or with stars.
_KEY = re.compile(r"\b(?:sk|pk|gsk|hf|xai)[-_][\w*-]{4,}")
#: Shorter keys are words such as "none", which servers without keys are given.
_LEAST_KEY = 8
#: Answers that another try may help against.
_PASSING = frozenset({408, 409, 425, 429})
#: What 429 says as well, and no waiting helps against.
_USED_UP = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_error"})


class Fault(Exception):
    """A request that failed. `reason` is as in LLMError, `because` the client's error if it shows no key.

    `status` and `body` are the server's answer, where there was one. `pause` is how many seconds it asks to wait.
    """

    def __init__(
        self,
        told: str,
        reason: str,
        *,
        status: int | None = None,
        body: Any = None,
        param: str = "",
        pause: float | None = None,
        because: BaseException | None = None,
    ) -> None:
        super().__init__(told)
        self.said = told
        self.reason = reason
        self.status = status
        self.body = body
        self.param = param
        self.pause = pause
        self.because = because

    @property
    def is_passing(self) -> bool:
        """Whether the same request may be answered if it is sent once more."""
        if self.status is None:
            return self.reason in ("timeout", "connection")
        return (self.status in _PASSING or self.status >= 500) and _code_of(self.body) not in _USED_UP


def fault_of(error: Exception, key: object = None) -> Fault:
    """Return what an error of the OpenAI client means. `key` is the secret that was sent; it is never told."""
    import openai

    if isinstance(error, openai.APIStatusError):
        return answer_fault(error.status_code, error.body, error.response.headers, key, because=error)
    if isinstance(error, openai.APITimeoutError):
        return _without_key(timed_out(), error, key)
    if isinstance(error, openai.APIConnectionError):
        why = "" if error.__cause__ is None else f" {said(error.__cause__)}"
        return _without_key(Fault(f"the connection failed or was cut ({error}{why})", "connection"), error, key)
    return odd_answer(error, key)


def answer_fault(
    status: int, body: Any, headers: Mapping[str, str], key: object = None, *, because: Exception | None = None
) -> Fault:
    """Return what an answer with a status of 400 or more means."""
    message = server_message(body)
    told = f": {message}" if message else ""
    reason = "status"
    if status == 401:
        told = f"the server refused the key; give api_key=, or set the provider's variable{told}"
    elif _code_of(body) in ("content_filter", "content_policy_violation"):
        told, reason = f"refused to answer{told}", "refused"
    else:
        told = f"the server answered {status}{told}"
    pause = _pause(headers)
    if pause is not None and pause > 1:
        told = f"{told}; it asks to wait {pause:.0f} s"
    param = _inner(body).get("param")
    fault = Fault(told, reason, status=status, body=body, param=param if isinstance(param, str) else "", pause=pause)
    return _without_key(fault, because, key)


def timed_out() -> Fault:
    """Return the fault of a server that does not answer."""
    return Fault("no answer in time; raise timeout= or deadline=, or check the server", "timeout")


def cut_off(error: Exception, key: object = None) -> Fault:
    """Return the fault of a connection that failed or was cut."""
    return _without_key(Fault(f"the connection failed or was cut ({said(error)})", "connection"), error, key)


def odd_answer(error: Exception, key: object = None) -> Fault:
    """Return the fault of an answer that cannot be read."""
    return _without_key(Fault(f"no usable answer ({said(error)})", "invalid"), error, key)


def _without_key(fault: Fault, error: BaseException | None, key: object) -> Fault:
    shown = error is None or without_key(str(error), key) == str(error)
    fault.because = error if shown else None
    fault.said = without_key(fault.said, key)
    fault.args = (fault.said,)
    return fault


def body_of(data: bytes) -> Any:
    """Return what the body of a failed answer holds: JSON, or the text that it is."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return data.decode("utf-8", "replace")


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


def refused_parameter(fault: Fault, names: Sequence[str]) -> str:
    """Return which of the request's parameters an answer 400 or 422 refuses; empty if it names none of them."""
    if fault.status not in (400, 422):
        return ""
    if fault.param:
        first = fault.param.partition(".")[0].partition("[")[0]
        last = fault.param.rpartition(".")[2]
        return next((each for each in (last, first) if each in names), "")
    text = str(fault.body)
    places = {name: re.search(rf"\b{re.escape(name)}\b", text) for name in names}
    mentioned = [(place.start(), name) for name, place in places.items() if place]
    return min(mentioned)[1] if mentioned else ""


def _inner(body: Any) -> dict[str, Any]:
    """Return the part of a body that says what was wrong."""
    inner = body.get("error", body) if isinstance(body, dict) else None
    return inner if isinstance(inner, dict) else {}


def _code_of(body: Any) -> str:
    inner = _inner(body)
    code = inner.get("code") or inner.get("type")
    return code if isinstance(code, str) else ""


def _pause(headers: Mapping[str, str]) -> float | None:
    """Return how many seconds an answer asks to wait: `Retry-After` in seconds or as a date, or `retry-after-ms`."""
    for name, unit in (("retry-after-ms", 1_000.0), ("retry-after", 1.0)):
        value = headers.get(name)
        if value is None:
            continue
        try:
            seconds = float(value) / unit
        except ValueError:
            try:
                seconds = email.utils.parsedate_to_datetime(value).timestamp() - time.time()
            except (TypeError, ValueError, OverflowError):
                continue
        if seconds == seconds:  # NaN is no number to wait
            return max(0.0, seconds)
    return None
