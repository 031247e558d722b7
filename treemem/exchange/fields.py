"""Values as the fields of tables that `neo4j-admin` reads: lists as one text, times as ISO 8601."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from treemem.exchange.placing import instant, numbers

#: What stands between the members of a list: the unit separator.
BETWEEN = "\x1f"


def listed(kind: str, value: Any) -> Any:
    """Return a value of a column; a list and a time are texts, what is null is None."""
    if value is None:
        return None
    if kind == "float[]":
        return numbers(value, BETWEEN)
    if kind == "string[]":
        return BETWEEN.join(value)
    return instant(value) if isinstance(value, datetime) else value
