"""What a chat returns: an answer, whole or as it comes."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from treemem.errors import InvalidInputError, LLMError
from treemem.keywords import checked_names
from treemem.search.results import SearchHit

if TYPE_CHECKING:
    from treemem.models.llm import LLMStream, LLMUsage


@checked_names
@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """What a language model answered, and what of the memory it was shown.

    `hits` are the memories in the prompt, best first, `used` their ids, those of other cubes as "cube/id".
    `question_id` and `answer_id` are the memories that question and answer became, None where nothing was written.
    `degraded` says what the search left out.
    """

    text: str
    hits: tuple[SearchHit, ...]
    used: tuple[str, ...]
    usage: LLMUsage
    conversation_id: str | None = None
    question_id: str | None = None
    answer_id: str | None = None
    degraded: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.text


def used_ids(hits: Iterable[SearchHit], cube: str) -> tuple[str, ...]:
    """Return the ids of hits, those of other cubes as "cube/id"."""
    return tuple(hit.id if hit.cube_id in (None, cube) else f"{hit.cube_id}/{hit.id}" for hit in hits)


class Keeping(Protocol):
    """Writes what becomes of a chat."""

    def whole(self, text: str, usage: LLMUsage) -> ChatAnswer:
        """Write question and answer."""
        ...

    def broken(self) -> None:
        """Write the question alone."""
        ...


@checked_names
class ChatStream:
    """An answer piece by piece. What was said is written when it is whole; then `answer` has it all.

        with memory.chat("Where does Anna live?", stream=True) as stream:
            for piece in stream:
                print(piece, end="")

    Nothing is asked before the first piece is. Whoever stops early (`close`, or the end of `with`), and a model that
    breaks off (LLMError), leave the question in the conversation and nothing of the answer; where nothing had been said
    yet, and where the model ends without a word (LLMError, too), nothing is written. A stream that is dropped without
    either hangs up, and writes nothing.
    """

    def __init__(
        self, pieces: LLMStream, hits: tuple[SearchHit, ...], conversation_id: str | None, keeping: Keeping
    ) -> None:
        self.hits = hits
        self.conversation_id = conversation_id
        self._pieces = pieces
        self._keeping = keeping
        self._said: list[str] = []
        self._answer: ChatAnswer | None = None
        self._over = False
        self._lock = threading.RLock()  # whoever closes it waits for the piece that is on its way

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        with self._lock:
            if self._over:
                raise StopIteration
            try:
                piece = next(self._pieces)
            except StopIteration:
                self._over = True
                self._answer = self._keeping.whole("".join(self._said), self._pieces.usage)
                raise StopIteration from None
            except LLMError:
                self._stop()
                raise
            self._said.append(piece)
            return piece

    def __enter__(self) -> ChatStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def text(self) -> str:
        """What was said so far."""
        return "".join(self._said)

    @property
    def answer(self) -> ChatAnswer:
        """The whole answer. Raises InvalidInputError before it is there, and where it never came."""
        if self._answer is None:
            raise InvalidInputError("answer: it is not whole; go through the stream to its end first")
        return self._answer

    def close(self) -> None:
        """Stop listening; what is not whole is no answer. Closing again does nothing."""
        with self._lock:
            if not self._over:
                self._stop()

    def _stop(self) -> None:
        self._over = True
        try:
            self._pieces.close()
        finally:
            if self._said:
                self._keeping.broken()
