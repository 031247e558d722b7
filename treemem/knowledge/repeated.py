"""Procedures that were repeated: the same tools, called in the same order, with success, in several conversations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from treemem.caller import OWNERSHIP, owners_of
from treemem.changes import Log
from treemem.context import Context
from treemem.ingest.calls import Call, calls_of
from treemem.items import STATUSES
from treemem.keywords import checked_names
from treemem.read.conversing import as_said
from treemem.records import LoggedMessage
from treemem.write.skilled import skill_id

#: How many calls a procedure has, at least and at most.
SHORTEST, LONGEST = 2, 8
#: How many of the conversations in which it was done a proposal rests on, the newest.
RESTS_ON = 20
#: How many proposals a plan has, those that were done most often.
MOST = 100
_SHOWN = tuple(status for status in STATUSES if status != "deleted")
_ALL = 1_000_000
_ARGUMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_NOT_OF_A_NAME = re.compile(r"[^a-z0-9]+")


@checked_names
@dataclass(frozen=True, slots=True)
class SkillProposal:
    """A skill that a repeated procedure would make: what it is called, what it says, and what it rests on.

    `tools` were called in this order, with success, in so many `conversations`; `evidence` are the messages of the
    calls and of their results. `whose` it would be: user, session, who sees it.
    """

    name: str
    description: str
    steps: tuple[str, ...]
    tools: tuple[str, ...]
    conversations: int
    evidence: tuple[str, ...]
    whose: tuple[str | None, str | None, str] = (None, None, "private")

    def __str__(self) -> str:
        return f"{self.name}: {self.description}"


@checked_names
@dataclass(frozen=True, slots=True)
class SkillPlan:
    """The skills that repeated procedures would make; leave out those that you do not want, then `skills.apply` it."""

    cube: str
    proposals: tuple[SkillProposal, ...]

    def __str__(self) -> str:
        return "\n".join(f"- {each}" for each in self.proposals) or "no procedure was repeated often enough"


@dataclass(slots=True)
class _Done:
    """One sequence of tools of one owner: the calls of each conversation in which it succeeded last."""

    tools: tuple[str, ...]
    owner: tuple[Any, ...]
    calls: dict[str, Sequence[Call]] = field(default_factory=dict)


def proposed(ctx: Context, times: int) -> list[SkillProposal]:
    """Return the skills that the conversations of this cube would make, those that were done most often first."""
    found: dict[tuple[Any, ...], _Done] = {}
    for conversation, owner, turn in _turns(ctx):
        for calls in _succeeded(turn):
            tools = tuple(call.name for call in calls)
            done = found.setdefault((owner, tools), _Done(tools, owner))
            done.calls.pop(conversation, None)
            done.calls[conversation] = calls  # the newest last
    often = [done for done in found.values() if len(done.calls) >= times]
    whole = [done for done in often if not any(_within(done, other) for other in often)]
    whole.sort(key=lambda done: (-len(done.calls), -len(done.tools), done.tools, str(done.owner)))
    found_so_far: dict[tuple[Any, ...], int] = {}
    made = []
    for done in whole:
        if not _there(ctx, done):
            one = _proposal(done)
            same = found_so_far[one.whose, one.name] = found_so_far.get((one.whose, one.name), 0) + 1
            made.append(one if same == 1 else replace(one, name=f"{one.name[:190]}-{same}"))
    return made[:MOST]


def _turns(ctx: Context) -> Iterator[tuple[str, tuple[Any, ...], list[Call]]]:
    """Yield conversation, owner, and the calls of each turn of each conversation that the caller may change."""
    rows = ctx.store.conversations(ctx.cube, statuses=_SHOWN, where=ctx.visible)
    for row in sorted(rows, key=lambda row: (row.last, row.id)):
        states = ctx.store.conversation(ctx.cube, Log(row.id), limit=_ALL, statuses=_SHOWN, where=ctx.visible)
        by_owner: dict[tuple[Any, ...], list[LoggedMessage]] = {}
        for state in as_said(ctx, states):
            if ctx.caller.owns(state):
                by_owner.setdefault(owners_of(state.fields), []).append(LoggedMessage.of(state))
        for owner, messages in by_owner.items():
            for turn in calls_of(messages):
                yield row.id, owner, turn


def _succeeded(turn: Sequence[Call]) -> Iterator[Sequence[Call]]:
    """Yield each run of calls of a turn that all succeeded."""
    for start in range(len(turn)):
        for end in range(start + 1, min(len(turn), start + LONGEST) + 1):
            if turn[end - 1].failed is not False:
                break
            if end - start >= SHORTEST:
                yield turn[start:end]


def _within(done: _Done, other: _Done) -> bool:
    """Return whether a longer sequence of the same owner has this one in it, as often."""
    size = len(done.tools)
    if size >= len(other.tools) or done.owner != other.owner or len(other.calls) < len(done.calls):
        return False
    return any(other.tools[n : n + size] == done.tools for n in range(len(other.tools) - size + 1))


def _there(ctx: Context, done: _Done) -> bool:
    """Return whether the owner has, or had, a skill of the name: one that was deleted is not proposed again."""
    owner = dict(zip(OWNERSHIP, done.owner, strict=True))
    return bool(ctx.store.known(ctx.cube, [skill_id(ctx.cube, owner, _name(done.tools))]))


def _name(tools: Sequence[str]) -> str:
    return "-then-".join(_NOT_OF_A_NAME.sub("-", tool.casefold()).strip("-") or "tool" for tool in tools)[:200]


def _proposal(done: _Done) -> SkillProposal:
    times = len(done.calls)
    newest = list(done.calls.values())[-RESTS_ON:]
    steps = [_step(tool, [calls[n] for calls in newest]) for n, tool in enumerate(done.tools)]
    description = f"{', then '.join(done.tools)}: done in this order, with success, in {times} conversations."[:4_000]
    evidence = {i for calls in newest for call in calls for i in (call.message_id, call.result_id) if i is not None}
    rests = tuple(sorted(evidence))
    return SkillProposal(_name(done.tools), description, tuple(steps), done.tools, times, rests, done.owner)


def _step(tool: str, calls: Iterable[Call]) -> str:
    """Return a step: the tool, and the names of the arguments that all calls had. No values: they are of one time."""
    names = set.intersection(*({name for name in call.arguments if _ARGUMENT.fullmatch(name)} for call in calls))
    return f"Call `{tool}`" + (f" with {', '.join(f'`{name}`' for name in sorted(names))}" if names else "") + "."
