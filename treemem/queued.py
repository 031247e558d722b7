"""Tasks as the stores keep them: what is to be done later, about which ids, and how that stands.

Every move of a task is a function here, from the task as it was to the task as it becomes. A store only swaps one for
the other, if the task is still as it was; so both stores have the same rules.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from treemem.canonical import canonical_json
from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ids import ID
from treemem.storable import check_json
from treemem.temporal import SKEW

State = Literal["waiting", "running", "done", "failed"]
WAITING, RUNNING, DONE, FAILED = STATES = ("waiting", "running", "done", "failed")
#: How a task stands that no worker takes up any more.
ENDED = (DONE, FAILED)
#: Bounds of what a task carries: bytes of its payload and of its result as JSON, characters of its reason.
MAX_PAYLOAD, MAX_RESULT, MAX_REASON = 8_192, 8_192, 300
#: How many tasks of a cube wait at most, unless the settings say otherwise.
MOST_WAITING = 10_000
#: What kinds of tasks, and names in a payload, look like.
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


@dataclass(frozen=True, slots=True)
class QueuedTask:
    """One task of a cube. Times are microseconds since 1970.

    `payload` and `result` are JSON. `due` is from when on a worker may take it up, `since` when that was set: a waiting
    task waits until then, the lease of a running one ends then. `fence` rises with every taker, and with whatever takes
    the task away from one. `user_id` and `session_id` are the caller for whom it is done.
    """

    id: str
    kind: str
    payload: str
    created: int
    user_id: str | None = None
    session_id: str | None = None
    state: str = WAITING
    due: int = 0
    since: int = 0
    fence: int = 0
    attempts: int = 0
    holder: str | None = None
    reason: str = ""
    result: str = "{}"
    started: int | None = None
    finished: int | None = None

    @property
    def owner(self) -> str:
        """Who sees it, beside whoever opened the memory."""
        return owner_of(self.user_id, self.session_id)

    @property
    def request(self) -> tuple[str, str, str]:
        """What was asked for: the same id must not be used for anything else."""
        return self.kind, self.payload, self.owner

    def may_become(self, before: QueuedTask, after: QueuedTask) -> bool:
        """Return whether a move from `before` to `after` counts, this being the task as it is now.

        Whoever has it may move it as long as it has that: the lease may have been renewed meanwhile. Whoever takes it
        up or away, so that its fence rises, must have seen it as it is.
        """
        if after.fence > before.fence:
            return self == before
        return (self.state, self.fence) == (before.state, before.fence)

    def claimed(self, holder: str, now: int, machine: int, lease: int) -> QueuedTask:
        """Return it as a worker takes it up for `lease` microseconds; `machine` is the time by which leases run out."""
        return replace(
            self,
            state=RUNNING,
            holder=holder,
            fence=self.fence + 1,
            attempts=self.attempts + 1,
            due=machine + lease,
            since=machine,
            started=now,
            finished=None,
            reason="",
        )

    def renewed(self, machine: int, lease: int) -> QueuedTask:
        """Return it with a lease that begins anew."""
        return replace(self, due=machine + lease, since=machine)

    def ended(self, state: str, now: int, reason: str = "", result: str | None = None) -> QueuedTask:
        """Return it as done or failed."""
        return replace(
            self,
            state=state,
            holder=None,
            due=now,
            since=now,
            finished=now,
            reason=reason[:MAX_REASON],
            result=self.result if result is None else result,
        )

    def postponed(
        self, now: int, until: int, reason: str, result: str | None = None, *, counted: bool = True
    ) -> QueuedTask:
        """Return it as waiting until a time; where the attempt is not `counted` it was no fault of the task's."""
        return replace(
            self,
            state=WAITING,
            holder=None,
            due=until,
            since=now,
            attempts=self.attempts - (self.state == RUNNING and not counted),
            reason=reason[:MAX_REASON],
            result=self.result if result is None else result,
        )

    def put_off(self, now: int, until: int, reason: str) -> QueuedTask:
        """Return it as waiting until a time, whoever had it: nobody takes it up before."""
        return replace(self.postponed(now, until, reason), fence=self.fence + 1)

    def taken_away(self, now: int, reason: str) -> QueuedTask:
        """Return it as failed, whoever is at it: that one's report is refused."""
        return replace(self.ended(FAILED, now, reason), fence=self.fence + 1)

    def begun_anew(self, now: int) -> QueuedTask:
        """Return it as waiting from now on, as if it had never been tried; what it took so far stays."""
        return replace(
            self,
            state=WAITING,
            holder=None,
            due=now,
            since=now,
            fence=self.fence + 1,
            attempts=0,
            reason="",
            finished=None,
        )

    def is_due(self, now: int) -> bool:
        """Return whether a worker may take it up, as the stores' statements do.

        `now` is the clock's time, the machine's for one that is running. One whose wait was set later than now, by more
        than clocks differ, was set by a clock that has stepped back since; it does not wait for that.
        """
        return self.state in (WAITING, RUNNING) and (self.due <= now or self.since > now + SKEW)


@dataclass(frozen=True, slots=True)
class Spent:
    """What tasks took of language models: tokens, and money in the unit of the model's prices. `day` counts from 1970,
    in UTC.
    """

    day: int
    tokens: int = 0
    cost: float = 0.0

    def counts_on(self, day: int) -> bool:
        """Return whether it was spent on that day; on the day after it, too, if the clock has stepped back since."""
        return day <= self.day <= day + 1

    def plus(self, other: Spent) -> Spent:
        """Return it with what was spent now; what was spent on another day is over."""
        if not self.counts_on(other.day):
            return other
        return Spent(self.day, self.tokens + other.tokens, self.cost + other.cost)


def owner_of(user_id: str | None, session_id: str | None) -> str:
    """Return whose a task is: a user's, or a session's that has no user; empty for whoever opened the memory."""
    if user_id is not None:
        return f"user:{user_id}"
    return "" if session_id is None else f"session:{session_id}"


def checked_kind(value: object) -> str:
    """Return a kind of task, or raise InvalidInputError for what cannot be one."""
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise InvalidInputError(f"kind: wanted a name such as 'reorganize', found {shown(value)}")
    return value


def ids_alone(value: object, field: str, most: int) -> str:
    """Return a dict as JSON, or raise InvalidInputError unless it holds numbers, flags and ids alone.

    A text of a memory is none of these, so that no word of it stays in the queue when it is purged.
    """
    if not isinstance(value, Mapping):
        raise InvalidInputError(f"{field}: wanted a dict, found {shown(value)}")
    check_json(value, field)
    for each in _texts(value, field):
        if not ID.fullmatch(each):
            raise InvalidInputError(
                f"{field}: wanted ids (1 to 128 characters of A-Z a-z 0-9 . _ : -), numbers and flags, found "
                f"{shown(each)}; a task names memories and keeps no text of them"
            )
    text = canonical_json(value)
    if len(text) > most:
        raise InvalidInputError(f"{field}: {len(text)} characters of JSON; at most {most} fit. Make several tasks")
    return text


def plain(text: str) -> Any:
    """Return what was kept as JSON."""
    return json.loads(text)


def _texts(value: Any, field: str) -> Iterator[str]:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            yield each
        elif isinstance(each, Mapping):
            for name in each:
                if not _NAME.fullmatch(name):
                    raise InvalidInputError(f"{field}: wanted names such as 'memory_ids', found {shown(name)}")
            waiting += each.values()
        elif isinstance(each, (list, tuple)):
            waiting += each
