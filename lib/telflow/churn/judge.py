"""Judging: each algorithm fitted on training rows, its threshold chosen there, and measured on rows held out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import mlflow
import pandas as pd
from pyspark.ml import PipelineModel
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.churn.columns import Columns
from telflow.churn.measures import (
    Estimate,
    Scored,
    check_both_classes,
    check_both_kinds,
    cost,
    estimates,
    flat,
    paying_threshold,
)
from telflow.churn.pipeline import FOREST, fit, hyperparameters, with_probability
from telflow.churn.split import Split, with_fold
from telflow.settings import ChurnSettings

PARTS: Final = 1_000_000


@dataclass(frozen=True)
class Costs:
    """What wrong decisions cost, in one unit."""

    missed: float
    false_alarm: float


@dataclass(frozen=True)
class Problem:
    """A table to learn from, and what is done with it.

    Attributes:
        columns: the columns a model looks at.
        splits: what is trained on and judged by.
        costs: of wrong decisions.
        what: what the rows are, for titles.
    """

    columns: Columns
    splits: Sequence[Split]
    costs: Costs
    what: str


@dataclass(frozen=True)
class Judged:
    """One algorithm on the rows held out, of all splits together.

    Attributes:
        rows: ``customer``, ``as_of``, ``label`` and ``probability``.
        scored: the same as arrays, with the decisions.
        metrics: by name.
        threshold: to be served, chosen on the training rows left out in all splits together. Of a split whose rows say
            nothing it is 0 or 2 (``paying_threshold``), which no mean of thresholds can hold.
        cost: mean cost of a row under these decisions.
        fitted: of each split, on its training rows.
    """

    rows: pd.DataFrame
    scored: Scored
    metrics: Mapping[str, Estimate]
    threshold: float
    cost: float
    fitted: tuple[PipelineModel, ...]


@contextmanager
def settled(rows: DataFrame, settings: ChurnSettings, known: Column | None = None) -> Iterator[DataFrame]:
    """``rows`` kept in memory, each in the same place every time, for trees draw rows by their place.

    Args:
        rows: ``customer``, ``as_of``, ``label`` and the columns.
        settings: folds, seed and how many customers are judged.
        known: rows that folds are made by; when None, all.

    Yields:
        The rows with ``fold`` and ``is_judged``, true for all rows of about ``judged_customers`` drawn by hash.

    Raises:
        TrainingDataError: everybody left, or nobody.
    """
    told = rows.persist()  # folds are made of the same rows, which are dear
    customers, count, leaving = told.agg(
        F.approx_count_distinct("customer"), F.count(F.lit(1)), F.count_if(F.col("label") == 1)
    ).collect()[0]
    check_both_kinds(leaving, count)
    kept = int(PARTS * min(settings.judged_customers / max(customers, 1), 1.0))
    part = F.pmod(F.xxhash64("customer", F.lit(settings.seed + 1)), F.lit(PARTS))
    placed = (
        told.transform(with_fold, settings.folds, settings.seed, known)
        .withColumn("is_judged", part < kept)
        .repartition(settings.partitions, "customer")
        .sortWithinPartitions("customer", "as_of")
        .persist()
    )
    try:
        yield placed
    finally:
        placed.unpersist()
        told.unpersist()


def check_split(split: Split) -> None:
    """Refuse a split of which one side holds only those who left, or only those who stayed, before any fit.

    Raises:
        TrainingDataError: so it is.
    """
    for part in (split.training, split.holdout):
        check_both_kinds(*part.agg(F.count_if(F.col("label") == 1), F.count(F.lit(1))).collect()[0])


def judge_all(problem: Problem, settings: ChurnSettings) -> dict[str, Judged]:
    """The forest and its baselines judged, each in a nested run; the forest's numbers stand on the parent too."""
    judged = {}
    for algorithm in (FOREST, *settings.baselines):
        with mlflow.start_run(run_name=algorithm, nested=True):
            mlflow.log_params(hyperparameters(algorithm, settings))
            judged[algorithm] = judge(problem, algorithm, settings)
            log_metrics(judged[algorithm])
    log_metrics(judged[FOREST])
    return judged


def judge(problem: Problem, algorithm: str, settings: ChurnSettings) -> Judged:
    """Fit ``algorithm`` on the training rows of each split and judge it on those held out.

    Each split is judged by the threshold of its own training rows; the one that is served is of all splits together.
    """
    fitted, parts, left_out = [], [], []
    for split in problem.splits:
        left_out.append(left_out_rows(split, problem, algorithm, settings))
        of_split = choose_threshold(left_out[-1], problem.costs)
        fitted.append(fit(split.training, problem.columns, algorithm, settings))
        part = predictions(split.holdout, fitted[-1])
        parts.append(part.assign(is_flagged=part["probability"] >= of_split))
    rows = pd.concat(parts, ignore_index=True)
    scored = Scored(
        rows["customer"].to_numpy(),
        rows["label"].to_numpy(),
        rows["probability"].to_numpy(),
        rows["is_flagged"].to_numpy(),
    )
    metrics = estimates(scored, settings.bootstrap, settings.seed)
    spent = cost(scored.label, scored.is_flagged, problem.costs.missed, problem.costs.false_alarm)
    served = choose_threshold(pd.concat(left_out, ignore_index=True), problem.costs)
    return Judged(rows, scored, metrics, served, spent, tuple(fitted))


def left_out_rows(split: Split, problem: Problem, algorithm: str, settings: ChurnSettings) -> pd.DataFrame:
    """``predictions`` of training rows by a model that has not seen them: each validation fold left out in turn."""
    parts = []
    for fold in split.validation_folds:
        model = fit(split.training.where(F.col("fold") != fold), problem.columns, algorithm, settings)
        parts.append(predictions(split.training.where(F.col("fold") == fold), model))
    return pd.concat(parts, ignore_index=True)


def choose_threshold(left_out: pd.DataFrame, costs: Costs) -> float:
    """The threshold by cost, on rows that the model at hand has not seen: ``label`` and ``probability``."""
    label = left_out["label"].to_numpy()
    check_both_classes(label)
    return paying_threshold(label, left_out["probability"].to_numpy(), costs.missed, costs.false_alarm)


def predictions(rows: DataFrame, model: PipelineModel) -> pd.DataFrame:
    """``customer``, ``as_of``, ``label`` and ``probability`` of the rows judged, in a stable order."""
    told = with_probability(rows.where("is_judged"), model, ("customer", "as_of", "label"))
    return told.toPandas().sort_values(["as_of", "customer"], ignore_index=True)


def judged_rows(rows: DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Columns ``names`` of the same rows in the same order."""
    keys = [F.col("customer").alias("__customer"), F.col("as_of").alias("__as_of")]
    table = rows.where("is_judged").select(*keys, *[F.col(f"`{name}`") for name in names]).toPandas()
    return table.sort_values(["__as_of", "__customer"], ignore_index=True).drop(columns=["__customer", "__as_of"])


def log_metrics(judged: Judged) -> None:
    """Log the metrics with their intervals, the threshold, the cost, and what was judged on."""
    mlflow.log_metrics(
        {
            **flat(judged.metrics),
            "threshold": judged.threshold,
            "cost_per_row": judged.cost,
            "holdout_rows": float(len(judged.rows)),
            "holdout_leaving": float(judged.scored.label.sum()),
        }
    )
