"""A language model behind a server: one way to ask, count, try again and listen, whatever protocol it speaks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from pydantic import BaseModel

from treemem.checks import shown
from treemem.errors import LLMError
from treemem.keywords import checked_names
from treemem.models.faults import Fault, odd_answer, refused_parameter
from treemem.models.llm import LLMAnswer, LLMMessages, LLMText, LLMUsage, Picture
from treemem.models.retrying import Deadline, tried_again
from treemem.models.structure import Shape, short, validated
from treemem.models.thoughts import Spoken, spoken
from treemem.models.wire import events, within_bounds

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")
_MILLION = 1_000_000
#: How much of an answer that does not fit the model is shown again.
_SHOWN = 20_000
#: Seconds an answer may take in all, retries and pauses included, if nothing else is said.
DEADLINE = 600.0


@dataclass(frozen=True, slots=True)
class Turn:
    """What the user or the assistant says."""

    role: str
    text: str
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A request in the words of no protocol. Without a `shape` the answer is in words."""

    system: str
    turns: tuple[Turn, ...]
    max_tokens: int
    shape: Shape | None = None
    streams: bool = False


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a request; cached ones are part of the prompt's, reasoning ones of the completion's."""

    prompt: int = 0
    completion: int = 0
    cached: int = 0
    reasoning: int = 0

    @classmethod
    def of(cls, prompt: Any, completion: Any, cached: Any = 0, reasoning: Any = 0) -> Tokens:
        """Return the counts that a server tells; what is no count is 0."""
        return cls(*(each if type(each) is int and each > 0 else 0 for each in (prompt, completion, cached, reasoning)))


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered. `refusal` says why it did not, `is_cut` that the limit of tokens ended it."""

    text: str | None
    tokens: Tokens
    refusal: str = ""
    is_cut: bool = False


class Manners(Protocol):
    """How a server wants to be asked; it is compared, so it is a frozen dataclass."""

    def without(self, refused: str) -> Manners | None:
        """Return the manners that leave out what was refused, None if there are none."""
        ...


class Listener(Protocol):
    """Puts the events of a stream together."""

    def hear(self, event: dict[str, Any]) -> str:
        """Return the text in an event, empty if it has none. Raises Fault for one that tells a failure."""
        ...

    def reply(self) -> Reply:
        """Return the whole answer. Raises Fault where its end did not come."""
        ...


class Dialect(Protocol):
    """A protocol: how a request is written and an answer is read."""

    #: The parameters that servers are known to refuse.
    refusable: tuple[str, ...]

    def body(self, asked: Asked, manners: Any) -> dict[str, Any]: ...

    def reply(self, data: Any, asked: Asked) -> Reply: ...

    def listener(self) -> Listener: ...


class Wire(Protocol):
    """The way to a server."""

    def send(self, body: dict[str, Any], timeout: float) -> AbstractContextManager[Iterator[bytes]]:
        """Return the answer's pieces; the connection is free, or closed, when the context ends. Raises Fault."""
        ...

    def hidden(self, text: str) -> str:
        """Return a text without the key."""
        ...


class LLMPieces:
    """The pieces of an answer as they come: an `LLMStream`. `text` is what was said so far."""

    def __init__(self, pieces: Generator[str, None, LLMUsage]) -> None:
        self._pieces = pieces
        self._said: list[str] = []
        self._usage = LLMUsage()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            piece = next(self._pieces)
        except StopIteration as end:
            if end.value is not None:
                self._usage = end.value
            raise StopIteration from None
        self._said.append(piece)
        return piece

    def __enter__(self) -> LLMPieces:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._said)

    @property
    def usage(self) -> LLMUsage:
        """What the answer took; known when it is whole."""
        return self._usage

    def close(self) -> None:
        """Stop listening: the connection is closed."""
        self._pieces.close()


@checked_names
class ServedLLM:
    """What all models behind a server have in common. Thread-safe.

    408, 409, 429, 5xx, lost and cut connections are tried again `max_retries` times, with growing pauses or those that
    the server asks for (up to a minute). `timeout` is how many seconds a server may be silent, `deadline` how many an
    answer may take in all.
    """

    def __init__(
        self,
        name: str,
        wire: Wire,
        dialect: Dialect,
        manners: Manners,
        *,
        timeout: float,
        deadline: float,
        max_retries: int,
        attempts: int,
        max_parallel: int,
        prices: tuple[float, ...],
    ) -> None:
        if attempts < 1 or max_parallel < 1:
            raise LLMError(
                f"attempts and max_parallel: wanted at least 1, found {attempts} and {max_parallel}", "input"
            )
        if max_retries < 0 or timeout <= 0 or deadline <= 0:
            raise LLMError(
                "max_retries, timeout and deadline: wanted 0 or more retries and seconds above 0, "
                f"found {max_retries}, {timeout} and {deadline}",
                "input",
            )
        if len(prices) not in (2, 3):
            raise LLMError("prices: wanted those of input and output, and of cached input if it has its own", "input")
        self.name = name
        self._wire = wire
        self._dialect = dialect
        self._manners = manners
        self._timeout, self._deadline = timeout, deadline
        self._max_retries, self._attempts = max_retries, attempts
        self._prices = prices
        self._slots = threading.BoundedSemaphore(max_parallel)
        self._lock = threading.Lock()
        self._usage = LLMUsage()

    @property
    def usage(self) -> LLMUsage:
        """What all calls took so far, failed ones included."""
        return self._usage

    def ask(self, system: str, user: str, answer: type[M], *, max_tokens: int = 1_024) -> LLMAnswer[M]:
        """Return the model's answer as a validated `answer`.

        Raises LLMError, whose `reason` is timeout, status, connection, refused, cut or invalid; its message holds what
        the server said.
        """
        return self._answered(system, Turn("user", user), answer, max_tokens)

    def look(
        self, system: str, user: str, answer: type[M], picture: Picture, *, max_tokens: int = 1_024
    ) -> LLMAnswer[M]:
        """Return the model's answer about a picture as a validated `answer`; the model must be one that sees.

        Raises LLMError as `ask` does.
        """
        return self._answered(system, Turn("user", user, picture), answer, max_tokens)

    def say(self, system: str, messages: LLMMessages, *, max_tokens: int = 1_024) -> LLMText:
        """Return what the model says next in a conversation: a text of the user's, or dicts of `role` and `content`.

        Raises LLMError as `ask` does.
        """
        text, usage = self._request(Asked(system, turns_of(messages), max_tokens), Deadline(self._deadline))
        said = spoken(text)
        if not said:
            raise LLMError(f"{self.name}: the answer is empty" + (", but for thoughts" if text else ""), "invalid")
        return LLMText(said, usage)

    def stream(self, system: str, messages: LLMMessages, *, max_tokens: int = 1_024) -> LLMPieces:
        """Return what the model says next, piece by piece; `usage` is known at the end.

        Nothing is sent before the first piece is asked for. Once it came, nothing is tried again: what breaks off
        raises LLMError. `close()`, and no longer using the stream, closes the connection.
        """
        return LLMPieces(self._streamed(Asked(system, turns_of(messages), max_tokens, streams=True)))

    def _answered(self, system: str, turn: Turn, answer: type[M], max_tokens: int) -> LLMAnswer[M]:
        deadline, shape = Deadline(self._deadline), Shape.of(answer)
        asked = Asked(system, (turn,), max_tokens, shape)
        spent = LLMUsage()
        for attempt in range(1, self._attempts + 1):
            text, usage = self._request(asked, deadline, spent)
            spent += usage
            try:
                return LLMAnswer(validated(text, answer), spent)
            except ValueError as error:
                said = short(error)
                if attempt == self._attempts:
                    raise LLMError(
                        f"{self.name}: no valid {answer.__name__} in {attempt} attempts; the last: {said}",
                        "invalid",
                        spent,
                    ) from error
                before = (Turn("assistant", text[:_SHOWN]),) if text.strip() else ()
                again = f"That does not fit: {said}. {shape.in_words()}\nAnswer again, with the JSON object alone."
                asked = replace(asked, turns=(turn, *before, Turn("user", again)))
        raise AssertionError("unreachable")

    def _request(self, asked: Asked, deadline: Deadline, before: LLMUsage = LLMUsage()) -> tuple[str, LLMUsage]:  # noqa: B008
        """Return what was answered, and what that took; an error tells it together with what was spent `before`."""
        spent: list[LLMUsage] = []
        try:
            with self._slot(deadline):
                reply = tried_again(lambda: self._reply(asked, deadline, spent), self._max_retries, deadline)
            return self._text_of(reply, asked), sum(spent, LLMUsage())
        except Fault as fault:
            raise self._told(fault, sum(spent, before)) from fault.because

    def _text_of(self, reply: Reply, asked: Asked) -> str:
        """Return what was answered. Raises Fault where it was cut or refused, or has no text."""
        if reply.refusal:
            raise Fault(f"refused to answer ({' '.join(reply.refusal.split())[:200]})", "refused")
        if reply.is_cut:
            raise Fault(f"the answer was cut at {asked.max_tokens} tokens; raise max_tokens", "cut")
        if not isinstance(reply.text, str):
            raise Fault("an answer without text", "invalid")
        return reply.text

    def _told(self, fault: Fault, usage: LLMUsage | None = None) -> LLMError:
        return LLMError(f"{self.name}: {self._wire.hidden(fault.said)}", fault.reason, usage)

    @contextmanager
    def _slot(self, deadline: Deadline) -> Iterator[None]:
        """Hold one of the places for requests that run at a time."""
        if not self._slots.acquire(timeout=deadline.left()):
            raise Fault("no place was free in time; raise max_parallel= or deadline=", "timeout")
        try:
            yield
        finally:
            self._slots.release()

    def _reply(self, asked: Asked, deadline: Deadline, spent: list[LLMUsage]) -> Reply:
        return self._mannerly(asked, lambda body: self._read(body, asked, deadline, spent))

    def _mannerly(self, asked: Asked, send: Callable[[dict[str, Any]], R]) -> R:
        """Return what sending a request gives; what is refused is left out, and remembered once that has helped."""
        manners = self._manners
        tried: set[Manners] = set()
        while True:
            tried.add(manners)
            body = self._dialect.body(asked, manners)
            try:
                found = send(body)
            except Fault as fault:
                sent = [name for name in self._dialect.refusable if name in body]
                refused = refused_parameter(fault, sent) or _refused_schema(fault, asked, sent)
                other = manners.without(refused) if refused else None
                if other is None or other in tried:
                    raise
                manners = other
            else:
                self._manners = manners
                return found

    def _read(self, body: dict[str, Any], asked: Asked, deadline: Deadline, spent: list[LLMUsage]) -> Reply:
        started, tokens = time.perf_counter(), Tokens()
        try:
            with self._wire.send(body, min(self._timeout, deadline.left())) as chunks:
                data = b"".join(within_bounds(chunks, deadline))
            reply = self._dialect.reply(json.loads(data), asked)
            tokens = reply.tokens
            return reply
        except (ValueError, RecursionError, AttributeError, TypeError, LookupError) as error:
            raise odd_answer(error) from error
        finally:
            spent.append(self._count(tokens, time.perf_counter() - started))

    def _streamed(self, asked: Asked) -> Generator[str, None, LLMUsage]:
        deadline, words, listener = Deadline(self._deadline), Spoken(), self._dialect.listener()
        started, tokens, usage = time.perf_counter(), Tokens(), LLMUsage()
        try:
            with self._slot(deadline), ExitStack() as stack:
                started = time.perf_counter()
                try:
                    chunks = tried_again(lambda: self._opened(asked, deadline, stack), self._max_retries, deadline)
                    empty = True
                    for event in events(within_bounds(chunks, deadline)):
                        said = words.take(listener.hear(event))
                        if said:
                            empty = False
                            yield said
                    reply = listener.reply()
                    tokens = reply.tokens
                finally:
                    usage = self._count(tokens, time.perf_counter() - started)
            rest = words.end()
            if rest:
                yield rest
            self._text_of(reply, asked)
            if empty and not rest.strip():
                raise Fault("the answer is empty", "invalid")
        except Fault as fault:
            raise self._told(fault) from fault.because
        except (ValueError, RecursionError, AttributeError, TypeError, LookupError) as error:
            raise self._told(odd_answer(error)) from error
        return usage

    def _opened(self, asked: Asked, deadline: Deadline, stack: ExitStack) -> Iterator[bytes]:
        """Return the pieces of a stream that has begun; `stack` ends it."""

        def send(body: dict[str, Any]) -> Iterator[bytes]:
            return stack.enter_context(self._wire.send(body, min(self._timeout, deadline.left())))

        return self._mannerly(asked, send)

    def _count(self, tokens: Tokens, seconds: float) -> LLMUsage:
        price, said, cached = self._prices[0], self._prices[1], self._prices[-1 if len(self._prices) == 3 else 0]
        fresh = max(0, tokens.prompt - tokens.cached)
        cost = (fresh * price + tokens.cached * cached + tokens.completion * said) / _MILLION
        usage = LLMUsage(1, tokens.prompt, tokens.completion, seconds, cost, tokens.cached, tokens.reasoning)
        with self._lock:
            self._usage = self._usage + usage
        return usage


def _refused_schema(fault: Fault, asked: Asked, sent: Sequence[str]) -> str:
    """Return the parameter that holds the schema where a server refuses that without naming the parameter."""
    if asked.shape is None or fault.status not in (400, 422) or fault.param or "schema" not in str(fault.body).lower():
        return ""
    return next((name for name in ("response_format", "output_config", "tools") if name in sent), "")


def turns_of(messages: LLMMessages) -> tuple[Turn, ...]:
    """Return what is said to a model as turns; raise LLMError for what is none."""
    if isinstance(messages, str):
        return (Turn("user", messages),)
    turns = []
    for n, each in enumerate(messages):
        role, text = each.get("role"), each.get("content")
        if role not in ("user", "assistant") or not isinstance(text, str):
            raise LLMError(
                f"messages[{n}]: wanted a role, user or assistant, and a text as content, found role {shown(role)}",
                "input",
            )
        turns.append(Turn(str(role), text))
    if not turns or turns[-1].role != "user":
        raise LLMError("messages: wanted turns that end with the user's", "input")
    return tuple(turns)
