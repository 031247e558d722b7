"""read: what was added fast is read by a language model, in windows; what it reads there becomes memories.

The words stay as they are. Each line that was read is an operation of its own, whose id follows from the prompt, the
memory and the version of its text: so reading again asks for nothing twice, and what was cut off goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from treemem import planning
from treemem.arguments import distinct_ids
from treemem.changes import ChangeSet, State
from treemem.contents import is_label
from treemem.context import Context
from treemem.errors import InvalidInputError, LLMError, ReadingError, TreememError
from treemem.ids import derived_id
from treemem.ingest.reading.answers import PROMPT, Claim, ask_about
from treemem.ingest.reading.report import DroppedItem, FailedWindow, ReadingReport, ReadItem
from treemem.ingest.reading.windows import MOST_LINES, Line, Window, windows_of
from treemem.judge.evidence import Bound, Unborne, bound
from treemem.judge.pairs import Judgement
from treemem.models.llm import LLM, LLMUsage, name_of
from treemem.read.states import last_versions
from treemem.store.protocol import LIVE
from treemem.temporal import Moment, TimeLike
from treemem.write.addition import Progress
from treemem.write.committing import commit, new_change
from treemem.write.confirming import confirmed
from treemem.write.intent import Intent
from treemem.write.reading_items import beside, item_id, lines_of, made_of, told
from treemem.write.reading_sources import READ, Sources, audience, mark, sources
from treemem.zones import reading_in, zone_of

#: How many known memories are shown with a window, and how many of the nearest are looked at for them.
KNOWN, LOOKED_AT = 10, 60
#: Failures after which asking on is no use: the model, not what it was asked, is at fault.
_DEAD = frozenset({"timeout", "status", "connection", "missing", "input"})
#: The ways to add: words alone, words that are read then, words that a worker reads.
MODES = ("fast", "fine", "async")


class _ChangedError(TreememError):
    """What was read is not there any more as it was."""


def read(
    ctx: Context,
    ids: Sequence[str] | str | None,
    since: TimeLike | None,
    conversation_id: str | None,
    llm: LLM | None,
    dry_run: bool,
    again: bool,
    confirm: bool | None,
    intent: Intent,
    progress: Progress | None,
) -> ReadingReport:
    """See `TreeTextMemory.read`."""
    model = reader_of(ctx, llm, "read")
    new_change(ctx, READ, intent)  # refuses an actor or a reason that cannot be
    wanted = None if ids is None else distinct_ids(ids)
    reading = _Reading(ctx, model, intent, dry_run=dry_run, again=again, confirm=confirm)
    return reading.run(sources(ctx, wanted, since, conversation_id, again=again), progress)


def read_memories(
    ctx: Context, ids: Sequence[str], progress: Progress | None = None, *, beside: Sequence[str] = ()
) -> ReadingReport:
    """Read some memories by their ids, as a worker of a queue does: calling it again does what is left, nothing twice.

    Those `beside` them that are of the same conversations fill up the window: turns that came one by one are one call.
    Ids that are gone meanwhile are passed over. Raises LLMError where the model failed at what was asked for.
    """
    model = reader_of(ctx, None, "read")
    known = [s for s in ctx.store.known(ctx.cube, distinct_ids([*ids, *beside])) if ctx.caller.owns(s)]
    own = {s.memory_id for s in known} & set(ids)
    talks = {s.fields.get("conversation_id") for s in known if s.memory_id in own} - {None}
    others = [s.memory_id for s in known if s.memory_id not in own and s.fields.get("conversation_id") in talks]
    there = own | set(others[: max(0, MOST_LINES - len(own))])
    with reading_in(zone_of(ctx.config.zone)):
        report = _Reading(ctx, model, Intent()).run(sources(ctx, sorted(there), None, None, again=False), progress)
    for failed in report.failed:
        if failed.reason != "changed" and not own.isdisjoint((*failed.ids, *report.left)):
            raise LLMError(failed.message, failed.reason)
    return report


def reader_of(ctx: Context, llm: LLM | None, verb: str) -> LLM:
    """Return the language model that reads, or raise InvalidInputError where there is none."""
    model = ctx.llm if llm is None else llm
    if model is None:
        raise InvalidInputError(
            f"{verb}: reading asks a language model, and there is none; open the memory with llm=OpenAILLM(...), or "
            "configure the section llm. Nothing was written"
        )
    return model


def check_mode(ctx: Context, mode: str, verb: str) -> None:
    """Raise InvalidInputError, before anything is written, for a mode that is none or has no language model."""
    if mode not in MODES:
        raise InvalidInputError(f"mode: wanted one of {', '.join(MODES)}, found {mode!r}")
    if mode != "fast":
        reader_of(ctx, None, f"{verb}(mode={mode!r})")


def read_added(ctx: Context, ids: Sequence[str], intent: Intent) -> None:
    """Read what was just added. Raises ReadingError where not all could be read; the words are there all the same."""
    if not ids:
        return
    report = read(ctx, list(ids), None, None, None, False, False, None, Intent(None, intent.actor, intent.reason), None)
    if not report.is_whole:
        first = report.failed[0]
        raise ReadingError(
            f"the words were added, {len(report.read)} of them read, and the reading failed: {first.message}. read() "
            "goes on with what is left",
            first.reason,
            tuple(ids),
            report,
        )


class _Reading:
    """One call of read: asks about windows in order, binds the answers, and writes what was read line by line."""

    def __init__(
        self,
        ctx: Context,
        llm: LLM,
        intent: Intent,
        *,
        dry_run: bool = False,
        again: bool = False,
        confirm: bool | None = None,
    ) -> None:
        self._ctx, self._llm, self._intent = ctx, llm, intent
        self._dry_run, self._again = dry_run, again
        self._confirm = ctx.config.confirm_readings if confirm is None else confirm
        self._verdicts: Mapping[tuple[str, str], Judgement] = {}
        self._notes: list[str] = []
        self._name = name_of(llm)
        self._windows = self._calls = 0
        self._usage = LLMUsage()
        self._read: dict[str, None] = {}
        self._items: list[ReadItem] = []
        self._dropped: list[DroppedItem] = []
        self._failed: list[FailedWindow] = []
        self._left: dict[str, None] = {}
        self._gone: frozenset[str] | None = None

    def run(self, found: Sources, progress: Progress | None) -> ReadingReport:
        """Read the windows of all groups, until the model fails for good, and return what came of it."""
        windows = [window for group in found.groups for window in windows_of(group)]
        dead = False
        done = 0
        for window in windows:
            fresh = [line for line in window.lines if line.fresh]
            if dead:
                self._left |= {line.memory_id: None for line in fresh}
                continue
            dead = not self._window(window, found)
            done += len(fresh)
            if progress is not None:
                progress(done, sum(line.fresh for each in windows for line in each.lines))
        failed = {i for each in self._failed for i in each.ids} | self._left.keys()
        return ReadingReport(
            prompt=PROMPT,
            model=self._name,
            dry_run=self._dry_run,
            windows=self._windows,
            calls=self._calls,
            read=tuple(i for i in self._read if i not in failed),
            unchanged=tuple(found.unchanged),
            left=tuple(self._left),
            items=tuple(self._items),
            dropped=tuple(self._dropped),
            failed=tuple(self._failed),
            notes=tuple(self._notes),
            usage=self._usage,
        )

    def _window(self, window: Window, found: Sources) -> bool:
        """Read one window; return whether the model may be asked on."""
        fresh = [line for line in window.lines if line.fresh]
        ids = tuple(dict.fromkeys(line.memory_id for line in fresh))
        self._windows += 1
        try:
            shown = replace(window, known=tuple(self._known(fresh, found)))
            answer = self._ask(shown)
        except LLMError as error:
            if error.reason == "cut" and len(window.lines) > 1:
                halves = [half for half in window.halves() if any(line.fresh for line in half.lines)]
                return [self._window(half, found) for half in halves][-1]
            self._failed.append(FailedWindow(ids, error.reason, str(error)))
            return error.reason not in _DEAD
        bounds = bound(shown, answer)
        self._dropped += [_dropped(each) for each in bounds if isinstance(each, Unborne)]
        kept = [each for each in bounds if isinstance(each, Bound)]
        self._verdicts = self._confirmed(kept, fresh, found) if self._confirm and not self._dry_run else {}
        for line in fresh:
            self._line(line, lines_of(kept, line), found.states[line.memory_id])
        return True

    def _ask(self, window: Window) -> Sequence[Claim]:
        try:
            answer = ask_about(self._llm, window)
        except LLMError as error:
            self._calls += max(1, 0 if error.usage is None else error.usage.requests)
            raise
        self._usage += answer.usage
        self._calls += max(1, answer.usage.requests)
        return answer.value.items

    def _confirmed(
        self, kept: Sequence[Bound], fresh: Sequence[Line], found: Sources
    ) -> Mapping[tuple[str, str], Judgement]:
        """Return what the model says of the items of a window and what they stand beside: one request at most."""
        base = new_change(self._ctx, READ, Intent())
        near = [
            each
            for line in fresh
            for each in beside(self._ctx, base, found.states[line.memory_id], lines_of(kept, line), self._name)
        ]
        said = confirmed(self._llm, near)
        self._usage += said.usage
        self._calls += said.usage.requests
        self._notes += said.notes
        return said.verdicts

    def _known(self, fresh: Sequence[Line], found: Sources) -> Iterator[tuple[str, str]]:
        """Yield the memories nearest to a window that the same people see, and that it does not show itself."""
        ctx, own = self._ctx, {line.memory_id for line in fresh}
        states = [found.states[i] for i in dict.fromkeys(line.memory_id for line in fresh)]
        vectors = [s.embedding for s in states if s.embedding is not None]
        if not vectors:
            return
        mean = np.mean(np.stack(vectors), axis=0)
        mean /= np.linalg.norm(mean) or 1.0
        moment = Moment(ctx.now())
        (near,) = ctx.store.neighbours(ctx.cube, [mean.astype(np.float32)], LOOKED_AT, moment)
        ids = [i for i, _ in near if i not in own]
        shown = 0
        for state in ctx.store.states(ctx.cube, ids, moment, statuses=LIVE):
            alike = audience(state) == audience(states[0]) and ctx.caller.sees(state)
            if shown < KNOWN and alike and not is_label(state.fields):
                shown += 1
                yield state.memory_id, str(state.fields["memory"])

    def _line(self, line: Line, bounds: Sequence[Bound], source: State) -> None:
        """Write what was read in a line, as one operation; note where the line is not there any more as it was."""
        if self._dry_run:
            self._items += [told(each, source, item_id(each), "found") for each in bounds]
            self._read[line.memory_id] = None
            return
        ctx, intent = self._ctx, self._intent
        operation = mark(line)
        if self._again:
            operation = derived_id(operation, ctx.now())
        request = [READ, PROMPT, line.memory_id, line.version, line.start]
        base = new_change(ctx, READ, Intent(operation, intent.actor, intent.reason), request=request)
        outcome: list[ReadItem] = []

        def plan(base: ChangeSet) -> ChangeSet:
            outcome.clear()
            givers = {x.memory_id for b in bounds for x in b.context} | {i for b in bounds for i in b.known}
            ids = sorted({line.memory_id, *givers})
            self._require_there(ids, line, source)
            made = made_of(ctx, base, source, bounds, self._name, self._erased(bounds), self._verdicts)
            outcome.extend(made.told)
            return planning.with_rows(
                base,
                states=made.states,
                edges=made.edges,
                entities=made.entities.values(),
                expected=last_versions(ctx, ids) | made.expected,
            )

        try:
            receipt = commit(ctx, base, plan, repeatable=True)
        except _ChangedError as error:
            self._failed.append(FailedWindow((line.memory_id,), "changed", str(error)))
            return
        self._read[line.memory_id] = None
        if not receipt.repeated:
            self._items += outcome

    def _require_there(self, ids: Sequence[str], line: Line, source: State) -> None:
        """Raise _ChangedError unless what gives words is there, and the line says what was read."""
        known = [s for s in self._ctx.store.known(self._ctx.cube, ids) if s.fields["status"] != "deleted"]
        texts = {s.fields["memory"] for s in known if s.memory_id == line.memory_id}
        if set(ids) - {s.memory_id for s in known} or source.fields["memory"] not in texts:
            raise _ChangedError(f"{line.memory_id}: it, or what was said around it, changed while it was read")

    def _erased(self, bounds: Sequence[Bound]) -> frozenset[str]:
        """Return the items that were purged: they do not come back by another reading."""
        if not bounds:
            return frozenset()
        if self._gone is None:
            self._gone = frozenset(each.id for each in self._ctx.store.tombstones(self._ctx.cube))
        return self._gone


def _dropped(each: Unborne) -> DroppedItem:
    claim = each.claim
    source = None if each.line is None else each.line.memory_id
    return DroppedItem(claim.kind, claim.text, claim.quote, source, each.reason.value)
