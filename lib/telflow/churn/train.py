"""Training: the forest and its baselines fitted, judged on rows held out, tracked, and the better one served."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import mlflow
import numpy as np
import pandas as pd
from mlflow.tracking import MlflowClient
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.churn import plots
from telflow.churn.columns import Columns
from telflow.churn.data import SOURCES, best_roc_auc, days_seen, labelled_features
from telflow.churn.export import served_model
from telflow.churn.features import COLUMNS
from telflow.churn.judge import Costs, Judged, Problem, judge_all, judged_rows, settled
from telflow.churn.measures import Estimate, Scored, estimates, permutation_importance
from telflow.churn.own_table import own_columns, read_own_table
from telflow.churn.pipeline import FOREST, fit
from telflow.churn.served import ChurnModel
from telflow.churn.split import Dates, as_of_dates, fold_splits, temporal_dates, temporal_split
from telflow.customers.provider import file_digest
from telflow.errors import InputError
from telflow.lake import Lake
from telflow.settings import ChurnSettings, Settings
from telflow.tables import TRUTH_CUSTOMERS
from telflow.tracking import (
    Contest,
    champion_version,
    load_version,
    log_plain_model,
    log_source,
    model_name,
    open_experiment,
    raw_model,
    settle,
)

TARGET: Final = "churn"
OWN_TARGET: Final = "churn-own"
LOADER: Final = "telflow.churn.served"
RECORDED: Final = "judged_roc_auc"
TABLE: Final = "judged_on"


@dataclass(frozen=True)
class Registered:
    """What became of a new version.

    Attributes:
        model: name of the registered model.
        version: its version.
        is_champion: whether it holds the alias now.
        reason: why, in words.
    """

    model: str
    version: str
    is_champion: bool
    reason: str


@dataclass(frozen=True)
class TrainReport:
    """What training found.

    Attributes:
        what: what was trained on.
        metrics: by algorithm and name.
        threshold: of the model that would be served.
        rows: rows judged on.
        leaving: how many of them left.
        best_roc_auc: what the planted truth allows; None where there is none.
        registered: what became of the new version.
        dates: of the temporal split; None for a table without dates.
    """

    what: str
    metrics: Mapping[str, Mapping[str, Estimate]]
    threshold: float
    rows: int
    leaving: int
    best_roc_auc: float | None
    registered: Registered
    dates: Dates | None = None


def train_on_lake(lake: Lake, settings: Settings) -> TrainReport:
    """Train on the lake's own customers, judge on later months, and register the forest.

    Args:
        lake: needs customer_daily, subscribers and churn_events.
        settings: ``churn`` and ``mlflow``.

    Raises:
        TableMissingError: one of these tables is not there.
        TrainingDataError: too few days, or nobody left.
    """
    chosen, seen = settings.churn, days_seen(lake)
    dates = temporal_dates(
        as_of_dates(
            seen.first,
            seen.last,
            label_days=chosen.label_days,
            step_days=chosen.step_days,
            least_history_days=chosen.least_history_days,
            most=chosen.most_dates,
        ),
        label_days=chosen.label_days,
        holdout_share=chosen.holdout_share,
    )
    wanted = (*dates.training, *dates.holdout)
    with settled(labelled_features(lake, wanted, chosen, seen.first), chosen) as rows:
        split = temporal_split(rows, dates, chosen.folds)
        columns = known_columns(split.training, COLUMNS)
        kind = "synthetic customers" if lake.exists(TRUTH_CUSTOMERS) else "customers"
        what = f"{kind}, held out {dates.holdout[0]} to {dates.holdout[-1]}"
        problem = Problem(columns, [split], Costs(chosen.missed_cost, chosen.false_alarm_cost), what)
        open_experiment(settings.mlflow, TARGET)
        with mlflow.start_run(run_name=f"churn as of {dates.holdout[-1]}"):
            log_source(lake, *[table for table in SOURCES if lake.exists(table)])
            mlflow.log_params(told_parameters(chosen, columns, dates))
            judged = judge_all(problem, chosen)
            best = best_roc_auc(lake, judged[FOREST].rows, chosen.label_days)
            if best is not None:
                mlflow.log_metric("roc_auc_best", best)
            forest = judged[FOREST]
            served = served_model(lake.spark, forest.fitted[0], columns, forest.thresholds[0], chosen.scratch)
            served = replace(served, facts={"label_days": chosen.label_days, "history_days": chosen.history_days})
            held_out = judged_rows(split.holdout, (*columns.names, "label"))
            log_pictures(problem, judged, served, held_out, chosen)
            name = model_name(settings.mlflow, TARGET)
            version = log_model(served, name)
            rival = champion_score(name, held_out)
            contest = Contest("roc_auc", forest.metrics["roc_auc"].value, rival, chosen.margin)
            registered = Registered(name, version, settle(name, version, contest), contest.reason)
    return report(problem, judged, served.threshold, registered, best_roc_auc=best, dates=dates)


def train_on_table(lake: Lake, settings: Settings, path: Path) -> TrainReport:
    """Train on a provider's own table, judge by cross-validation, and register the forest of all rows.

    Args:
        lake: for its session.
        settings: ``churn.own_table`` says which column is what.
        path: the table, CSV or Parquet.

    Raises:
        InputError: the table does not fit the mapping.
        TrainingDataError: everybody left, or nobody.
    """
    chosen, mapping = settings.churn, settings.churn.own_table
    table = read_own_table(lake.spark, path, mapping).withColumn("as_of", F.lit(None).cast("date"))
    with settled(table, chosen) as rows:
        columns = known_columns(rows, own_columns(mapping))
        splits = fold_splits(rows, chosen.folds)
        what = f"{path.name}, {chosen.folds}-fold cross-validation"
        problem = Problem(columns, splits, Costs(mapping.missed_cost, mapping.false_alarm_cost), what)
        open_experiment(settings.mlflow, OWN_TARGET)
        with mlflow.start_run(run_name=f"churn of {path.name}"):
            mlflow.set_tag("source", path.name)
            if path.is_file():
                mlflow.set_tag("source_sha256", file_digest(path))
            mlflow.log_params(told_parameters(chosen, columns, None))
            judged = judge_all(problem, chosen)
            forest = judged[FOREST]
            threshold = float(np.mean(forest.thresholds))
            whole = fit(rows, columns, FOREST, chosen)
            served = served_model(lake.spark, whole, columns, threshold, chosen.scratch)
            held_out = judged_rows(splits[0].holdout, (*columns.names, "label"))
            of_fold = served_model(lake.spark, forest.fitted[0], columns, threshold, chosen.scratch)
            log_pictures(problem, judged, of_fold, held_out, chosen)
            name = model_name(settings.mlflow, OWN_TARGET)
            version = log_model(served, name)
            rival = recorded_score(name, path.name)
            value = forest.metrics["roc_auc"].value
            for key, told in ((RECORDED, repr(value)), (TABLE, path.name)):
                MlflowClient().set_model_version_tag(name, version, key, told)
            contest = Contest("roc_auc", value, rival, chosen.margin)
            registered = Registered(name, version, settle(name, version, contest), contest.reason)
    return report(problem, judged, threshold, registered)


def known_columns(rows: DataFrame, columns: Columns) -> Columns:
    """``columns`` without those that are null in every row: nothing can be learned of them."""
    found = rows.agg(*[F.count(F.col(f"`{name}`")).alias(name) for name in columns.names]).collect()[0]
    return Columns(
        tuple(name for name in columns.numeric if found[name]),
        tuple(name for name in columns.categorical if found[name]),
        columns.told,
    )


def champion_score(name: str, held_out: pd.DataFrame) -> float | None:
    """ROC-AUC of the champion on the rows held out; None where there is none, or it wants other columns."""
    version = champion_version(name)
    if version is None:
        return None
    model = raw_model(load_version(name, version)[0])
    try:
        probability = model.probability(held_out)
    except InputError:
        return None
    label = held_out["label"].to_numpy()
    scored = Scored(np.arange(len(label)), label, probability, probability >= model.threshold)
    return estimates(scored, 0, 0)["roc_auc"].value


def recorded_score(name: str, table: str) -> float | None:
    """Cross-validated ROC-AUC recorded with the champion; None where there is none, or it was of another table."""
    version = champion_version(name)
    tags = {} if version is None else MlflowClient().get_model_version(name, version).tags
    return float(tags[RECORDED]) if tags.get(TABLE) == table else None


def told_parameters(settings: ChurnSettings, columns: Columns, dates: Dates | None) -> dict[str, object]:
    """What a run needs to be told again."""
    told = settings.model_dump(exclude={"own_table", "scratch"})
    told["numeric"], told["categorical"] = ",".join(columns.numeric), ",".join(columns.categorical)
    if dates is not None:
        told["training_dates"] = ",".join(map(date.isoformat, dates.training))
        told["holdout_dates"] = ",".join(map(date.isoformat, dates.holdout))
    return told


def log_pictures(
    problem: Problem, judged: Mapping[str, Judged], model: ChurnModel, held_out: pd.DataFrame, settings: ChurnSettings
) -> None:
    """Log the plots of the forest, and the importance of its columns as a table too."""
    forest = judged[FOREST]
    importance = permutation_importance(model, held_out, held_out["label"].to_numpy(), settings.seed)
    mlflow.log_table(importance, "permutation_importance.json")
    figures = {
        "calibration": plots.calibration_figure(forest.scored, f"Calibration: {problem.what}"),
        "confusion": plots.confusion_figure(forest.scored, f"Confusion: {problem.what}"),
        "permutation_importance": plots.importance_figure(
            importance, problem.columns, f"Permutation importance: {problem.what}"
        ),
        "comparison": plots.comparison_figure(
            {name: dict(each.metrics) for name, each in judged.items()}, "roc_auc", f"ROC-AUC: {problem.what}"
        ),
    }
    for name, figure in figures.items():
        mlflow.log_figure(figure, f"{name}.png")


def log_model(model: ChurnModel, name: str) -> str:
    """Register ``model``; its version. Its example is nobody's row: what is logged outlives the tables."""
    example = model.example()
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        version = log_plain_model(Path(folder), LOADER, example, model.predict(example), name)
    if version is None:
        raise RuntimeError(f"MLflow gave the model {name} no version")
    return version


def report(
    problem: Problem,
    judged: Mapping[str, Judged],
    threshold: float,
    registered: Registered,
    *,
    best_roc_auc: float | None = None,
    dates: Dates | None = None,
) -> TrainReport:
    """What training found, as a report."""
    forest = judged[FOREST]
    return TrainReport(
        what=problem.what,
        metrics={algorithm: each.metrics for algorithm, each in judged.items()},
        threshold=threshold,
        rows=len(forest.rows),
        leaving=int(forest.scored.label.sum()),
        best_roc_auc=best_roc_auc,
        registered=registered,
        dates=dates,
    )
