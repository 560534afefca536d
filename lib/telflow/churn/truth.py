"""The best that the planted truth of a simulation allows."""

from datetime import timedelta

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from telflow.lake import Lake
from telflow.tables import TRUTH_CUSTOMER_WEEKS


def best_roc_auc(lake: Lake, holdout: pd.DataFrame, label_days: int) -> float | None:
    """ROC-AUC of the planted probability to leave on the rows held out; None where no truth was planted.

    A bound, not an aim: the weeks' true probabilities hang on complaints and use up to each week's start, of which the
    later ones are not known on ``as_of``, and on the contract, which a model looks at only where
    ``churn.subscriber_columns`` names it.

    Args:
        lake: the lake.
        holdout: ``customer``, ``as_of`` and ``label``.
        label_days: days of the label window.
    """
    if not lake.exists(TRUTH_CUSTOMER_WEEKS):
        return None
    weeks = lake.read(TRUTH_CUSTOMER_WEEKS).select("customer", "week_start", "churn_probability").toPandas()
    planted = planted_probability(holdout, weeks, label_days)
    return float(roc_auc_score(holdout["label"], planted))


def planted_probability(rows: pd.DataFrame, weeks: pd.DataFrame, label_days: int) -> "pd.Series[float]":
    """True probability of each row to leave in its label window, a part of a week counting as that part of its hazard.

    Args:
        rows: ``customer`` and ``as_of`` (date).
        weeks: ``customer``, ``week_start`` (date) and ``churn_probability``.
        label_days: days of the label window, [as_of, as_of + label_days).
    """
    staying = np.log1p(-weeks["churn_probability"].to_numpy())
    by_week = pd.Series(staying, index=pd.MultiIndex.from_frame(weeks[["customer", "week_start"]]))
    total = np.zeros(len(rows))
    starts = sorted(set(weeks["week_start"]))
    for as_of in sorted(set(rows["as_of"])):
        here = (rows["as_of"] == as_of).to_numpy()
        for start in starts:
            first, last = max(start, as_of), min(start + timedelta(days=7), as_of + timedelta(days=label_days))
            days = (last - first).days
            if days > 0:
                key = pd.MultiIndex.from_arrays([rows.loc[here, "customer"], [start] * int(here.sum())])
                total[here] += by_week.reindex(key).fillna(0.0).to_numpy() * days / 7
    return pd.Series(-np.expm1(total), index=rows.index)
