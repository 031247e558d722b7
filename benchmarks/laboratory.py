"""Ideas of ordering, scored offline: `python -m benchmarks.laboratory --folder DIR [--only IDEAS] [--again]`.

`benchmarks.pools` has left the candidates of each question in the folder; their columns (`benchmarks.candidates`) are
made once and kept beside them. An idea is a sum: today's score of a candidate, on the scale of logarithms, and some
columns, each with a weight. Weights are found on all sets but those made of the same data as the one that is measured:
"steps" goes up the mean of hit@1 and recall at 5 and 10, a column at a time, over a few round weights; "softmax" is the
usual listwise loss over all columns. Figures are the differences to today's order, without `told_weight` and
`session_weight`, with a paired bootstrap over questions (1,000 samples, 95 %).
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.candidates import Table, table
from benchmarks.pools import CANDIDATES, kept

SAMPLES = 1_000
#: The weights that are tried, and what one of 1 costs, so that a column that brings nothing gets none.
ROUND, TAX = (-0.5, -0.25, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0), 0.05
IDEAS: dict[str, tuple[str, ...]] = {
    "own words of any text": ("cover",),
    "own words, and what is answered": ("reply",),
    "told (built)": ("told",),
    "session alone": ("beside",),
    "told, session (built)": ("told", "beside"),
    "told, pairs of words": ("told", "pairs"),
    "told, what the best two leave out": ("told", "left_2"),
    "what the best two leave out": ("left_2",),
    "told, nearness to the best": ("told", "near"),
    "told, exact cosine": ("told", "cosine_top"),
    "told, both arms": ("told", "both"),
    "told, rare terms of the best": ("told", "feedback"),
    "told, neighbours' vectors": ("told", "before_v", "behind_v"),
    "told, neighbours' texts": ("told", "before_t", "behind_t"),
    "told, digits": ("told", "digits"),
    "told, newer": ("told", "newer"),
    "arms by what they stand out": ("v_trust", "t_trust"),
    "arms by their ranks": ("v_rr", "t_rr"),
}
ALL = (
    *("told", "beside", "reply", "cover", "pairs", "left_2", "near", "cosine_top", "both", "feedback", "digits"),
    *("before_v", "behind_v", "before_t", "behind_t", "v_share", "t_share", "walk", "length", "asks"),
)


def origin(name: str) -> str:
    """Return whose data a set is made of: no set is measured by what another one of the same data taught."""
    return name.split("_")[0]


def tables_of(folder: Path, again: bool = False) -> dict[str, list[Table]]:
    """Return the tables of all pools in a folder."""
    found = {}
    for path in sorted(folder.glob("*.pickle")):
        if not path.name.startswith("table-"):
            made = folder / f"table-{path.name}"
            if again or not made.exists() or made.stat().st_mtime < path.stat().st_mtime:
                made.write_bytes(pickle.dumps([table(pool) for pool in kept(folder, path.stem)]))
            found[path.stem] = pickle.loads(made.read_bytes())
    return found


class Packed:
    """A set as arrays of questions by candidates, with some columns."""

    def __init__(self, tables: Sequence[Table], columns: Sequence[str]) -> None:
        shape = (len(tables), CANDIDATES)
        self.base = np.full(shape, -1e9)
        self.rows = np.zeros((*shape, len(columns)))
        self.gold = np.zeros(shape)
        self.golds = np.array([each.golds for each in tables])
        for n, each in enumerate(tables):
            self.base[n, : len(each.ids)] = each.columns["base"] + each.columns["prior"]
            self.rows[n, : len(each.ids)] = np.stack([each.columns[name] for name in columns], axis=1)
            self.gold[n, : len(each.ids)] = each.gold

    def figures(self, weights: np.ndarray) -> np.ndarray:
        """Return hit@1, recall at 5 and at 10 of each question, in %."""
        order = np.argsort(-(self.base + self.rows @ weights), axis=1, kind="stable")[:, :10]
        found = np.take_along_axis(self.gold, order, 1)
        shares = [found[:, :1].sum(axis=1) > 0, *(found[:, :k].sum(axis=1) / self.golds for k in (5, 10))]
        return 100 * np.stack(shares, axis=1)


def interval(gain: np.ndarray) -> tuple[float, float]:
    rng = np.random.default_rng(7)
    means = gain[rng.integers(len(gain), size=(SAMPLES, len(gain)))].mean(axis=1)
    return float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))


def groups_of(names: Sequence[str]) -> list[list[str]]:
    """Return the names of sets by their origin, each of which counts the same."""
    return [[name for name in names if origin(name) == each] for each in sorted({origin(name) for name in names})]


def by_steps(packed: Mapping[str, Packed], size: int) -> np.ndarray:
    """Return the weights that a climb over round ones finds, from none at all."""

    def worth(weights: np.ndarray) -> float:
        means = [np.mean([packed[n].figures(weights).mean() for n in group]) for group in groups_of(list(packed))]
        return float(np.mean(means)) - TAX * float(np.abs(weights).sum())

    best, found = worth(np.zeros(size)), np.zeros(size)
    for _ in range(3):
        before = best
        for column in range(size):
            for weight in ROUND:
                tried = found.copy()
                tried[column] = weight
                if (reached := worth(tried)) > best + 1e-9:
                    best, found = reached, tried
        if best == before:
            break
    return found


def by_softmax(packed: Mapping[str, Packed], size: int, shrink: float = 0.02, steps: int = 400) -> np.ndarray:
    """Return the weights that make gold likeliest in a softmax over each question's candidates, drawn towards none."""
    weights, speed, scale = np.zeros(size), np.zeros(size), 2.0
    for _ in range(steps):
        slope = 2 * shrink * weights
        for group in groups_of(list(packed)):
            for each in (packed[name] for name in group):
                known = each.gold.sum(axis=1) > 0
                score = scale * (each.base[known] + each.rows[known] @ weights)
                share = np.exp(score - score.max(axis=1, keepdims=True))
                share /= share.sum(axis=1, keepdims=True)
                wanted = each.gold[known] / each.gold[known].sum(axis=1, keepdims=True)
                part = np.einsum("qc,qcf->f", share - wanted, each.rows[known]) / known.sum()
                slope = slope + scale * part / (len(group) * len(groups_of(list(packed))))
        speed = 0.9 * speed - 0.1 * slope
        weights = weights + speed
    return weights


def report(tables: Mapping[str, list[Table]], columns: Sequence[str], *, softmax: bool = False) -> None:
    """Print the figures of an idea a set, by weights that sets of other origins taught."""
    packed = {name: Packed(some, columns) for name, some in tables.items()}
    learn = by_softmax if softmax else by_steps
    print("| set | hit@1 | R@5 | R@10 | weights |\n|---|---|---|---|---|")
    for group in groups_of(list(packed)):
        weights = learn({name: each for name, each in packed.items() if name not in group}, len(columns))
        for name in group:
            gain = packed[name].figures(weights) - packed[name].figures(np.zeros(len(columns)))
            parts = {name: np.arange(len(gain))}
            if name == "locomo":
                parts["its multi-hop"] = np.array([i for i, t in enumerate(tables[name]) if t.category == "multi-hop"])
            for part, rows in parts.items():
                cells = [_span(gain[rows, column]) for column in range(3)]
                print(f"| {part} | " + " | ".join(cells) + f" | {np.round(weights, 2).tolist()} |", flush=True)
    print(f"of all: {np.round(learn(packed, len(columns)), 2).tolist()}", flush=True)


def _span(gain: np.ndarray) -> str:
    low, high = interval(gain)
    bold = "**" if low > 0 or high < 0 else ""
    return f"{bold}{gain.mean():+.1f}{bold} ({low:+.1f} to {high:+.1f})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--only", help="ideas by name, with ; between; 'all columns' is the linear model over all")
    parser.add_argument("--again", action="store_true", help="make the columns anew")
    given = parser.parse_args()
    tables = tables_of(given.folder, given.again)
    print("| set | questions | hit@1 | R@5 | R@10 | among the first 20 | among 64 |\n|---|---|---|---|---|---|---|")
    for name, some in tables.items():
        figures = Packed(some, ["prior"]).figures(np.zeros(1)).mean(axis=0)
        shares = [100 * np.mean([t.gold[:k].sum() / t.golds for t in some]) for k in (20, CANDIDATES)]
        print(f"| {name} | {len(some)} | " + " | ".join(f"{x:.1f}" for x in (*figures, *shares)) + " |", flush=True)
    for idea in [*IDEAS, "all columns"] if given.only is None else given.only.split(";"):
        print(f"\n{idea}")
        report(tables, IDEAS.get(idea, ALL), softmax=idea not in IDEAS)


if __name__ == "__main__":
    main()
