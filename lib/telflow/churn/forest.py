"""A forest as plain arrays: its probability, and what each column adds to it, without Spark."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
LEAF: Final = -1
CHUNK_CELLS: Final = 1_000_000  # leaves × path × rows that are explained at once: as much as a processor keeps close


@dataclass(frozen=True)
class Paths:
    """Leaf by leaf, what must hold on the way from the root; a row per leaf, padded.

    Attributes:
        value: share of leaving in the leaf, (leaves,).
        player: column of the table each step belongs to, (leaves, steps).
        zero: part of the training rows that pass a step's tests when its column is not known, (leaves, steps).
        feature, above, up_to: tests ``above < x[feature] <= up_to``, (leaves, tests).
        step: step of the path that a test belongs to, (leaves, tests).
    """

    value: Floats
    player: Integers
    zero: Floats
    feature: Integers
    above: Floats
    up_to: Floats
    step: Integers


@dataclass(frozen=True)
class Forest:
    """Trees whose nodes stand one after the other; a row goes left where ``x[feature] <= threshold``.

    Attributes:
        roots: node of each tree's root, (trees,).
        feature: column of the encoded matrix that is tested, LEAF in a leaf, (nodes,).
        threshold: highest value that goes left, (nodes,).
        left, right: nodes below, (nodes,).
        cover: training rows that came to the node, (nodes,).
        value: share of them that left, (nodes,).
        owner: column of the table that each encoded column comes from, (encoded columns,).
    """

    roots: Integers
    feature: Integers
    threshold: Floats
    left: Integers
    right: Integers
    cover: Floats
    value: Floats
    owner: Integers

    def probability(self, encoded: Floats) -> Floats:
        """Mean over the trees of the share of leaving in the leaf that each row comes to."""
        rows = np.arange(len(encoded))[:, None]
        node = np.broadcast_to(self.roots, (len(encoded), len(self.roots)))
        while True:
            tested = self.feature[node]
            if np.all(tested == LEAF):
                return np.asarray(self.value[node].mean(axis=1))
            goes_left = encoded[rows, tested] <= self.threshold[node]
            below = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(tested == LEAF, node, below)

    @cached_property
    def base(self) -> float:
        """Probability where nothing is known: the mean over the training rows, as the trees saw them."""
        return float(np.sum(self.paths.value * np.prod(self.paths.zero, axis=1)) / len(self.roots))

    @cached_property
    def paths(self) -> Paths:
        """Every way from a root to a leaf."""
        found = [path for root in self.roots for path in self.walk(int(root))]
        return pack(found, self.owner)

    def walk(self, root: int) -> "Iterator[tuple[float, dict[int, tuple[float, float]], dict[int, float]]]":
        """Of each leaf below ``root``: its value, the interval by encoded column, the zero part by owner."""
        waiting: list[tuple[int, dict[int, tuple[float, float]], dict[int, float]]] = [(root, {}, {})]
        while waiting:
            node, intervals, zero = waiting.pop()
            if self.feature[node] == LEAF:
                yield float(self.value[node]), intervals, zero
                continue
            column, limit = int(self.feature[node]), float(self.threshold[node])
            low, high = intervals.get(column, (-np.inf, np.inf))
            owner = int(self.owner[column])
            sides = (
                (int(self.left[node]), (low, min(high, limit))),
                (int(self.right[node]), (max(low, limit), high)),
            )
            for below, interval in sides:
                part = zero.get(owner, 1.0) * float(self.cover[below] / self.cover[node])
                waiting.append((below, {**intervals, column: interval}, {**zero, owner: part}))

    def contributions(self, encoded: Floats) -> Floats:
        """What each column of the table adds to the probability of each row: its Shapley value.

        The game is TreeSHAP's (Lundberg and others, 2020, path-dependent): where a column is not known, a row goes both
        ways at its tests, in the parts the training rows did. Encoded columns of one table column are one player.
        A leaf's part of the value is its share times the product over its path of 1 or 0 (known, passes or not) or
        of the part ``zero`` (not known). The Shapley weight of s known among d others, s! (d - s)! / (d + 1)!, is the
        integral of t^s (1 - t)^(d - s) from 0 to 1, so a player's value is the integral of a polynomial in t, which
        Gauss and Legendre's rule gives exactly.

        Returns:
            (rows, columns of the table); with ``base`` each row sums to its probability.
        """
        paths = self.paths
        cells = max(paths.player.size, 1)
        step = max(CHUNK_CELLS // cells, 1)
        parts = [explain(paths, encoded[first : first + step], self.players) for first in range(0, len(encoded), step)]
        return np.concatenate([np.empty((0, self.players)), *parts]) / len(self.roots)

    @property
    def players(self) -> int:
        """Number of columns of the table."""
        return int(self.owner.max()) + 1


def pack(found: "list[tuple[float, dict[int, tuple[float, float]], dict[int, float]]]", owner: Integers) -> Paths:
    """Paths as padded arrays: a step of padding passes always and its column counts for nothing."""
    leaves = len(found)
    steps = max([1, *(len(zero) for _, _, zero in found)])
    tests = max([1, *(len(intervals) for _, intervals, _ in found)])
    player, zeros = np.zeros((leaves, steps), dtype=np.int64), np.ones((leaves, steps))
    feature, step = np.zeros((leaves, tests), dtype=np.int64), np.zeros((leaves, tests), dtype=np.int64)
    above, up_to = np.full((leaves, tests), -np.inf), np.full((leaves, tests), np.inf)
    for leaf, (_, intervals, zero) in enumerate(found):
        place = {column: number for number, column in enumerate(zero)}
        player[leaf, : len(zero)] = list(zero)
        zeros[leaf, : len(zero)] = list(zero.values())
        for test, (column, (low, high)) in enumerate(intervals.items()):
            feature[leaf, test], above[leaf, test], up_to[leaf, test] = column, low, high
            step[leaf, test] = place[int(owner[column])]
    return Paths(np.array([value for value, _, _ in found]), player, zeros, feature, above, up_to, step)


def explain(paths: Paths, encoded: Floats, players: int) -> Floats:
    """Shapley values of ``encoded`` rows, added up over the trees, (rows, players)."""
    rows, (leaves, steps) = len(encoded), paths.player.shape
    passes = np.ones((rows, leaves, steps), dtype=bool)
    every_leaf = np.arange(leaves)
    for test in range(paths.feature.shape[1]):
        known = encoded[:, paths.feature[:, test]]
        passes[:, every_leaf, paths.step[:, test]] &= (known > paths.above[:, test]) & (known <= paths.up_to[:, test])
    points, weights = np.polynomial.legendre.leggauss(steps // 2 + 1)
    integral = np.zeros((rows, leaves, steps))
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        factor = paths.zero * (1 - point) + passes * point
        integral += weight * np.prod(factor, axis=2, keepdims=True) / factor
    value = integral * (passes - paths.zero) * paths.value[:, None]
    cell = paths.player + players * np.arange(rows)[:, None, None]
    total = np.bincount(cell.ravel(), weights=value.ravel(), minlength=rows * players)
    return np.asarray(total.reshape(rows, players), dtype=np.float64)
