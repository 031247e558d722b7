"""Memories as lines of a prompt: one memory, one line, whatever its fields say.

    - [2025-01-10 to 2025-02-01] Anna lives in Porto. (source: conversation; conversation: c1; from: notes.txt)

A line has the day since when the memory holds, the day until when if it ended, the text, and in brackets where it comes
from: its `source`, the knowledge `base` it was found in, its `conversation_id`, the role of who said it unless that was
the user, and those of its `sources` that are texts, or passages of documents. What is not known is left out.

Fields are written so that none can end its line, look like another part of it, or close what the line stands in:

| in a field | is written |
|---|---|
| a backslash | `\\\\` |
| a line end, a tab | `\\n`, `\\r`, `\\t` |
| other control characters, separators, marks of direction, letters that nobody sees | `\\u2028`, `\\U000e0041` |
| `<` where a tag could begin, `>` after `]]` | `\\u003c`, `\\u003e` |
| `(`, full-width too, before `source:` and the other names in a text, however these are written | `\\u0028` |
| `(`, `)` and `;` in what stands in the last brackets | `\\u0028`, `\\u0029`, `\\u003b` |

Read back, backslashes mean what they mean in a Python string.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from typing import Any

from treemem.items import TextualMemoryItem
from treemem.zones import local

#: Besides control characters and separators: bidirectional controls, what has no width, fillers, marks of annotations,
#: and tags, which are letters that nobody sees. What joins letters and emoji (U+200C, U+200D) stays.
_HIDDEN = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e007f"
)
#: What looks like an opening bracket.
_OPENING = r"(\uff08\ufe59\ufe35\u207d\u208d\u2768\u27ee\u2985"
#: One before a word that may be the name of a field, and what may be its colon.
_BRACKET = rf"[{_OPENING}](?=\s*+(?P<word>[sScCrRfFbB\x80-\U0010ffff]\S{{0,39}})\s*+(?P<next>\S?))"
_JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
_NAMED = re.compile(r"(?:source|base|conversation|role|from)[:\u2236\ua789]")
#: What is not to be seen, or ends a line.
_UNSEEN = rf"\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_HIDDEN}"
_UNSAFE = rf"[{_UNSEEN}]|<(?=[A-Za-z/!?|])|(?<=\]\])>"  # the last two open or close something around it
#: What stays as it is, taken in stretches: between two of them other threads run.
_PLAIN = rf"(?P<plain>[^{_UNSEEN}<>{_OPENING});]{{1,4096}}+|[<>{_OPENING});])"
_IN_TEXT = re.compile(f"{_UNSAFE}|{_BRACKET}|{_PLAIN}")
_IN_BRACKETS = re.compile(f"{_UNSAFE}|[();]|{_PLAIN}")
_SHORT = {"\\": r"\\", "\n": r"\n", "\r": r"\r", "\t": r"\t"}


def rough_tokens(text: str) -> int:
    """Return about how many tokens a language model sees in a text: a quarter of its UTF-8 bytes, rounded up."""
    return -(-len(text.encode()) // 4)


def context_line(item: TextualMemoryItem) -> str:
    """Return a memory as one line: since when it holds, until when if it ended, its text, where it comes from."""
    since, until = item.metadata.valid_from, item.metadata.valid_to
    dates = _day(since) + ("" if until is None else f" to {_day(until)}")
    text = _IN_TEXT.sub(_escaped, item.memory.strip())
    origin = "; ".join(f"{name}: {_IN_BRACKETS.sub(_escaped, value)}" for name, value in _origin(item))
    return f"- [{dates}] {text}" + (f" ({origin})" if origin else "")


def _day(moment: datetime | None) -> str:
    return "" if moment is None else local(moment).date().isoformat()


def _origin(item: TextualMemoryItem) -> list[tuple[str, str]]:
    metadata = item.metadata
    base = getattr(item, "knowledge_base", None) or ""
    parts = [("source", metadata.source or ""), ("base", base), ("conversation", metadata.conversation_id or "")]
    role = next((s.get("role") for s in metadata.sources if isinstance(s, dict)), None)
    parts += [("role", role)] if isinstance(role, str) and role != "user" else []
    parts += [("from", source) for source in metadata.sources if isinstance(source, str)]
    parts += [("from", _place(s)) for s in metadata.sources if isinstance(s, dict) and s.get("type") == "passage"]
    return [(name, value) for name, value in parts if value]


def _place(source: dict[str, Any]) -> str:
    """Return the document that a passage is from, and its page where it has pages: "guide.pdf, page 3"."""
    name = source.get("name") or source.get("document_id")
    page = source.get("page")
    return (str(name) if name else "") + (f", page {page}" if isinstance(page, int) else "")


def _escaped(found: re.Match[str]) -> str:
    """Return a character as it is written in a Python string; what is plain and a bracket before other words stay."""
    character = found.group()
    if found["plain"]:
        return character
    if character in _SHORT:
        return _SHORT[character]
    if found.re is _IN_TEXT and found["word"] is not None and not _names_a_field(found["word"] + found["next"]):
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _names_a_field(said: str) -> bool:
    """Return whether what stands behind a bracket reads as the name of a field of the line."""
    plain = unicodedata.normalize("NFKC", _JOINERS.sub("", said)).casefold()
    return _NAMED.match(plain) is not None
