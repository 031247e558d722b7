"""Adding: items and messages become change sets, embedded in batches, written in parts, streamed throughout."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from treemem import planning
from treemem.caller import Caller, check_session
from treemem.canonical import Vector, Vectors, canonical_json
from treemem.changes import ChangeSet, Receipt, StateAssert
from treemem.contents import content_of, fields_of
from treemem.errors import EmbedderError, InvalidInputError
from treemem.ids import derived_id
from treemem.ingest.chat import Message
from treemem.ingest.messages import Place, Reader, Reading, Said, Spoken
from treemem.items import TextualMemoryItem, as_item, check_number, set_fields
from treemem.models.embedders import Embedder, checked_vectors
from treemem.models.vectors import vectors_of
from treemem.store.protocol import WriteStore
from treemem.temporal import END, SKEW, Interval, parse_time
from treemem.write.parts import in_parts
from treemem.write.preferring import Noted, noted_in, with_noted

Progress = Callable[[int, int | None], None]
EMBED_BATCH = 256
Span = tuple[int | None, int]
#: Puts something into a change set before it is written.
Amend = Callable[[ChangeSet], ChangeSet]
#: Yields messages as they are remembered.
Judged = Callable[[Iterator[Said]], Iterator[Said]]


class Addition:
    """One call of add or add_messages: yields a change set per memory and collects the ids."""

    def __init__(
        self,
        cube: str,
        embedder: Embedder,
        base: ChangeSet,
        caller: Caller,
        *,
        stable_ids: bool,
        preferences: bool = False,
    ) -> None:
        self.ids: list[str] = []
        self._cube = cube
        self._embedder = embedder
        self._base = base
        self._stable_ids = stable_ids
        self._preferences = preferences
        self._caller = caller
        self._seen: dict[str, int] = {}

    def from_items(self, memories: Iterable[Any], span: Span, shared: Mapping[str, Any]) -> Iterator[ChangeSet]:
        """Yield a change set per memory. `shared` metadata goes to each; `span` is the default validity."""
        for batch in _batches(self._items(memories, shared), EMBED_BATCH):
            fields = [self._noted(item) for item in batch]
            self.ids += [item.id for item in batch]
            vectors = self._vectors(batch, fields)
            for item, content, own in zip(batch, fields, vectors, strict=True):
                valid_from, valid_to = item_span(item, span)
                yield planning.creation(self._base, item.id, content, own, valid_from, valid_to)

    def from_messages(
        self,
        messages: Sequence[tuple[Message, Place | None]],
        reader: Reader,
        before: Spoken | None,
        judged: Judged | None,
        *,
        replay: bool,
        noted: Mapping[str, list[Noted]] | None = None,
    ) -> Iterator[ChangeSet]:
        """Yield a change set per message that is not there yet; with `replay` each is recorded at its own time.

        `before` is what the first of them follows; `judged` says what of them is remembered, all where it is None.
        `noted` is what goes with which message, beside the preferences that it states.
        Messages were looked at before (see `treemem.write.messaging`).
        """
        if not replay:
            self._date_after(message.at for message, _ in messages)
        said = self._said(messages, reader)
        if judged is not None:
            said = judged(said)
        for batch in _batches(reader.readings(said, before), EMBED_BATCH):
            items = [r.said.item for r in batch]
            # In a conversation each id has one place, but for what an operation that is repeated finds again.
            once = reader.conversation is not None and not self._stable_ids
            fields = [self._noted(item, once=once) for item in items]
            vectors = self._vectors(items, fields)
            stated = [noted_in(self._cube, r.said) if self._preferences else [] for r in batch]
            stated = [[*some, *(noted or {}).get(r.said.item.id, ())] for some, r in zip(stated, batch, strict=True)]
            flat = [each for some in stated for each in some]
            made = iter(
                zip(flat, vectors_of(self._embedder, [each.fields for each in flat]) if flat else (), strict=True)
            )
            for reading, content, own, some in zip(batch, fields, vectors, stated, strict=True):
                span = item_span(reading.said.item, (reading.at, END))
                message = self._message(reading, content, own, span, replay)
                yield with_noted(message, list(itertools.islice(made, len(some))), span)

    def _said(self, messages: Sequence[tuple[Message, Place | None]], reader: Reader) -> Iterator[Said]:
        for message, place in messages:
            if place is None:
                continue
            if message.text:
                self.ids.append(place.memory_id)
            if not place.there:
                yield reader.said(message, place)

    def _date_after(self, times: Iterable[int | None]) -> None:
        """Date this call after messages that a clock which is a little ahead has dated, so that they hold now."""
        now = self._base.now
        ahead = max((at for at in times if at is not None and now < at <= now + SKEW), default=now)
        self._base = replace(self._base, now=ahead)

    def _message(
        self, reading: Reading, fields: dict[str, Any], vectors: Vectors, span: Span, replay: bool
    ) -> ChangeSet:
        said = reading.said
        valid_from, valid_to = span
        base = self._base
        if replay and reading.at is not None:
            base = replace(base, now=reading.at)
        new = StateAssert(
            said.item.id,
            content_of(fields, vectors),
            valid_from,
            valid_to,
            create=True,
            append=said.place.append,
            judged=said.judged,
        )
        closing = said.closing
        return planning.with_rows(
            base,
            states=[new] if closing is None else [new, *closing.states],
            edges=reading.edges,
            entities=reading.entities,
            sources=[said.source],
            expected=None if closing is None else closing.expected,
        )

    def _items(self, memories: Iterable[Any], shared: Mapping[str, Any]) -> Iterator[TextualMemoryItem]:
        for position, memory in enumerate(memories):
            item, own_id = as_item(memory)
            if shared or self._caller:
                metadata = self._caller.signed({**set_fields(item.metadata), **shared})
                item, _ = as_item({"id": item.id, "memory": item.memory, "metadata": metadata})
            check_number(item.metadata.sequence)
            if not own_id and self._stable_ids:
                item = item.model_copy(update={"id": derived_id(self._base.operation, position)})
            yield item

    def _noted(self, item: TextualMemoryItem, *, once: bool = False) -> dict[str, Any]:
        """Return an item's fields and remember its id; refuse one that comes twice with different content.

        Where it is known to come `once`, nothing is remembered.
        """
        fields = fields_of(item)
        check_session(fields)
        if once:
            return fields
        mark = hash(canonical_json(fields))
        if self._seen.setdefault(item.id, mark) != mark:
            raise InvalidInputError(f"id: {item.id!r} comes twice in one call, with different content")
        return fields

    def _vectors(self, items: list[TextualMemoryItem], fields: list[dict[str, Any]]) -> list[Vectors]:
        missing = [i for i, item in enumerate(items) if item.metadata.embedding is None]
        made = dict(zip(missing, vectors_of(self._embedder, [fields[i] for i in missing]), strict=True))
        return [
            made[i] if i in made else given_vector(item.metadata.embedding, item.id, self._embedder)
            for i, item in enumerate(items)
        ]


def given_vector(vector: Any, memory_id: str, embedder: Embedder) -> Vector:
    """Return a vector that came with a memory as float32 of unit norm, or raise InvalidInputError."""
    wanted = f"embedding of {memory_id!r}"
    try:
        array = np.asarray(vector, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InvalidInputError(f"{wanted}: wanted {embedder.dimension} numbers ({error})") from error
    if array.shape != (embedder.dimension,):
        raise InvalidInputError(
            f"{wanted}: {' x '.join(map(str, array.shape))} dimensions, the cube's model {embedder.name!r} has "
            f"{embedder.dimension}; leave the embedding out to have it made, or open the memory with your model"
        )
    try:
        checked: Vector = checked_vectors(array[None], 1, embedder.dimension, embedder.name)[0]
    except EmbedderError as error:
        raise InvalidInputError(f"{wanted}: {error}") from error
    return checked


def item_span(item: TextualMemoryItem, default: Span) -> Span:
    """Return the validity that an item says it has, or the default; raise InvalidInputError if it is inverted."""
    start, end = item.metadata.valid_from, item.metadata.valid_to
    return checked_span(
        default[0] if start is None else parse_time(start, "valid_from"),
        default[1] if end is None else parse_time(end, "valid_to"),
    )


def checked_span(start: int | None, end: int) -> Span:
    """Return a validity, whose start may be left to the transaction; raise InvalidInputError if it is inverted."""
    if start is not None:
        Interval(start, end)
    return start, end


def _batches(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    source = iter(items)
    while batch := list(itertools.islice(source, size)):
        yield batch


def write_parts(
    store: WriteStore,
    base: ChangeSet,
    groups: Iterable[ChangeSet],
    progress: Progress | None,
    total: int | None,
    log_end: int | None = None,
    *,
    apart: bool = False,
    amend: Amend | None = None,
) -> Receipt:
    """Apply groups in parts of at most 1,000 rows and return their receipts summed.

    With a `log_end` the first part is applied only while that is the last number of the log; `apart` as in `in_parts`.
    A part is written as `amend` returns it.
    """
    done = 0
    receipt: Receipt | None = None
    waiting: tuple[ChangeSet, Callable[[], Receipt]] | None = None

    def settle(part: ChangeSet, wait: Callable[[], Receipt]) -> None:
        nonlocal done, receipt
        one = wait()
        if one.operation != base.operation:
            one = replace(one, operation=base.operation)
        receipt = one if receipt is None else receipt.plus(one)
        done += len({s.memory_id for s in part.states if not s.planned})
        if progress is not None:
            progress(done, total)

    try:
        # The next part is made while the store writes this one.
        for part in in_parts(groups, base.operation, apart=apart):
            if waiting is not None:
                settle(*waiting)
            part = part if amend is None else amend(part)
            waiting = part, store.begin(replace(part, log_end=log_end))
            log_end = None
    finally:
        if waiting is not None:
            settle(*waiting)
    return receipt or Receipt(base.operation, base.now)
