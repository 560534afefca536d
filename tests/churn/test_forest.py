"""Forests as arrays: the probability walks the trees, the reasons are Shapley values and add up."""

from itertools import combinations
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telflow.churn.forest import LEAF, Floats, Forest
from tests.churn.forests import random_forest

OWNER = [0, 1, 2, 2, 3]


def expected_value(forest: Forest, node: int, row: Floats, known: frozenset[int]) -> float:
    """Value of a tree where only the columns ``known`` are: the game, as it is told, node by node."""
    if forest.feature[node] == LEAF:
        return float(forest.value[node])
    column, left, right = int(forest.feature[node]), int(forest.left[node]), int(forest.right[node])
    if int(forest.owner[column]) in known:
        return expected_value(forest, left if row[column] <= forest.threshold[node] else right, row, known)
    part = forest.cover[left] / forest.cover[node]
    return float(
        part * expected_value(forest, left, row, known) + (1 - part) * expected_value(forest, right, row, known)
    )


def shapley(forest: Forest, row: Floats, player: int, players: int) -> float:
    """Shapley's own formula over all subsets of the other columns."""
    others = [other for other in range(players) if other != player]
    total = 0.0
    for size in range(players):
        weight = factorial(size) * factorial(players - size - 1) / factorial(players)
        for known in map(frozenset, combinations(others, size)):
            for root in map(int, forest.roots):
                gained = expected_value(forest, root, row, known | {player}) - expected_value(forest, root, row, known)
                total += weight * gained / len(forest.roots)
    return total


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_reasons_are_shapley_values(seed: int, row_seed: int) -> None:
    forest = random_forest(seed, OWNER)
    row = np.random.default_rng(row_seed).normal(size=(1, len(OWNER)))
    players = max(OWNER) + 1
    assert forest.contributions(row)[0] == pytest.approx(
        [shapley(forest, row[0], player, players) for player in range(players)], abs=1e-12
    )


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_base_and_reasons_add_up_to_the_probability(seed: int, depth: int) -> None:
    forest = random_forest(seed, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9], trees=5, depth=depth)
    rows = np.random.default_rng(seed).normal(size=(7, 10))
    assert forest.base + forest.contributions(rows).sum(axis=1) == pytest.approx(forest.probability(rows), abs=1e-12)


def test_a_row_goes_left_on_the_threshold_itself_and_right_just_above() -> None:
    forest = Forest(
        roots=np.array([0]),
        feature=np.array([0, LEAF, LEAF]),
        threshold=np.array([1.5, 0.0, 0.0]),
        left=np.array([1, 0, 0]),
        right=np.array([2, 0, 0]),
        cover=np.array([4.0, 3.0, 1.0]),
        value=np.array([0.0, 0.25, 1.0]),
        owner=np.array([0]),
    )
    rows = np.array([[1.5], [np.nextafter(1.5, 2)]])
    assert forest.probability(rows).tolist() == [0.25, 1.0]
    assert forest.base == (3 * 0.25 + 1 * 1.0) / 4
    assert forest.contributions(rows).ravel().tolist() == [0.25 - forest.base, 1.0 - forest.base]


def test_a_forest_of_single_leaves_and_no_rows() -> None:
    forest = random_forest(1, [0], trees=2, depth=0)
    assert forest.contributions(np.empty((0, 1))).shape == (0, 1)
    assert forest.contributions(np.ones((2, 1))).tolist() == [[0.0], [0.0]]
    assert forest.probability(np.ones((2, 1))) == pytest.approx([forest.base] * 2)
