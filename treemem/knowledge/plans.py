"""What feedback changes, told before it is done: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from treemem.keywords import checked_names

FeedbackAction = Literal["correct", "supersede", "add", "replace", "retract", "prefer"]


@checked_names
@dataclass(frozen=True, slots=True)
class FeedbackChange:
    """One memory that feedback changes, and why.

    `correct` says `new` instead of `old`, over all the time that it holds; `supersede` adds `new` before `old`, which
    stays, or ends now where it says nothing else; `replace` puts one name in the place of another from now on;
    `retract` hides `old`; `add` and `prefer` add `new`. `memory_id` is the memory that is changed, None for a new one;
    `names` are the old and the new name of a `replace`.
    """

    action: FeedbackAction
    memory_id: str | None
    old: str | None
    new: str | None
    why: str
    names: tuple[str, str] | None = None


@checked_names
@dataclass(frozen=True, slots=True)
class FeedbackPlan:
    """What feedback changes, or has changed where it is `applied`, as one `operation` that `undo` takes back.

    `by` is who understood it: "patterns" of the language packs, a "model", None where nobody did. `notes` say what was
    not done and why, `refused` what a model answered that was not taken. `left` is how many memories a name still
    stands in: a call replaces it in 200 at most. `memory_id` is the memory that keeps the words of the feedback.
    `repeated` is whether the operation was done before.
    """

    feedback: str
    changes: tuple[FeedbackChange, ...] = ()
    by: str | None = None
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    left: int = 0
    applied: bool = False
    operation: str | None = None
    memory_id: str | None = None
    repeated: bool = False

    @property
    def answer(self) -> str:
        """What to tell whoever gave the feedback, in one line."""
        count = len(self.changes)
        if not count:
            kept = "; the words were kept" if self.applied else ""
            return f"nothing was changed{kept}" + (f" ({self.notes[0]})" if self.notes else "")
        done = "changed" if self.applied else "would change"
        more = f"; {self.left} more are left, call again" if self.left else ""
        return f"{done} {count} {'memory' if count == 1 else 'memories'}{more}"

    def __str__(self) -> str:
        lines = [self.answer]
        for each in self.changes:
            lines.append(f"- {each.action} {each.memory_id or '(new)'}: {each.why}")
            lines += [f"    {sign} {text}" for sign, text in (("-", each.old), ("+", each.new)) if text is not None]
        lines += [f"note: {note}" for note in self.notes if note not in self.answer] + [
            f"refused: {note}" for note in self.refused
        ]
        return "\n".join(lines)
