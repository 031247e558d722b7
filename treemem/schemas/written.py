"""JSON as a text in which nothing hides: no character of it steers a terminal, turns a line round, or is invisible."""

from __future__ import annotations

import json
import re
from typing import Any

#: Characters that steer a terminal or hide in a line: C0 and C1 controls but for line feed and tab, DEL, bidi controls,
#: other invisible ones (soft hyphen, zero width space, tags), line separators, halves of surrogate pairs. Joiners stay,
#: which Persian and Indic words and emoji need.
STEERING = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def as_json(value: Any) -> str:
    """Return JSON on one line, readable in any script, with the characters that steer or hide escaped."""
    return STEERING.sub(lambda found: json.dumps(found[0])[1:-1], json.dumps(value, ensure_ascii=False))
