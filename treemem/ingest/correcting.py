"""What people say about what is remembered: that it is wrong, lacks something, or is called otherwise now.

Read by the cues of the language packs, as data. What asks, supposes or is about words says nothing here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from treemem.language import Pack, fitting, packs, tokens
from treemem.text import ASKS, cached_if_short

Action = Literal["replace", "retract", "correct", "add"]
_ACTIONS: dict[str, Action] = {"replace": "replace", "retract": "retract", "correct": "correct", "add": "add"}
#: Characters of a text beyond which it is not read, and of a name that is replaced.
LONGEST, LONGEST_NAME = 400, 60
_SENTENCE = re.compile(r"(?<=[.!;])\s+|(?<=[。！；])|\n+")
_QUOTES = " \t\"'“”„‟«»‹›「」『』《》‘’`"
_STOPS = ".!。！ \t"


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that is said about memories: `new` takes the place of `old`, is so instead, or comes to it; `what` is
    to be forgotten.
    """

    action: Action
    new: str = ""
    old: str = ""
    what: str = ""


@cached_if_short()
def told(text: str) -> Told | None:
    """Return what a text says about memories, None where its words do not say it plainly."""
    plain = text.replace("’", "'").strip()
    if not plain or len(plain) > LONGEST or ASKS.search(plain):
        return None
    fits = fitting(plain)
    others = [pack for pack in packs().values() if pack not in fits and pack.spaced == fits[0].spaced]
    languages = [pack for pack in (*fits, *others) if pack.tables.get("feedback_cues")]
    said = tokens(plain)
    if any(pack.phrases("feedback_unsaid").within(said) for pack in languages):
        return None
    sentences = [each.strip(_STOPS) for each in _SENTENCE.split(plain)]
    for part in (plain.strip(_STOPS), *(sentences if len(sentences) > 1 else ())):
        for pack in languages:
            if (found := _read(pack, part)) is not None:
                return found
    return None


def _read(pack: Pack, sentence: str) -> Told | None:
    for pattern, action in pack.rewrites("feedback_cues"):
        match = pattern.match(sentence)
        if match is None:
            continue
        groups = {name: (value or "").strip() for name, value in match.groupdict().items()}
        one = Told(_ACTIONS[action], groups.get("new", ""), groups.get("old", ""), groups.get("what", ""))
        if one.action == "replace":
            old, new = one.old.strip(_QUOTES), one.new.strip(_QUOTES)
            return Told("replace", new, old) if _may_rename(old, new) else None
        if one.action in ("correct", "add") and _is_bound(pack, one.new):
            return None
        return Told(one.action, one.new[:1].upper() + one.new[1:], one.old.strip(_QUOTES), one.what.strip(_STOPS))
    return None


def _may_rename(old: str, new: str) -> bool:
    """Return whether a name may be replaced by another one everywhere: both say something, and not the same."""
    both = tokens(old), tokens(new)
    return all(both) and both[0] != both[1] and len(old) > 1 and len(new) > 1


def _is_bound(pack: Pack, new: str) -> bool:
    """Return whether a statement means nothing without what was said before it: "it's at five"."""
    said = tokens(new)
    return not said or pack.phrases("feedback_bound").at(said, 0) > 0
