"""The reorganizer of a memory: plan, apply, run, and a worker in the background."""

from __future__ import annotations

import inspect
import json
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from treemem.changes import ACTION, RUN, RUN_FAILED, EdgeAssert, EdgeType, State
from treemem.checks import known_names, shown, within
from treemem.context import Context
from treemem.errors import (
    ConflictError,
    InvalidChangeError,
    InvalidInputError,
    LeaseError,
    MemoryNotFoundError,
    NotAllowedError,
    StoreError,
    TreememError,
)
from treemem.ids import derived_id
from treemem.items import CAPACITY
from treemem.read.states import edges_at
from treemem.reorganize import candidates, proposing, turn
from treemem.reorganize.changesets import Ground, change
from treemem.reorganize.plan import OF_AN_EDGE, Action, ActionKind, Outcome, Plan, Report
from treemem.reorganize.turn import Status
from treemem.signatures import checked_verbs
from treemem.store.protocol import Lease
from treemem.temporal import Moment
from treemem.topics import together
from treemem.write.committing import discreet, new_change
from treemem.write.derived import let_derived_follow
from treemem.write.intent import Intent
from treemem.write.linking import require_joinable

log = logging.getLogger("treemem.reorganizer")
ACTOR = "reorganizer"
#: The keywords of `plan`.
_PLANNED_BY = tuple(inspect.signature(proposing.plan).parameters)[1:]


@checked_verbs
class Reorganizer:
    """Merges, relates and archives the memories of one cube: `plan` proposes, `apply` does, `memory.undo` takes back.

    It looks at what changed since the last run and at its nearest, never at all pairs. It concerns the whole cube, or
    what a caller sees of it; a plan is applied with the rights of whoever applies it. Memories of different users,
    sessions, visibility or type never become one.
    """

    CAPACITY: Mapping[str, int] = CAPACITY

    def __init__(self, context: Context, stopping: Callable[[], bool] = lambda: False) -> None:
        """Use `memory.reorganizer`. `apply` and `run` end after the action they are at once `stopping` says so."""
        self._ctx = context
        self._stopping = stopping
        self._holder = f"reorganizer-{uuid.uuid4()}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    @property
    def zone(self) -> str | None:
        """The zone of the memory, in which times without one are read."""
        return self._ctx.config.zone

    def plan(
        self,
        *,
        everything: bool = False,
        neighbours: int = 8,
        least: float = 0.2,
        capacity: Mapping[str, int] | None = None,
        expiry: Mapping[str, float] | None = None,
        group: bool = False,
        kinds: Sequence[str] | None = None,
        ask: bool | None = None,
        max_tokens: int = 50_000,
    ) -> Plan:
        """Return what to do about what changed since the last run (or about `everything`); nothing is changed.

        Each changed memory is compared with its `neighbours` nearest of a cosine of at least `least`. The least
        valuable memories of a type beyond its `capacity` are archived, never deleted, and working memories that were
        recalled often promoted; topics do not count. The default is the configuration's (`Reorganizer.CAPACITY`: 20
        WorkingMemory, 1,500 LongTermMemory, 480 UserMemory); `{}` bounds nothing. With an
        `expiry` ({"WorkingMemory": 30}, in days), memories that were neither learned nor recalled for so long no longer
        hold from now on. Both look at the whole cube, and leave frozen memories alone. With `group`, memories without a
        parent join the nearest topic or, four or more alike, make a new one; topics of forty or more, or of little in
        common, are split, topics that are alike become one, and topics come below topics (`memory.tree()` shows them).
        `kinds` are the kinds of actions wanted.

        With `ask` (the default where the memory was opened with an `llm`), pairs about which the rules are not sure go
        to the language model, twenty a request, for about `max_tokens` of prompt. It relates and flags; alone
        it closes and merges nothing, and what the rules would close stays open where it does not agree.
        Where it fails, the rules' judgement stands, and the plan's `notes` say so. It also names new topics. A
        caller plans over what it sees. Raises InvalidInputError.
        """
        return proposing.plan(self._ctx, everything, neighbours, least, capacity, expiry, group, kinds, ask, max_tokens)

    def schedule(
        self, conversation: str | Iterable[str | Mapping[str, Any]], *, size: int = 20, least: float = 0.3
    ) -> Plan:
        """Return what to bring into working memory for a running conversation, and what to put back; apply it then.

        `conversation` is a text, or texts or messages of which the last six count, the last one most. Working memory
        is to hold at most `size` memories: those with a cosine of at least `least` to what is said (or reached from
        such), weighed by freshness, by use, and by being there already. What leaves goes back to the type it had. The
        memories are those that this memory's caller may see. Raises InvalidInputError.
        """
        return proposing.schedule(self._ctx, conversation, size, least)

    def apply(self, plan: Plan, *, wait: float = 0.0) -> Report:
        """Do the actions of a plan, each in one transaction, and return what became of them.

        Applying a plan again does what is not done yet and nothing twice. An action whose memories changed since it was
        planned is skipped. Raises InvalidInputError for a plan of another cube, or with an action that cannot be done,
        LeaseError while another worker reorganizes this one, after `wait` seconds; StoreError when the store fails in
        the middle: apply it again then.
        """
        if not isinstance(plan, Plan):
            raise InvalidInputError(f"plan: wanted a Plan, found {shown(plan)}")
        if plan.cube != self._ctx.cube:
            raise InvalidInputError(f"plan: made for cube {plan.cube!r}, applied to {self._ctx.cube!r}; plan anew")
        plan = plan.checked()
        with self._turn(wait) as lease:
            return self._applied(plan, lease, self._stopping)

    def run(self, *, wait: float = 0.0, **plan: Any) -> Report:
        """Plan and apply in one turn; the arguments are those of `plan`. Raises as `apply` does."""
        known_names("run", plan, _PLANNED_BY)
        with self._turn(wait) as lease:
            return self._ran(plan, lease, self._stopping)

    def status(self) -> Status:
        """Return how reorganizing this cube stands: what waits, who works, what failed. Raises StoreError.

        Why it failed is told to whoever opened the memory alone: a model's error may quote what it was given.
        """
        found = turn.status(self._ctx.store, self._ctx.cube)
        hidden = found.reason and self._ctx.caller
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
        self._ctx.workers.add(self.stop)
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
                    self._ran(arguments, lease, self._stop.is_set)
                self._failure = None
            except LeaseError as error:
                log.info("reorganizing %s: %s", self._ctx.cube, error)
                self._stop.wait(min(interval, 1.0))
                continue
            except TreememError as error:
                self._failure = str(error)
                log.warning("reorganizing %s: %s", self._ctx.cube, error)
            except Exception as error:  # a worker that dies without a word would be worse
                self._failure = f"{type(error).__name__}: {error}"
                log.exception("reorganizing %s", self._ctx.cube)
            self._stop.wait(interval)

    def _turn(self, wait: float) -> turn.Turn:
        within("wait", wait, 0, 1_000_000)
        return turn.Turn(self._ctx.store, self._ctx.cube, self._holder, wait)

    def _ran(self, arguments: Mapping[str, Any], lease: Lease, stopping: Callable[[], bool]) -> Report:
        """Plan and apply; note in the store why it failed, for whoever waits for it."""
        try:
            return self._applied(self.plan(**arguments), lease, stopping)
        except TreememError as error:
            if not isinstance(error, (InvalidInputError, StoreError, LeaseError)):
                self._note(RUN_FAILED, str(uuid.uuid4()), str(error))
            raise

    def _applied(self, plan: Plan, lease: Lease, stopping: Callable[[], bool]) -> Report:
        """Do the actions of a plan until it is told to stop; what is left then is looked at again by the next run."""
        outcomes = []
        for number, action in plan.actions.items():
            if stopping():
                break
            outcomes.append(self._outcome(plan, number, action, lease))
        else:
            self._close(plan)
        return Report(plan=plan.id, outcomes=tuple(outcomes))

    def _outcome(self, plan: Plan, number: int, action: Action, lease: Lease) -> Outcome:
        operation = plan.operation(number)

        def became(status: str, detail: str = "") -> Outcome:
            return Outcome(action=number, kind=action.kind, status=status, operation=operation, detail=detail)

        ctx = self._ctx
        if ctx.store.operations(ctx.cube, ids=[operation], limit=1):
            return became("repeated")
        base = new_change(
            ctx, ACTION, Intent(operation, ACTOR, f"{action.kind}: {action.reason}"), request=[plan.id, number]
        )
        ground = self._ground(action)
        refused = self._refused(action, ground)
        if refused is not None:
            return became("skipped", refused)
        stale = [i for i in action.ids if not ground.known(i) or _last(ground.history[i]) != action.versions.get(i)]
        if stale:
            return became("skipped", f"{stale[0]} changed since the plan was made")
        frozen = [i for i in action.ids if any(s.fields.get("frozen") for s in ground.known(i))]
        if frozen:
            return became("skipped", f"{frozen[0]} is frozen")
        if not _become_one(action, ground):
            return became("skipped", "memories of different users, sessions or visibility never become one")
        try:
            changes = change(base, action, ground, plan.memory(number), lambda fields: ctx.vectors_of([fields])[0])
            receipt = ctx.store.apply(changes, lease=lease)
        except InvalidChangeError as error:
            return became("skipped", str(discreet(ctx, error)))
        except (ConflictError, InvalidInputError) as error:
            return became("skipped", str(error))
        if action.kind is ActionKind.EXPIRE:
            let_derived_follow(ctx, base, receipt, action.ids)
        return became("repeated" if receipt.repeated else "done")

    def _refused(self, action: Action, ground: Ground) -> str | None:
        """Return why whoever applies the plan may not do an action, None if it may: a plan gives no rights.

        Of a memory that a caller does not see this says what there is to say of one that does not exist.
        """
        ctx = self._ctx
        try:
            for memory_id in action.ids:
                if action.kind not in OF_AN_EDGE:
                    ctx.caller.require_all_own(ctx.cube, memory_id, ground.known(memory_id))
                elif not any(map(ctx.caller.sees, ground.known(memory_id))):
                    ctx.caller.require_own(ctx.cube, memory_id, ())
            if action.kind in OF_AN_EDGE:
                source, target = action.ids
                require_joinable(ctx, EdgeAssert(EdgeType(str(action.edge)), source, target))
        except (NotAllowedError, MemoryNotFoundError) as refusal:
            return str(refusal)
        if not all(map(ctx.caller.sees, (s for i in action.ids for s in ground.known(i)))):
            return f"not all of it is {ctx.caller}'s to see"
        return None

    def _ground(self, action: Action) -> Ground:
        ctx = self._ctx
        history: dict[str, list[State]] = {i: [] for i in action.ids}
        for state in ctx.store.history(ctx.cube, action.ids):
            history[state.memory_id].append(state)
        if action.kind not in (ActionKind.MERGE, ActionKind.DEDUPLICATE, ActionKind.SPLIT, ActionKind.JOIN):
            return Ground(history, ())
        moment = Moment(ctx.now())
        edges = edges_at(ctx, action.ids, None, moment, statuses=None)
        parents = {e.source for e in edges if e.type is EdgeType.PARENT and e.target in action.ids}
        return Ground(history, edges, {parent: self._above(parent, moment) for parent in parents})

    def _above(self, memory_id: str, moment: Moment) -> frozenset[str]:
        """Return a memory and all above it."""
        found, frontier = {memory_id}, [memory_id]
        while frontier:
            edges = edges_at(self._ctx, frontier, [EdgeType.PARENT], moment, "in", statuses=None)
            frontier = sorted({e.source for e in edges} - found)
            found |= set(frontier)
        return frozenset(found)

    def _close(self, plan: Plan) -> None:
        """Note up to when changes were looked at, unless nothing but the reorganizer's own changes came after that."""
        if self._ctx.caller:
            return  # what others changed was not looked at
        store, cube = self._ctx.store, self._ctx.cube
        known = candidates.watermark(store, cube)
        waits = known is None or self.status().reason or (known < plan.until and turn.waiting(store, cube, most=1))
        if plan.until and waits:
            self._note(RUN, derived_id("reorganized", plan.id), json.dumps({"until": plan.until}))

    def _note(self, kind: str, operation: str, reason: str) -> None:
        base = new_change(self._ctx, kind, Intent(operation, ACTOR, reason), request=[operation])
        self._ctx.store.apply(replace(base, model=None))


def _become_one(action: Action, ground: Ground) -> bool:
    """Return whether the memories that an action makes one are seen by the same callers, if it makes any one."""
    if action.kind not in (ActionKind.MERGE, ActionKind.DEDUPLICATE, ActionKind.JOIN):
        return True
    first, *others = (ground.known(memory_id)[-1] for memory_id in action.ids)
    return all(together(first, other) for other in others)


def _last(history: Sequence[State]) -> int:
    return max(state.version for state in history)
