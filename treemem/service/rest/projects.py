"""A project: what one key reaches. Its cube, its users as callers, its knowledge bases as cubes beside it.

A cube per project, and in it a caller per user: the three routes that name a memory name no user, so that an id must be
found in the whole project; what is public is one memory and not a copy for each user; and one conversation id of two
users is two conversations, since a log is its caller's. A cube per user would want all three built again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from treemem.errors import MemoryNotFoundError
from treemem.items import TextualMemoryItem
from treemem.memory import TreeTextMemory
from treemem.service.access import Access
from treemem.service.rest.codes import NO_BASE, NO_MEMORY, NO_RIGHT, Refusal

#: What begins the name of a caller that is no user. Users whose ids begin so are told apart by a further prefix.
_AGENT, _USER = "agent/", "user/"
#: The words for all bases of a project.
ALL = "all"


def caller_of(user_id: str) -> str:
    """Return the caller that a user is; no other user, and no agent, is the same one."""
    return _USER + user_id if user_id.startswith((_AGENT, _USER)) else user_id


def user_of(caller: str | None) -> str:
    """Return the user that a caller is, "" for none."""
    return (caller or "").removeprefix(_USER)


@dataclass(frozen=True, slots=True)
class Base:
    """A knowledge base."""

    id: str
    name: str
    description: str


class Project:
    """What a key reaches, over the memory that the service was opened with."""

    def __init__(self, memory: TreeTextMemory, access: Access) -> None:
        self._memory = memory
        self.name = access.project
        self._rights = access.rights
        self.whole = memory.cube(access.project)

    def require(self, right: str) -> None:
        """Raise Refusal where the key lacks a right."""
        if right not in self._rights:
            raise Refusal(NO_RIGHT, f"this key may {', '.join(sorted(self._rights))} and not {right}")

    def of_user(self, user_id: str) -> TreeTextMemory:
        """Return the memory as a user sees it."""
        return self.whole.for_caller(caller_of(user_id))

    @staticmethod
    def owned_by(user_id: str) -> dict[str, Any]:
        """Return the filter for what is a user's own."""
        return {"user_id": caller_of(user_id)}

    def of_agent(self, agent_id: str) -> TreeTextMemory:
        """Return the memory as an agent that speaks for no user sees it."""
        return self.whole.for_caller(_AGENT + agent_id)

    # ---- Knowledge bases --------------------------------------------------------------------------------------------

    @property
    def registry(self) -> TreeTextMemory:
        """The cube with one memory a knowledge base."""
        return self._memory.cube(f"{self.name}:bases")

    def bases(self) -> list[Base]:
        """Return the knowledge bases of the project."""
        items = [item for page in self.registry.pages() for item in page.items]
        return [Base(i.id, i.memory, str(i.metadata.info.get("description") or "")) for i in items]

    def base(self, base_id: str, code: int = NO_BASE) -> TreeTextMemory:
        """Return the cube of a knowledge base; raise Refusal with this code where the project has none of this id."""
        try:
            self.registry.get(base_id)
        except (MemoryNotFoundError, ValueError):
            raise Refusal(code, "knowledgebase_id: this project has no such knowledge base") from None
        return self.cube_of(base_id)

    def cube_of(self, base_id: str) -> TreeTextMemory:
        """Return the cube of a knowledge base that the project has."""
        return self._memory.cube(f"{self.name}:kb:{base_id}")

    def searched(self, base_ids: list[str] | None, code: int = NO_BASE) -> list[TreeTextMemory]:
        """Return the bases that a request names: none, some by id, or all. Raises Refusal."""
        if not base_ids:
            return []
        if base_ids == [ALL]:
            return [self.cube_of(base.id) for base in self.bases()]
        return [self.base(each, code) for each in base_ids]

    # ---- Memories by id ---------------------------------------------------------------------------------------------

    def cubes(self) -> Iterator[TreeTextMemory]:
        """Yield all cubes of the project, its own first."""
        yield self.whole
        for base in self.bases():
            yield self.cube_of(base.id)

    def found(self, memory_id: str) -> tuple[TreeTextMemory, TextualMemoryItem]:
        """Return a memory by its id, with the cube it lies in. Raises Refusal."""
        for cube in self.cubes():
            try:
                return cube, cube.get(memory_id)
            except (MemoryNotFoundError, ValueError):
                continue
        raise Refusal(NO_MEMORY, "memory_id: this project has no such memory")
