"""Every error survives pickling and copying, and what a model raises comes out as one of them."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

from tests.conftest import OpenMemory
from tests.helpers import HashEmbedder
from treemem import EmbedderError, LLMAnswer, LLMError, LLMUsage, RerankerError, TreememError, errors
from treemem.models.embedders import embedded_questions, embedded_texts
from treemem.models.failures import answered
from treemem.models.llm import ask
from treemem.models.rerankers import CallableReranker, CosineReranker, checked_scores

KINDS = sorted(
    (kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, TreememError)),
    key=lambda kind: kind.__name__,
)
EXTRA: dict[str, tuple[Any, ...]] = {
    "LLMError": ("timeout",),
    "ReadingError": ("timeout", ("a",), None),
    "UndoRefusedError": (["a", "b"],),
    "ConflictError": ({"a": (1, 2)},),
}


def ways() -> list[Callable[[Any], Any]]:
    pickled = [lambda e, p=p: pickle.loads(pickle.dumps(e, protocol=p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)]
    return [*pickled, copy.copy, copy.deepcopy]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_comes_back_whole(kind: type[TreememError]) -> None:
    error = kind("what was wanted, 什么", *EXTRA.get(kind.__name__, ()))
    error.add_note("and where")
    error.own = {"of": "a subclass"}  # type: ignore[attr-defined]
    for way in ways():
        again = way(error)
        assert type(again) is kind
        assert (str(again), again.args, vars(again)) == (str(error), error.args, vars(error))


class Panic(BaseException):
    """What a Rust library raises; no Exception."""


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError("even this fails")


FAULTS = [
    ValueError("a\nb"),
    KeyError("k"),
    RuntimeError(),
    StopIteration(),
    OSError(5, "io"),
    RecursionError("deep"),
    MemoryError(),
    AssertionError("x" * 9_999),
    ExceptionGroup("several", [ValueError("one")]),
    Panic("rust"),
    Unspeakable(),
]
STOPS: list[type[BaseException]] = [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]


def raising(error: BaseException | type[BaseException]) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> Any:
        raise error

    return function


class Numbered(BaseModel):
    n: int


class OwnEmbedder:
    """An embedder of a user's own, without our helpers."""

    name = "own"
    dimension = 2

    def __init__(self, function: Callable[..., Any]) -> None:
        self.embed = function


class OwnLLM:
    name = "own"

    def __init__(self, function: Callable[..., Any]) -> None:
        self.ask = function


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_what_a_model_raises_is_the_cause_of_our_error(fault: BaseException) -> None:
    calls: list[tuple[type[TreememError], Callable[[], Any]]] = [
        (EmbedderError, lambda: embedded_texts(OwnEmbedder(raising(fault)), ["a"])),
        (EmbedderError, lambda: embedded_questions(OwnEmbedder(raising(fault)), ["a"])),
        (LLMError, lambda: ask(OwnLLM(raising(fault)), "s", "u", Numbered)),
        (RerankerError, lambda: checked_scores(CallableReranker(raising(fault)), "q", ["a"])),
    ]
    for kind, call in calls:
        with pytest.raises(kind) as error:
            call()
        assert error.value.__cause__ is fault
        assert type(fault).__name__ in str(error.value)
        assert "\n" not in str(error.value)
        assert len(str(error.value)) < 400


@pytest.mark.parametrize("stop", STOPS)
def test_what_stops_a_program_stops_it(stop: type[BaseException]) -> None:
    for call in (
        lambda: embedded_texts(OwnEmbedder(raising(stop)), ["a"]),
        lambda: ask(OwnLLM(raising(stop)), "s", "u", Numbered),
        lambda: checked_scores(CallableReranker(raising(stop)), "q", ["a"]),
    ):
        with pytest.raises(stop):
            call()


def test_our_own_errors_pass_as_they_are() -> None:
    mine = EmbedderError("as it is")
    with pytest.raises(EmbedderError) as error:
        answered(raising(mine), RerankerError)
    assert error.value is mine


@pytest.mark.parametrize(
    "made",
    [
        None,
        "text",
        [],
        [[]],
        [[1.0]],
        [[1.0, 2.0], [1.0, 2.0]],
        [["1.0", "2.0"]],
        np.array([["1.0", "2.0"]]),
        np.array([[b"1", b"2"]]),
        [["1", 2.0]],
        [[None, None]],
        [[1.0, float("nan")]],
        [[1.0, float("inf")]],
        [[0.0, 0.0]],
        [[1e30, 1e30]],
        [[1e300, 1e300]],
        [[10**400, 1]],
        [[1j, 1.0]],
        [[1.0], [1.0, 2.0]],
        {"a": 1},
        object(),
        iter([[1.0, 2.0]]),
        [[np.datetime64("2025-01-01"), np.datetime64("2025-01-01")]],
    ],
    ids=lambda made: repr(made).split(" at ")[0][:30],
)
def test_what_is_no_vector_is_refused(made: Any) -> None:
    for call in (embedded_texts, embedded_questions):
        with pytest.raises(EmbedderError, match="own"):
            call(OwnEmbedder(lambda texts: made), ["a"])


@pytest.mark.parametrize("made", [[[3, 4]], [(3.0, 4.0)], np.array([[3.0, 4.0]], dtype=np.float16), [np.array([3, 4])]])
def test_what_is_a_vector_is_taken(made: Any) -> None:
    assert np.allclose(embedded_texts(OwnEmbedder(lambda texts: made), ["a"]), [[0.6, 0.8]])


@pytest.mark.parametrize("scores", [None, 3, "ab", ["0.5", "0.6"], [0.5], [0.5] * 3, [0.5, float("nan")], [0.5, "x"]])
def test_what_are_no_scores_is_refused(scores: Any) -> None:
    with pytest.raises(RerankerError, match="callable failed"):
        checked_scores(CallableReranker(lambda q, t: scores), "q", ["a", "b"])


@pytest.mark.parametrize(
    "answer", [None, "text", Numbered(n=1), LLMAnswer("n", LLMUsage()), LLMAnswer(Numbered(n=1), None)]
)
def test_what_is_no_answer_is_refused(answer: Any) -> None:
    with pytest.raises(LLMError, match="wanted an LLMAnswer"):
        ask(OwnLLM(lambda *_, **__: answer), "s", "u", Numbered)


class Fickle(HashEmbedder):
    """Fails when told to."""

    fault: BaseException | None = None

    def embed(self, texts: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        return super().embed(texts)


def test_a_memory_survives_its_models(open_memory: OpenMemory) -> None:
    embedder = Fickle()
    memory = open_memory(
        embedder=embedder, reranker=CallableReranker(raising(KeyError("k"))), llm=OwnLLM(raising(Panic()))
    )
    memory.add(["Anna sings.", "Anna dances."])
    assert any("KeyError" in note for note in memory.search("Anna").degraded)
    assert any("Panic" in note for note in memory.search("Anna", mode="fine").degraded)
    embedder.fault = KeyError("k")
    for call in (
        lambda: memory.add("Ben"),
        lambda: memory.search("Anna"),
        lambda: memory.add_messages([{"content": "x"}]),
    ):
        with pytest.raises(EmbedderError, match="KeyError"):
            call()
    embedder.fault = None
    assert memory.stats().memories == 2
    with pytest.raises(EmbedderError):
        CosineReranker(OwnEmbedder(lambda texts: [["a"]])).scores("q", ["a"])


class Nameless:
    dimension = 2

    def embed(self, texts: Any) -> Any:
        return [[1.0, 0.0]] * len(texts)


class Shapeless(Nameless):
    name = "x"
    dimension = "2"


class Mute:
    name = "x"
    dimension = 2


class Broken(Nameless):
    @property
    def name(self) -> str:
        raise KeyError("name")


@pytest.mark.parametrize("embedder", [Nameless(), Shapeless(), Mute(), Broken(), b"minilm", 7])
def test_what_is_no_embedder_is_refused_when_it_is_given(open_memory: OpenMemory, embedder: Any) -> None:
    with pytest.raises(EmbedderError, match="embedder"):
        open_memory(embedder=embedder)
