"""LangGraph on a memory (extra `langgraph`): a store for what graphs keep across threads, and a checkpointer.

Both are thin modules over the verbs of a `TreeTextMemory`; their asynchronous methods run the same verbs in threads, as
AsyncTreeTextMemory does. A name is imported when it is first used.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
