"""What verbs import and build when they are first used, done before the process forks.

Python locks a module while a thread imports it, and pydantic a model while it is built. A child that is forked in that
moment waits for ever for a thread that it has not. So whoever forks waits until the first use is over, or does it.
"""

from __future__ import annotations

import logging
import os


def done_beforehand() -> None:
    """Import and build what adding and searching need; costs nothing when it was done before."""
    from treemem.items import TextualMemoryItem, TreeNodeTextualMemoryMetadata
    from treemem.language.timewords import read_time
    from treemem.search import engine, several
    from treemem.search.results import SearchHit
    from treemem.text import analyse

    del engine, several
    read_time("three days ago", 0)
    analyse("word")
    for model in (TreeNodeTextualMemoryMetadata, TextualMemoryItem, SearchHit):
        model.model_rebuild()


# Hooks run before a fork in the reverse order of their registration. Logging's takes a lock that an import in another
# thread may need, so it must be registered first, which happens when it is imported.
assert logging
if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=done_beforehand)
