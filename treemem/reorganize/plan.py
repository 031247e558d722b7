"""A plan: typed actions with their reasons, to read, edit, keep as JSON, and apply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from treemem.changes import EdgeType
from treemem.checks import among, shown
from treemem.errors import InvalidInputError
from treemem.ids import checked_id, derived_id
from treemem.items import validated
from treemem.storable import check_json, checked_text, half_character, storable
from treemem.temporal import END
from treemem.text import caption

#: Characters of a reason that is made of what a model or a memory says.
_MAX_REASON = 500


class ActionKind(StrEnum):
    """What an action does."""

    DEDUPLICATE = "deduplicate"
    MERGE = "merge"
    SUPERSEDE = "supersede"
    CONTRADICT = "contradict"
    RELATE = "relate"
    GROUP = "group"
    SPLIT = "split"
    JOIN = "join"
    ARCHIVE = "archive"
    EXPIRE = "expire"
    PROMOTE = "promote"
    ACTIVATE = "activate"


#: How many memories an action is about, at least and at most.
_ONE, _TWO, _SOME = (1, 1), (2, 2), (2, 1_000_000)
_SIZES: dict[ActionKind, tuple[int, int]] = {
    ActionKind.DEDUPLICATE: _SOME,
    ActionKind.MERGE: _SOME,
    ActionKind.SUPERSEDE: _TWO,
    ActionKind.CONTRADICT: _TWO,
    ActionKind.RELATE: _TWO,
    ActionKind.GROUP: _SOME,
    ActionKind.SPLIT: _SOME,
    ActionKind.JOIN: _TWO,
    ActionKind.ARCHIVE: _ONE,
    ActionKind.EXPIRE: _ONE,
    ActionKind.PROMOTE: _ONE,
    ActionKind.ACTIVATE: _ONE,
}
#: The kinds that make an edge of the type which the action names.
OF_AN_EDGE = frozenset({ActionKind.RELATE, ActionKind.CONTRADICT})


def as_reason(text: str) -> str:
    """Return what a model or a memory says as a reason that can be kept: short, on one line, of whole characters."""
    whole = "".join(" " if c == "\x00" or half_character(c) else c for c in text[: 100 * _MAX_REASON])
    return caption(whole, _MAX_REASON)


class Action(BaseModel):
    """One change. `ids` are the memories it touches, `versions` the last version of each when it was planned.

    The first of `ids` is the one that stays (deduplicate), takes the place (supersede), or is the source of the edge;
    `edge` is its type where one is made. A group with a `text` makes a topic of its `ids`; one without puts the others
    below the first. A split puts all but the first below a new topic, which comes below the first; a join moves what is
    below the second to the first. `confidence` runs from 0 to 1; `evidence` holds the texts and how each two were
    judged, by rules or a model, with cosine and reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: ActionKind
    ids: tuple[str, ...] = Field(min_length=1)
    versions: dict[str, int]
    reason: str
    confidence: float = Field(ge=0, le=1, allow_inf_nan=False)
    edge: str | None = None
    weight: float = Field(default=1.0, ge=0, le=1, allow_inf_nan=False)
    text: str | None = None
    evidence: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _sound(self) -> Action:
        for memory_id in self.ids:
            checked_id(memory_id, "ids")
        least, most = _SIZES[self.kind]
        found = len(set(self.ids))
        if self.kind is ActionKind.GROUP and self.text is not None:
            least = 1  # a new topic over one memory
        if found != len(self.ids) or not least <= found <= most:
            wanted = str(least) if least == most else f"{least} or more"
            raise InvalidInputError(f"ids: {self.kind} wants {wanted} different ids, found {shown(list(self.ids))}")
        if not self.versions.keys() <= set(self.ids):
            raise InvalidInputError(f"versions: wanted those of {shown(list(self.ids))}, found {shown(self.versions)}")
        for version in self.versions.values():
            if not 0 <= version < 1 << 63:
                raise InvalidInputError(f"versions: wanted numbers from 0, found {shown(version)}")
        if self.edge is not None or self.kind in OF_AN_EDGE:
            _check_edge(self.edge)
        if self.text is not None:
            checked_text(self.text, "text")
        elif self.kind is ActionKind.SPLIT:
            raise InvalidInputError("text: split wants the name of the new topic, found None")
        storable(f"{self.kind}: {self.reason}", "reason")
        check_json(self.evidence, "evidence")
        return self


def _check_edge(edge: object) -> None:
    known = [kind.value for kind in EdgeType if kind is not EdgeType.MENTIONS]
    if edge not in known:
        raise InvalidInputError(f"edge: wanted one of {', '.join(known)}, found {shown(edge)}")


class Plan(BaseModel):
    """What a reorganizer would do to a cube, given what was committed up to `until` (microseconds).

    Nothing is done before it is applied. Print it to read it; `without` drops actions; `to_json` and `from_json` keep
    it. An action's number is its place and stays when others are dropped. Where a language model was asked: how many
    requests, tokens, seconds and what cost they took, and `notes` of what failed or was refused.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    cube: str
    until: int = Field(ge=0, le=END)
    looked_at: int
    notes: tuple[str, ...] = ()
    asked: int = 0
    tokens: int = 0
    seconds: float = 0.0
    cost: float = 0.0
    actions: dict[int, Action]

    @field_validator("id")
    @classmethod
    def _checked_id(cls, value: str) -> str:
        return checked_id(value)

    @field_validator("notes")
    @classmethod
    def _storable_notes(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(storable(note, "notes") for note in value)

    def __len__(self) -> int:
        return len(self.actions)

    def operation(self, number: int) -> str:
        """Return the id of the operation that does an action: the same whenever the plan is applied."""
        return derived_id("reorganize", self.id, number)

    def memory(self, number: int) -> str:
        """Return the id of the memory that an action makes."""
        return derived_id("merged", self.id, number)

    def without(self, numbers: Collection[int]) -> Plan:
        """Return the plan without these actions. Raises InvalidInputError for a number it has not."""
        unknown = sorted(set(numbers) - self.actions.keys())
        if unknown:
            raise InvalidInputError(f"actions: wanted some of {sorted(self.actions)}, found {unknown[0]}")
        return self.model_copy(update={"actions": {n: a for n, a in self.actions.items() if n not in set(numbers)}})

    def only(self, *kinds: str | ActionKind) -> Plan:
        """Return the plan with actions of these kinds alone. Raises InvalidInputError for a kind there is not."""
        wanted = set(among("kinds", kinds, tuple(ActionKind))) if kinds else set()
        return self.without([n for n, action in self.actions.items() if action.kind not in wanted])

    def to_json(self) -> str:
        """Return the plan as JSON."""
        return self.model_dump_json(indent=2)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Return the plan that `to_json` wrote. Raises InvalidInputError."""
        import json

        if not isinstance(text, (str, bytes, bytearray)):
            raise InvalidInputError(f"plan: wanted JSON as a string, found {shown(text)}")
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InvalidInputError(f"plan: no JSON ({shown(str(error))})") from error
        if not isinstance(data, dict):
            raise InvalidInputError(f"plan: wanted an object, found {type(data).__name__}")
        return validated(cls, data)

    def checked(self) -> Plan:
        """Return the plan as one that can be applied, whichever way it was made. Raises InvalidInputError."""
        try:
            data = self.model_dump(warnings=False)
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise InvalidInputError(f"plan: {shown(str(error))}; make it with plan() or Plan.from_json()") from error
        return validated(type(self), data)

    def __str__(self) -> str:
        counts = Counter(action.kind.value for action in self.actions.values())
        summary = ", ".join(f"{count} {kind}" for kind, count in counts.items()) or "nothing to do"
        lines = [f"plan {self.id} of cube {self.cube}: {summary}; {self.looked_at} memories looked at"]
        if self.asked:
            lines.append(f"  {self.asked} requests, {self.tokens} tokens, {self.seconds:.1f} s, cost {self.cost:.4f}")
        lines += [f"  note: {note}" for note in self.notes]
        for number, action in self.actions.items():
            what = action.kind.value + (f" {action.edge}" if action.edge else "")
            lines.append(f"{number:>4}  {what:<22} {action.confidence:.2f}  {action.reason}")
            texts = action.evidence.get("texts", {})
            lines += [f"        {memory_id}: {caption(str(texts.get(memory_id, '')))}" for memory_id in action.ids]
        return "\n".join(lines)


class Outcome(BaseModel):
    """What became of an action: `done`, `repeated` (done before), or `skipped` and why."""

    model_config = ConfigDict(frozen=True)

    action: int
    kind: ActionKind
    status: str
    operation: str
    detail: str = ""


class Report(BaseModel):
    """What applying a plan did, action by action."""

    model_config = ConfigDict(frozen=True)

    plan: str
    outcomes: tuple[Outcome, ...]

    def count(self, status: str) -> int:
        """Return how many actions ended so: done, repeated or skipped."""
        return sum(outcome.status == status for outcome in self.outcomes)

    def __str__(self) -> str:
        head = f"plan {self.plan}: {self.count('done')} done, {self.count('repeated')} done before, "
        lines = [head + f"{self.count('skipped')} skipped"]
        lines += [f"{o.action:>4}  {o.kind.value:<12} {o.detail}" for o in self.outcomes if o.status == "skipped"]
        return "\n".join(lines)
