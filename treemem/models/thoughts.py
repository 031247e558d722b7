"""What a model thinks aloud, in `<think>` blocks, is no part of what it answers."""

from __future__ import annotations

import re

#: Tags around what a model thinks before, or after, it answers.
_THINK = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_THOUGHT = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_NO_SPACE = re.compile(r"\S")
_LAST_THOUGHT = re.compile(r"</think(?:ing)?>\Z", re.IGNORECASE)
#: The longest tag, and so how much of a stream has to be seen to tell one.
_TAG = len("</thinking>")


def without_thoughts(text: str) -> str:
    """Return an answer that is JSON without blocks `<think>...</think>` before or after it.

    `<thinking>` and capitals are the same. Some servers leave the first tag out; a block that does not end holds no
    answer.
    """
    start = _begin(text, 0)
    while not text.startswith(("{", "[", "```"), start):
        end = _THOUGHT.search(text, start)
        if end is None:
            return "" if _THINK.match(text, start) else text[start:].strip()
        start = _begin(text, end.end())
    bare = text[start:].strip()
    last = _LAST_THOUGHT.search(bare)
    if last is not None:
        begins = [tag.start() for tag in _THINK.finditer(bare)]
        bare = bare[: begins[-1]].strip() if begins else bare
    return bare


def _begin(text: str, start: int) -> int:
    """Return where white space from `start` on ends."""
    end = _NO_SPACE.search(text, start)
    return len(text) if end is None else end.start()


class Spoken:
    """Takes the pieces of a text that is said in words, and gives back what is no thought.

    Blocks at its beginning are passed over, with the white space around them; what looks like one later is text.
    """

    def __init__(self) -> None:
        self._held = ""
        self._thinking = False
        self._begun = False

    def take(self, piece: str) -> str:
        """Return what of the text so far can be said now, and was not yet."""
        if self._begun:
            return piece
        self._held += piece
        while True:
            if self._thinking:
                end = _THOUGHT.search(self._held)
                if end is None:
                    self._held = self._held[-_TAG:]
                    return ""
                self._thinking, self._held = False, self._held[end.end() :]
            self._held = self._held.lstrip()
            begin = _THINK.match(self._held)
            if begin is not None:
                self._thinking, self._held = True, self._held[begin.end() :]
            elif _may_begin(self._held):
                return ""
            else:
                return self.end()

    def end(self) -> str:
        """Return what was held back and is no thought."""
        said = "" if self._thinking else self._held
        self._begun, self._held = True, ""
        return said


def spoken(text: str) -> str:
    """Return a text that is said in words, without what was thought before it."""
    words = Spoken()
    return (words.take(text) + words.end()).strip()


def _may_begin(text: str) -> bool:
    """Return whether a text is empty, or may be the beginning of a tag."""
    return len(text) < _TAG and any(tag.startswith(text.lower()) for tag in ("<think>", "<thinking>"))
