"""Where the nodes of a graph lie: the same graph always lies the same, and ten thousand nodes take seconds.

Each connected part is laid out alone: distances to a few pivots give its shape (Brandes and Pich, 2007), springs
and short repulsion smooth it. The parts are then packed side by side, the largest one in the middle.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

#: How far apart two joined nodes want to be, and no two nodes may be closer than about this.
SPACE = 60.0
#: Up to how many nodes every pair repels; above, near ones alone.
EXACT = 120
#: Up to how many nodes a part has a fixed shape: one node in the middle, the others around it.
_FEW = 10
#: How many times as far from the middle as half of the nodes the farthest one may lie.
_FARTHEST = 2.4
_PIVOTS = 40
_GOLDEN = np.pi * (3.0 - np.sqrt(5.0))


def positions(count: int, sources: Sequence[int], targets: Sequence[int], weights: Sequence[float]) -> Any:
    """Return an array of `count` points for nodes that the edges join; `weights` pull from 0 to 1."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if count == 0:
        return np.zeros((0, 2))
    s, t = np.asarray(sources, dtype=np.int64), np.asarray(targets, dtype=np.int64)
    w = np.asarray(weights, dtype=float)
    joined = coo_matrix((np.ones(len(s)), (s, t)), shape=(count, count)).tocsr()
    _, part = connected_components(joined, directed=False)
    order = np.argsort(part, kind="stable")
    bounds = np.searchsorted(part[order], np.arange(part.max() + 2))
    members = [order[a:b] for a, b in pairwise(bounds)]
    local = np.empty(count, dtype=np.int64)
    for nodes in members:
        local[nodes] = np.arange(len(nodes))
    by_part = np.argsort(part[s], kind="stable")
    edge_bounds = np.searchsorted(part[s][by_part], np.arange(len(members) + 1))
    placed = []
    for number, nodes in enumerate(members):
        mine = by_part[edge_bounds[number] : edge_bounds[number + 1]]
        placed.append(_one_part(len(nodes), local[s[mine]], local[t[mine]], w[mine]))
    return _packed(count, members, placed)


def near(node: str, beside: Sequence[tuple[float, float]], before: int = 0) -> Any:
    """Return where a node comes that was not there before: near those that it is joined to.

    `before` says how many came to the same ones earlier: they stand in rings, so that no two lie on one another.
    """
    turn = int.from_bytes(hashlib.sha256(node.encode()).digest()[:4], "big") / 2**32 * 2 * np.pi if not before else 0.0
    angle = turn + before * _GOLDEN
    return np.mean(np.asarray(beside), axis=0) + np.array([np.cos(angle), np.sin(angle)]) * SPACE * np.sqrt(1 + before)


def _one_part(count: int, s: Any, t: Any, w: Any) -> Any:
    if count <= _FEW:
        return _ring(count, s, t)
    points = _shape(count, s, t, w)
    return _exact(points, s, t, w) if count <= EXACT else _coarse(points, s, t, w)


def _ring(count: int, s: Any, t: Any) -> Any:
    """Return a few nodes around the one that is joined to most; who is joined stands side by side where it can."""
    if count == 1:
        return np.zeros((1, 2))
    beside: list[set[int]] = [set() for _ in range(count)]
    for a, b in zip(s.tolist(), t.tolist(), strict=True):
        beside[a].add(b)
        beside[b].add(a)
    waiting = [max(range(count), key=lambda i: (len(beside[i]), -i))]
    order: list[int] = []
    while waiting:
        node = waiting.pop()
        if node not in order:
            order.append(node)
            waiting += sorted(beside[node].difference(order), reverse=True)
    around = order[1:]
    angle = np.arange(len(around)) * 2 * np.pi / len(around)
    points = np.zeros((count, 2))
    reach = SPACE * max(1.0, len(around) / (2 * np.pi))
    points[around] = np.column_stack([np.cos(angle), np.sin(angle)]) * reach
    return points


def _shape(count: int, s: Any, t: Any, w: Any) -> Any:
    """Return a first guess: the two main directions of the distances to some pivots."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    lengths = 1.0 / (0.3 + w)
    graph = coo_matrix((np.concatenate([lengths, lengths]), (np.concatenate([s, t]), np.concatenate([t, s]))))
    graph = coo_matrix(graph, shape=(count, count)).tocsr()
    if count <= EXACT:
        squared = dijkstra(graph, directed=False) ** 2
    else:
        columns = []
        pivot, nearest = 0, np.full(count, np.inf)
        for _ in range(_PIVOTS):
            away = dijkstra(graph, directed=False, indices=pivot, unweighted=True)
            columns.append(away)
            nearest = np.minimum(nearest, away)
            pivot = int(np.argmax(nearest))
        squared = np.column_stack(columns) ** 2
    centred = squared - squared.mean(0) - squared.mean(1, keepdims=True) + squared.mean()
    _, vectors = np.linalg.eigh(centred.T @ centred)
    points = centred @ vectors[:, -2:]
    scale = np.abs(points).max(0)
    points = points / np.where(scale > 0, scale, 1.0) * SPACE * np.sqrt(count) * 0.7
    # Nodes with the same distances lie on one another, all leaves of a hub for one: each such heap becomes a disc.
    _, heap = np.unique(np.round(points / (SPACE / 4)), axis=0, return_inverse=True)
    heap = heap.reshape(-1)
    order = np.argsort(heap, kind="stable")
    within = np.empty(count)
    within[order] = np.arange(count) - np.searchsorted(heap[order], heap[order])
    reach, angle = SPACE * 0.6 * np.sqrt(within + 0.5), np.arange(count) * _GOLDEN
    return points + np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None]


def _exact(points: Any, s: Any, t: Any, w: Any) -> Any:
    """Return the points after each pair repelled and each edge pulled, cooling down (Fruchterman, Reingold, 1991)."""
    count = len(points)
    rounds = min(180, max(25, count))
    pulls = np.zeros((count, count))
    np.add.at(pulls, (np.concatenate([s, t]), np.concatenate([t, s])), np.tile((0.15 + w) / (3 * SPACE), 2))
    warm = SPACE * 0.9 * np.sqrt(count / 40 + 1)
    for step in range(rounds):
        x, y = points.T
        squared = np.maximum((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2, 1.0)
        push = SPACE**2 * 1.3 / squared - pulls * np.sqrt(squared)
        # einsum and not @, which wakes threads for each of these small products.
        force = points * (push.sum(1) - 0.16)[:, None] - np.einsum("ij,jk->ik", push, points)
        points = points + _limited(force, warm * (1 - step / rounds))
    return _spread(points)


def _coarse(points: Any, s: Any, t: Any, w: Any) -> Any:
    """Return the points after edges pulled and near nodes were pushed apart."""
    from scipy.spatial import cKDTree

    rounds = 45
    degree = np.bincount(np.concatenate([s, t]), minlength=len(points)).astype(float)
    # Around a hub of a thousand no two leaves are as near to it as a pair is to one another.
    wish = SPACE * np.maximum(1.0, np.sqrt(np.maximum(degree[s], degree[t])))
    for step in range(rounds):
        force = np.zeros_like(points)
        pull = points[s] - points[t]
        longer = np.maximum(1.0 - wish / np.maximum(np.linalg.norm(pull, axis=1), 1e-9), 0.0)
        pulled = pull * ((0.25 + 0.5 * w) * longer)[:, None]
        for axis in (0, 1):
            force[:, axis] -= np.bincount(s, pulled[:, axis], len(points))
            force[:, axis] += np.bincount(t, pulled[:, axis], len(points))
        force /= np.maximum(degree, 1)[:, None]
        points = _spread(points + force * max(0.0, 1 - 1.3 * step / rounds))
        _, beside = cKDTree(points).query(points, k=9)
        apart = points[:, None, :] - points[beside[:, 1:]]
        far = np.linalg.norm(apart, axis=2)
        push = np.maximum(SPACE - far, 0.0) / np.maximum(far, 1e-3)
        points = points + _limited((apart * push[..., None]).sum(1) * 0.4, SPACE)
    return points


def _spread(points: Any) -> Any:
    """Return the points around the middle, half of them as near to it as so many need, and none far outside.

    The half decides and not the mean: a few far ones would press all others into a point, more so each round.
    """
    points = points - np.median(points, axis=0)
    reach = np.linalg.norm(points, axis=1)
    half = max(float(np.median(reach)), 1e-9)
    # What lies beyond twice the half is drawn towards it, the more the farther it lies; its order stays.
    far = np.maximum(reach / half - 2.0, 0.0)
    room = _FARTHEST - 2.0
    shorter = np.where(far > 0, (2.0 + room * far / (far + room)) * half / np.maximum(reach, 1e-9), 1.0)
    return points * (shorter * 0.78 * SPACE * np.sqrt(len(points)) / half)[:, None]


def _limited(force: Any, most: float) -> Any:
    length = np.sqrt((force**2).sum(1, keepdims=True))
    return force * np.minimum(1.0, most / np.maximum(length, 1e-9))


def _packed(count: int, members: Sequence[Any], placed: Sequence[Any]) -> Any:
    """Return all parts side by side: the largest in the middle, the others in rows below it."""
    points = np.zeros((count, 2))
    sizes = [np.ptp(part, axis=0) + 1.6 * SPACE for part in placed]
    order = sorted(range(len(members)), key=lambda i: (-len(members[i]), int(members[i][0])))
    area = sum(float(w * h) for w, h in sizes)
    first = sizes[order[0]]
    width = max(float(first[0]), 1.35 * np.sqrt(area))
    x = y = row = 0.0
    for i in order:
        w, h = map(float, sizes[i])
        if x and x + w > width:
            x, y, row = 0.0, y + row, 0.0
        points[members[i]] = placed[i] - placed[i].min(0) + (x, y)
        x, row = x + w, max(row, h)
    return points - points.mean(0)
