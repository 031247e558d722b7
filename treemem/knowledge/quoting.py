"""What a purge in a knowledge base erases outside it: answers of chats that were shown what is purged.

A base is a cube of its own, and no edge leads from an answer into it: its `info["used"]` names what it was shown. An
answer that shares a word with that goes with it, stop words apart, as one of the memory's own would.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from treemem.caller import Caller
from treemem.contents import USED
from treemem.context import Context
from treemem.filters import parse
from treemem.ids import derived_id
from treemem.items import STATUSES
from treemem.read.states import each_page
from treemem.temporal import Moment
from treemem.write import closure, purging
from treemem.write.intent import Intent

#: How many memories are looked for in answers at once.
AT_ONCE = 40
#: The kind of name that the operation has which erases answers.
_ANSWERS = "purge_answers"


def purge_answers(ctx: Context, base: str, found: closure.Closure, intent: Intent) -> None:
    """Erase the answers of a cube, whoever asked, that have words of what a purge in a base erases.

    It comes before that purge: cut off in between, the answers are gone, and the purge can be done again.
    """
    whole = replace(ctx, caller=Caller(), usage=None)
    ids = sorted(_quoting(whole, base, found))
    if ids:
        purging.purge(whole, ids, Intent(derived_id(_ANSWERS, base, ctx.now(), *ids), intent.actor, intent.reason))


def _quoting(ctx: Context, base: str, found: closure.Closure) -> Iterable[str]:
    said = closure.words_of(s for i in found.doomed for s in found.histories.get(i, ()))
    if not said:
        return
    ids = sorted(found.doomed)
    for batch in (ids[start : start + AT_ONCE] for start in range(0, len(ids), AT_ONCE)):
        shown = {"or": [{f"info.{USED}": {"contains": f"{base}/{memory_id}"}} for memory_id in batch]}
        for page in each_page(ctx, Moment(ctx.now()), STATUSES, where=parse(shown)):
            for state in page.states:
                if said & closure.forms(str(state.fields["memory"])):
                    yield state.memory_id
