"""Churn tables from the lake: features and labels of several dates, and the best that the planted truth allows."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import reduce

import numpy as np
import pandas as pd
from pyspark.sql import DataFrame
from sklearn.metrics import roc_auc_score

from telflow.churn.features import churn_features, with_label
from telflow.customers.daily import DaysHeld, days_held
from telflow.errors import TrainingDataError
from telflow.lake import Lake
from telflow.settings import ChurnSettings
from telflow.tables import (
    CHURN_EVENTS,
    COMPLAINTS,
    CUSTOMER_DAILY,
    SUBSCRIBERS,
    TRUTH_CUSTOMER_WEEKS,
)

SOURCES = (CUSTOMER_DAILY, SUBSCRIBERS, CHURN_EVENTS, COMPLAINTS)


def days_seen(lake: Lake) -> DaysHeld:
    """First and last local day of customer_daily.

    Raises:
        TableMissingError: nothing has written it yet.
        TrainingDataError: it holds no day.
    """
    held = days_held(lake.read(CUSTOMER_DAILY))
    if held is None:
        raise TrainingDataError("customer_daily holds no day: run jobs/run_pipeline.py over some flow files first")
    return held


def features_as_of(lake: Lake, as_of: date, history_days: int, lake_start: date) -> DataFrame:
    """``churn_features`` from the tables of ``lake``; complaints count as none where the provider delivers none."""
    return churn_features(
        lake.read(CUSTOMER_DAILY),
        lake.read(SUBSCRIBERS),
        lake.read_or_empty(CHURN_EVENTS),
        lake.read_or_empty(COMPLAINTS),
        as_of,
        history_days=history_days,
        lake_start=lake_start,
    )


def labelled_features(lake: Lake, dates: Sequence[date], settings: ChurnSettings, lake_start: date) -> DataFrame:
    """Features and ``label`` of everybody subscribed on each of ``dates``, a row each."""
    by_date = [features_as_of(lake, day, settings.history_days, lake_start) for day in dates]
    return with_label(reduce(DataFrame.unionByName, by_date), lake.read(CHURN_EVENTS), settings.label_days)


def best_roc_auc(lake: Lake, holdout: pd.DataFrame, label_days: int) -> float | None:
    """ROC-AUC of the planted probability to leave on the rows held out; None where no truth was planted.

    No model can be expected to do better: the weeks' true probabilities hang on complaints and use up to each week's
    start, of which the later ones are not even known on ``as_of``.

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
