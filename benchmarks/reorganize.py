"""The reorganizer: `python -m benchmarks.reorganize [--sizes 1000,10000,100000] [--neo4j URI] [--data DIR]`.

Without data: seconds to plan for 500 changed memories in cubes of growing size (synthetic memories, looked at before);
then what 1,000 memories added to a tree of topics over 10,000 touch of it.
With data (locomo and beam_100k as for `benchmarks.retrieval`): what a run over everything, topics included, does to a
conversation, R@10 before and after it, and how many of the memories that were merged or closed are gold of a question;
a merged memory credits the one source that its kept text came from.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

import numpy as np

from benchmarks import synthetic
from benchmarks.retrieval import READERS, Collection, interval, load, score
from treemem import Plan, SearchOptions, TreeTextMemory

CHANGES = 500
QUIET = SearchOptions(supersession=False)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000")
    parser.add_argument("--neo4j", help="a Neo4j URI; default: the embedded store")
    parser.add_argument("--data", type=Path)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with TreeTextMemory.open(arguments.neo4j or str(Path(folder) / "reorganize.db")) as memory:
            if arguments.data is None:
                growth(memory, [int(size) for size in arguments.sizes.split(",")])
                tree(memory, 10_000, 1_000)
            else:
                for name in ("locomo", "beam_100k"):
                    quality(memory, name, arguments.data / name)


def growth(memory: TreeTextMemory, sizes: list[int]) -> None:
    print("| memories | plan for 500 changes, s | looked at | actions |\n|---|---|---|---|")
    for size in sizes:
        cube = memory.cube(f"growth-{time.time_ns()}")
        cube.add(synthetic.items(size))
        clock = cube.store.cube(cube.cube_id).clock  # type: ignore[union-attr]
        looked_at = Plan(id=str(uuid.uuid4()), cube=cube.cube_id, until=clock, looked_at=size, actions={})
        cube.reorganizer.apply(looked_at)  # does nothing but note that all of these were looked at
        time.sleep(0.01)
        changed = [{**item, "id": f"new-{item['id']}"} for item in synthetic.items(CHANGES, seed=9)]
        cube.add(changed)
        started = time.perf_counter()
        plan = cube.reorganizer.plan(capacity={})
        took = time.perf_counter() - started
        print(f"| {size:,} | {took:.2f} | {plan.looked_at} | {len(plan)} |", flush=True)


def tree(memory: TreeTextMemory, size: int, added: int) -> None:
    cube = memory.cube(f"tree-{time.time_ns()}")
    items = list(synthetic.items(size))
    cube.add(items)
    kinds = ("group", "split", "join")
    for _ in range(3):
        cube.reorganizer.run(everything=True, group=True, kinds=kinds, capacity={})
    topics = sum(m.metadata.type == "topic" for page in cube.pages(limit=500) for m in page.items)
    rng = np.random.default_rng(5)
    for item in items[:: size // added]:  # each near to one that is there
        vector = item["metadata"]["embedding"]
        near = synthetic.unit(vector + 0.5 * synthetic.unit(rng.normal(size=len(vector))))
        cube.add({"id": f"new-{item['id']}", "memory": synthetic.text(rng), "metadata": {"embedding": near}})
    started = time.perf_counter()
    plan = cube.reorganizer.plan(group=True, kinds=kinds, capacity={})
    took = time.perf_counter() - started
    touched = {i for action in plan.actions.values() for i in action.ids if not i.startswith("new-")}
    print(f"\n{size:,} memories below {topics} topics, {added:,} added: {took:.1f} s to plan {len(plan)} actions,")
    print(f"which touch {len(touched)} of what was there")


def quality(memory: TreeTextMemory, name: str, folder: Path) -> None:
    done: Counter[str] = Counter()
    out_of_sight = needed = 0
    gains: list[float] = []
    before_all: list[float] = []
    for collection in READERS[name](folder):
        cube = memory.cube(f"{name}-{collection.name}-{time.time_ns()}")
        load(cube, collection)
        before = recalls(cube, collection)
        report = cube.reorganizer.run(everything=True, group=True)
        done.update(f"{o.kind.value} {o.status}" for o in report.outcomes)
        known = [s for s in cube.store.all_states(cube.cube_id) if s.closed_by is None]
        gone = {s.memory_id for s in known if s.fields["status"] == "merged"}
        gone -= {str(s.fields["info"]["merged_from"][0]) for s in known if "merged_from" in s.fields.get("info", {})}
        gold = set().union(*(question.gold for question in collection.questions))
        out_of_sight += len(gone)
        needed += len(gone & gold)
        gains += (recalls(cube, collection) - before).tolist()
        before_all += before.tolist()
    low, high = interval(np.array(gains))
    print(f"\n{name}: {dict(done)}")
    print(f"merged or closed: {out_of_sight}, of which gold of a question: {needed}")
    print(
        f"R@10 before {100 * np.mean(before_all):.1f}, change {100 * np.mean(gains):+.2f} "
        f"({100 * low:+.2f} to {100 * high:+.2f})",
        flush=True,
    )


def recalls(cube: TreeTextMemory, collection: Collection) -> np.ndarray:
    found = []
    for question in collection.questions:
        hits = cube.search(question.text, 10, when="now", options=QUIET)
        ids = [hit.metadata.info.get("merged_from", [hit.id])[0] for hit in hits]
        found.append(score(ids, question.gold)[1])
    return np.array(found)


if __name__ == "__main__":
    main()
