"""The reorganizer of a memory: plan, apply, run, and a worker in the background."""

from __future__ import annotations

import inspect
import json
import logging
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from treemem.changes import ChangeSet, EdgeAssert, EdgeType, State
from treemem.checks import known_names, shown, within
from treemem.errors import (
    ConflictError,
    InvalidInputError,
    LeaseError,
    MemoryNotFoundError,
    NotAllowedError,
    StoreError,
    TreememError,
)
from treemem.items import derived_id
from treemem.reorganize import candidates, turn
from treemem.reorganize.candidates import ACTION, RUN, RUN_FAILED
from treemem.reorganize.changesets import Ground, change
from treemem.reorganize.plan import Action, ActionKind, Outcome, Plan, Report
from treemem.reorganize.turn import Status
from treemem.store.protocol import Lease
from treemem.temporal import Moment
from treemem.verbs.arguments import checked_verbs
from treemem.verbs.proposing import Proposals
from treemem.verbs.searching import SearchVerbs

log = logging.getLogger("treemem.reorganizer")
ACTOR = "reorganizer"
#: The keywords of `plan`.
_PLANNED_BY = tuple(inspect.signature(Proposals.plan).parameters)[1:]


@checked_verbs
class Reorganizer(Proposals):
    """Merges, relates and archives the memories of one cube: `plan` proposes, `apply` does, `memory.undo` takes back.

    It looks at what changed since the last run and at its nearest, never at all pairs. It concerns the whole cube, or
    what a caller sees of it; a plan is applied with the rights of whoever applies it. Memories of different users,
    sessions, visibility or type never become one.
    """

    def __init__(self, memory: SearchVerbs) -> None:
        """Use `memory.reorganizer`."""
        super().__init__(memory)
        self._holder = f"reorganizer-{uuid.uuid4()}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def apply(self, plan: Plan, *, wait: float = 0.0) -> Report:
        """Do the actions of a plan, each in one transaction, and return what became of them.

        Applying a plan again does what is not done yet and nothing twice. An action whose memories changed since it was
        planned is skipped. Raises InvalidInputError for a plan of another cube, LeaseError while another worker
        reorganizes this one, after `wait` seconds; StoreError when the store fails in the middle: apply it again then.
        """
        if not isinstance(plan, Plan):
            raise InvalidInputError(f"plan: wanted a Plan, found {shown(plan)}")
        if plan.cube != self._memory._cube:
            raise InvalidInputError(f"plan: made for cube {plan.cube!r}, applied to {self._memory._cube!r}; plan anew")
        with self._turn(wait) as lease:
            return self._applied(plan, lease, threading.Event())

    def run(self, *, wait: float = 0.0, **plan: Any) -> Report:
        """Plan and apply in one turn; the arguments are those of `plan`. Raises as `apply` does."""
        known_names("run", plan, _PLANNED_BY)
        with self._turn(wait) as lease:
            return self._ran(plan, lease, threading.Event())

    def status(self) -> Status:
        """Return how reorganizing this cube stands: what waits, who works, what failed. Raises StoreError.

        Why it failed is told to whoever opened the memory alone: a model's error may quote what it was given.
        """
        found = turn.status(self._memory._store, self._memory._cube)
        hidden = found.reason and self._memory._caller
        return found.model_copy(update={"reason": "told to whoever opened the memory"}) if hidden else found

    def wait(self, timeout: float = 60.0) -> Status:
        """Return the status as soon as nothing is `pending` or `running`, or after `timeout` seconds. Raises
        StoreError.
        """
        within("timeout", timeout, 0, 1_000_000)
        deadline = time.monotonic() + timeout
        while (found := self.status()).state in ("pending", "running") and time.monotonic() < deadline:
            time.sleep(turn.LOOK)
        return found

    def start(self, interval: float = 60.0, **plan: Any) -> None:
        """Run in the background, now and every `interval` seconds, until `stop`. Starting twice is once.

        What to look at is in the store (all that was changed since the last run), so nothing is lost with the process.
        A run that finds another worker at it waits for that one's turn to end; `failure` holds what went wrong last.
        """
        known_names("start", plan, _PLANNED_BY)
        within("interval", interval, 0.01, 1_000_000)
        if self._thread is not None and self._thread.is_alive():
            return
        self._memory._workers.add(self.stop)
        self._stop.clear()
        self._thread = threading.Thread(target=self._work, args=(interval, plan), name="treemem-reorganizer")
        self._thread.daemon = True
        self._thread.start()

    def stop(self, timeout: float = 30.0) -> bool:
        """End the background worker after the action it is at; return whether it ended within `timeout` seconds."""
        self._stop.set()
        if self._thread is None:
            return True
        self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def failure(self) -> str | None:
        """What went wrong in the last run in the background, None if nothing did."""
        return self._failure

    def _work(self, interval: float, arguments: Mapping[str, Any]) -> None:
        while not self._stop.is_set():
            try:
                with self._turn(0.0) as lease:
                    self._ran(arguments, lease, self._stop)
                self._failure = None
            except LeaseError as error:
                log.info("reorganizing %s: %s", self._memory._cube, error)
                self._stop.wait(min(interval, 1.0))
                continue
            except TreememError as error:
                self._failure = str(error)
                log.warning("reorganizing %s: %s", self._memory._cube, error)
            except Exception as error:  # a worker that dies without a word would be worse
                self._failure = f"{type(error).__name__}: {error}"
                log.exception("reorganizing %s", self._memory._cube)
            self._stop.wait(interval)

    def _turn(self, wait: float) -> turn.Turn:
        within("wait", wait, 0, 1_000_000)
        return turn.Turn(self._memory._store, self._memory._cube, self._holder, wait)

    def _ran(self, arguments: Mapping[str, Any], lease: Lease, stop: threading.Event) -> Report:
        """Plan and apply; note in the store why it failed, for whoever waits for it."""
        try:
            return self._applied(self.plan(**arguments), lease, stop)
        except TreememError as error:
            if not isinstance(error, (InvalidInputError, StoreError, LeaseError)):
                self._note(RUN_FAILED, str(uuid.uuid4()), str(error))
            raise

    def _applied(self, plan: Plan, lease: Lease, stop: threading.Event) -> Report:
        """Do the actions of a plan until it is told to stop; what is left then is looked at again by the next run."""
        outcomes = []
        for number, action in plan.actions.items():
            if stop.is_set():
                break
            outcomes.append(self._outcome(plan, number, action, lease))
        else:
            self._close(plan)
        return Report(plan=plan.id, outcomes=tuple(outcomes))

    def _outcome(self, plan: Plan, number: int, action: Action, lease: Lease) -> Outcome:
        operation = plan.operation(number)

        def became(status: str, detail: str = "") -> Outcome:
            return Outcome(action=number, kind=action.kind, status=status, operation=operation, detail=detail)

        memory = self._memory
        if memory._store.operations(memory._cube, ids=[operation], limit=1):
            return became("repeated")
        base = memory._base(ACTION, operation, ACTOR, f"{action.kind}: {action.reason}", request=[plan.id, number])
        ground = self._ground(action)
        stale = [i for i in action.ids if not ground.history[i] or _last(ground.history[i]) != action.versions.get(i)]
        if stale:
            return became("skipped", f"{stale[0]} changed since the plan was made")
        frozen = [i for i in action.ids if any(s.fields.get("frozen") for s in ground.known(i))]
        if frozen:
            return became("skipped", f"{frozen[0]} is frozen")
        refused = self._refused(action, ground)
        if refused is not None:
            return became("skipped", refused)
        try:
            changes = change(base, action, ground, plan.memory(number), lambda text: memory._embed([text])[0])
            receipt = memory._store.apply(changes, lease=lease)
        except (ConflictError, InvalidInputError) as error:
            return became("skipped", str(error))
        return became("repeated" if receipt.repeated else "done")

    def _refused(self, action: Action, ground: Ground) -> str | None:
        """Return why whoever applies the plan may not do an action, None if it may: a plan gives no rights."""
        caller = self._memory._caller
        edge_alone = action.kind in (ActionKind.RELATE, ActionKind.CONTRADICT)
        if caller and edge_alone:
            source, target = action.ids
            try:
                self._memory._require_joinable(EdgeAssert(EdgeType(str(action.edge)), source, target))
            except (NotAllowedError, MemoryNotFoundError) as refusal:
                return str(refusal)
        for memory_id in () if edge_alone else action.ids:
            if not all(map(caller.owns, ground.known(memory_id))):
                return f"{memory_id} is not {caller}'s to change"
        if not all(map(caller.sees, (s for i in action.ids for s in ground.known(i)))):
            return f"not all of it is {caller}'s to see"
        return None

    def _ground(self, action: Action) -> Ground:
        memory = self._memory
        history: dict[str, list[State]] = {i: [] for i in action.ids}
        for state in memory._store.history(memory._cube, action.ids):
            history[state.memory_id].append(state)
        if action.kind not in (ActionKind.MERGE, ActionKind.DEDUPLICATE, ActionKind.SPLIT, ActionKind.JOIN):
            return Ground(history, ())
        moment = Moment(memory._now())
        edges = memory._edges_at(action.ids, None, moment, statuses=None)
        parents = {e.source for e in edges if e.type is EdgeType.PARENT and e.target in action.ids}
        return Ground(history, edges, {parent: self._above(parent, moment) for parent in parents})

    def _above(self, memory_id: str, moment: Moment) -> frozenset[str]:
        """Return a memory and all above it."""
        found, frontier = {memory_id}, [memory_id]
        while frontier:
            edges = self._memory._edges_at(frontier, [EdgeType.PARENT], moment, "in", statuses=None)
            frontier = sorted({e.source for e in edges} - found)
            found |= set(frontier)
        return frozenset(found)

    def _close(self, plan: Plan) -> None:
        """Note up to when changes were looked at, unless nothing but the reorganizer's own changes came after that."""
        if self._memory._caller:
            return  # what others changed was not looked at
        store, cube = self._memory._store, self._memory._cube
        known = candidates.watermark(store, cube)
        waits = known is None or self.status().reason or (known < plan.until and turn.waiting(store, cube, most=1))
        if plan.until and waits:
            self._note(RUN, derived_id("reorganized", plan.id), json.dumps({"until": plan.until}))

    def _note(self, kind: str, operation: str, reason: str) -> None:
        base: ChangeSet = self._memory._base(kind, operation, ACTOR, reason, request=[operation])
        self._memory._store.apply(replace(base, model=None))


def _last(history: Sequence[State]) -> int:
    return max(state.version for state in history)


class ReorganizeVerbs(SearchVerbs):
    """reorganizer."""

    _reorganizer: Reorganizer | None = None

    @property
    def reorganizer(self) -> Reorganizer:
        """The reorganizer of this cube."""
        if self._reorganizer is None:
            self._reorganizer = Reorganizer(self)
        return self._reorganizer
