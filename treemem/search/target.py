"""The time a search looks at, and how much it prefers what fits it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from treemem.changes import State
from treemem.language.timewords import Told
from treemem.search.when import TimeReading, When
from treemem.store.protocol import Seed, Subgraph
from treemem.temporal import BEGINNING, END, Moment, Span

#: How much more a hit is worth that began in the time asked for, that held then and ended, or that only held then.
BEGAN, ENDED, HELD = 1.6, 1.4, 1.15
#: How much more the newest good hit is worth than the oldest, where a question asks for all there ever was; a good hit
#: has at least this share of the best one's score.
LAST_FIRST, GOOD = 0.6, 0.55
#: Kinds of questions whose words ask for the newest of alike answers first, or for the oldest.
NEWEST_FIRST = frozenset({"recent", "now"})
OLDEST_FIRST = frozenset({"previous"})


@dataclass(frozen=True, slots=True)
class Target:
    """What valid times are looked at and preferred.

    `span` is None where the search looks at one moment. `prefers` is whether hits that fit are preferred; where the
    time was given they all fit.
    """

    kind: str
    since: int
    until: int
    now: int
    words: str = ""
    span: Span | None = None
    prefers: bool = False

    @property
    def reading(self) -> TimeReading:
        """The target as a user sees it."""
        if self.kind in ("now", "ever", "previous", "recent"):
            return TimeReading.of(self.kind, BEGINNING, END, self.words)
        return TimeReading.of(self.kind, self.since, END if self.kind == "at" else self.until, self.words)

    def worth(self, valid_from: int, valid_to: int, about: int | None = None) -> float:
        """Return how well a state fits: a factor, 1 if it fits no better than any other.

        `about` is the time of the event that it tells of, where that is known.
        """
        if not self.prefers:
            return 1.0
        ended = valid_to <= self.now
        if self.kind == "previous":
            return ENDED if ended else 1.0
        if self.kind == "before":
            return 1.0 if valid_from >= self.until else ENDED if valid_to < END else HELD
        if self.kind == "after":
            return BEGAN if valid_from >= self.since else 1.0
        if self.kind == "during":
            if self.since <= valid_from < self.until or (about is not None and self.since <= about < self.until):
                return BEGAN
            return ENDED if valid_from < self.until and self.since < valid_to < END else 1.0
        return 1.0

    @property
    def newest_first(self) -> bool | None:
        """Whether of alike answers the newest comes first, or (False) the oldest; None if the words do not say."""
        if not self.words or self.kind not in NEWEST_FIRST | OLDEST_FIRST:
            return None
        return self.kind in NEWEST_FIRST

    def overtakes(self, newer_from: int) -> bool:
        """Return whether a newer statement, true from a time on, stands before the one it supersedes."""
        if not self.prefers or self.kind not in ("before", "during", "previous"):
            return True
        return self.kind != "previous" and newer_from < self.until


def target_of(moment: Moment, when: When | None, told: Told | None, *, include_superseded: bool) -> Target:
    """Return the target of a search: `as_of` (in the moment) or `when` if given, else what the question told."""
    now = moment.now
    if moment.valid_at is not None:
        at = moment.valid_at
        span = Span(BEGINNING) if include_superseded else None
        return Target("at", at, at + 1, at, span=span)
    if when is not None:
        return Target(when.kind, when.since, when.until, now, span=when.span)
    if told is None or told.kind == "now":
        span = Span(BEGINNING) if include_superseded else None
        return Target("now", now, now + 1, now, told.words if told else "", span)
    ahead = told.kind in ("during", "before") and told.until > now
    ever = Span(BEGINNING, told.until if ahead else None)
    return Target(told.kind, told.since, told.until, now, told.words, ever, prefers=True)


def chosen(found: Subgraph, target: Target) -> dict[str, int]:
    """Return the version of each memory that is shown, where several of its states were found: what fits, then what
    holds now, then the better score.
    """
    if target.span is None:
        return dict(found.versions)
    best: dict[str, tuple[tuple[float, bool, float], int]] = {}
    for seed in found.seeds:
        holds = seed.valid_from <= target.now < seed.valid_to
        key = (target.worth(seed.valid_from, seed.valid_to), holds, _comparable(seed))
        if seed.memory_id not in best or key > best[seed.memory_id][0]:
            best[seed.memory_id] = (key, seed.version)
    return {**found.versions, **{memory_id: version for memory_id, (_, version) in best.items()}}


def trimmed(found: Subgraph, target: Target, limits: Mapping[str, int]) -> Subgraph:
    """Return what was found over a span with the seeds of no more memories in each arm than a moment would have given.

    More of them would change how scores are normalised within an arm.
    """
    if target.span is None:
        return found
    kept: list[Seed] = []
    best: dict[str, set[str]] = {arm: set() for arm in limits}
    for seed in found.seeds:  # best first within each arm
        among = best[seed.arm]
        if seed.memory_id in among or len(among) < limits[seed.arm]:
            among.add(seed.memory_id)
            kept.append(seed)
    return replace(found, seeds=tuple(kept))


def _comparable(seed: Seed) -> float:
    return seed.score if seed.arm == "vector" else -2.0


def fitted(states: Sequence[State], scores: Mapping[str, float], target: Target) -> dict[str, float]:
    """Return the factor of each memory's score: how well its state fits the target, and, for all there ever was, how
    recent it is among the good hits.
    """
    gain = LAST_FIRST if target.prefers and target.kind in ("ever", "recent") else 0.0
    bar = GOOD * max(scores.values(), default=0.0)
    times = sorted({s.valid_from for s in states if scores.get(s.memory_id, 0.0) >= bar})
    rank = {at: i / max(1, len(times) - 1) for i, at in enumerate(times)}
    return {
        s.memory_id: target.worth(s.valid_from, s.valid_to, s.fields.get("memory_time"))
        * (1 + gain * rank.get(s.valid_from, 0.5))
        for s in states
    }
