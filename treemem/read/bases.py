"""Knowledge bases: cubes of documents that belong to another cube, each with a policy of who may read it.

The base "handbook" of the cube "shop" is the cube "shop.kb.handbook". Its policy is a memory in it, so that the policy
has a history, is in its archives, and goes when it goes. Who may read a base reads all of it; who may not is told that
there is none. What counts is the policy as it is now, at whatever moment a search looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from treemem.caller import Caller
from treemem.changes import State
from treemem.contents import BASE, origin_of
from treemem.context import Context
from treemem.errors import MemoryNotFoundError, NotAllowedError
from treemem.ids import base_cube, base_name
from treemem.records import KnowledgeBase
from treemem.temporal import from_micros

#: The memory of a base that holds its policy.
POLICY = "knowledge-base"
#: The free field in which it stands there.
FIELD = "knowledge_base"


@dataclass(frozen=True, slots=True)
class Policy:
    """Whose a base is and who may read it: its owner, its `readers`, or every caller.

    Without an owner it belongs to whoever opens the memory.
    """

    name: str
    cube: str
    description: str
    owner: str | None
    readers: tuple[str, ...]
    everyone: bool
    since: int

    @classmethod
    def of(cls, cube: str, state: State) -> Policy:
        """Return the policy that a state of a base's policy says."""
        said: Mapping[str, Any] = state.fields["info"][FIELD]
        return cls(
            base_name(cube) or cube,
            cube,
            said["description"],
            said["owner"],
            tuple(said["readers"]),
            said["everyone"],
            state.valid_from,
        )

    def shown_to(self, caller: Caller) -> bool:
        """Return whether a caller may read the base."""
        return self.owned_by(caller) or self.everyone or caller.user_id in self.readers

    def owned_by(self, caller: Caller) -> bool:
        """Return whether a caller may write to the base, and say who reads it."""
        return not caller or (caller.user_id is not None and caller.user_id == self.owner)

    def told(self, caller: Caller) -> KnowledgeBase:
        """Return the base as a record; who else may read it is told to those alone whose it is."""
        readers = self.readers if self.owned_by(caller) else ()
        since = from_micros(self.since)
        return KnowledgeBase(self.name, self.cube, self.description, self.owner, readers, self.everyone, since)


def policy_of(ctx: Context, name: str) -> Policy | None:
    """Return the policy of a base by its name as it is now, whoever asks; None where there is no such base."""
    return _policy(ctx, base_cube(ctx.cube, name))


def _policy(ctx: Context, cube: str) -> Policy | None:
    info = ctx.store.cube(cube)
    if info is None or info.loading is not None:  # what is loaded of a policy may not be the last of it
        return None
    known = [s for s in ctx.store.known(cube, [POLICY]) if origin_of(s.fields).get("type") == BASE]
    last = max(known, key=lambda state: state.valid_from, default=None)
    if last is None or last.fields["status"] == "deleted" or not _is_policy((last.fields.get("info") or {}).get(FIELD)):
        return None
    return Policy.of(cube, last)


def _is_policy(said: Any) -> bool:
    """Return whether what stands in a policy is one: whoever opened the memory may have written there by hand."""
    if not isinstance(said, Mapping):
        return False
    readers, owner = said.get("readers"), said.get("owner")
    names = isinstance(readers, (list, tuple)) and all(isinstance(each, str) for each in readers)
    told = isinstance(said.get("description"), str) and isinstance(said.get("everyone"), bool)
    return names and told and (owner is None or isinstance(owner, str))


def bases_of(ctx: Context) -> dict[str, Policy]:
    """Return the policies of this cube's bases by name, whoever asks."""
    start = base_cube(ctx.cube, "-")[:-1]
    named = [info.id for info in ctx.store.cubes() if info.id.startswith(start) and base_name(info.id)]
    mine = [cube for cube in named if cube == start + str(base_name(cube))]
    return {policy.name: policy for cube in sorted(mine) if (policy := _policy(ctx, cube)) is not None}


def readable(ctx: Context, name: str) -> Policy:
    """Return the policy of a base that the caller may read; raises MemoryNotFoundError where there is none."""
    policy = policy_of(ctx, name)
    if policy is None or not policy.shown_to(ctx.caller):
        raise MemoryNotFoundError(
            f"no knowledge base {name!r} of cube {ctx.cube!r}; knowledge_bases.list() has them, make() makes one"
        )
    return policy


def owned(ctx: Context, name: str) -> Policy:
    """Return the policy of a base that the caller may write to. Raises MemoryNotFoundError, NotAllowedError."""
    policy = readable(ctx, name)
    if not policy.owned_by(ctx.caller):
        raise NotAllowedError(
            f"knowledge base {name!r} belongs to somebody else; {ctx.caller} may read it, not change it"
        )
    return policy


def inside(ctx: Context, policy: Policy) -> Context:
    """Return the context of a base for somebody who may read it: nothing in it is hidden, nothing beyond reached.

    What is in a base belongs to the base; who may change it is asked before.
    """
    return replace(ctx, cube=policy.cube, caller=Caller(), walled=True, usage=None)


def attached(ctx: Context, names: str | Sequence[str] | None) -> dict[str, str]:
    """Return the bases that a search names, by their cubes. Raises MemoryNotFoundError, InvalidInputError."""
    wanted = [] if names is None else [names] if isinstance(names, str) else list(names)
    return {policy.cube: policy.name for policy in (readable(ctx, name) for name in wanted)}
