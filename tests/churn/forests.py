"""Small random forests, made without Spark."""

import numpy as np

from telflow.churn.columns import Columns
from telflow.churn.forest import LEAF, Forest
from telflow.churn.served import ChurnModel

Node = tuple[int, float, int, int, float, float]


def random_forest(seed: int, owner: list[int], trees: int = 3, depth: int = 4, branching: float = 0.8) -> Forest:
    """Trees with random tests, covers that add up and random leaf values; a part ``branching`` of nodes has a test."""
    draws = np.random.default_rng(seed)
    nodes: list[Node] = []
    roots = []
    for _ in range(trees):
        roots.append(len(nodes))
        grow(nodes, draws, len(owner), depth, 64.0, branching=branching)
    feature, threshold, left, right, cover, value = zip(*nodes, strict=True)
    return Forest(
        roots=np.array(roots),
        feature=np.array(feature),
        threshold=np.array(threshold),
        left=np.array(left),
        right=np.array(right),
        cover=np.array(cover),
        value=np.array(value),
        owner=np.array(owner),
    )


def grow(
    nodes: list[Node], draws: np.random.Generator, columns: int, depth: int, cover: float, *, branching: float
) -> int:
    """Append a subtree; the place of its root."""
    place = len(nodes)
    nodes.append((LEAF, 0.0, 0, 0, cover, float(draws.random())))
    if depth and draws.random() < branching:
        part = float(draws.uniform(0.1, 0.9))
        feature, threshold = int(draws.integers(columns)), float(draws.normal())
        left = grow(nodes, draws, columns, depth - 1, cover * part, branching=branching)
        right = grow(nodes, draws, columns, depth - 1, cover * (1 - part), branching=branching)
        nodes[place] = (feature, threshold, left, right, cover, 0.0)
    return place


def small_model(seed: int = 1) -> ChurnModel:
    """A model of two numbers and a word with two known values."""
    columns = Columns(("use", "tenure"), ("contract",))
    forest = random_forest(seed, [0, 1, 2, 2], trees=4)
    return ChurnModel(columns, {"use": 0.5, "tenure": -0.5}, {"contract": ("month", "year")}, 0.4, forest)
