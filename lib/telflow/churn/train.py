"""Training: the forest and its baselines fitted, judged on rows held out, tracked, and the better one served."""

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from sklearn.metrics import roc_auc_score

from telflow.churn import plots
from telflow.churn.columns import Columns
from telflow.churn.data import TABLES, TARGET, check_leavers, labels_until, read_sources
from telflow.churn.export import check_scratch, served_model
from telflow.churn.features import COLUMNS, columns_with
from telflow.churn.judge import Costs, Judged, Problem, check_split, judge_all, judged_rows, settled
from telflow.churn.measures import Estimate, permutation_importance
from telflow.churn.own_table import own_columns, read_own_table
from telflow.churn.pipeline import FOREST, fit
from telflow.churn.served import ChurnModel
from telflow.churn.split import (
    LEAST_FOLDS,
    Dates,
    as_of_dates,
    check_folds,
    fold_splits,
    is_on,
    temporal_dates,
    temporal_split,
)
from telflow.churn.truth import best_roc_auc
from telflow.customers.provider import file_digest
from telflow.errors import ModelMissingError
from telflow.lake import Lake
from telflow.settings import ChurnSettings, OwnTableSettings, Settings
from telflow.tables import TRUTH_CUSTOMERS
from telflow.tracking import (
    CALIBRATION_ARTIFACT,
    Contest,
    as_logged,
    as_parameters,
    champion_version,
    load_version,
    log_plain_model,
    log_source,
    model_name,
    open_experiment,
    open_tracking,
    raw_model,
    run_again,
    run_data,
    settle,
    source_versions,
)

OWN_TARGET: Final = "churn-own"
MODULES: Final = ("telflow.churn.served", "telflow.churn.columns", "telflow.churn.forest", "telflow.errors")
RECORDED: Final = "judged_roc_auc"
GROUND: Final = "judged_on"
NOT_LOGGED: Final = {"own_table", "scratch"}  # of the other way to train, and of the place
MAPPED: Final = {"customer", "label", "left"}
COSTS: Final = {"missed_cost", "false_alarm_cost"}


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


def train_on_lake(lake: Lake, settings: Settings, *, again: str | None = None, promote: bool = False) -> TrainReport:
    """Train on the lake's own customers, judge on later months, and register the forest.

    Args:
        lake: needs customer_daily and subscribers; without churn_events nobody left, and there is nothing to learn.
        settings: ``churn`` and ``mlflow``.
        again: a run to be run once more, by the settings that it logged and on the versions of the tables that it read;
            its model becomes champion by ``promote`` alone.
        promote: move the alias whatever the comparison says.

    Raises:
        TableMissingError: one of the first two tables is not there, or a version that ``again`` read is held no more.
        ModelMissingError: there is no run ``again``, or it did not train on the lake.
        TrainingDataError: too few days, or nobody left.
        SettingsError: Spark runs on a cluster, and ``churn.scratch`` names no folder.
        TrackingError: MLflow does not tell who is champion.
    """
    check_scratch(settings)
    chosen, versions = (settings.churn, None) if again is None else as_run(settings, again)
    sources = read_sources(lake, versions)
    dates = temporal_dates(
        as_of_dates(
            sources.held.first,
            labels_until(sources, chosen),
            label_days=chosen.label_days,
            step_days=chosen.step_days,
            least_history_days=chosen.least_history_days,
            most=chosen.most_dates,
        ),
        label_days=chosen.label_days,
        holdout_share=chosen.holdout_share,
    )
    check_leavers(sources, dates.training[0])
    labelled = sources.labelled((*dates.training, *dates.holdout), chosen)
    with settled(labelled, chosen, is_on(dates.training)) as rows:
        split = temporal_split(rows, dates, chosen.folds)
        check_split(split)
        columns = known_columns(split.training, columns_with(chosen.subscriber_columns))
        kind = "synthetic customers" if lake.exists(TRUTH_CUSTOMERS) else "customers"
        what = f"{kind}, held out {dates.holdout[0]} to {dates.holdout[-1]}"
        problem = Problem(columns, [split], Costs(chosen.missed_cost, chosen.false_alarm_cost), what)
        open_experiment(settings.mlflow, TARGET)
        with mlflow.start_run(run_name=f"churn as of {dates.holdout[-1]}"):
            log_source(lake, *[table for table in TABLES if table.name in sources.versions], read=sources.versions)
            mlflow.log_params({**parameters(chosen, columns), **parameters_of_dates(dates)})
            if again is not None:
                mlflow.set_tag("again", again)
            judged = judge_all(problem, chosen)
            best = best_roc_auc(lake, judged[FOREST].rows, chosen.label_days)
            if best is not None:
                mlflow.log_metric("roc_auc_best", best)
            served = replace(
                served_model(lake.spark, judged[FOREST].fitted[0], columns, judged[FOREST].threshold, chosen.scratch),
                facts=facts_of(chosen, dates),
            )
            held_out = judged_rows(split.holdout, (*COLUMNS.names, "label"))
            log_pictures(problem, judged, served, held_out, chosen)
            name = model_name(settings.mlflow, TARGET)
            contest = contest_on_rows(name, served, held_out, dates.holdout[0], chosen.margin)
            if again is not None:
                contest = replace(contest, obstacle=run_again(again))
            registered = register(name, served, contest, {}, promote=promote)
    return report(problem, judged, served.threshold, registered, best_roc_auc=best, dates=dates)


def train_on_table(lake: Lake, settings: Settings, path: Path, *, promote: bool = False) -> TrainReport:
    """Train on a provider's own table, judge by cross-validation, and register the forest of all rows.

    Args:
        lake: for its session.
        settings: ``churn.own_table`` says which column is what.
        path: the table, CSV or Parquet.
        promote: move the alias whatever the comparison says.

    Raises:
        InputError: the table does not fit the mapping.
        TrainingDataError: too few left, or too few stayed, for one of either in each fold.
        SettingsError: Spark runs on a cluster, and ``churn.scratch`` names no folder.
        TrackingError: MLflow does not tell who is champion.
    """
    check_scratch(settings)
    chosen, mapping = settings.churn, settings.churn.own_table
    table = read_own_table(lake.spark, path, mapping).withColumn("as_of", F.lit(None).cast("date"))
    with settled(table, chosen) as rows:
        check_folds(rows, chosen.folds, path.name)
        columns = known_columns(rows, own_columns(mapping))
        splits = fold_splits(rows, chosen.folds)
        what = f"{path.name}, {chosen.folds}-fold cross-validation"
        problem = Problem(columns, splits, Costs(mapping.missed_cost, mapping.false_alarm_cost), what)
        digest = table_digest(path)
        open_experiment(settings.mlflow, OWN_TARGET)
        with mlflow.start_run(run_name=f"churn of {path.name}"):
            mlflow.set_tags({"source": path.name, "source_sha256": digest})
            mlflow.log_params({**parameters(chosen, columns), **mapping.model_dump(include=MAPPED | COSTS)})
            judged = judge_all(problem, chosen)
            forest = judged[FOREST]
            threshold = forest.threshold
            held_out = judged_rows(splits[0].holdout, (*columns.names, "label"))
            of_fold = served_model(lake.spark, forest.fitted[0], columns, threshold, chosen.scratch)
            log_pictures(problem, judged, of_fold, held_out, chosen, part="the first fold of ")
            name, ground = model_name(settings.mlflow, OWN_TARGET), ground_of(digest, mapping, chosen)
            contest = contest_on_record(name, forest.metrics["roc_auc"].value, ground, chosen.margin)
            whole = served_model(lake.spark, fit(rows, columns, FOREST, chosen), columns, threshold, chosen.scratch)
            tags = {RECORDED: repr(contest.challenger), GROUND: ground}
            registered = register(name, whole, contest, tags, promote=promote)
    return report(problem, judged, threshold, registered)


def as_run(settings: Settings, run_id: str) -> tuple[ChurnSettings, dict[str, int]]:
    """Settings and versions of the tables that run ``run_id`` logged.

    Raises:
        ModelMissingError: there is no such run, or it did not train on the lake.
    """
    open_tracking(settings.mlflow)
    data = run_data(run_id)
    if "training_dates" not in data.params:
        raise ModelMissingError(
            f"run {run_id} is none of train_churn.py on the lake: name one that was, and none below it"
        )
    return as_logged(settings.churn, data.params), source_versions(data)


def known_columns(rows: DataFrame, columns: Columns) -> Columns:
    """``columns`` that are known in LEAST_FOLDS folds at least: of others some fit would learn nothing."""
    folds = [F.count_distinct(F.when(F.col(name).isNotNull(), F.col("fold"))).alias(name) for name in columns.names]
    found = rows.agg(*folds).collect()[0]
    return Columns(
        tuple(name for name in columns.numeric if found[name] >= LEAST_FOLDS),
        tuple(name for name in columns.categorical if found[name] >= LEAST_FOLDS),
        columns.told,
    )


def facts_of(settings: ChurnSettings, dates: Dates) -> dict[str, int | str]:
    """What a model of these dates has to be asked with, and compared by."""
    until = dates.training[-1] + timedelta(days=settings.label_days - 1)
    return {
        "label_days": settings.label_days,
        "history_days": settings.history_days,
        "labels_until": until.isoformat(),
    }


def contest_on_rows(
    name: str, model: ChurnModel, held_out: pd.DataFrame, first_held_out: date, margin: float
) -> Contest:
    """``model`` beside the champion of ``name``, both on the rows held out.

    Args:
        name: of the registered model.
        model: the challenger.
        held_out: ``label`` and all columns of features.
        first_held_out: the first date among them.
        margin: by which the champion has to be beaten.
    """
    value = roc_auc_of(model, held_out)
    holder = champion_version(name)
    if holder is None:
        return Contest("roc_auc", value, None, margin)
    try:
        champion: ChurnModel = raw_model(load_version(name, holder)[0])
    except ModelMissingError as error:
        return Contest("roc_auc", value, None, margin, not_measured(holder, str(error)))
    difference = differs(champion, model, list(held_out.columns), first_held_out)
    if difference:
        return Contest("roc_auc", value, None, margin, not_measured(holder, difference))
    return Contest("roc_auc", value, roc_auc_of(champion, held_out), margin)


def differs(champion: ChurnModel, model: ChurnModel, columns: Sequence[str], first_held_out: date) -> str:
    """Why ``champion`` cannot be asked about the rows that ``model`` is judged on; empty where it can."""
    missing = [name for name in champion.columns.names if name not in columns]
    if missing:
        return f"it looks at {', '.join(missing)}, which is told of nobody any more"
    for fact in ("label_days", "history_days"):
        if champion.facts.get(fact) != model.facts[fact]:
            return f"its {fact} are {champion.facts.get(fact)}, not {model.facts[fact]}"
    if str(champion.facts.get("labels_until", "9999")) >= first_held_out.isoformat():
        return "it was trained on days of the hold-out"
    return ""


def not_measured(holder: str, why: str) -> str:
    """Obstacle of a contest in which the champion could not be measured."""
    return f"not measured beside the champion, version {holder}, for {why}; --promote replaces it all the same"


def roc_auc_of(model: ChurnModel, rows: pd.DataFrame) -> float:
    """ROC-AUC of ``model`` on rows with ``label``."""
    return float(roc_auc_score(rows["label"], model.probability(rows)))


def contest_on_record(name: str, value: float, ground: str, margin: float) -> Contest:
    """A cross-validated ROC-AUC beside that recorded with the champion of ``name``, where both are of one ``ground``.

    The champion itself cannot be asked about another table: it was trained on all rows of its own, which may be in it.
    """
    holder = champion_version(name)
    if holder is None:
        return Contest("roc_auc", value, None, margin)
    tags = MlflowClient().get_model_version(name, holder).tags
    if tags.get(GROUND) != ground:
        why = "it was judged on another table, by another mapping or by other folds"
        return Contest("roc_auc", value, None, margin, not_measured(holder, why))
    return Contest("roc_auc", value, float(tags[RECORDED]), margin)


def ground_of(digest: str, mapping: OwnTableSettings, settings: ChurnSettings) -> str:
    """What a cross-validated value hangs on besides the model: rows, labels and folds."""
    told = {
        "table": digest,
        **mapping.model_dump(include=MAPPED),
        **settings.model_dump(include={"folds", "seed", "judged_customers"}),
    }
    return json.dumps(told, sort_keys=True)


def table_digest(path: Path) -> str:
    """SHA-256 of a file, or of those of all files below a folder."""
    if path.is_file():
        return file_digest(path)
    files = sorted(each for each in path.rglob("*") if each.is_file())
    return hashlib.sha256("".join(map(file_digest, files)).encode()).hexdigest()


def parameters(settings: ChurnSettings, columns: Columns) -> dict[str, object]:
    """What a run needs to be told again, by ``as_run``, and the columns that were known enough to be looked at."""
    return {
        **as_parameters(settings, NOT_LOGGED),
        "numeric": ",".join(columns.numeric),
        "categorical": ",".join(columns.categorical),
    }


def parameters_of_dates(dates: Dates) -> dict[str, object]:
    """The dates of a run."""
    return {
        "training_dates": ",".join(map(date.isoformat, dates.training)),
        "holdout_dates": ",".join(map(date.isoformat, dates.holdout)),
    }


def log_pictures(
    problem: Problem,
    judged: Mapping[str, Judged],
    model: ChurnModel,
    held_out: pd.DataFrame,
    settings: ChurnSettings,
    *,
    part: str = "",
) -> None:
    """Log the plots of the forest, and its calibration and the importance of its columns as tables too.

    ``model`` and ``held_out`` are those that importance is told by, ``part`` says which where there are several.
    """
    forest = judged[FOREST]
    importance = permutation_importance(model, held_out, held_out["label"].to_numpy(), settings.seed)
    mlflow.log_table(importance, "permutation_importance.json")
    bins = plots.calibration_bins(forest.scored.probability, forest.scored.label)
    mlflow.log_table(bins, CALIBRATION_ARTIFACT)
    figures = {
        "calibration": plots.calibration_figure(forest.scored, bins, f"Calibration: {problem.what}"),
        "confusion": plots.confusion_figure(forest.scored, f"Confusion: {problem.what}"),
        "permutation_importance": plots.importance_figure(
            importance, problem.columns, f"Permutation importance: {part}{problem.what}"
        ),
        "comparison": plots.comparison_figure(
            {name: dict(each.metrics) for name, each in judged.items()}, "roc_auc", f"ROC-AUC: {problem.what}"
        ),
    }
    for name, figure in figures.items():
        mlflow.log_figure(figure, f"{name}.png")


def register(name: str, model: ChurnModel, contest: Contest, tags: Mapping[str, str], *, promote: bool) -> Registered:
    """Register ``model`` with ``tags``, and settle the contest.

    Its example is nobody's row: what is logged outlives the tables.
    """
    example = model.example()
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder))
        version = log_plain_model(Path(folder), MODULES, example, model.predict(example), name)
    for key, value in tags.items():
        MlflowClient().set_model_version_tag(name, version, key, value)
    return Registered(name, version, settle(name, version, contest, promote=promote), contest.reason)


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
