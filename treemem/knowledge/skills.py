"""memory.skills: how something is done, as a SKILL.md: added, imported, exported, found in what was repeated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from treemem.caller import OWNERSHIP
from treemem.changes import EdgeType, State
from treemem.checks import shown, within
from treemem.contents import SKILL_TYPE, is_skill
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryNotFoundError
from treemem.exchange import files
from treemem.filters import joined, of_types
from treemem.ingest.skills import LONGEST, SkillText, read_skill, written
from treemem.knowledge.repeated import SkillPlan, SkillProposal, proposed
from treemem.read.states import VISIBLE, batched, each_page, edges_at
from treemem.records import Skill
from treemem.signatures import checked_verbs
from treemem.temporal import Moment, TimeLike, parse_time
from treemem.write.intent import Intent
from treemem.write.skilled import write_skill

#: The file of a skill in its folder.
FILE = "SKILL.md"


@checked_verbs
class Skills:
    """How something is done: a name, what it is for, steps, examples; use `memory.skills`.

    A skill is a memory of type SkillMemory whose text is its whole SKILL.md, so that searches find it, `history` has
    its versions, and it is exported as it was imported. Each user has one skill of a name.
    """

    def __init__(self, context: Context) -> None:
        """Use `memory.skills`."""
        self._ctx = context

    @property
    def zone(self) -> str | None:
        """The zone of the memory, in which times without one are read."""
        return self._ctx.config.zone

    def add(
        self,
        name: str,
        description: str,
        steps: Sequence[str],
        *,
        examples: Sequence[str] = (),
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> str:
        """Store a skill and return its id; where its owner has one of that name, this is its next version.

        Raises InvalidInputError, NotAllowedError.
        """
        start = None if at is None else parse_time(at, "at")
        skill = written(name, description, _several(steps, "steps"), _several(examples, "examples"))
        return write_skill(self._ctx, skill, start, Intent(operation_id, actor, reason))

    def import_(
        self,
        path: str | Path,
        *,
        at: TimeLike | None = None,
        operation_id: str | None = None,
        actor: str | None = None,
        reason: str | None = None,
    ) -> str:
        """Store a SKILL.md, or the one in a folder, and return its id; the next version where its name is known.

        In front it has `name` and `description` as YAML between lines of dashes. It is kept as it stands. Raises
        InvalidInputError, ConfigError where PyYAML is missing.
        """
        start = None if at is None else parse_time(at, "at")
        file = files.as_path(path, "path")
        file = file / FILE if files.is_folder(file) else file
        try:
            text = files.read(file, 4 * LONGEST).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInputError(f"{file}: is no UTF-8") from error
        return write_skill(self._ctx, read_skill(text, str(file)), start, Intent(operation_id, actor, reason))

    def export(self, name: str, path: str | Path | None = None, *, as_of: TimeLike | None = None) -> str:
        """Return the SKILL.md of a skill, by its name or id, and write it into a file or a folder where one is given.

        It is what was imported, byte for byte. A file that is there is replaced, a symbolic link is refused. Raises
        MemoryNotFoundError, InvalidInputError, StoreFullError.
        """
        text = self.get(name, as_of=as_of).text
        if path is not None:
            file = files.as_path(path, "path")
            file = file / FILE if files.is_folder(file) else file
            files.write_together(file.parent, {file.name: lambda out: out.write(text.encode())})
        return text

    def list(self, *, as_of: TimeLike | None = None) -> tuple[Skill, ...]:
        """Return the skills that the caller sees, by name."""
        moment = self._ctx.moment(as_of)
        where = joined(of_types([SKILL_TYPE]), self._ctx.visible)
        states = [s for page in each_page(self._ctx, moment, VISIBLE, where=where) for s in page.states]
        return _told(self._ctx, [s for s in states if is_skill(s.fields)], moment)

    def get(self, name: str, *, as_of: TimeLike | None = None) -> Skill:
        """Return a skill by its name or id; of several of that name the caller's own. Raises MemoryNotFoundError."""
        found = [skill for skill in self.list(as_of=as_of) if name in (skill.id, skill.name)]
        own = self._ctx.caller.user_id
        found.sort(key=lambda skill: (skill.id != name, skill.user_id != own, skill.id))
        if not found:
            raise MemoryNotFoundError(f"no skill {name!r} in cube {self._ctx.cube!r}; skills.list() has them")
        return found[0]

    def propose(self, *, times: int = 3) -> SkillPlan:
        """Return the skills that procedures would make which were repeated: nothing is written.

        A procedure is the same tools, two to eight, called in the same order within one turn of a conversation, with
        success each, in as many conversations of one owner as `times` says. Where a longer one was done as often, only
        that is proposed. One whose name its owner has, or has deleted, is left out.
        """
        within("times", times, 1, 1_000_000)
        return SkillPlan(self._ctx.cube, tuple(proposed(self._ctx, times)))

    def apply(self, plan: SkillPlan, *, actor: str | None = None, reason: str | None = None) -> Sequence[str]:
        """Store the skills of a plan and return their ids; each belongs to whose conversations it was found in.

        It is DERIVED_FROM the calls that it rests on, and hidden or erased with any of them. Applying again changes
        nothing. Raises InvalidInputError, MemoryNotFoundError where a call is gone, NotAllowedError.
        """
        ctx = self._ctx
        if not isinstance(plan, SkillPlan) or plan.cube != ctx.cube:
            raise InvalidInputError(f"plan: wanted a SkillPlan of cube {ctx.cube!r}, as skills.propose() returns it")
        skills = _checked(plan)
        for each in plan.proposals:
            _require_there(ctx, each.evidence)
        return [
            write_skill(
                ctx,
                skill,
                None,
                Intent(None, actor, reason),
                owner={n: v for n, v in zip(OWNERSHIP, each.whose, strict=True) if v is not None},
                evidence=each.evidence,
            )
            for each, skill in zip(plan.proposals, skills, strict=True)
        ]


def _checked(plan: SkillPlan) -> Sequence[SkillText]:
    """Return the skills of a plan, which may have been changed by hand. Raises InvalidInputError."""
    proposals = plan.proposals
    if not isinstance(proposals, tuple) or not all(isinstance(each, SkillProposal) for each in proposals):
        raise InvalidInputError(f"plan: wanted proposals as skills.propose() returns them, found {shown(proposals)}")
    skills = []
    for each in proposals:
        if not isinstance(each.whose, tuple) or len(each.whose) != len(OWNERSHIP):
            raise InvalidInputError(f"plan: wanted whose as skills.propose() returns it, found {shown(each.whose)}")
        skills.append(written(each.name, each.description, _several(each.steps, "steps")))
    named = [(each.whose, skill.name) for each, skill in zip(proposals, skills, strict=True)]
    twice = next((name for whose, name in named if named.count((whose, name)) > 1), None)
    if twice is not None:
        raise InvalidInputError(f"plan: two proposals are called {twice!r}; give one of them another name")
    return skills


def _require_there(ctx: Context, ids: Sequence[str]) -> None:
    """Raise MemoryNotFoundError for a call that is gone or not to be seen, NotAllowedError if it is somebody else's."""
    known: dict[str, list[State]] = {memory_id: [] for memory_id in ids}
    for batch in batched(ids):
        for state in ctx.store.known(ctx.cube, batch):
            known[state.memory_id].append(state)
    for memory_id, states in known.items():
        ctx.caller.require_own(ctx.cube, memory_id, states)
        if all(state.fields["status"] == "deleted" for state in states):
            raise MemoryNotFoundError(f"a call that the plan rests on is gone: {memory_id!r}; propose() again")


def _told(ctx: Context, states: Sequence[State], moment: Moment) -> tuple[Skill, ...]:
    """Return skills by name, with what they rest on as far as the caller sees it."""
    edges = edges_at(ctx, [s.memory_id for s in states], [EdgeType.DERIVED_FROM], moment, "out", None) if states else []
    ends = sorted({edge.target for edge in edges})
    found = [s for batch in batched(ends) for s in ctx.store.states(ctx.cube, batch, moment, statuses=None)]
    seen = {s.memory_id for s in found if ctx.caller.sees(s) and s.fields["status"] != "deleted"}
    sources = {s.memory_id: [e.target for e in edges if e.source == s.memory_id and e.target in seen] for s in states}
    made = [Skill.of(s, sorted(sources[s.memory_id])) for s in states]
    return tuple(sorted(made, key=lambda skill: (skill.name, skill.id)))


def _several(texts: Sequence[str], field: str) -> Sequence[str]:
    """Return texts that were given as a list; a single one is refused, it would be taken for its letters."""
    if isinstance(texts, str) or not isinstance(texts, Sequence):
        raise InvalidInputError(f"{field}: wanted a list of texts, found {shown(texts)}")
    return texts
