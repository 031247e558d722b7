"""What a reading did: what was read, what came of it, what was dropped and why, what failed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from treemem.models.llm import LLMUsage


@dataclass(frozen=True, slots=True)
class ReadItem:
    """One thing that was read: its memory's id, what it says, and the words that it rests on, in `source`.

    `became` is "added", "known" (it was there: the source was added to it), "there" (read before), or "found" in a dry
    run. `superseded` and `contradicted` are memories that the judge says so of.
    """

    id: str
    kind: str
    text: str
    quote: str
    source: str
    speaker: str
    modality: str
    became: str
    superseded: tuple[str, ...] = ()
    contradicted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DroppedItem:
    """What a model said and its words did not bear out, and why. `source` is None where its quote stands nowhere."""

    kind: str
    text: str
    quote: str
    source: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class FailedWindow:
    """Memories that could not be read, and why. `reason` is that of an LLMError, or "changed"."""

    ids: tuple[str, ...]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ReadingReport:
    """What one call of `read` did.

    `read` are the ids of what was read, `unchanged` of what had been read before with this prompt, `left` of what was
    not tried after the model had failed. `windows` is how many times the model was asked about one, `calls` how many
    requests it took, repairs and confirmations included. `notes` are what a confirmation could not do. Times are those
    of the operations.
    """

    prompt: str
    model: str
    dry_run: bool
    windows: int = 0
    calls: int = 0
    read: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    items: tuple[ReadItem, ...] = ()
    dropped: tuple[DroppedItem, ...] = ()
    failed: tuple[FailedWindow, ...] = ()
    usage: LLMUsage = LLMUsage()  # noqa: RUF009
    notes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether all that was asked for has been read."""
        return not (self.failed or self.left)

    @property
    def added(self) -> tuple[str, ...]:
        """The ids of the items that are new."""
        return tuple(item.id for item in self.items if item.became == "added")

    def dropped_by_reason(self) -> dict[str, int]:
        """Return how many items were dropped for each reason, most first."""
        counts: dict[str, int] = {}
        for each in self.dropped:
            counts[each.reason] = counts.get(each.reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda each: (-each[1], each[0])))

    def __str__(self) -> str:
        """Return it as lines for a person."""
        added = len(self.added)
        lines = [
            f"{len(self.read)} read, {len(self.unchanged)} read before, {self.windows} windows, {self.calls} calls: "
            f"{len(self.items)} items, {added} of them new"
        ]
        lines += [
            f"  {item.became:6} {item.kind}: {item.text}  [{item.speaker}: {item.quote!r}]" for item in self.items
        ]
        lines += [f"  dropped {count}: {reason}" for reason, count in self.dropped_by_reason().items()]
        lines += [f"  failed ({each.reason}): {each.message}" for each in self.failed]
        lines += [f"  note: {each}" for each in self.notes]
        if self.left:
            lines.append(f"  {len(self.left)} were not tried; read again goes on with them")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Quote:
    """The words in a memory on which something rests: who said them, and when.

    `again` is whether they only say again what was known. `text` is None where what the memory said then cannot be read
    any more.
    """

    source: str
    text: str | None
    start: int
    end: int
    speaker: str | None
    role: str | None
    said_at: datetime | None
    again: bool = False


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a memory comes from. `kind` is what it is in its own words: "message", "item", "document", "memory".

    For an item that a language model read: the `quotes` it rests on, the memories that gave it further words
    (`context`), the `prompt` and `model` that made it, and when. `details` are its kind, speaker, polarity, modality
    and what else it says of itself.
    """

    id: str
    kind: str
    memory: str
    made_by: str | None
    made_at: datetime
    quotes: tuple[Quote, ...] = ()
    context: tuple[str, ...] = ()
    prompt: str | None = None
    model: str | None = None
    details: dict[str, Any] | None = None

    def __str__(self) -> str:
        """Return it as lines for a person."""
        lines = [f"{self.kind} {self.id}: {self.memory}"]
        if self.prompt is not None:
            lines.append(f"  read with {self.prompt} by {self.model}, {self.made_at:%Y-%m-%d %H:%M}")
        for each in self.quotes:
            when = "" if each.said_at is None else f", {each.said_at:%Y-%m-%d %H:%M}"
            said = "(gone)" if each.text is None else repr(each.text)
            lines.append(f"  {each.speaker or each.role or 'somebody'}{when}: {said} in {each.source}")
        lines += [f"  with words of {each}" for each in self.context]
        lines += [f"  {name}: {value}" for name, value in (self.details or {}).items()]
        return "\n".join(lines)
