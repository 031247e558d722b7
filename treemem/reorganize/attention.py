"""Attention: which memories stand close to a running conversation, in working memory, and which go back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from treemem.changes import State
from treemem.checks import is_several, shown
from treemem.errors import InvalidInputError
from treemem.reorganize.plan import Action, ActionKind
from treemem.reorganize.planner import single

WORKING = "WorkingMemory"
#: The entry of `info` that says which type an activated memory has elsewhere.
FROM = "scheduled_from"
#: The types that can be activated: what is known, not tools, skills or raw files.
SOURCES = ("LongTermMemory", "UserMemory")
#: How many of the last messages tell what a conversation is about.
LAST = 6
#: The gain of a memory that is in working memory already, and at most of use and of freshness.
STAYS, USED, FRESH = 0.1, 0.2, 0.2
_MONTH = 30 * 86_400_000_000


def said_last(conversation: str | Iterable[str | Mapping[str, Any]]) -> list[str]:
    """Return what tells what a conversation is about: its last message, and its last ones together."""
    if isinstance(conversation, str):
        texts = [conversation]
    elif is_several(conversation) and not isinstance(conversation, (bytes, Mapping)):
        said = list(conversation)[-LAST:]
        texts = [m.get("content", "") if isinstance(m, Mapping) else m for m in said]
        odd = [text for text in texts if not isinstance(text, str)]
        if odd:
            raise InvalidInputError(f"conversation: wanted texts or messages with 'content', found {shown(odd[0])}")
    else:
        raise InvalidInputError(f"conversation: wanted a text, or texts or messages, found {shown(conversation)}")
    texts = [text.strip() for text in texts if text.strip()]
    if not texts:
        raise InvalidInputError("conversation: wanted text or messages with content, found nothing that is said")
    return list(dict.fromkeys([texts[-1], "\n".join(texts)]))


def scheduled(
    found: Mapping[str, float],
    states: Iterable[State],
    versions: Mapping[str, int],
    usage: Mapping[str, tuple[int, int]],
    size: int,
    now: int,
) -> list[Action]:
    """Return the actions that make working memory hold the `size` memories that matter most now.

    `found` is how much each memory has to do with the conversation, from 0 to 1. What was in working memory and has
    nothing to do with it, or less than others, goes back to the type it had; a working memory that never had another
    becomes long-term memory. Frozen memories stay where they are.
    """

    def matters(state: State) -> float:
        recalled = min(usage.get(state.memory_id, (0, 0))[0], 5) / 5
        fresh: float = 0.5 ** (max(0, now - state.valid_from) / _MONTH)
        stays = STAYS * (state.fields["memory_type"] == WORKING)
        return float(found.get(state.memory_id, 0.0) * (1 + stays + USED * recalled + FRESH * fresh))

    many = {s.memory_id: s for s in states}
    fixed = [s for s in many.values() if s.fields.get("frozen") and s.fields["memory_type"] == WORKING]
    free = [s for s in many.values() if not s.fields.get("frozen")]
    free.sort(key=lambda s: (-matters(s), s.memory_id))
    wanted = {s.memory_id for s in free[: max(0, size - len(fixed))] if matters(s) > 0}
    actions = []
    for state in sorted(free, key=lambda s: s.memory_id):
        working = state.fields["memory_type"] == WORKING
        if working == (state.memory_id in wanted):
            continue
        share = found.get(state.memory_id, 0.0)
        told = f"the conversation is about it ({share:.2f})" if share else "the conversation is about other things"
        kind = ActionKind.PROMOTE if working else ActionKind.ACTIVATE
        actions.append(
            single(kind, state, versions, told if share == 0 or not working else f"others more ({share:.2f})")
        )
    return actions


def activated(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a memory in working memory, which remembers its type."""
    info = {**dict(fields.get("info") or {}), FROM: fields["memory_type"]}
    return {**fields, "memory_type": WORKING, "info": info}


def put_back(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a memory that leaves working memory."""
    info = dict(fields.get("info") or {})
    back = {**fields, "memory_type": info.pop(FROM, "LongTermMemory"), "info": info}
    if not info:
        del back["info"]
    return back
