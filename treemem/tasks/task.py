"""A task as users see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from treemem.canonical import canonical_json
from treemem.keywords import checked_names
from treemem.models.llm import LLMUsage
from treemem.queued import ENDED, MAX_RESULT, WAITING, QueuedTask, ids_alone, plain
from treemem.temporal import from_micros


@checked_names
@dataclass(frozen=True, slots=True)
class Task:
    """Something that is done later, and how it stands. `status` is waiting, running, done or failed.

    `payload` says what it is about, `result` what came of it: ids, counts and flags; no text of a memory. `reason` says
    why it waits or failed. `attempts` is how often a worker took it up. `usage` is what a language model took for it,
    `seconds` how long workers were at it, both over all attempts. A waiting task is not taken up before `due_at`.
    """

    id: str
    kind: str
    status: str
    payload: Mapping[str, Any]
    reason: str
    result: Mapping[str, Any]
    usage: LLMUsage
    seconds: float
    attempts: int
    created_at: datetime
    due_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    worker: str | None
    user_id: str | None
    session_id: str | None

    @property
    def ended(self) -> bool:
        """Whether it is done or failed, so that no worker takes it up any more."""
        return self.status in ENDED

    @classmethod
    def of(cls, task: QueuedTask) -> Task:
        """Return a task of the queue for a user."""
        outcome = Outcome.of(task.result)
        return cls(
            id=task.id,
            kind=task.kind,
            status=task.state,
            payload=plain(task.payload),
            reason=task.reason,
            result=outcome.counts,
            usage=outcome.usage,
            seconds=outcome.seconds,
            attempts=task.attempts,
            created_at=from_micros(task.created),
            due_at=from_micros(task.due) if task.state == WAITING else None,
            started_at=_when(task.started),
            finished_at=_when(task.finished),
            worker=task.holder,
            user_id=task.user_id,
            session_id=task.session_id,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a task so far, and what it took."""

    counts: Mapping[str, Any]
    usage: LLMUsage
    seconds: float

    @classmethod
    def of(cls, text: str) -> Outcome:
        """Return what the queue keeps as `result`."""
        kept = plain(text)
        return cls(kept.get("counts", {}), LLMUsage(**kept.get("usage", {})), kept.get("seconds", 0.0))

    def plus(self, usage: LLMUsage, seconds: float, counts: Mapping[str, Any] | None = None) -> Outcome:
        """Return it with one more attempt."""
        return Outcome(self.counts if counts is None else counts, self.usage + usage, self.seconds + seconds)

    def text(self) -> str:
        """Return it as the queue keeps it; raises InvalidInputError for counts that hold a text or too much."""
        counts = plain(ids_alone(self.counts, "result", MAX_RESULT))
        return canonical_json({"counts": counts, "usage": asdict(self.usage), "seconds": round(self.seconds, 6)})


def _when(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
