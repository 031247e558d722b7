"""What a language model is to treemem: structured answers, validated and counted; and words, whole or as they come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from pydantic import BaseModel, Field, ValidationError

from treemem.errors import LLMError
from treemem.keywords import checked_names
from treemem.models.failures import answered
from treemem.models.structure import short

T = TypeVar("T", bound=BaseModel)
M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class LLMUsage:
    """What calls took: requests, tokens, seconds, and cost in the unit of the prices given.

    `cached_tokens` are those of the prompt that the server had read before, `reasoning_tokens` those of the answer that
    were thoughts; both are counted among the others as well.
    """

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    cached_tokens: int = 0
    reasoning_tokens: int = 0

    def __add__(self, other: LLMUsage) -> LLMUsage:
        return LLMUsage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.seconds + other.seconds,
            self.cost + other.cost,
            self.cached_tokens + other.cached_tokens,
            self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class LLMAnswer(Generic[T]):
    """A validated answer and what it took."""

    value: T
    usage: LLMUsage


@dataclass(frozen=True, slots=True)
class LLMText:
    """An answer in words and what it took."""

    text: str
    usage: LLMUsage


#: What is said to a model: a text of the user's, or the turns of a conversation as dicts of `role` and `content`.
LLMMessages = str | Sequence[Mapping[str, str]]


class LLM(Protocol):
    """Answers a request with a value of a pydantic model, or raises LLMError.

    Three more methods are optional. `look` is `ask` with a `Picture` after `answer`, for a model that sees; without it
    pictures are refused. `say` and `stream` answer in words (see `SpeakingLLM`); without them words are asked for as a
    value with one field.
    """

    @property
    def name(self) -> str: ...

    def ask(self, system: str, user: str, answer: type[M], *, max_tokens: int = 1_024) -> LLMAnswer[M]:
        """Return the answer as a validated `answer`."""
        ...


class LLMStream(Protocol):
    """The pieces of an answer in words as they come.

    It ends when the answer is whole; one that breaks off, is cut or refused raises LLMError instead. `close` ends the
    connection before that.
    """

    def __iter__(self) -> Iterator[str]: ...

    def __next__(self) -> str: ...

    @property
    def usage(self) -> LLMUsage:
        """What the answer took; known when it is whole."""
        ...

    def close(self) -> None:
        """Stop listening."""
        ...


class SpeakingLLM(LLM, Protocol):
    """A model that answers in words as well."""

    def say(self, system: str, messages: LLMMessages, *, max_tokens: int = 1_024) -> LLMText:
        """Return what the model says next."""
        ...

    def stream(self, system: str, messages: LLMMessages, *, max_tokens: int = 1_024) -> LLMStream:
        """Return what the model says next, piece by piece."""
        ...


@checked_names
@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as a model takes it: its bytes, and what they are ("image/png")."""

    content: bytes
    media_type: str


class _Words(BaseModel):
    """An answer in words, of a model that gives values alone."""

    text: str = Field(min_length=1)


def look(
    llm: LLM, system: str, user: str, answer: type[M], picture: Picture, *, max_tokens: int = 1_024
) -> LLMAnswer[M]:
    """Return what a model that sees answers about a picture, as `ask` does without one."""
    seeing: Any = llm
    return _checked(llm, answer, lambda: seeing.look(system, user, answer, picture, max_tokens=max_tokens))


def ask(llm: LLM, system: str, user: str, answer: type[M], *, max_tokens: int = 1_024) -> LLMAnswer[M]:
    """Return what any language model answers; raise LLMError for whatever it raises or returns instead."""
    return _checked(llm, answer, lambda: llm.ask(system, user, answer, max_tokens=max_tokens))


def say(llm: LLM, system: str, messages: LLMMessages, *, max_tokens: int = 1_024) -> LLMText:
    """Return what any language model says; raise LLMError for whatever it raises or returns instead."""
    speaking: Any = llm
    if not callable(getattr(llm, "say", None)):
        told = ask(llm, system, as_text(messages), _Words, max_tokens=max_tokens)
        return LLMText(told.value.text, told.usage)
    found = _called(llm, lambda: speaking.say(system, messages, max_tokens=max_tokens))
    if not isinstance(found, LLMText) or not isinstance(found.text, str) or not isinstance(found.usage, LLMUsage):
        raise LLMError(
            f"{name_of(llm)}: wanted an LLMText with a text and an LLMUsage, found {_kind(found)}", "invalid"
        )
    return found


def stream(llm: LLM, system: str, messages: LLMMessages, *, max_tokens: int = 1_024) -> LLMStream:
    """Return what any language model says, piece by piece; of one that cannot, the answer as one piece.

    Whatever it raises or gives instead of texts is an LLMError.
    """
    speaking: Any = llm
    if not callable(getattr(llm, "stream", None)):
        return _Whole(lambda: say(llm, system, messages, max_tokens=max_tokens))
    pieces = _called(llm, lambda: speaking.stream(system, messages, max_tokens=max_tokens))
    if not callable(getattr(pieces, "__next__", None)):
        raise LLMError(f"{name_of(llm)}: wanted an iterator of texts, found {_kind(pieces)}", "invalid")
    return _Checked(llm, pieces)


def name_of(llm: LLM) -> str:
    """Return a model's name, or that of its class where it has none."""
    return str(getattr(llm, "name", type(llm).__name__))


def as_text(messages: LLMMessages) -> str:
    """Return the turns of a conversation as one text, each after who says it."""
    if isinstance(messages, str):
        return messages
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"{each['role']}: {each['content']}" for each in messages)


class _Whole:
    """The stream of a model that answers at once."""

    def __init__(self, call: Callable[[], LLMText]) -> None:
        self._call: Callable[[], LLMText] | None = call
        self._usage = LLMUsage()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        call, self._call = self._call, None
        if call is None:
            raise StopIteration
        found = call()
        self._usage = found.usage
        return found.text

    @property
    def usage(self) -> LLMUsage:
        return self._usage

    def close(self) -> None:
        self._call = None


class _Checked:
    """The stream of any model: what it raises is an LLMError, what it gives are texts."""

    def __init__(self, llm: LLM, pieces: Any) -> None:
        self._llm = llm
        self._pieces = pieces

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        ended = object()
        piece = _called(self._llm, lambda: next(self._pieces, ended))
        if piece is ended:
            raise StopIteration
        if not isinstance(piece, str):
            raise LLMError(f"{name_of(self._llm)}: wanted texts, found {_kind(piece)}", "invalid")
        return piece

    @property
    def usage(self) -> LLMUsage:
        found = getattr(self._pieces, "usage", None)
        return found if isinstance(found, LLMUsage) else LLMUsage()

    def close(self) -> None:
        close = getattr(self._pieces, "close", None)
        if callable(close):
            _called(self._llm, close)


def _called(llm: LLM, call: Callable[[], R]) -> R:
    name = name_of(llm)
    return answered(call, lambda told: LLMError(f"{name}: failed ({told})", "invalid"))


def _kind(found: object) -> str:
    return type(found).__name__


def _checked(llm: LLM, answer: type[M], call: Callable[[], object]) -> LLMAnswer[M]:
    name = name_of(llm)
    found = _called(llm, call)
    if not isinstance(found, LLMAnswer) or not isinstance(found.value, answer) or not isinstance(found.usage, LLMUsage):
        wanted = f"an LLMAnswer with a value of {answer.__name__} and an LLMUsage"
        raise LLMError(f"{name}: wanted {wanted}, found {_kind(found)}", "invalid")
    try:
        answer.model_validate(dict(vars(found.value)))  # one that was made past its checks may hold anything
    except ValidationError as error:
        raise LLMError(f"{name}: no valid {answer.__name__}: {short(error)}", "invalid") from error
    return found
