"""Whether one statement takes another's place: only one of both can be true now, and it was said later."""

from __future__ import annotations

import re
from dataclasses import dataclass

from treemem.changes import State
from treemem.contents import origin_of, role_of
from treemem.judge.asked import Focus, another_value
from treemem.judge.changes import ends, tells_news
from treemem.judge.claims import claims_in
from treemem.judge.clauses import scope_of, stems_of

#: A name before a colon: one word, or some that all begin with a capital letter; "API rate limit: 100" has none.
_LED_BY_NAME = re.compile(r"^([^\W\d_][\w.'’-]{0,30}|(?:[A-Z][\w.'’-]{0,20} ){1,3}[A-Z][\w.'’-]{0,20}): (?=\S)")


@dataclass(frozen=True, slots=True)
class Statement:
    """Who said what, and when: `order` rises with time, and within one conversation with the position.

    `message` is whether it was said in a conversation, rather than written down.
    """

    memory_id: str
    speaker: str
    role: str
    text: str
    order: tuple[int, int, int]
    valid_from: int
    message: bool = False

    @classmethod
    def of(cls, state: State) -> Statement:
        """Return what a state says."""
        origin = origin_of(state.fields)
        text = str(state.fields["memory"])
        led = _LED_BY_NAME.match(text) if origin.get("role") else None
        position = origin.get("position")
        return cls(
            state.memory_id,
            led.group(1) if led else "",
            role_of(state.fields),
            text[led.end() :] if led else text,
            (state.valid_from, state.recorded_from, position if isinstance(position, int) else 0),
            state.valid_from,
            bool(origin.get("role")),
        )


def may_supersede(newer: Statement, focus: Focus | None) -> bool:
    """Return whether a statement may take the place of any other, by who says it and what it says alone."""
    if newer.role == "assistant":
        return False
    return focus is not None or bool(claims_in(newer.text, newer.speaker)) or tells_news(newer.text)


def superseded(newer: Statement, older: Statement, focus: Focus | None) -> bool:
    """Return whether the newer statement takes the older one's place.

    `focus` is what a question asks the value of: for it, another value of the same thing is enough. What an assistant
    says supersedes nothing.
    """
    if newer.order <= older.order or "assistant" in (newer.role, older.role):
        return False
    if not scope_of(newer.text) <= stems_of(older.text):
        return False
    for new in claims_in(newer.text, newer.speaker):
        for old in claims_in(older.text, older.speaker):
            if new.replaces(old):
                return True
    if ends(newer.text, older.text, same_speaker=newer.speaker == older.speaker):
        return True
    if focus is None or newer.speaker != older.speaker:
        return False
    return another_value(focus, older.text, newer.text) is not None
