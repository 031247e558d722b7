"""Verbs of a memory as functions that a language model can call: what they take and answer is text."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable
from typing import Any

from treemem.errors import TreememError
from treemem.integrations.talk import finished, storable
from treemem.memory import TreeTextMemory


def verbs(memory: TreeTextMemory) -> list[Callable[..., str]]:
    """Return remember, recall, history, correct and forget over a memory; what treemem refuses is raised.

    An answer names memories by their ids, in brackets. `forget` hides; it erases nothing.
    """

    def remember(text: str) -> str:
        """Remember a fact, in one sentence that can be understood by itself."""
        (memory_id,) = memory.add(storable(text))
        return f"Remembered [{memory_id}]."

    def recall(question: str, top_k: int = 5) -> str:
        """Find what is remembered that answers a question. Each line begins with the id of the memory."""
        asked = storable(question)
        hits = memory.search(asked, top_k) if asked.strip() else ()
        lines = [f"[{hit.id}] {_line(hit.memory)}" for hit in hits]
        return "\n".join(lines) or "Nothing is remembered about this."

    def history(memory_id: str) -> str:
        """Tell what a memory said over time, and why that changed."""
        lines = []
        for version in memory.history(memory_id):
            until = "" if version.valid_to is None else f" until {version.valid_to:%Y-%m-%d %H:%M}"
            done = version.opened_by.kind
            lines.append(f"{done}: from {version.valid_from:%Y-%m-%d %H:%M}{until}: {_line(version.item.memory)}")
        return "\n".join(lines) or f"There is no memory [{memory_id}]."

    def correct(memory_id: str, text: str) -> str:
        """Correct a memory that was wrong: `text` is what it should have said all along."""
        memory.correct(memory_id, storable(text))
        return f"Corrected [{memory_id}]."

    def forget(memory_id: str) -> str:
        """Forget a memory: it is no longer found."""
        memory.delete(memory_id)
        return f"Forgotten [{memory_id}]."

    return [remember, recall, history, correct, forget]


def memory_functions(memory: TreeTextMemory) -> list[Callable[..., Awaitable[str]]]:
    """Return the same as asynchronous functions; what treemem refuses is the answer, for the model to read."""
    return [_told(verb) for verb in verbs(memory)]


def _told(verb: Callable[..., str]) -> Callable[..., Awaitable[str]]:
    @functools.wraps(verb)
    async def told(*args: Any, **arguments: Any) -> str:
        try:
            return await finished(verb, *args, **arguments)
        except TreememError as problem:
            return str(problem)

    return told


def _line(text: str) -> str:
    return " ".join(text.split())
