"""A chat that was done before, as its operation tells: its answer is read, and no model is asked again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from treemem.changes import Content, EdgeType, State
from treemem.chat.answer import ChatAnswer
from treemem.contents import USED
from treemem.context import Context
from treemem.errors import OperationMismatchError
from treemem.models.llm import LLMUsage
from treemem.read.conversing import messages as logged
from treemem.read.states import edges_at, states_at

#: Messages before an answer among which its question is: other writers' may stand between them.
LOOKED_BACK = 200


def used_of(said: State | Content) -> Any:
    """Return the ids of what the model of an answer was shown, None for what is no answer of a chat."""
    return (said.fields.get("info") or {}).get(USED)


def _whose(state: State) -> tuple[str | None, str | None]:
    return state.fields.get("user_id"), state.fields.get("session_id")


def answered(ctx: Context, operation: str, question: str, conversation_id: str | None) -> ChatAnswer | None:
    """Return what a chat of this operation answered to a question, None if there was none.

    It has no hits, only their ids in `used`, and took nothing. Raises OperationMismatchError if the operation was
    something else, another question, of another conversation or caller, or an answer that cannot be read any more.
    """
    who = (ctx.caller.user_id, ctx.caller.session_id)
    if not ctx.store.operations(ctx.cube, ids=[operation], limit=1):
        return None
    opened = ctx.store.touched(ctx.cube, operation).states_opened
    answers = [state.memory_id for state in opened if used_of(state) is not None]
    for state in states_at(ctx, answers, ctx.moment()):
        conversation = str(state.fields.get("conversation_id"))
        if conversation_id not in (None, conversation) or _whose(state) != who:
            continue
        before = logged(ctx, conversation, LOOKED_BACK, state.memory_id, None)
        rests = {e.target for e in edges_at(ctx, [state.memory_id], [EdgeType.DERIVED_FROM], ctx.moment(), "out", None)}
        for asked in reversed(before):
            if asked.content == question and (asked.id in rests or asked is before[-1]):
                text, used = str(state.fields["memory"]), tuple(used_of(state) or ())
                return ChatAnswer(text, (), used, LLMUsage(), conversation, asked.id, state.memory_id)
    raise OperationMismatchError(
        f"operation {operation!r} was no chat that answered this question in this conversation, or its answer cannot "
        "be read any more; give another operation_id"
    )


class Told:
    """An answer that is there, as a stream of one piece."""

    def __init__(self, text: str) -> None:
        self._left = [text]

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if not self._left:
            raise StopIteration
        return self._left.pop()

    @property
    def usage(self) -> LLMUsage:
        """Nothing: no model was asked."""
        return LLMUsage()

    def close(self) -> None:
        """Do nothing: there is nobody to hang up on."""


class Repeated:
    """What becomes of a chat that was done before: nothing is written."""

    def __init__(self, answer: ChatAnswer) -> None:
        self._answer = answer

    def whole(self, text: str, usage: LLMUsage) -> ChatAnswer:
        """Return the answer as it was."""
        return self._answer

    def broken(self) -> None:
        """Do nothing: question and answer are there."""
