"""Context: what a verb stands on. One cube of one store, the models, the clock, and who asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from treemem.caller import Caller
from treemem.canonical import Vectors
from treemem.changes import Model
from treemem.config import TreeTextMemoryConfig, from_arguments
from treemem.errors import InvalidInputError, NotAllowedError
from treemem.filters import Filter
from treemem.ids import base_name, checked_id
from treemem.models.embedders import Embedder, checked_embedder, embedded_questions, embedded_texts
from treemem.models.failures import answered
from treemem.models.llm import LLM
from treemem.models.rerankers import Reranker
from treemem.models.vectors import vectors_of
from treemem.opening import chosen_embedder, open_llm, open_reranker, open_store
from treemem.store.protocol import GraphStore
from treemem.temporal import BEGINNING, Clock, Moment, TimeLike, parse_time, system_clock, to_micros
from treemem.usage import UsageLog
from treemem.workers import Workers

#: The first time at which no clock may stand: transaction times must have room above it.
LAST_CLOCK = to_micros(datetime(9999, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class Context:
    """One cube as somebody sees it: what every verb is given, and all that it is given.

    A `walled` context reaches neither other cubes nor the store. `usage` counts what searches return, None if nothing
    does. `workers` are the threads that work in the background; all contexts over one store share both.
    """

    config: TreeTextMemoryConfig
    cube: str
    store: GraphStore
    embedder: Embedder
    clock: Clock
    caller: Caller
    workers: Workers
    usage: UsageLog | None = None
    reranker: Reranker | None = None
    llm: LLM | None = None
    walled: bool = False

    @property
    def visible(self) -> Filter | None:
        """The filter that every state the caller sees passes; None where everything is seen."""
        return self.caller.visible

    @property
    def model(self) -> Model:
        """The model that texts are embedded with, as a cube remembers it."""
        return Model(self.embedder.name, self.embedder.dimension)

    def now(self) -> int:
        """Return the clock's time in microseconds; raises InvalidInputError for a clock that tells none."""
        return clock_time(self.clock)

    def moment(self, as_of: TimeLike | None = None, known_at: TimeLike | None = None) -> Moment:
        """Return the two times of a read; what is left out is now."""
        return Moment(
            self.now(),
            None if as_of is None else parse_time(as_of, "as_of"),
            None if known_at is None else parse_time(known_at, "known_at"),
        )

    def vectors_of(self, contents: Sequence[dict[str, Any]]) -> list[Vectors]:
        """Return the vectors of each of some contents, as `models.vectors.vectors_of` does. Raises EmbedderError."""
        return vectors_of(self.embedder, contents)

    def embed(self, texts: Sequence[str]) -> Any:
        """Return a vector of unit norm for each text, shape (texts, dimension). Raises EmbedderError."""
        return embedded_texts(self.embedder, texts)

    def embed_questions(self, texts: Sequence[str]) -> Any:
        """Return a vector of unit norm for each question, shape (questions, dimension). Raises EmbedderError."""
        return embedded_questions(self.embedder, texts)

    def reachable(self, cubes: Sequence[str]) -> list[str]:
        """Return the cubes by name, each once, or raise InvalidInputError if this context is walled off from one.

        To a caller the cube of a knowledge base is no cube, whether there is one or not: the base has a policy.
        """
        wanted = [checked_id(cube, "cubes") for cube in ([cubes] if isinstance(cubes, str) else cubes)]
        if not wanted:
            raise InvalidInputError("cubes: wanted at least one name, found none")
        if self.walled and set(wanted) != {self.cube}:
            other = min(set(wanted) - {self.cube})
            raise InvalidInputError(f"cube {self.cube!r}: this view cannot reach {other!r}; ask whoever opened it")
        bases = sorted(cube for cube in wanted if cube != self.cube and base_name(cube) is not None)
        if self.caller and bases:
            raise InvalidInputError(
                f"cube {bases[0]!r}: is called as a knowledge base is, and those are reached by name: "
                "search(..., knowledge_bases=[...])"
            )
        return list(dict.fromkeys(wanted))

    def of_cube(self, name: str, *, walled: bool = False) -> Context:
        """Return the context of another cube. Raises InvalidInputError where this one is walled."""
        (name,) = self.reachable([checked_id(name, "cube")])
        return replace(self, cube=name, walled=walled or self.walled)

    def of_caller(self, user_id: str | None, session_id: str | None) -> Context:
        """Return the same context as a caller sees it. Raises NotAllowedError in the view of another caller."""
        asked = Caller(user_id, session_id)
        if self.caller and asked != self.caller:
            raise NotAllowedError(f"for_caller: this view is that of {self.caller}; ask whoever opened the memory")
        if asked and base_name(self.cube) is not None:
            raise InvalidInputError(
                f"cube {self.cube!r}: is called as a knowledge base is, and callers reach those by name: open the cube "
                "that it belongs to, then search(..., knowledge_bases=[...])"
            )
        return replace(self, caller=asked)


def open_context(
    config: TreeTextMemoryConfig | None,
    *,
    embedder: Embedder | str | None = None,
    clock: Clock = system_clock,
    store: GraphStore | None = None,
    driver: Any = None,
    bookmarks: Iterable[str] = (),
    walled: bool = False,
    reranker: Reranker | None = None,
    llm: LLM | None = None,
) -> Context:
    """Open the memory that `config` describes, or one over a `store` that is open.

    What the configuration leaves out comes from the environment; `embedder`, `llm`, `reranker` and `driver` stand
    before it. Reads see what the `bookmarks` stand for. Raises ConfigError, StoreError, EmbedderError.
    """
    given = {} if config is None else {name: getattr(config, name) for name in config.model_fields_set}
    settings = from_arguments(given) if store is None else config or TreeTextMemoryConfig()
    cube = checked_id(settings.cube, "cube")
    model = checked_embedder(chosen_embedder(settings.embedder, embedder))
    llm = open_llm(settings.llm) if llm is None else llm
    reranker = open_reranker(settings.reranker, model, llm) if reranker is None else reranker
    if store is None:
        store = open_store(settings, driver, dimension=model.dimension, bookmarks=bookmarks)
    return Context(
        config=settings,
        cube=cube,
        store=store,
        embedder=model,
        clock=clock,
        caller=Caller(settings.user_id, settings.session_id),
        workers=Workers(),
        usage=UsageLog(store, lambda: clock_time(clock)) if settings.record_usage else None,
        reranker=reranker,
        llm=llm,
        walled=walled,
    )


def clock_time(clock: Clock) -> int:
    """Return what a clock says, in microseconds since 1970; raises InvalidInputError where that is no usable time."""
    told = answered(clock, lambda said: InvalidInputError(f"clock: wanted a time, and it failed ({said})"))
    if not isinstance(told, datetime) or told.tzinfo is None:
        raise InvalidInputError(f"clock: wanted an aware datetime, found {told!r}")
    micros = to_micros(told)
    if not BEGINNING < micros < LAST_CLOCK:
        raise InvalidInputError(f"clock: wanted a time in the years 1 to 9998, found {told}")
    return micros
