"""A forest as plain arrays: its probability, and what each column adds to it, without Spark."""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Booleans = npt.NDArray[np.bool_]
LEAF: Final = -1
CHUNK_CELLS: Final = 60_000  # nodes × rows that are explained at once: as much as a processor keeps close


@dataclass(frozen=True)
class Layers:
    """Nodes of all trees by depth, the roots first; each after its parent, a left one just before its right one.

    A player is a column of the table; a test on any encoded column of it is the player's.

    Attributes:
        bounds: place of the first node of each depth, and the end.
        parent: place of the node above; a root's own.
        feature, limit: test of the parent; 0 for a root.
        is_left: whether the parent sends here what passes its test.
        player: whose test the parent has; 0 for a root.
        before: place of the last node above that a test of the same player led to; the root where none did.
        zero: part of the training rows that pass the player's tests down to here, of those that come to them.
        value: share of leaving in a leaf, 0 elsewhere.
        reach: part of the tree's training rows that come here.
        steps: players tested on the longest way down.
    """

    bounds: tuple[int, ...]
    parent: Integers
    feature: Integers
    limit: Floats
    is_left: Booleans
    player: Integers
    before: Integers
    zero: Floats
    value: Floats
    reach: Floats
    steps: int


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
        return float(self.layers.value @ self.layers.reach / len(self.roots))

    @cached_property
    def layers(self) -> Layers:
        """The nodes by depth, which reasons are computed from."""
        return layered(self)

    def contributions(self, encoded: Floats) -> Floats:
        """What each column of the table adds to the probability of each row: its Shapley value.

        The game is TreeSHAP's (Lundberg and others, 2020, path-dependent): where a column is not known, a row goes both
        ways at its tests, in the parts the training rows did. Encoded columns of one table column are one player.
        A leaf's part of the value is its share times the product over the players on its path of 1 or 0 (known, passes
        or not) or of the part ``zero`` (not known). The Shapley weight of s known among d others, s! (d - s)! /
        (d + 1)!, is the integral of t^s (1 - t)^(d - s) from 0 to 1, so a player's value is the integral of a
        polynomial in t, which Gauss and Legendre's rule gives exactly.

        Returns:
            (rows, columns of the table); with ``base`` each row sums to its probability.
        """
        step = max(CHUNK_CELLS // len(self.layers.parent), 1)
        parts = [explain(self.layers, encoded[at : at + step], self.players) for at in range(0, len(encoded), step)]
        return np.concatenate([np.empty((0, self.players)), *parts]) / len(self.roots)

    @property
    def players(self) -> int:
        """Number of columns of the table."""
        return int(self.owner.max()) + 1


def layered(forest: Forest) -> Layers:
    """The nodes of ``forest`` by depth, all trees side by side."""
    nodes, bounds, own = [forest.roots], [0, len(forest.roots)], np.arange(len(forest.roots))
    nothing = np.zeros(len(own))
    parents, features, is_left = [own], [nothing.astype(np.int64)], [nothing.astype(bool)]
    befores, zeros, limits, reaches = [own], [nothing + 1], [nothing], [nothing + 1]
    last = np.repeat(own[:, None], forest.players, axis=1)  # of each node of a depth, by player, as in ``before``
    told, steps = nothing.astype(np.int64), 0  # players tested down to here
    while True:
        above = np.flatnonzero(forest.feature[nodes[-1]] != LEAF)
        if not len(above):
            break
        upper = nodes[-1][above]
        below = np.stack([forest.left[upper], forest.right[upper]], axis=1).ravel()
        at, up, upper = np.arange(len(below)), np.repeat(above, 2), np.repeat(upper, 2)
        feature = forest.feature[upper]
        player = forest.owner[feature]
        part = forest.cover[below] / forest.cover[upper]
        before = last[up, player]
        zeros.append(np.concatenate(zeros)[before] * part)
        reaches.append(reaches[-1][up] * part)
        told = told[up] + (before < len(forest.roots))
        steps = max(steps, int(told.max()))
        last = last[up]
        last[at, player] = at + bounds[-1]
        parents.append(up + bounds[-2])
        features.append(feature)
        limits.append(forest.threshold[upper])
        is_left.append(at % 2 == 0)
        befores.append(before)
        nodes.append(below)
        bounds.append(bounds[-1] + len(below))
    every, feature = np.concatenate(nodes), np.concatenate(features)
    is_leaf = forest.feature[every] == LEAF
    player = forest.owner[feature]
    player[: len(own)] = 0
    return Layers(
        bounds=tuple(bounds),
        parent=np.concatenate(parents),
        feature=feature,
        limit=np.concatenate(limits),
        is_left=np.concatenate(is_left),
        player=player,
        before=np.concatenate(befores),
        zero=np.concatenate(zeros),
        value=np.where(is_leaf, forest.value[every], 0.0),
        reach=np.concatenate(reaches),
        steps=steps,
    )


def explain(layers: Layers, encoded: Floats, players: int) -> Floats:
    """Shapley values of ``encoded`` rows, added up over the trees, (rows, players).

    What leaves add up to is told once for the node above them (Linear TreeSHAP, Yu and others, 2022): a player's part
    of a leaf belongs to the last test of the player on its way, so each test adds its own part and takes off that of
    the one before.
    """
    passes = passed(layers, encoded)
    points, weights = np.polynomial.legendre.leggauss(max((layers.steps + 1) // 2, 1))
    total = np.zeros(passes.shape)
    for point, weight in zip((points + 1) / 2, weights / 2, strict=True):
        unknown = layers.zero * (1 - point)
        factor = np.where(passes, unknown + point, unknown)
        own = (passes - layers.zero) / factor
        factor /= factor.take(layers.before, axis=1)
        total += weight * (own - own.take(layers.before, axis=1)) * summed(layers, factor)
    cell = layers.player + players * np.arange(len(encoded))[:, None]
    told = np.bincount(cell.ravel(), weights=total.ravel(), minlength=len(encoded) * players)
    return np.asarray(told.reshape(len(encoded), players), dtype=np.float64)


def passed(layers: Layers, encoded: Floats) -> Booleans:
    """Whether each row passes all tests of a node's player down to the node, (rows, nodes)."""
    passes: Booleans = (encoded[:, layers.feature] <= layers.limit) == layers.is_left
    passes[:, : layers.bounds[1]] = True
    for first, end in pairwise(layers.bounds[1:]):
        passes[:, first:end] &= passes.take(layers.before[first:end], axis=1)
    return passes


def summed(layers: Layers, factor: Floats) -> Floats:
    """Of the leaves at or below each node, the values times the factors on the way down, added up, (rows, nodes)."""
    product = factor.copy()
    for first, end in pairwise(layers.bounds[1:]):
        product[:, first:end] *= product.take(layers.parent[first:end], axis=1)
    product *= layers.value
    for first, end in reversed([*pairwise(layers.bounds[1:])]):
        product[:, layers.parent[first:end:2]] = product[:, first:end:2] + product[:, first + 1 : end : 2]
    return product
