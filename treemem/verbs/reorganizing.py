"""The reorganizer of a memory: plan, apply, run, and a worker in the background."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from treemem.changes import ChangeSet, EdgeType, State
from treemem.contents import is_topic
from treemem.errors import ConflictError, InvalidInputError, LeaseError, StoreError, TreememError
from treemem.items import MEMORY_TYPES, derived_id
from treemem.reorganize import candidates, planner, topics, turn
from treemem.reorganize.candidates import ACTION, RUN, RUN_FAILED, Pair
from treemem.reorganize.changesets import Ground, change
from treemem.reorganize.plan import Action, ActionKind, Outcome, Plan, Report
from treemem.reorganize.turn import Status
from treemem.store.protocol import LIVE, Lease
from treemem.temporal import Moment
from treemem.verbs.arguments import among, within
from treemem.verbs.session import Session

if TYPE_CHECKING:
    from treemem.judge.model import Verdicts

log = logging.getLogger("treemem.reorganizer")
ACTOR = "reorganizer"
#: The cosine from which a language model is asked about a pair.
_ASKED_FROM = 0.5
_LINKS = (EdgeType.SUPERSEDES, EdgeType.CONTRADICTS, EdgeType.CAUSES, EdgeType.RELATES_TO)


class Reorganizer:
    """Merges, relates and archives the memories of one cube: `plan` proposes, `apply` does, `memory.undo` takes back.

    It looks at what changed since the last run and at its nearest, never at all pairs. It concerns the whole cube,
    whoever calls; memories of different users, sessions, visibility or type never become one.
    """

    CAPACITY: Mapping[str, int] = planner.CAPACITY

    def __init__(self, memory: Session) -> None:
        self._memory = memory
        self._holder = f"reorganizer-{uuid.uuid4()}"
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure: str | None = None

    def plan(
        self,
        *,
        everything: bool = False,
        neighbours: int = 8,
        least: float = 0.2,
        capacity: Mapping[str, int] | None = None,
        group: bool = False,
        kinds: Sequence[str] | None = None,
        ask: bool | None = None,
        max_tokens: int = 50_000,
    ) -> Plan:
        """Return what to do about what changed since the last run (or about `everything`); nothing is changed.

        Each changed memory is compared with its `neighbours` nearest of a cosine of at least `least`. With a `capacity`
        (`Reorganizer.CAPACITY`: 20 WorkingMemory, 1,500 LongTermMemory, 480 UserMemory), the least valuable memories
        of a type beyond it are archived, never deleted, and working memories that were recalled often promoted; this
        looks at the whole cube. With `group`, memories without a parent join the nearest topic or, four or more alike,
        make a new one (`memory.tree()` shows them). `kinds` are the kinds of actions wanted.

        With `ask` (the default where the memory was opened with an `llm`), pairs about which the rules are not sure go
        to the language model, twenty a request, for about `max_tokens` of prompt. Its verdicts are checked against
        what the texts say; where it fails, the rules' judgement stands, and the plan's `notes` say so. Raises
        InvalidInputError.
        """
        within("neighbours", neighbours, 1, 100)
        within("least", least, -1, 1)
        if capacity:
            among("capacity", list(capacity), MEMORY_TYPES)
        store, cube = self._memory._store, self._memory._cube
        info = store.cube(cube)
        if info is None:
            return Plan(id=str(uuid.uuid4()), cube=cube, until=0, looked_at=0, actions={})
        moment = Moment(self._memory._now())
        since = None if everything else candidates.watermark(store, cube)
        if since is None:
            states = [s for page in self._memory._pages(moment, LIVE, vectors=True) for s in page.states]
        else:
            states = list(candidates.changed(store, cube, since, moment))
        judged = planner.Judged({s.memory_id: s for s in states})
        near = list(candidates.pairs(store, cube, states, moment, neighbours=neighbours, least=least))
        for pair in near:
            if not (is_topic(pair.one.fields) or is_topic(pair.other.fields)):
                judged.add(pair)
        asked = self._ask(judged, max_tokens) if ask or (ask is None and self._memory._llm is not None) else None
        versions = self._memory._last_versions(sorted(judged.states))
        edges = self._memory._edges_at(sorted(judged.states), _LINKS, moment, statuses=None)
        existing = frozenset((e.type.value, e.source, e.target) for e in edges)
        actions = planner.planned(judged, versions, existing)
        changing = {i for a in actions if a.kind not in (ActionKind.RELATE, ActionKind.CONTRADICT) for i in a.ids}
        if group:
            actions += self._grouped(near, moment, changing)
        if capacity:
            actions += self._over_capacity(capacity, moment, changing)
        plan = Plan(
            id=str(uuid.uuid4()), cube=cube, until=info.clock, looked_at=len(states), actions=dict(enumerate(actions))
        )
        if asked is not None:
            usage = asked.usage
            plan = plan.model_copy(
                update={
                    "notes": asked.notes,
                    "asked": usage.requests,
                    "tokens": usage.prompt_tokens + usage.completion_tokens,
                    "seconds": usage.seconds,
                    "cost": usage.cost,
                }
            )
        return plan if kinds is None else plan.only(*kinds)

    def _ask(self, judged: planner.Judged, max_tokens: int) -> Verdicts:
        """Let the language model judge what the rules are not sure of."""
        from treemem.judge import model

        if self._memory._llm is None:
            raise InvalidInputError("ask=True asks a language model; open the memory with llm=OpenAILLM(...)")
        places = judged.doubtful(_ASKED_FROM)
        pairs = [(judged.readings[f.source], judged.readings[f.target]) for f, _ in (judged.found[n] for n in places)]
        verdicts = model.ask(self._memory._llm, pairs, max_tokens)
        for place, judgement in zip(places, verdicts.judgements, strict=True):
            if judgement is not None:
                judged.learn(place, judgement)
        return verdicts

    def apply(self, plan: Plan, *, wait: float = 0.0) -> Report:
        """Do the actions of a plan, each in one transaction, and return what became of them.

        Applying a plan again does what is not done yet and nothing twice. An action whose memories changed since it was
        planned is skipped. Raises InvalidInputError for a plan of another cube, LeaseError while another worker
        reorganizes this one, after `wait` seconds; StoreError when the store fails in the middle: apply it again then.
        """
        if plan.cube != self._memory._cube:
            raise InvalidInputError(f"plan: made for cube {plan.cube!r}, applied to {self._memory._cube!r}; plan anew")
        with self._turn(wait) as lease:
            return self._applied(plan, lease, threading.Event())

    def run(self, *, wait: float = 0.0, **plan: Any) -> Report:
        """Plan and apply in one turn; the arguments are those of `plan`. Raises as `apply` does."""
        with self._turn(wait) as lease:
            return self._ran(plan, lease, threading.Event())

    def status(self) -> Status:
        """Return how reorganizing this cube stands: what waits, who works, what failed. Raises StoreError."""
        return turn.status(self._memory._store, self._memory._cube)

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
        within("interval", interval, 0.01, 1_000_000)
        if self._thread is not None and self._thread.is_alive():
            return
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
        try:
            changes = change(base, action, ground, plan.memory(number), lambda text: memory._embed([text])[0])
            receipt = memory._store.apply(changes, lease=lease)
        except (ConflictError, InvalidInputError) as error:
            return became("skipped", str(error))
        return became("repeated" if receipt.repeated else "done")

    def _ground(self, action: Action) -> Ground:
        memory = self._memory
        history: dict[str, list[State]] = {i: [] for i in action.ids}
        for state in memory._store.history(memory._cube, action.ids):
            history[state.memory_id].append(state)
        if action.kind not in (ActionKind.MERGE, ActionKind.DEDUPLICATE):
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

    def _over_capacity(self, capacity: Mapping[str, int], moment: Moment, busy: set[str]) -> list[Action]:
        """Return the actions that bring each memory type back to its capacity; counts what there is, by page."""
        memory = self._memory
        many = [s for page in memory._pages(moment, LIVE) for s in page.states if s.memory_id not in busy]
        over = {k for k in capacity if sum(s.fields["memory_type"] == k for s in many) > capacity[k]}
        many = [s for s in many if s.fields["memory_type"] in over]
        if not many:
            return []
        ids = [s.memory_id for s in many]
        links: dict[str, int] = {}
        for edge in memory._edges_at(ids, None, moment, statuses=None):
            for end in (edge.source, edge.target):
                links[end] = links.get(end, 0) + 1
        usage = memory._store.usage(memory._cube, ids)
        bounds = {kind: capacity[kind] for kind in over}
        return planner.over_capacity(many, self._memory._last_versions(ids), bounds, usage, links, moment.now)

    def _grouped(self, near: list[Pair], moment: Moment, busy: set[str]) -> list[Action]:
        """Return the actions that put memories without a parent below topics."""
        ids = sorted({s.memory_id for pair in near for s in (pair.one, pair.other)})
        edges = self._memory._edges_at(ids, [EdgeType.PARENT], moment, statuses=None)
        sizes = Counter(e.source for e in edges)
        return topics.grouped(near, {e.target for e in edges}, sizes, self._memory._last_versions(ids), busy)

    def _close(self, plan: Plan) -> None:
        """Note up to when changes were looked at, unless nothing but the reorganizer's own changes came after that."""
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


class ReorganizeVerbs(Session):
    """reorganizer."""

    _reorganizer: Reorganizer | None = None

    @property
    def reorganizer(self) -> Reorganizer:
        """The reorganizer of this cube."""
        if self._reorganizer is None:
            self._reorganizer = Reorganizer(self)
        return self._reorganizer
