"""What a server is bound to, once, where it is made."""

from __future__ import annotations

from dataclasses import dataclass

from treemem.memory import TreeTextMemory


@dataclass(frozen=True, slots=True)
class Binding:
    """A memory, as its caller sees it, and what a client may do with it.

    A `read_only` server has no tools that write. `purge` is there where `allow_purge` says so. `user_id` tells whose
    view the memory is, where it is that of a user. With `memos_names` the tools are listed under the names that the
    servers of MemOS have for them, too.
    """

    memory: TreeTextMemory
    read_only: bool = False
    allow_purge: bool = False
    user_id: str | None = None
    memos_names: bool = False
