"""What a text states of two things at once: that one is the cause of the other, or came after it.

It is asked of short texts alone.
"""

from __future__ import annotations

import re
from functools import lru_cache

_SENTENCE = re.compile(r"[.!?;。！？；\n]+")
_BECAUSE = re.compile(
    r"\b(?:because(?: of)?|due to|as a result of|thanks to|owing to|caused by|on account of)\b|因为|由于"
    r"|^\s*as (?=(?:I|we|he|she|they|it|my|our|the)\b[^,]*,)",
    re.IGNORECASE,
)
_THEREFORE = re.compile(
    r"\b(?:that['’]s why|that is why|which is why|as a result|therefore|consequently|so that|led to|leads to|caused|"
    r"resulted in)\b|所以|因此|导致|于是",
    re.IGNORECASE,
)
_AFTER = re.compile(r"(?<!look )(?<!looks )(?<!looking )(?<!named )\bafter\b(?! all\b)", re.IGNORECASE)
_BEFORE = re.compile(r"\bbefore\b", re.IGNORECASE)
_THEN = re.compile(r"\b(?:and then|then|afterwards)\b|之后|以后|然后|后来", re.IGNORECASE)
_EARLIER = re.compile(r"之前|以前")


@lru_cache(maxsize=1_024)
def causes(text: str) -> tuple[tuple[str, str], ...]:
    """Return what a text states as (cause, effect)."""
    return _parts(text, ((_BECAUSE, False, True), (_THEREFORE, True, False)))


@lru_cache(maxsize=1_024)
def order(text: str) -> tuple[tuple[str, str], ...]:
    """Return what a text states as (what was first, what came after it)."""
    return _parts(text, ((_AFTER, False, True), (_BEFORE, True, True), (_THEN, True, False), (_EARLIER, False, False)))


def _parts(text: str, cues: tuple[tuple[re.Pattern[str], bool, bool], ...]) -> tuple[tuple[str, str], ...]:
    """Return the two parts around each cue; `forward` cues stand behind the first of them.

    A sentence may begin with a cue that is `fronted`, and has both parts behind it: "Because it rained, we stayed in."
    """
    found = []
    for sentence in _SENTENCE.split(text):
        for cue, forward, fronted in cues:
            match = cue.search(sentence)
            if match:
                before, after = sentence[: match.start()], sentence[match.end() :]
                if fronted and not before.strip():
                    after, _, before = after.replace("，", ",").partition(",")
                found.append((before, after) if forward else (after, before))
    return tuple(found)
