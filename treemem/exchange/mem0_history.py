"""What mem0's `history()` gives: events of memories, told one after the other, each as an operation of its own.

A memory is added, updated and ended when its events say, so that its past is there. Whether a cube takes all of them is
asked before the first is written.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from treemem import planning
from treemem.checks import shown
from treemem.context import Context
from treemem.errors import InvalidInputError, MemoryExistsError, MemoryNotFoundError, TreememError
from treemem.exchange.facts import told
from treemem.exchange.mem0 import NOBODYS, metadata_of
from treemem.ids import checked_id, derived_id
from treemem.items import as_item
from treemem.read.states import BATCH, histories, own_known
from treemem.storable import checked_text
from treemem.temporal import from_micros, parse_time
from treemem.write import adding, changing
from treemem.write.addition import Progress
from treemem.write.intent import Intent

EVENTS = ("ADD", "UPDATE", "DELETE")
_OWNERS = ("user_id", "agent_id", "app_id")
Refused = Callable[[str, TreememError], None]


class Event(NamedTuple):
    """What happened to a memory: its new text, or None where it was deleted, and when, in microseconds.

    `operation` is the id by which it is known again, `again` is whether a memory is added that was deleted before,
    `metadata` whose it is, its tags and `info`.
    """

    id: str
    operation: str
    memory_id: str
    kind: str
    text: str | None
    at: int
    actor: str | None
    again: bool = False
    metadata: Mapping[str, Any] = {}


def is_history(data: Any) -> bool:
    """Return whether the value of a JSON file is what `history()` gives."""
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(e, Mapping) and e.keys() >= {"memory_id", "event"} for e in data)
    )


@dataclass(slots=True)
class History:
    """The events of a file in order of time; what cannot be read goes to `refused`."""

    data: list[Any]
    refused: Refused
    #: Whether somebody imports it, to whom all of it belongs then.
    owned: bool
    events: list[Event] = field(default_factory=list)
    _noted: Counter[str] = field(default_factory=Counter)
    #: When each memory that is there began to say what it says, and those that were there and are gone.
    _since: dict[str, int] = field(default_factory=dict)
    _gone: set[str] = field(default_factory=set)
    _places: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        owners = _owners(self.data)
        for place, at in self._timed():
            try:
                if self._comes_again(place):
                    continue
                event = self._event(self.data[place], at, owners)
            except InvalidInputError as error:
                self.refused(f"events[{place}]", InvalidInputError(f"events[{place}]: {error}"))
            else:
                self.events.append(event)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out, with how often."""
        return told(self._noted)

    def _timed(self) -> list[tuple[int, int]]:
        """Return the places of the events in order of time, with their times."""
        timed: list[tuple[int, int, int]] = []
        for place, given in enumerate(self.data):
            said = given.get("updated_at") or given.get("created_at")
            rank = EVENTS.index(given["event"]) if given["event"] in EVENTS else len(EVENTS)
            try:
                if said is None and timed:  # mem0 gives some deletions no time: then when the event before it was
                    timed.append((timed[-1][0], rank, place))
                else:
                    timed.append((parse_time(said or "", "created_at"), rank, place))
            except InvalidInputError as error:
                self.refused(f"events[{place}]", InvalidInputError(f"events[{place}]: {error}"))
        return [(place, at) for at, _, place in sorted(timed)]

    def _comes_again(self, place: int) -> bool:
        """Return whether an event was told before; raise InvalidInputError where another has its id."""
        event_id = checked_id(self.data[place].get("id"))
        first = self._places.setdefault(event_id, place)
        if first == place:
            return False
        if self.data[first] != self.data[place]:
            raise InvalidInputError(f"id: events[{first}] has {event_id!r}, too, and says something else")
        self._noted["events that come twice are read once"] += 1
        return True

    def _event(self, given: Mapping[str, Any], at: int, owners: Mapping[str, Mapping[str, Any]]) -> Event:
        kind = given["event"]
        if kind not in EVENTS:
            raise InvalidInputError(f"event: wanted one of {', '.join(EVENTS)}, found {shown(kind)}")
        memory_id, event_id = checked_id(given["memory_id"], "memory_id"), checked_id(given.get("id"))
        operation = checked_id(f"mem0-{event_id}")
        if (kind == "ADD") == (memory_id in self._since):
            raise InvalidInputError(
                f"{kind}: memory {memory_id!r} {'was added before' if kind == 'ADD' else 'is not there'}"
            )
        own = owners[memory_id]
        if isinstance(own.get("twice"), str):
            raise InvalidInputError(f"{own['twice']}: the events of memory {memory_id!r} name several")
        if given.get("input"):
            self._noted["the input of an event, the messages that it was read from, is left out"] += 1
        text, metadata = None, {}
        if kind != "DELETE":
            text, metadata = checked_text(given.get("new_memory"), "new_memory"), metadata_of(given, self._noted)
            metadata = {n: v for n, v in metadata.items() if n not in _OWNERS and v}
            if kind == "ADD":
                metadata |= own
                if not own.get("user_id") and not self.owned:
                    self._noted[NOBODYS] += 1
            as_item({"id": memory_id, "memory": text, "metadata": metadata})
        elif at <= self._since[memory_id]:
            at = self._since[memory_id] + 1  # what was deleted at once held for a moment
        again = kind == "ADD" and memory_id in self._gone
        if kind == "DELETE":
            self._gone.add(memory_id)
            del self._since[memory_id]
        else:
            self._since[memory_id] = at
        actor = given.get("actor_id")
        by = actor if isinstance(actor, str) else None
        return Event(event_id, operation, memory_id, kind, text, at, by, again, metadata)


def _owners(data: Iterable[Mapping[str, Any]]) -> dict[Any, dict[str, Any]]:
    """Return whose each memory is: what any of its events says; under `twice` the field of which they name several."""
    found: dict[Any, dict[str, Any]] = {}
    for given in data:
        if not isinstance(given["memory_id"], str):
            continue
        own = found.setdefault(given["memory_id"], {})
        for name in _OWNERS:
            value = given.get(name)
            if value is not None and own.setdefault(name, value) != value:
                own["twice"] = name
    return found


def tell(
    ctx: Context, history: History, mine: tuple[str, str], intent: Intent, refused: Refused, progress: Progress | None
) -> None:
    """Tell events to a cube. What it would not take goes to `refused`, which may raise: before anything is written."""
    own = [_own(event, mine) if any(mine) else event for event in history.events]
    events = _fitting(ctx, own, refused)
    for done, event in enumerate(events, 1):
        by = Intent(event.operation, event.actor or intent.actor, intent.reason)
        at = from_micros(event.at)
        try:
            if event.kind == "DELETE":
                changing.expire(ctx, event.memory_id, at, by)
            elif event.kind == "UPDATE" or event.again:
                settable = {n: v for n, v in event.metadata.items() if n not in _OWNERS}
                changing.update(ctx, event.memory_id, event.text, at, by, settable)
            else:
                new = {"id": event.memory_id, "memory": event.text, "metadata": dict(event.metadata)}
                adding.add(ctx, new, at, None, by, None, {})
        except TreememError as error:
            refused(f"event {event.id}", error)
        if progress is not None:
            progress(done, len(events))


def _own(event: Event, mine: tuple[str, str]) -> Event:
    """Return an event with ids that are its caller's: two users may have the history of one memory."""
    operation, memory_id = (derived_id("mem0", *mine, each) for each in (event.operation, event.memory_id))
    return event._replace(operation=operation, memory_id=memory_id)


def _fitting(ctx: Context, events: Sequence[Event], refused: Refused) -> list[Event]:
    """Return the events that the cube takes, those that it has taken before too; nothing is written."""
    ids = sorted({event.memory_id for event in events})
    there: set[str] = set()
    done: set[str] = set()
    wrong: dict[str, TreememError] = {}
    for start in range(0, len(ids), BATCH):
        for memory_id, states in histories(ctx, ids[start : start + BATCH]).items():
            done |= {by for s in states for by in (s.opened_by, s.closed_by) if by is not None}
            known = [s for s in states if s.closed_by is None]
            if known:
                there.add(memory_id)
                try:
                    planning.changeable(ctx.cube, memory_id, own_known(ctx, memory_id, states))
                except TreememError as error:
                    wrong[memory_id] = error
    fitting: list[Event] = []
    for event in events:
        if event.operation in done:
            fitting.append(event)
            continue
        try:
            if event.kind == "ADD" and not event.again:
                if event.memory_id in there:
                    raise MemoryExistsError(
                        f"memory {event.memory_id!r} is in cube {ctx.cube!r} and was not added by this event; import a "
                        "history before its memories, or into a cube of its own"
                    )
                ctx.caller.signed(event.metadata)
            elif event.memory_id in wrong:
                raise wrong[event.memory_id]
            elif event.memory_id not in there:
                raise MemoryNotFoundError(f"no memory {event.memory_id!r} in cube {ctx.cube!r}; its ADD was left out")
        except TreememError as error:
            refused(f"event {event.id}", error)
        else:
            there.add(event.memory_id)
            fitting.append(event)
    return fitting
