"""What only treemem has, under /v1: both times, history, what changed, who did what, and taking it back.

Requests and answers are those of the command line and of the other services (`treemem/schemas`). `user_id` in the query
says whose view it is; without it the whole project is seen, which wants the right "admin".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from treemem.memory import TreeTextMemory
from treemem.schemas import answers, requests
from treemem.schemas.plain import plain


@dataclass(frozen=True, slots=True)
class Verb:
    """A route of treemem's own: what it is asked, what it answers, which right it wants, and what it does."""

    path: str
    request: type[requests.Request]
    answer: type[answers.Answer]
    right: str
    work: Callable[[TreeTextMemory, Any], answers.Answer]


def _search(memory: TreeTextMemory, asked: requests.Search) -> answers.Answer:
    """Return the memories that answer a question best, at `as_of`, as known at `known_at`."""
    return answers.Found.of({**plain(memory.search(**asked.given())), "timings": None})


def _get(memory: TreeTextMemory, asked: requests.Get) -> answers.Answer:
    """Return one memory as it held at `as_of`, as known at `known_at`."""
    return answers.OneMemory(memory=answers.Memory.of(memory.get(**asked.given())))


def _history(memory: TreeTextMemory, asked: requests.History) -> answers.Answer:
    """Return every state that a memory had: what, when, who, why."""
    versions = memory.history(asked.memory_id)
    shown = versions[-asked.limit :]
    return answers.History(versions=[answers.Version.of(one) for one in shown], earlier=len(versions) - len(shown))


def _diff(memory: TreeTextMemory, asked: requests.Diff) -> answers.Answer:
    """Return what was learned between two times."""
    found = plain(memory.diff(**asked.given("limit")))
    shown = found["memories"][: asked.limit]
    return answers.Difference(**{**found, "memories": shown}, more=len(found["memories"]) - len(shown))


def _operations(memory: TreeTextMemory, asked: requests.Operations) -> answers.Answer:
    """Return who did what, when and why, the newest first."""
    return answers.Operations(operations=[answers.Operation.of(each) for each in memory.operations(**asked.given())])


def _undo(memory: TreeTextMemory, asked: requests.Undo) -> answers.Answer:
    """Take an operation back by a new one; undoing the undo brings it back."""
    return answers.Receipt.of(memory.undo(**asked.given()))


VERBS = (
    Verb("/v1/search", requests.Search, answers.Found, "read", _search),
    Verb("/v1/get", requests.Get, answers.OneMemory, "read", _get),
    Verb("/v1/history", requests.History, answers.History, "read", _history),
    Verb("/v1/diff", requests.Diff, answers.Difference, "read", _diff),
    Verb("/v1/operations", requests.Operations, answers.Operations, "read", _operations),
    Verb("/v1/undo", requests.Undo, answers.Receipt, "write", _undo),
)
