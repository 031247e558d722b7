"""Who said what, and when: what of a memory is compared with others, and weighed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from treemem.changes import State
from treemem.contents import is_read, origin_of, role_of
from treemem.language import fitting
from treemem.text import words

#: A name before a colon: one word, or some that all begin with a capital letter; "API rate limit: 100" has none.
_LED_BY_NAME = re.compile(r"^([^\W\d_][\w.'’-]{0,30}|(?:[A-Z][\w.'’-]{0,20} ){1,3}[A-Z][\w.'’-]{0,20}): (?=\S)")
#: Fields that say whose a statement is: nobody's statement changes another one's.
_WHOSE = ("user_id", "agent_id", "app_id")


#: Fields of `info` that name an undertaking, in which things of one name are others than elsewhere.
PROJECT = (
    *("project", "project_id", "workspace", "workspace_id", "repo", "repository", "channel", "team", "board"),
    *("scene", "story", "file", "document", "thread", "room", "tenant", "account", "customer"),
)
_NO_PROJECT = ("",) * len(PROJECT)
#: Characters of a title that are looked at.
_TITLE = 200
#: Where a memory comes from that its speaker only read.
_READ = frozenset({"web", "file", "retrieved", "system"})


@dataclass(frozen=True, slots=True)
class Statement:
    """Who said what, and when: `order` rises with time, and within one conversation with the number.

    `message` is whether it was said in a conversation, rather than written down; `whose` are the ids of whom it
    belongs to.
    """

    memory_id: str
    speaker: str
    role: str
    text: str
    order: tuple[int, int, int]
    valid_from: int
    message: bool = False
    whose: tuple[str, ...] = ()
    conversation: str = ""
    #: The words of its title, where it has one.
    title: frozenset[str] = frozenset()
    project: tuple[str, ...] = ()
    #: Whether it was read out of what its speaker says of himself; its words name him then.
    of_speaker: bool = False

    @classmethod
    def of(cls, state: State) -> Statement:
        """Return what a state says."""
        origin = origin_of(state.fields)
        text = str(state.fields["memory"])
        led = _LED_BY_NAME.match(text) if origin.get("role") and not is_read(state.fields) else None
        if led is not None and led.group(1).casefold() in fitting(text)[0].words("leads"):  # "Update: ..." names nobody
            led = None
        number = state.fields.get("sequence")
        return cls(
            state.memory_id,
            led.group(1) if led else str(origin.get("name") or "") if is_read(state.fields) else "",
            "tool" if state.fields.get("source") in _READ else role_of(state.fields),
            text[led.end() :] if led else text,
            (state.valid_from, state.recorded_from, number or 0),
            state.valid_from,
            bool(origin.get("role")),
            tuple(str(state.fields.get(name) or "") for name in _WHOSE),
            str(state.fields.get("conversation_id") or ""),
            frozenset(words(str(state.fields.get("key") or "")[:_TITLE])),
            _project_of(state.fields),
            is_read(state.fields) and (info := state.fields.get("info") or {}).get("about") == info.get("speaker"),
        )


def _project_of(fields: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what a memory says of the undertaking it belongs to; of nobody's memory its session too."""
    info = fields.get("info") or {}
    session = "" if fields.get("user_id") else str(fields.get("session_id") or "")
    if not info:
        return (session, *_NO_PROJECT)
    return (session, *(str(info.get(name) or "") for name in PROJECT))
