"""Thresholds, metrics and intervals, beside independent computations."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.patches import Rectangle
from sklearn.metrics import accuracy_score, f1_score, precision_score, recall_score

from telflow.churn.forest import Floats
from telflow.churn.measures import (
    Estimate,
    Scored,
    all_metrics,
    confusion,
    cost,
    estimates,
    flat,
    paying_threshold,
    permutation_importance,
)
from telflow.churn.plots import calibration_bins, calibration_figure, comparison_figure
from telflow.errors import TrainingDataError
from tests.churn.forests import small_model


def scored_of(label: list[int], probability: list[float], threshold: float = 0.5) -> Scored:
    values = np.array(probability)
    return Scored(np.arange(len(label)), np.array(label), values, values >= threshold)


@pytest.mark.parametrize("distort", [lambda p: p, np.sqrt, np.square])
@pytest.mark.parametrize("costs", [(1.0, 1.0), (5.0, 1.0), (1.0, 3.0)])
def test_the_threshold_is_about_as_cheap_as_can_be(
    distort: Callable[[Floats], Floats], costs: tuple[float, float]
) -> None:
    draws = np.random.default_rng(7)
    chance = draws.beta(1, 4, 40_000)
    label = (draws.random(40_000) < chance).astype(int)
    said = distort(chance)
    chosen = paying_threshold(label, said, *costs)
    cheapest = min(cost(label, said >= other, *costs) for other in np.linspace(0, 1, 201))
    assert cost(label, said >= chosen, *costs) < cheapest * 1.02


def test_a_calibrated_probability_is_flagged_from_the_share_of_the_costs_on() -> None:
    chance = np.random.default_rng(8).uniform(0.02, 0.98, 200_000)
    label = (np.random.default_rng(9).random(200_000) < chance).astype(int)
    assert paying_threshold(label, chance, 4.0, 1.0) == pytest.approx(0.2, abs=0.01)


@given(st.floats(0.1, 20), st.floats(0.1, 20))
def test_dearer_misses_flag_more(missed: float, false_alarm: float) -> None:
    draws = np.random.default_rng(10)
    said = draws.random(500)
    label = (draws.random(500) < said).astype(int)
    lower = paying_threshold(label, said, missed * 1.5, false_alarm)
    assert 0 < lower < paying_threshold(label, said, missed, false_alarm) < 1


def test_where_the_ranking_says_nothing_all_or_none_are_flagged() -> None:
    label, said = np.array([1, 0, 0, 0]), np.array([0.1, 0.2, 0.3, 0.4])
    assert paying_threshold(label, said, 4.0, 1.0) == 0.0
    assert paying_threshold(label, said, 2.0, 1.0) == 2.0


def test_metrics_are_those_of_scikit_learn() -> None:
    draws = np.random.default_rng(1)
    label = draws.integers(0, 2, 200)
    scored = scored_of(label.tolist(), (0.3 * label + 0.7 * draws.random(200)).tolist())
    metrics = all_metrics(scored, np.ones(200))
    assert list(metrics) == ["accuracy", "precision", "recall", "f1", "pr_auc", "roc_auc", "brier"]
    for name, reference in (
        ("accuracy", accuracy_score),
        ("precision", precision_score),
        ("recall", recall_score),
        ("f1", f1_score),
    ):
        assert metrics[name] == pytest.approx(reference(label, scored.is_flagged))
    pairs = [(a, b) for a in scored.probability[label == 1] for b in scored.probability[label == 0]]
    assert metrics["roc_auc"] == pytest.approx(np.mean([(a > b) + 0.5 * (a == b) for a, b in pairs]))
    assert metrics["brier"] == pytest.approx(np.mean((scored.probability - label) ** 2))


def test_nobody_flagged_is_no_division_by_zero() -> None:
    metrics = all_metrics(scored_of([0, 1], [0.1, 0.2]), np.ones(2))
    assert (metrics["precision"], metrics["recall"], metrics["f1"], metrics["accuracy"]) == (0.0, 0.0, 0.0, 0.5)


def test_rows_of_one_customer_are_drawn_together() -> None:
    draws = np.random.default_rng(2)
    label = draws.integers(0, 2, 60)
    single = scored_of(label.tolist(), draws.random(60).tolist())
    tenfold = Scored(
        np.repeat(single.customer, 10),
        np.repeat(single.label, 10),
        np.repeat(single.probability, 10),
        np.repeat(single.is_flagged, 10),
    )
    one, ten = estimates(single, 50, 3), estimates(tenfold, 50, 3)
    assert ten["roc_auc"].low == pytest.approx(one["roc_auc"].low)
    apart = estimates(replace(tenfold, customer=np.arange(600)), 50, 3)
    assert width(apart["roc_auc"]) < width(ten["roc_auc"])


def width(estimate: Estimate) -> float:
    """Width of the interval."""
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.high - estimate.low


def test_estimates_stand_inside_their_interval_and_are_logged_with_it() -> None:
    draws = np.random.default_rng(4)
    label = draws.integers(0, 2, 300)
    found = estimates(scored_of(label.tolist(), (0.4 * label + 0.6 * draws.random(300)).tolist()), 100, 1)
    for estimate in found.values():
        assert estimate.low is not None
        assert estimate.high is not None
        assert estimate.low < estimate.value < estimate.high
    assert {"brier", "brier_low", "brier_high"} <= set(flat(found))


def test_without_draws_there_are_no_intervals() -> None:
    found = estimates(scored_of([0, 1, 1, 0], [0.1, 0.9, 0.4, 0.5]), 0, 1)
    assert set(flat(found)) == {"accuracy", "precision", "recall", "f1", "pr_auc", "roc_auc", "brier"}
    assert (found["roc_auc"].low, found["roc_auc"].told) == (None, "0.750")
    assert Estimate(0.5, 0.25, 0.75).told == "0.500 (0.250 to 0.750)"
    assert comparison_figure({"forest": dict(found)}, "roc_auc", "ROC-AUC: test").axes


@pytest.mark.parametrize("label", [[0, 0], [1, 1]])
def test_rows_of_one_kind_are_refused(label: list[int]) -> None:
    with pytest.raises(TrainingDataError, match="of 2 rows left: both kinds are needed"):
        estimates(scored_of(label, [0.1, 0.2]), 1, 1)


def test_confusion_counts_rows_by_what_happened_and_what_was_said() -> None:
    scored = scored_of([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.9, 0.6, 0.7, 0.4])
    assert confusion(scored).tolist() == [[2, 1], [1, 2]]


def test_bins_are_counted_with_the_limits_of_their_share() -> None:
    """Twenty rows in two groups, ten each by rank: of the lower ones 1 left, of the upper ones 8."""
    probability = np.array([*np.linspace(0.01, 0.19, 10), *np.linspace(0.5, 0.95, 10)])
    label = np.array([0] * 9 + [1] + [1] * 8 + [0, 0])
    order = np.random.default_rng(3).permutation(20)
    bins = calibration_bins(probability[order], label[order], (0, 0.5, 1))
    assert bins["rows"].tolist() == [10, 10]
    assert bins["predicted"].tolist() == pytest.approx([0.1, 0.725])
    assert bins["observed"].tolist() == pytest.approx([0.1, 0.8])
    # the intervals that Agresti and Coull's formulas (1998) give for 1 and for 8 of 10
    assert bins["observed_low"].tolist() == pytest.approx([0.0179, 0.4902], abs=1e-4)
    assert bins["observed_high"].tolist() == pytest.approx([0.4042, 0.9433], abs=1e-4)
    none = calibration_bins(np.array([0.1, 0.2]), np.array([0, 0]), (0, 1))
    assert (none["observed_low"][0], none["observed_high"][0]) == pytest.approx((0.0, 0.6576), abs=1e-4)


def test_the_picture_shows_every_row() -> None:
    probability = np.array([0.01, 0.02, 0.03, 0.99])
    scored = scored_of([0, 0, 0, 0], probability.tolist())
    bins = calibration_bins(scored.probability, scored.label, (0, 0.5, 1))
    below = calibration_figure(scored, bins, "Calibration: test").axes[1]
    assert sum(bar.get_height() for bar in below.patches if isinstance(bar, Rectangle)) == 4


def test_a_column_that_no_tree_tests_has_no_importance() -> None:
    model = small_model()
    forest = replace(model.forest, feature=np.where(model.forest.feature == 1, 0, model.forest.feature))
    draws = np.random.default_rng(5)
    rows = pd.DataFrame(
        {"use": draws.normal(size=400), "tenure": draws.normal(size=400), "contract": draws.choice(["month", "x"], 400)}
    )
    served = replace(model, forest=forest)
    label = (draws.random(400) < served.probability(rows)).astype(int)
    importance = permutation_importance(served, rows, label, 1).set_index("feature")["importance"]
    assert importance["tenure"] == 0
    assert importance["use"] > 0.02
