"""What is known of each candidate of a pool, as columns: what an idea of ordering may look at.

Nothing here knows gold, ids or categories. A column is the same function for every set.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmarks.pools import CANDIDATES, Pool
from treemem.changes import EdgeType, State
from treemem.ingest.entities import meant, names_in
from treemem.ingest.statements import Statement
from treemem.search.options import SearchOptions
from treemem.search.order import sessions, told
from treemem.search.priors import asking, prior
from treemem.search.question import asks_the_assistant, asks_what_was_asked, edge_boosts
from treemem.search.rank import Ranked, arm_sum, rank
from treemem.store.protocol import Subgraph
from treemem.store.protocol.data import PASSAGE
from treemem.text import analyse, asked, words


@dataclass(frozen=True)
class Table:
    """The candidates of a question in today's order: a row each, the columns by name, and which of them are gold."""

    set: str
    category: str
    ids: tuple[str, ...]
    columns: Mapping[str, np.ndarray]
    gold: np.ndarray
    golds: int


def narrowed(pool: Pool) -> Subgraph:
    """Return what a search of today finds: the first 30 seeds of each arm, the names that are meant."""
    found = trimmed_to(pool.found, pool.question.options.vector_limit, pool.question.options.text_limit)
    return replace(found, entities=meant(pool.question.text, found.entities))


def trimmed_to(found: Subgraph, vector: int, text: int) -> Subgraph:
    kept, seen = [], Counter[str]()
    for seed in found.seeds:
        seen[seed.arm] += 1
        if seen[seed.arm] <= {"vector": vector, "text": text}[seed.arm]:
            kept.append(seed)
    return replace(found, seeds=tuple(kept))


def table(pool: Pool, most: int = CANDIDATES) -> Table:
    question, options = pool.question, pool.question.options
    found = narrowed(pool)
    states = {s.memory_id: s for s in pool.states}
    ranked = [r for r, _ in zip(rank(found, options, edge_boosts(question.text)), range(most), strict=False)]
    ranked = [r for r in ranked if r.memory_id in states]
    held = [states[r.memory_id] for r in ranked]
    ids = tuple(r.memory_id for r in ranked)
    columns = {
        **_arms(pool, found, ids),
        **_said(question.text, held, options, _answered(found)),
        **_near(pool, ids, held),
        **_alike(pool, ranked, held),
        "base": np.log(np.array([r.score for r in ranked]) + 1e-12),
    }
    columns["seeded"] = np.array([arm_sum(found.seeds, options).get(i, 0.0) for i in ids])
    columns["walk"] = columns["base"] - columns["seeded"] + 1  # what PageRank and the messages beside it add
    order = sorted(range(len(ids)), key=lambda n: (-(columns["base"] + columns["prior"])[n], ids[n]))
    said = told([Statement.of(s) for s in held], found.edges, question.text)
    beside = sessions([ids[n] for n in order], held)
    columns["told"] = np.array([said.get(i, 0.0) for i in ids])
    columns["beside"] = np.array([beside.get(i, 0.0) for i in ids])
    gold = np.array([i in pool.gold for i in ids], bool)
    return Table(pool.set, pool.category, ids, columns, gold, len(pool.gold))


def _scaled(values: np.ndarray) -> np.ndarray:
    return values / values.max() if len(values) and values.max() > 0 else values * 0.0


def _arms(pool: Pool, found: Subgraph, ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Scores and places of both arms: as today's sum has them, of 64 seeds, and what the question's whole list is."""
    columns: dict[str, np.ndarray] = {}
    place = {i: n for n, i in enumerate(ids)}
    for arm, letter in (("vector", "v"), ("text", "t")):
        score, order = np.zeros(len(ids)), np.full(len(ids), 100.0)
        some = [s for s in pool.found.seeds if s.arm == arm]
        values = np.array([s.score for s in some])
        for n, seed in enumerate(some):
            if seed.memory_id in place:
                score[place[seed.memory_id]], order[place[seed.memory_id]] = seed.score, n
        columns[letter] = score
        columns[letter + "_top"] = score / max(values.max(initial=0.0), 0.1)
        low = values.min(initial=0.0)
        spread = max(values.max(initial=0.0) - low, 1e-9)
        columns[letter + "_minmax"] = np.where(order < 100, (score - low) / spread, 0.0)
        columns[letter + "_rr"] = 1 / (5 + order)
        columns[letter + "_in"] = (order < 30).astype(float)
        # Of the whole question: how far the first stands out.
        stands = (values[0] - values[min(9, len(values) - 1)]) / max(values[0], 0.1) if len(values) else 0.0
        columns[letter + "_trust"] = columns[letter + "_top"] * stands
        sums = arm_sum([s for s in found.seeds if s.arm == arm], replace(pool.question.options, vector_weight=1.0))
        columns[letter + "_share"] = np.array([sums.get(i, 0.0) for i in ids])
    columns["both"] = columns["v_in"] * columns["t_in"]
    return columns


def _answered(found: Subgraph) -> dict[str, tuple[str, float]]:
    """Return what each message follows, and how closely: an answer follows what asked for it."""
    return {e.source[2:]: (e.target[2:], e.weight) for e in found.edges if e.type is EdgeType.FOLLOWS}


def _said(
    text: str, held: Sequence[State], options: SearchOptions, follows: Mapping[str, tuple[str, float]]
) -> dict[str, np.ndarray]:
    """What the texts say themselves: words of the question, by how few of the candidates say each."""
    if asks_the_assistant(text):
        options = replace(options, assistant_weight=0.0)
    if asks_what_was_asked(text):
        options = replace(options, question_weight=0.0)
    statements = [Statement.of(s) for s in held]
    named = frozenset(words(text))
    wanted = asked(text)[:64]
    said = [analyse(f"{s.fields.get('key') or ''} {s.fields['memory']}"[:6_000]) for s in held]
    sets = [frozenset(each) for each in said]
    having = Counter(token for each in sets for token in each)
    count = len(held) + 1
    rarity = {t: math.log(1 + count / (0.5 + having[t])) for t in wanted}
    total = sum(rarity.values()) or 1.0
    pairs = set(itertools.pairwise(wanted))
    names = list(names_in(text))
    folded = [frozenset(words(n)) for n in names]
    result: dict[str, list[float]] = defaultdict(list)
    for state, statement, each, tokens in zip(held, statements, said, sets, strict=True):
        own = frozenset(words(statement.text[:4_000]))
        length = len(each)
        counts = Counter(each)
        result["prior"].append(math.log(prior(state, statement, options, 0, None, named)))
        result["assistant"].append(float(statement.role == "assistant"))
        result["asks"].append(asking(statement.text) if statement.message else 0.0)
        result["speaker"].append(float(bool(statement.speaker) and named.issuperset(words(statement.speaker))))
        result["speaker_not"].append(float(bool(statement.speaker) and not named.issuperset(words(statement.speaker))))
        result["length"].append(math.log1p(length))
        result["words"].append(float(len(words(statement.text))))
        result["cover"].append(sum(rarity[t] for t in wanted if t in tokens) / total)
        result["bm"].append(
            sum(
                rarity[t] * counts[t] * 2.2 / (counts[t] + 1.2 * (0.25 + 0.75 * length / 40))
                for t in wanted
                if t in counts
            )
        )
        result["pairs"].append(len(pairs & set(itertools.pairwise(each))) / max(1, len(pairs)))
        result["names"].append(sum(f <= own for f in folded) / max(1, len(folded)))
        result["digits"].append(float(any(c.isdigit() for c in statement.text)))
        key = frozenset(analyse(str(state.fields.get("key") or "")))
        result["title"].append(len(key & set(wanted)) / len(key) if key else 0.0)
    columns = {name: np.array(values) for name, values in result.items()}
    columns["bm"] = _scaled(columns["bm"]) if len(held) else np.zeros(0)
    place = {s.memory_id: n for n, s in enumerate(held)}
    reply, echo = columns["cover"].copy(), np.zeros(len(held))
    for n, state in enumerate(held):
        before, weight = follows.get(state.memory_id, ("", 0.0))
        if before in place:
            both = sum(rarity[t] for t in wanted if t in sets[n] or t in sets[place[before]]) / total
            if weight >= 0.7:
                reply[n] = both
            else:
                echo[n] = both - columns["cover"][n]
    columns["reply"], columns["echo"] = reply, echo
    # Words of the question that the best candidate leaves out: a second step would say them.
    for depth in (1, 2):
        heard = frozenset().union(*sets[:depth])
        left = [t for t in wanted if t not in heard]
        columns[f"left_{depth}"] = np.array([sum(rarity[t] for t in left if t in each) / total for each in sets])
        columns[f"left_{depth}"][:depth] = max(columns[f"left_{depth}"], default=0.0)
    # What the best candidates say beside the words of the question, by rarity: pseudo relevance feedback.
    weights: dict[str, float] = defaultdict(float)
    for n, tokens in enumerate(sets[:5]):
        for token in tokens:
            weights[token] += (1 / (1 + n)) * math.log(1 + count / (0.5 + having[token])) / math.sqrt(len(tokens))
    for token in wanted:
        weights.pop(token, None)
    expanded = [sum(weights[t] for t in tokens if t in weights) / math.sqrt(len(tokens) or 1) for tokens in sets]
    for n in range(min(5, len(sets))):  # without its own share
        own_share = (1 / (1 + n)) * sum(math.log(1 + count / (0.5 + having[t])) for t in sets[n] if t in weights)
        expanded[n] -= own_share / (len(sets[n]) or 1)
    columns["feedback"] = np.array(expanded)
    return columns


def _near(pool: Pool, ids: Sequence[str], held: Sequence[State]) -> dict[str, np.ndarray]:
    """What the messages right before and behind score, and how much of the session is among the best."""
    score = {arm: {s.memory_id: s.score for s in pool.found.seeds if s.arm == arm} for arm in ("vector", "text")}
    beside: dict[str, dict[str, list[str]]] = {"before": defaultdict(list), "behind": defaultdict(list)}
    for edge in pool.found.edges:
        if edge.type is EdgeType.FOLLOWS:
            beside["before"][edge.source[2:]].append(edge.target[2:])
            beside["behind"][edge.target[2:]].append(edge.source[2:])
    columns: dict[str, np.ndarray] = {}
    for side, of in beside.items():
        for arm, letter in (("vector", "v"), ("text", "t")):
            best = max(score[arm].values(), default=1.0) or 1.0
            columns[f"{side}_{letter}"] = np.array(
                [max((score[arm].get(j, 0.0) / best for j in of.get(i, ())), default=0.0) for i in ids]
            )
    columns["talk"] = np.array([float(bool(beside["before"].get(i) or beside["behind"].get(i))) for i in ids])
    sessions = [
        (s.fields.get("conversation_id"), s.fields.get("session_id") or s.valid_from // 86_400_000_000) for s in held
    ]
    mass: dict[Any, float] = defaultdict(float)
    gains = [1 / (2 + n) for n in range(len(ids))]
    for session, gain in zip(sessions, gains, strict=True):
        mass[session] += gain
    total = sum(gains) or 1.0
    columns["session"] = np.array(
        [(mass[s] - g) / total if s[0] else 0.0 for s, g in zip(sessions, gains, strict=True)]
    )
    numbers = np.array([float(s.fields.get("sequence") or 0) for s in held])
    gap = np.abs(numbers[:, None] - numbers[None, :])
    talks = columns["talk"]
    kernel = np.exp(-gap / 3) * (1 - np.eye(len(ids))) * talks[:, None]
    columns["close"] = kernel @ np.array(gains) if len(ids) else np.zeros(0)
    times = np.array([float(s.valid_from) for s in held])
    order = times.argsort().argsort() / max(1, len(ids) - 1)
    columns["newer"] = order * (times.max(initial=0) > times.min(initial=0))
    return columns


def _alike(pool: Pool, ranked: Sequence[Ranked], held: Sequence[State]) -> dict[str, np.ndarray]:
    """Exact cosines, those of the vector arm's list and others, and how near the best candidates are."""
    first = np.stack([s.vectors[0] for s in held]) if held else np.zeros((0, 1))  # type: ignore[index]
    asked_for = np.asarray(pool.question.vector)
    cosine = np.array([_cosine(s, asked_for) for s in held])
    between = first @ first.T if len(held) else np.zeros((0, 0))
    np.fill_diagonal(between, 0.0)
    gains = np.array([1 / (1 + n) for n in range(len(held))]) * (np.arange(len(held)) < 10)
    near = between @ gains / (gains.sum() - gains + 1e-9) if len(held) else np.zeros(0)
    good = cosine.max(initial=0.1)
    return {
        "cosine": cosine,
        "cosine_top": cosine / max(good, 0.1),
        "cosine_z": (cosine - cosine.mean()) / (cosine.std() + 1e-9) if len(held) else cosine,
        "near": near,
        "nearest": np.sort(between, axis=1)[:, -3:].mean(axis=1) if len(held) >= 3 else near,
        "crowd": (between * _softmax(20 * cosine)[None, :]).sum(axis=1) if len(held) else near,
    }


def _cosine(state: State, vector: np.ndarray) -> float:
    assert state.vectors is not None
    each = state.vectors @ vector
    return float(max(each[0], each[1:].max() - PASSAGE)) if len(each) > 1 else float(each[0])


def _softmax(values: np.ndarray) -> np.ndarray:
    e = np.exp(values - values.max(initial=0.0))
    return np.asarray(e / e.sum())
