"""Which superseded memories may be closed, rather than flagged by an edge."""

from __future__ import annotations

import re

from treemem.changes import State
from treemem.judge.facts import said_in

#: Characters up to which a superseded memory is closed.
LONGEST_CLOSED = 120
#: What a further clause begins with that says something of its own.
_SPEAKS_OF_MORE = re.compile(
    r"(?:I|[Ww]e|[Hh]e|[Ss]he|[Ii]t|[Tt]hey|[Yy]ou|[Mm]y|[Oo]ur|[Tt]he|[Tt]h(?:is|at|ere|ese|ose)|[A-Z])\b|[A-Z]|[我他她它你这那]"
)


def closes(state: State) -> bool:
    """Return whether a superseded memory is closed: only one short statement that says nothing else of anybody.

    The others are flagged by the edge.
    """
    text = str(state.fields["memory"]).strip()
    if len(text) > LONGEST_CLOSED:
        return False
    first, *more = said_in(text).tolerant or ("",)
    return bool(first) and not any(_SPEAKS_OF_MORE.match(clause) for clause in more)
