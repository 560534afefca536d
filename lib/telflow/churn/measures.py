"""How good predictions are: thresholds by cost, metrics with bootstrap intervals, importance of columns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

from telflow.churn.forest import Floats
from telflow.churn.served import ChurnModel
from telflow.errors import TrainingDataError

Booleans = npt.NDArray[np.bool_]
PERCENTILES: Final = (2.5, 97.5)
LEAST_PROBABILITY: Final = 1e-3  # so that a leaf where nobody left does not outweigh all others
IMPORTANCE_ROWS: Final = 5_000
IMPORTANCE_REPEATS: Final = 5


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % interval; without one where nothing was drawn."""

    value: float
    low: float | None = None
    high: float | None = None

    @property
    def told(self) -> str:
        """For a reader."""
        if self.low is None or self.high is None:
            return f"{self.value:.3f}"
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Scored:
    """Predictions beside what happened; a row each.

    Attributes:
        customer: whom the row is of; rows of one customer are not independent.
        label: 1 for one who left.
        probability: what the model said.
        is_flagged: probability at or above the threshold of its model.
    """

    customer: npt.NDArray[Any]
    label: npt.NDArray[np.int64]
    probability: Floats
    is_flagged: Booleans


def cost(label: npt.NDArray[Any], is_flagged: Booleans, missed_cost: float, false_alarm_cost: float) -> float:
    """Cost of decisions by row: of those who left unflagged and those who stayed flagged."""
    missed = np.count_nonzero((label == 1) & ~is_flagged)
    false_alarms = np.count_nonzero((label == 0) & is_flagged)
    return (missed * missed_cost + false_alarms * false_alarm_cost) / len(label)


def paying_threshold(
    label: npt.NDArray[Any], probability: Floats, missed_cost: float, false_alarm_cost: float
) -> float:
    """Probability from which flagging ``probability >= threshold`` pays.

    Flagging pays where the chance to leave is at least false_alarm_cost / (false_alarm_cost + missed_cost). A model's
    probability is set against the chance by a logistic regression on its log odds (Platt 1999). The threshold that
    happened to be cheapest on these rows would hang on a few of them.

    Args:
        label: 1 for who left, of both kinds.
        probability: what a model says that was not fitted on these rows.
        missed_cost: of one who leaves unflagged.
        false_alarm_cost: of one who stays flagged.

    Returns:
        The threshold; where the probabilities say nothing, 0 or 2: all are flagged or none.
    """
    paying = false_alarm_cost / (false_alarm_cost + missed_cost)
    odds = log_odds(np.clip(probability, LEAST_PROBABILITY, 1 - LEAST_PROBABILITY))
    fitted = LogisticRegression(C=1e6).fit(odds[:, None], label)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        return 0.0 if label.mean() >= paying else 2.0
    return float(1 / (1 + np.exp((intercept - log_odds(paying)) / slope)))


def log_odds(probability: Any) -> Any:
    """Natural log of the odds."""
    return np.log(probability) - np.log1p(-probability)


def at_threshold(label: Floats, is_flagged: Booleans, weight: Floats) -> dict[str, float]:
    """``accuracy``, ``precision``, ``recall`` and ``f1`` of weighted decisions; 0 where nobody is flagged or left."""
    left = label == 1
    hits = float(weight[left & is_flagged].sum())
    flagged, leaving = float(weight[is_flagged].sum()), float(weight[left].sum())
    return {
        "accuracy": float(weight[left == is_flagged].sum() / weight.sum()),
        "precision": hits / flagged if flagged else 0.0,
        "recall": hits / leaving if leaving else 0.0,
        "f1": 2 * hits / (flagged + leaving) if flagged + leaving else 0.0,
    }


def all_metrics(scored: Scored, weight: Floats) -> dict[str, float]:
    """Every metric of weighted rows, by name."""
    return {
        **at_threshold(scored.label.astype(float), scored.is_flagged, weight),
        "pr_auc": float(average_precision_score(scored.label, scored.probability, sample_weight=weight)),
        "roc_auc": float(roc_auc_score(scored.label, scored.probability, sample_weight=weight)),
        "brier": float(brier_score_loss(scored.label, scored.probability, sample_weight=weight)),
    }


def estimates(
    scored: Scored,
    repeats: int,
    seed: int,
    metrics: Callable[[Scored, Floats], Mapping[str, float]] = all_metrics,
) -> dict[str, Estimate]:
    """Metrics with percentile intervals of a bootstrap over customers: all rows of one are drawn together.

    Without ``repeats`` there are no intervals.

    Raises:
        TrainingDataError: everybody left, or nobody.
    """
    check_both_classes(scored.label)
    _, customer = np.unique(scored.customer, return_inverse=True)
    draws = np.random.default_rng(seed)
    values = metrics(scored, np.ones(len(scored.label)))
    drawn = []
    for _ in range(repeats):
        times = np.bincount(draws.integers(0, customer.max() + 1, customer.max() + 1), minlength=customer.max() + 1)
        weight = times[customer].astype(float)
        if 0 < weight[scored.label == 1].sum() < weight.sum():
            drawn.append(metrics(scored, weight))
    return {
        name: Estimate(value, *np.percentile([draw[name] for draw in drawn], PERCENTILES).tolist())
        if drawn
        else Estimate(value)
        for name, value in values.items()
    }


def check_both_classes(label: npt.NDArray[Any]) -> None:
    """``check_both_kinds`` of labels."""
    check_both_kinds(int(np.count_nonzero(label == 1)), len(label))


def check_both_kinds(leaving: int, rows: int) -> None:
    """Refuse rows of which all or none left: nothing can be learned or measured there.

    Raises:
        TrainingDataError: so it is.
    """
    if leaving in (0, rows):
        raise TrainingDataError(
            f"{leaving} of {rows} rows left: both kinds are needed; take more dates or a longer churn.label_days"
        )


def flat(metrics: Mapping[str, Estimate]) -> dict[str, float]:
    """``name`` of each estimate, and ``name_low`` and ``name_high`` where it has an interval."""
    return {
        f"{name}{end}": value
        for name, estimate in metrics.items()
        for end, value in (("", estimate.value), ("_low", estimate.low), ("_high", estimate.high))
        if value is not None
    }


def confusion(scored: Scored) -> npt.NDArray[np.int64]:
    """Rows by what happened (0 stayed, 1 left) and what was said (0, 1 flagged)."""
    return np.array(
        [
            [np.count_nonzero((scored.label == label) & (scored.is_flagged == bool(said))) for said in (0, 1)]
            for label in (0, 1)
        ]
    )


def permutation_importance(model: ChurnModel, rows: pd.DataFrame, label: npt.NDArray[Any], seed: int) -> pd.DataFrame:
    """How much ROC-AUC is lost where a column's values are shuffled among the rows, on rows held out.

    Returns:
        ``feature``, ``importance`` (mean loss) and ``spread`` (standard deviation over the repeats), greatest first.
    """
    draws = np.random.default_rng(seed)
    chosen = draws.permutation(len(rows))[:IMPORTANCE_ROWS]
    if len(np.unique(label[chosen])) < 2:
        chosen = np.arange(len(rows))
    sample, truth = rows.iloc[chosen].reset_index(drop=True), label[chosen]
    encoded = model.encode(sample)
    whole = roc_auc_score(truth, model.forest.probability(encoded))
    losses = []
    for number, _ in enumerate(model.columns.names):
        own = np.flatnonzero(model.forest.owner == number)
        for _ in range(IMPORTANCE_REPEATS):
            shuffled = encoded.copy()
            shuffled[:, own] = encoded[np.ix_(draws.permutation(len(encoded)), own)]
            losses.append(whole - roc_auc_score(truth, model.forest.probability(shuffled)))
    table = np.array(losses).reshape(len(model.columns.names), IMPORTANCE_REPEATS)
    found = pd.DataFrame(
        {"feature": model.columns.names, "importance": table.mean(axis=1), "spread": table.std(axis=1)}
    )
    return found.sort_values("importance", ascending=False, ignore_index=True)
