"""Language models behind an OpenAI-compatible interface: structured answers, validated and counted."""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from treemem.errors import LLMError
from treemem.keywords import checked_names
from treemem.models.failures import answered
from treemem.models.openai_faults import fault_of, refused_parameter, without_key

T = TypeVar("T", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)
_MILLION = 1_000_000
#: Models that think before they answer. They take no temperature and count their thoughts, as `max_completion_tokens`.
_THINKING = re.compile(r"\A(?:.*/)?(?:o[1-9]|gpt-[5-9])(?![a-z0-9])", re.IGNORECASE)
#: Tags around what a model thinks before, or after, it answers.
_THINK = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_NO_SPACE = re.compile(r"\S")
_LAST_THOUGHT = re.compile(r"</think(?:ing)?>\Z", re.IGNORECASE)
_LIMITS = ("max_tokens", "max_completion_tokens")


@dataclass(frozen=True, slots=True)
class LLMUsage:
    """What calls took: requests, tokens, seconds, and cost in the unit of the prices given."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0

    def __add__(self, other: LLMUsage) -> LLMUsage:
        return LLMUsage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.cost + other.cost,
        )


@dataclass(frozen=True, slots=True)
class LLMAnswer(Generic[T]):
    """A validated answer and what it took."""

    value: T
    usage: LLMUsage


class LLM(Protocol):
    """Answers a request with a value of a pydantic model, or raises LLMError.

    A model that sees has `look` too, which is `ask` with a `Picture` after `answer`; without it pictures are refused.
    """

    @property
    def name(self) -> str: ...

    def ask(self, system: str, user: str, answer: type[M], *, max_tokens: int = 1_024) -> LLMAnswer[M]:
        """Return the answer as a validated `answer`."""
        ...


@checked_names
@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a model takes it: its bytes, and what they are ("image/png")."""

    content: bytes
    media_type: str


def look(
    llm: LLM, system: str, user: str, answer: type[M], picture: Picture, *, max_tokens: int = 1_024
) -> LLMAnswer[M]:
    """Return what a model that sees answers about a picture, as `ask` does without one."""
    seeing: Any = llm
    return _checked(llm, answer, lambda: seeing.look(system, user, answer, picture, max_tokens=max_tokens))


def ask(llm: LLM, system: str, user: str, answer: type[M], *, max_tokens: int = 1_024) -> LLMAnswer[M]:
    """Return what any language model answers; raise LLMError for whatever it raises or returns instead."""
    return _checked(llm, answer, lambda: llm.ask(system, user, answer, max_tokens=max_tokens))


def name_of(llm: LLM) -> str:
    """Return a model's name, or that of its class where it has none."""
    return str(getattr(llm, "name", type(llm).__name__))


def _checked(llm: LLM, answer: type[M], call: Callable[[], object]) -> LLMAnswer[M]:
    name = name_of(llm)
    found = answered(call, lambda told: LLMError(f"{name}: failed ({told})", "invalid"))
    if not isinstance(found, LLMAnswer) or not isinstance(found.value, answer) or not isinstance(found.usage, LLMUsage):
        wanted = f"an LLMAnswer with a value of {answer.__name__} and an LLMUsage"
        raise LLMError(f"{name}: wanted {wanted}, found {type(found).__name__}", "invalid")
    try:
        answer.model_validate(dict(vars(found.value)))  # one that was made past its checks may hold anything
    except ValidationError as error:
        raise LLMError(f"{name}: no valid {answer.__name__}: {_short(error)}", "invalid") from error
    return found


@dataclass(frozen=True, slots=True)
class _Manners:
    """How a server wants to be asked: what it calls the limit of tokens, and whether it takes a temperature."""

    limit: str = "max_tokens"
    temperature: bool = True

    @classmethod
    def of(cls, model: str) -> _Manners:
        """Return what is known of a model by its name."""
        return cls("max_completion_tokens", temperature=False) if _THINKING.match(model) else cls()

    def options(self, max_tokens: int) -> dict[str, Any]:
        """Return the part of a request that servers differ in."""
        return {self.limit: max_tokens, **({"temperature": 0} if self.temperature else {})}

    def without(self, refused: str) -> _Manners | None:
        """Return the manners that leave out a refused parameter, None if there are none."""
        if refused == "temperature":
            return replace(self, temperature=False) if self.temperature else None
        return replace(self, limit=_LIMITS[refused == _LIMITS[0]]) if refused == self.limit else None


@checked_names
class OpenAILLM:
    """A chat model behind an OpenAI-compatible HTTP interface (extra `openai`): OpenAI, Ollama, vLLM, Azure and others.

    Answers 408, 409, 429 and 5xx, lost and cut connections are tried again `max_retries` times with growing pauses;
    `timeout` is in seconds a request. An answer that does not fit the schema is asked for again, with what was wrong,
    until `attempts` are used up. At most `max_parallel` requests run at a time. `prices` are (input, output) a million
    tokens. `structured` says how the schema is sent: as `json_schema`, or for servers that know only `json_object` in
    words. The key comes from `api_key` or OPENAI_API_KEY. Thread-safe.

    Answers are limited by `max_tokens` at temperature 0. A model that refuses one of the two is asked again in the way
    it wants, and from then on in that way at once. Thoughts in `<think>` are passed over.
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
        prices: tuple[float, float] = (0.0, 0.0),
        structured: Literal["json_schema", "json_object"] = "json_schema",
    ) -> None:
        try:
            import openai
        except ImportError as error:
            raise LLMError("openai is not installed; pip install 'treemem[openai]'", "missing") from error
        if attempts < 1 or max_parallel < 1:
            raise LLMError(
                f"attempts and max_parallel: wanted at least 1, found {attempts} and {max_parallel}", "input"
            )
        self._client = answered(
            lambda: openai.OpenAI(base_url=base_url, api_key=api_key, timeout=timeout, max_retries=max_retries),
            lambda told: LLMError(f"{model}: {without_key(told, api_key)}", "input"),
        )
        self._model = model
        self._attempts = attempts
        self._prices = prices
        self._structured = structured
        self._manners = _Manners.of(model)
        self._slots = threading.BoundedSemaphore(max_parallel)
        self._lock = threading.Lock()
        self._usage = LLMUsage()
        self.name = f"openai/{model}"

    @property
    def usage(self) -> LLMUsage:
        """What all calls took so far, failed ones included."""
        return self._usage

    def ask(self, system: str, user: str, answer: type[M], *, max_tokens: int = 1_024) -> LLMAnswer[M]:
        """Return the model's answer as a validated `answer`.

        Raises LLMError, whose `reason` is timeout, status, connection, refused, cut or invalid; its message holds what
        the server said.
        """
        return self._answered(system, user, answer, max_tokens)

    def look(
        self, system: str, user: str, answer: type[M], picture: Picture, *, max_tokens: int = 1_024
    ) -> LLMAnswer[M]:
        """Return the model's answer about a picture as a validated `answer`; the model must be one that sees.

        Raises LLMError as `ask` does.
        """
        data = base64.b64encode(picture.content).decode("ascii")
        shown = {"type": "image_url", "image_url": {"url": f"data:{picture.media_type};base64,{data}"}}
        return self._answered(system, [{"type": "text", "text": user}, shown], answer, max_tokens)

    def _answered(self, system: str, user: Any, answer: type[M], max_tokens: int) -> LLMAnswer[M]:
        schema = answer.model_json_schema()
        if self._structured == "json_object":
            system = f"{system}\n\nAnswer with one JSON object that fits this JSON schema:\n{json.dumps(schema)}"
        messages: list[dict[str, Any]] = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        spent = LLMUsage()
        for attempt in range(1, self._attempts + 1):
            text, usage = self._request(messages, answer.__name__, schema, max_tokens)
            spent += usage
            try:
                return LLMAnswer(_validated(text, answer), spent)
            except (ValidationError, ValueError) as error:
                said = _short(error)
                if attempt == self._attempts:
                    raise LLMError(
                        f"{self.name}: no valid {answer.__name__} in {attempt} attempts; the last: {said}", "invalid"
                    ) from error
                messages = [
                    *messages[:2],
                    {"role": "assistant", "content": text},
                    {
                        "role": "user",
                        "content": f"That does not fit: {said}. Answer again, with the JSON object alone.",
                    },
                ]
        raise AssertionError("unreachable")

    def _request(
        self, messages: list[dict[str, Any]], name: str, schema: dict[str, Any], max_tokens: int
    ) -> tuple[str, LLMUsage]:
        import openai

        wanted: dict[str, Any] = {"type": self._structured}
        if self._structured == "json_schema":
            wanted["json_schema"] = {"name": name, "schema": schema}
        started = time.perf_counter()
        tokens = (0, 0)
        try:
            with self._slots:
                reply = self._reply({"model": self._model, "messages": messages, "response_format": wanted}, max_tokens)
            told = getattr(reply, "error", None)
            if told and not reply.choices:  # some servers answer 200 and say in the body that they failed
                said = told.get("message", told) if isinstance(told, dict) else told
                raise LLMError(f"{self.name}: {without_key(str(said)[:500], self._client.api_key)}", "status")
            choice = reply.choices[0]
            text, refusal, ended = choice.message.content, choice.message.refusal, choice.finish_reason
            if reply.usage is not None:
                tokens = (reply.usage.prompt_tokens or 0, reply.usage.completion_tokens or 0)
        except (openai.OpenAIError, ValueError, AttributeError, TypeError, IndexError, KeyError) as error:
            fault = fault_of(error, self._client.api_key)
            raise LLMError(f"{self.name}: {fault.said}", fault.reason) from fault.cause
        finally:
            usage = self._count(tokens, time.perf_counter() - started)
        if refusal or ended == "content_filter":
            raise LLMError(f"{self.name}: refused to answer ({refusal or 'content filter'})", "refused")
        if ended == "length":
            raise LLMError(f"{self.name}: the answer was cut at {max_tokens} tokens; raise max_tokens", "cut")
        if not isinstance(text, str):
            raise LLMError(f"{self.name}: an answer without text", "invalid")
        return text, usage

    def _reply(self, request: dict[str, Any], max_tokens: int) -> Any:
        """Return the server's reply; what it refuses is left out, and remembered once that has helped."""
        import openai

        chat: Any = self._client.chat.completions
        manners = self._manners
        tried: set[_Manners] = set()
        while True:
            tried.add(manners)
            try:
                reply = chat.create(**request, **manners.options(max_tokens))
            except openai.APIStatusError as error:
                other = manners.without(refused_parameter(error, (*_LIMITS, "temperature")))
                if other is None or other in tried:
                    raise
                manners = other
            else:
                self._manners = manners
                return reply

    def _count(self, tokens: tuple[int, int], seconds: float) -> LLMUsage:
        price = (tokens[0] * self._prices[0] + tokens[1] * self._prices[1]) / _MILLION
        usage = LLMUsage(1, tokens[0], tokens[1], seconds, price)
        with self._lock:
            self._usage = replace(self._usage + usage)
        return usage


def _validated(text: str, answer: type[M]) -> M:
    """Return an answer's JSON as a value; thoughts and code fences around it are passed over, a schema is no answer."""
    bare = _without_thoughts(text)
    if bare.startswith("```"):
        bare = bare.strip("`").removeprefix("json").strip()
    if not bare:
        raise ValueError("the answer is empty" + (", but for thoughts" if text.strip() else ""))
    try:
        data = json.loads(bare)
        json.dumps(data, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("the answer is nested too deep") from error
    except UnicodeEncodeError as error:
        raise ValueError("the answer holds half a character (a lone surrogate)") from error
    if isinstance(data, dict) and {"properties", "type"} <= data.keys() and "properties" not in answer.model_fields:
        raise ValueError("the schema came back instead of an answer")
    return answer.model_validate(data)


def _without_thoughts(text: str) -> str:
    """Return an answer without blocks `<think>...</think>` before or after it; `<thinking>` and capitals are the same.

    Some servers leave the first tag out; a block that does not end holds no answer.
    """
    start = _begin(text, 0)
    while not text.startswith(("{", "[", "```"), start):
        end = _THOUGHT.search(text, start)
        if end is None:
            return "" if _THINK.match(text, start) else text[start:].strip()
        start = _begin(text, end.end())
    bare = text[start:].strip()
    last = _LAST_THOUGHT.search(bare)
    if last is not None:
        begins = [tag.start() for tag in _THINK.finditer(bare)]
        bare = bare[: begins[-1]].strip() if begins else bare
    return bare


def _begin(text: str, start: int) -> int:
    """Return where white space from `start` on ends."""
    end = _NO_SPACE.search(text, start)
    return len(text) if end is None else end.start()


def _short(error: Exception) -> str:
    """Return what was wrong in one line of at most 300 characters."""
    if isinstance(error, ValidationError):
        parts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:3]]
        return "; ".join(parts)[:300]
    return f"{type(error).__name__}: {error}"[:300]
