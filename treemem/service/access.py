"""Who may call a service: a key opens one project, with rights.

A project is a wall: what a key can reach, and every user named in its requests, lies inside its project.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from treemem.checks import shown
from treemem.errors import InvalidInputError
from treemem.ids import base_name

#: What a key may do: ask, change, and manage what belongs to the whole project (knowledge bases).
RIGHTS = ("read", "write", "admin")
#: A project's name is the name of a cube, so it has no colon: cubes of its knowledge bases are called project:kb:id.
_PROJECT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


def checked_project(name: str) -> str:
    """Return a project's name as it is. Raises InvalidInputError."""
    if not isinstance(name, str) or not _PROJECT.fullmatch(name):
        raise InvalidInputError(f"project: wanted 1 to 64 letters, digits, '.', '_' or '-', found {shown(name)}")
    if base_name(name) is not None:
        raise InvalidInputError(f"project: {name!r} is called as a knowledge base of another cube is")
    return name


@dataclass(frozen=True, slots=True)
class Access:
    """What a key opens: a project, and what may be done in it. Raises InvalidInputError."""

    project: str
    rights: frozenset[str]

    def __post_init__(self) -> None:
        checked_project(self.project)
        unknown = sorted(self.rights - set(RIGHTS))
        if unknown or not self.rights:
            raise InvalidInputError(f"rights: wanted some of {', '.join(RIGHTS)}, found {unknown or 'none'}")


class Keys(Protocol):
    """Tells what a key opens."""

    def access(self, token: str) -> Access | None:
        """Return what the key opens, None for a key that is unknown, or valid no more. May block."""
        ...


class FixedKeys:
    """Keys that are given when the service starts, as a mapping from key to access."""

    def __init__(self, mapping: Mapping[str, Access]) -> None:
        self._keys = [(key.encode(), access) for key, access in mapping.items()]

    def access(self, token: str) -> Access | None:
        """Return what the key opens. Takes as long for a wrong key as for a right one."""
        given, found = token.encode("utf-8", "replace"), None
        for key, access in self._keys:
            if hmac.compare_digest(key, given):
                found = access
        return found


class NoKeys:
    """No keys: whoever reaches the service may do everything in one project. For this machine alone."""

    def __init__(self, project: str = "default") -> None:
        self._access = Access(project, frozenset(RIGHTS))

    def access(self, token: str) -> Access | None:
        """Return the same for everybody; what is given as a key is not looked at."""
        return self._access
