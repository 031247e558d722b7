"""Who uses a memory: what a caller sees and may change, decided state by state.

The rules (docs/architecture.md has them as a table of verbs):

- a caller sees public states, private ones of its user or of nobody, and those of its session;
- a caller changes a state it sees if that is its own or nobody's; whose it is and who sees it is the owner's to say;
- a caller writes as itself; a session without a user writes for the session.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from treemem.changes import State
from treemem.errors import InvalidInputError, MemoryNotFoundError, NotAllowedError
from treemem.filters import Filter, passes, visible_to
from treemem.forks import cached

#: The fields that say whose a memory is and who sees it.
OWNERSHIP = ("user_id", "session_id", "visibility")
#: Fields that say whose a memory is, which what is made of it has too.
WHOSE = (*OWNERSHIP, "agent_id", "app_id")


@dataclass(frozen=True)
class Caller:
    """A user, a session, both, or neither: without either it is whoever opened the memory, and sees everything."""

    user_id: str | None = None
    session_id: str | None = None

    def __bool__(self) -> bool:
        return self.user_id is not None or self.session_id is not None

    def __str__(self) -> str:
        parts = [f"user {self.user_id!r}" if self.user_id is not None else ""]
        parts += [f"session {self.session_id!r}" if self.session_id is not None else ""]
        return " in ".join(part for part in parts if part) or "whoever opened the memory"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the user and the session as they stand in a request, none of whoever opened the memory."""
        return (self.user_id or "", self.session_id or "") if self else ()

    @cached
    def visible(self) -> Filter | None:
        """The filter that every state the caller sees passes; None where everything is seen."""
        return visible_to(self.user_id, self.session_id)

    def sees(self, state: State) -> bool:
        """Return whether the caller sees a state."""
        return passes(self.visible, state)

    def owns(self, state: State) -> bool:
        """Return whether the caller may change a state: one it sees that is its own or nobody's."""
        return not self or (self.sees(state) and state.fields.get("user_id") in (None, self.user_id))

    def owns_all_it_sees(self, history: Iterable[State]) -> bool:
        """Return whether nothing that a memory is known to say, of what the caller sees, is somebody else's."""
        return all(map(self.owns, (s for s in history if s.closed_by is None and self.sees(s))))

    def require_whole_cube(self, verb: str) -> None:
        """Raise NotAllowedError for a caller: the verb is about all that a cube holds."""
        if self:
            raise NotAllowedError(
                f"{verb}: is about the whole cube, and this view is that of {self}; ask whoever opened the memory"
            )

    def require_own(self, cube: str, memory_id: str, states: Iterable[State]) -> None:
        """Raise MemoryNotFoundError if the caller sees none of a memory's states, NotAllowedError if one that it sees
        is somebody else's.
        """
        if not self:
            return
        seen = [state for state in states if self.sees(state)]
        if not seen:
            raise MemoryNotFoundError(f"no memory {memory_id!r} in cube {cube!r}; add() makes one")
        if not all(map(self.owns, seen)):
            raise NotAllowedError(f"memory {memory_id!r} belongs to somebody else; {self} may read it, not change it")

    def require_all_own(self, cube: str, memory_id: str, states: Iterable[State]) -> None:
        """Raise as `require_own` does, and NotAllowedError if there are states that the caller does not see."""
        if not self:
            return
        many = list(states)
        self.require_own(cube, memory_id, many)
        if not all(map(self.owns, many)):
            raise NotAllowedError(f"memory {memory_id!r} is not {self}'s alone; ask whoever opened the memory")

    def signed(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return the metadata of something new as the caller's own, where it names no owner.

        What is private of no user is everybody's: a session without a user adds for the session. Raises NotAllowedError
        where another user or session is named, InvalidInputError for what such a session would keep private.
        """
        own = {"user_id": self.user_id, "session_id": self.session_id}
        own = {name: value for name, value in own.items() if value is not None}
        given = {name: value for name, value in fields.items() if not (name in own and value is None)}
        signed = {**own, **given}
        if self:
            self._require_self(signed, "add")
        if self and self.user_id is None:
            visibility = signed.setdefault("visibility", "session")
            if visibility == "private":
                raise InvalidInputError(
                    f"visibility: 'private' wants a user, {self} has none, and what is private of nobody is seen by "
                    "everybody; use 'session', or call as a user too"
                )
        return signed

    def require_same_owner(self, before: State, fields: Mapping[str, Any]) -> None:
        """Raise NotAllowedError if new content changes whose a memory is, or who sees it, without being the owner."""
        if not self or owners_of(before.fields) == owners_of(fields):
            return
        if self.user_id is None or before.fields.get("user_id") != self.user_id:
            raise NotAllowedError(
                f"memory {before.memory_id!r}: {', '.join(OWNERSHIP)} are changed by its owner alone, not by {self}"
            )
        self._require_self(fields, "update")

    def _require_self(self, fields: Mapping[str, Any], verb: str) -> None:
        for name, own in (("user_id", self.user_id), ("session_id", self.session_id)):
            value = fields.get(name)
            wanted = name == "user_id" or own is not None
            if wanted and value is not None and value != own:
                raise NotAllowedError(f"{verb}: {name} {value!r} is not this caller's; {self} writes as itself alone")


def owners_of(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return whose a memory is and who sees it, by its fields: those with equal ones are seen by the same callers."""
    return tuple(fields.get(name, "private" if name == "visibility" else None) for name in OWNERSHIP)


def check_session(fields: Mapping[str, Any]) -> None:
    """Raise InvalidInputError for a memory of a session that names none: nobody could ever see it."""
    if fields.get("visibility") == "session" and fields.get("session_id") is None:
        raise InvalidInputError(
            "visibility: 'session' wants a session_id, found none; name the session, or use 'private'"
        )
