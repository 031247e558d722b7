"""The stream of a chat for asyncio: each piece is waited for in a thread."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from treemem.chat.answer import ChatAnswer, ChatStream
from treemem.keywords import checked_names
from treemem.search.results import SearchHit

_END = object()


@checked_names
class AsyncChatStream:
    """`ChatStream` for asyncio: `async with` and `async for`; `answer` is there at the end.

    A task that is cancelled while it waits for a piece stops listening once that has come: use `async with`.
    """

    def __init__(self, stream: ChatStream, run: Callable[[Callable[[], Any]], Awaitable[Any]]) -> None:
        """Wrap a stream; `run` runs a call off the event loop."""
        self._stream = stream
        self._run = run

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        piece = await self._run(functools.partial(next, self._stream, _END))
        if piece is _END:
            raise StopAsyncIteration
        return str(piece)

    async def __aenter__(self) -> AsyncChatStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def hits(self) -> tuple[SearchHit, ...]:
        """The memories in the prompt."""
        return self._stream.hits

    @property
    def conversation_id(self) -> str | None:
        """The conversation that question and answer belong to."""
        return self._stream.conversation_id

    @property
    def text(self) -> str:
        """What was said so far."""
        return self._stream.text

    @property
    def answer(self) -> ChatAnswer:
        """The whole answer. Raises InvalidInputError before it is there, and where it never came."""
        return self._stream.answer

    async def close(self) -> None:
        """Stop listening; what is not whole is no answer."""
        await self._run(self._stream.close)
