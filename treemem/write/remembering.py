"""Which messages become memories that searches find, and which are archived at once: those that tell nothing new.

An assistant that searches, answers and adds both fills its memory with what it holds already: the question, again and
again, and the answer, which repeats what it found. They would take the places of what was said first. So of the short
messages these are archived: kept, read back, brought back by `restore`, but not searched.

- What an assistant says, if each sentence of it repeats a memory that was there before, but for words of its question.
- The question that it answers that way, if that only asks.
- Words of thanks and assent ("ok, great"), if they follow no question.

What people state is never archived here.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Any, Literal

from treemem import planning
from treemem.caller import owners_of
from treemem.canonical import Vector
from treemem.changes import ChangeSet, State
from treemem.contents import is_label, role_of, spoken_text
from treemem.context import Context
from treemem.errors import EmbedderError
from treemem.forks import cached
from treemem.ingest.messages import ASIDE, BETWEEN, JUDGED, Answered, Said, Spoken
from treemem.ingest.telling import LONGEST, Answer, Known, Told, asks_only, only_thanks, tells_nothing, words_of
from treemem.segments import is_latin
from treemem.store.protocol import LIVE, Recall, seeds_alone
from treemem.temporal import Moment
from treemem.text import ASKS, analyse, distinct

log = logging.getLogger("treemem.ingest")
#: What of messages is remembered: what tells something new, or all.
Remember = Literal["new", "all"]
#: How many memories are looked at for what a message may repeat, and by how many of its words they are found.
MOST_LOOKED_AT, MOST_WORDS = 10, 64
#: From which cosine on a memory is about what was asked. With the carried model 97 in 100 everyday questions are that
#: near to what answers them, and 2 in 100 to something else.
NEAR = 0.3
#: How many earlier messages of a call are embedded for that, for one answer.
MOST_EMBEDDED = 4


class Remembering:
    """Looks at the new messages of one call in order; `base` says who adds them, and when.

    `answered` is what the first of them may answer. Where that is a question which it answers with nothing new, the
    question is archived in the same change.
    """

    def __init__(self, ctx: Context, base: ChangeSet, answered: Answered) -> None:
        self._ctx = ctx
        self._base = base
        self._answered = answered
        # What passed and was not put into `_told` yet: what was said, its memory, and whose it is.
        self._unread: list[tuple[str, str, tuple[Any, ...]]] = []
        self._told = Told()

    def __call__(self, messages: Iterator[Said]) -> Iterator[Said]:
        """Yield the messages, archived where they tell nothing new; a message of a person waits for an answer, and
        whether it is a question is looked at when one comes.
        """
        before: Spoken | None = None  # a message of an earlier call; what is older than all follows none
        last: str | None = None
        waiting: list[Said] = []  # what may be a question, and what tools said since
        started, aside = False, 0
        for said in messages:
            if not (started or said.place.older):
                yield from self._passed(waiting)
                started, (before, aside) = True, self._answered
                last = None if before is None else before.text
            if said.silent or said.source.role in ASIDE:
                aside += 1
                waiting.append(said)
                if len(waiting) == 1 or aside > BETWEEN:
                    yield from self._passed(waiting)
                if aside > BETWEEN:
                    before, last = None, None
                continue
            aside = 0
            if said.source.role == "assistant":
                if waiting and not asks_only(waiting[0].text):
                    yield from self._passed(waiting)
                question = waiting[0] if waiting else None
                said, repeats = self._answer(said, question, before, last)
                if repeats and question is not None and _whose(question) == _whose(said):
                    waiting[0] = _archived(question)
            elif said.judged and only_thanks(said.text) and not _asks(last) and not asks_only(said.text):
                said = _archived(said)
            elif said.judged:
                yield from self._passed(waiting)
                waiting.append(said)
                before, last = None, said.text
                continue
            waiting.append(said)
            yield from self._passed(waiting)
            before, last = None, said.text
        yield from self._passed(waiting)

    def _answer(self, said: Said, question: Said | None, before: Spoken | None, last: str | None) -> tuple[Said, bool]:
        """Return what an assistant says, archived if it tells nothing new, and whether it repeats a memory."""
        if not said.judged or len(said.text) > LONGEST:
            return said, False
        answer = Answer(said.text, last)
        if not answer:  # "yes" and "I don't know" say something of a question
            asked = question is not None or (last is not None and asks_only(last)) or _asks(last)
            stays = asked or not tells_nothing(said.text)
            return said if stays else _archived(said), False
        if not answer.repeats(self._memories(said, answer, last or "")):
            return said, False
        closing = (
            self._closed(before.memory_id, _whose(said)) if before is not None and asks_only(before.text) else None
        )
        return replace(_archived(said), closing=closing), True

    def _passed(self, waiting: list[Said]) -> Iterator[Said]:
        """Yield what waited, and remember what of it may be repeated."""
        for said in waiting:
            if said.item.metadata.status in LIVE:
                self._unread.append((said.text, said.item.memory, _whose(said)))
            yield said
        waiting.clear()

    @cached
    def _empty(self) -> bool:
        """Whether the cube was not there when the first answer was looked at: then it has no more than what passed, and
        what others add during this call.
        """
        return self._ctx.store.cube(self._ctx.cube) is None

    def _memories(self, said: Said, answer: Answer, turn: str) -> Iterator[Known]:
        """Yield the memories that a message may repeat, which the same callers see: of this call, then of the cube."""
        whose, asked, empty = _whose(said), _Asked(self._ctx, turn), self._empty
        for text, memory, owner in self._unread:
            if not asks_only(text):
                self._told.note(words_of(text), memory, owner)
        self._unread.clear()
        for text, words in self._told.holding(answer.needed(), whose):
            yield Known(words, partial(asked.is_near, text, None))
        if empty:
            return
        recall = Recall(
            self._ctx.cube,
            Moment(self._base.now, said.source.chat_time),
            tokens=tuple(distinct(analyse(said.text))[:MOST_WORDS]),
            visible=self._ctx.visible,
            vector_limit=0,
            text_limit=MOST_LOOKED_AT,
            hops=0,
            model=self._ctx.model,
            vectors=True,
        )
        _, states = self._ctx.store.recall(recall, seeds_alone)
        for state in states:
            text, own = spoken_text(state.fields), state.memory_id == said.item.id
            if not own and owners_of(state.fields) == whose and not is_label(state.fields) and not asks_only(text):
                yield Known(words_of(text), partial(asked.is_near, text, state.embedding))

    def _closed(self, memory_id: str, whose: tuple[Any, ...]) -> ChangeSet | None:
        """Return the change that archives a user's question which is in the memory; None if it may not be changed."""
        history = self._ctx.store.history(self._ctx.cube, [memory_id])
        known = planning.known_of(history)
        if not known or not all(self._ctx.caller.owns(s) and _may_go(s, whose) for s in known):
            return None
        change = planning.rewrite(self._base, "archive", memory_id, history)
        return replace(change, states=tuple(replace(s, planned=True) for s in change.states))


class _Asked:
    """What was asked, as a vector that is made where words alone do not tell."""

    def __init__(self, ctx: Context, turn: str) -> None:
        self._ctx = ctx
        self._turn = turn
        self._embedded = 0
        self._told = not getattr(ctx.embedder, "english_only", False) or is_latin(turn)

    @cached
    def _vector(self) -> Vector:
        vector: Vector = self._ctx.embed_questions([self._turn])[0]
        return vector

    def is_near(self, text: str, vector: Vector | None) -> bool:
        """Return whether what was asked is near a text; not, where the model fails.

        Texts that come without their vector are embedded, the first few that are asked about.
        """
        if not self._told or (vector is None and self._embedded >= MOST_EMBEDDED):
            return False
        try:
            if vector is None:
                self._embedded += 1
                vector = self._ctx.embed([text])[0]
            return float(self._vector @ vector) >= NEAR
        except EmbedderError as error:
            log.warning("what was asked is compared by its words alone: %s", error)
            return False


def _may_go(state: State, whose: tuple[Any, ...]) -> bool:
    fields = state.fields
    free = fields["status"] in LIVE and not fields.get("frozen") and fields["memory_type"] in JUDGED
    theirs = role_of(fields) == "user" and owners_of(fields) == whose
    return free and theirs and asks_only(spoken_text(fields))


def _asks(text: str | None) -> bool:
    return text is not None and ASKS.search(text) is not None


def _archived(said: Said) -> Said:
    metadata = said.item.metadata.model_copy(update={"status": "archived"})
    return replace(said, item=said.item.model_copy(update={"metadata": metadata}))


def _whose(said: Said) -> tuple[Any, ...]:
    return owners_of(vars(said.item.metadata))
