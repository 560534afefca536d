"""Training: a sweep in nested runs of one parent in MLflow, its winner registered, and champion if it is better."""

import json
import tempfile
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Final

import mlflow
import pandas as pd
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.customers.daily import days_there
from telflow.customers.features import as_of_day
from telflow.errors import ModelMissingError, NoSegmentsError
from telflow.lake import Lake
from telflow.progress import progress
from telflow.segments.contest import contest_of
from telflow.segments.fit import fit_preparation, in_stable_order, with_prepared
from telflow.segments.inputs import MODULES, TARGET, count_too_few, features_of
from telflow.segments.model import write_model
from telflow.segments.sweep import PLANTED, Tried, check_passing, ranked, ranking_table, scales_for, sweep
from telflow.settings import SegmentsSettings, Settings
from telflow.tables import CUSTOMER_DAILY, TRUTH_CUSTOMERS
from telflow.tracking import (
    as_logged,
    as_parameters,
    log_plain_model,
    log_source,
    model_name,
    open_experiment,
    open_tracking,
    run_again,
    run_data,
    settle,
)

SWEPT: Final = {"algorithms", "ks", "transforms", "seed", "starts", "iterations"}  # what the runs of a sweep differ in


@dataclass(frozen=True)
class TrainReport:
    """What a sweep found.

    Attributes:
        as_of: local day after the last one looked at.
        source_version: version of customer_daily that was read.
        window_days: days before ``as_of`` that are looked at.
        days: how many of them customer_daily holds.
        customers: with enough active days.
        is_synthetic: whether the lake holds a planted truth.
        run_id: the parent run.
        tried: all runs, the best first.
        model: name of the registered model.
        version: version of the winner.
        is_champion: whether it holds the alias now.
        reason: why, in words.
    """

    as_of: date
    source_version: int
    window_days: int
    days: int
    customers: int
    is_synthetic: bool
    run_id: str
    tried: tuple[Tried, ...]
    model: str
    version: str
    is_champion: bool
    reason: str


def train_segments(
    lake: Lake,
    settings: Settings,
    as_of: date | None = None,
    source_version: int | None = None,
    *,
    again: str | None = None,
    promote: bool = False,
) -> TrainReport:
    """Run the sweep, register its winner, and move the alias champion if it is better by the margin.

    Args:
        lake: needs customer_daily; a planted truth, where there is one, is compared with.
        settings: ``segments`` says what is swept; ``mlflow`` where it is tracked.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.
        source_version: version of customer_daily to read; when None, the newest.
        again: a run to be run once more, a sweep or one clustering of it: by the settings that it logged, on its day
            and its version of customer_daily; the model becomes champion by ``promote`` alone.
        promote: move the alias whatever the comparison says.

    Raises:
        TableMissingError: nothing has written customer_daily yet, or that version is held no more.
        AsOfError: it holds no day before ``as_of``, or ends long before.
        NoSegmentsError: too few customers, or every clustering is refused.
        SettingsError: a feature that docs/features.md does not know.
        ModelMissingError: there is no run ``again``, or it is none of a sweep.
        TrackingError: MLflow does not tell who is champion.
    """
    if again is not None:
        settings, as_of, source_version = as_run(settings, again)
    chosen, scales = settings.segments, scales_for(settings)
    version = lake.version(CUSTOMER_DAILY) if source_version is None else source_version
    daily = lake.read(CUSTOMER_DAILY, version)
    rows, as_of = training_rows(lake, settings, as_of, version)
    try:
        customers = check_enough(rows, chosen, as_of)
        open_experiment(settings.mlflow, TARGET)
        with mlflow.start_run(run_name=f"segments as of {as_of}") as parent:
            log_source(lake, CUSTOMER_DAILY, read={CUSTOMER_DAILY.name: version})
            log_sweep(daily, settings, as_of, version, customers)
            even = fit_preparation(rows, "log_standard", scales, chosen.pca_variance)
            with progress(lake.spark, "segments"):
                tried = ranked(sweep(rows, scales, even, chosen, parameters(chosen, as_of, version)), chosen.margin)
            mlflow.log_table(ranking_table(tried), "ranking.json")
            check_passing(tried)
            name = model_name(settings.mlflow, TARGET)
            contest = contest_of(with_prepared(rows, even), daily, as_of, tried, settings)
            if again is not None:
                mlflow.set_tag("again", again)
                contest = replace(contest, obstacle=run_again(again))
            made = register(tried[0], name)
            is_champion = settle(name, made, contest, promote=promote)
            return TrainReport(
                as_of=as_of,
                source_version=version,
                window_days=chosen.window_days,
                days=days_there(daily, as_of, chosen.window_days),
                customers=customers,
                is_synthetic=lake.exists(TRUTH_CUSTOMERS),
                run_id=parent.info.run_id,
                tried=tried,
                model=name,
                version=made,
                is_champion=is_champion,
                reason=contest.reason,
            )
    finally:
        rows.unpersist()


def log_sweep(daily: DataFrame, settings: Settings, as_of: date, version: int, customers: int) -> None:
    """Log what the sweep is, and of how many customers it tells, on the parent."""
    chosen = settings.segments
    sweep = as_parameters(chosen, set(SegmentsSettings.model_fields) - SWEPT)
    mlflow.log_params({**parameters(chosen, as_of, version), **sweep})
    too_few = count_too_few(
        daily,
        settings,
        as_of,
        window_days=chosen.window_days,
        active_day_bytes=chosen.active_day_bytes,
        min_active_days=chosen.min_active_days,
    )
    mlflow.log_metrics({"customers": float(customers), "customers_with_too_few_days": float(too_few)})


def training_rows(
    lake: Lake, settings: Settings, as_of: date | None = None, source_version: int | None = None
) -> tuple[DataFrame, date]:
    """Features of the customers with enough active days, in stable order, cached; and ``as_of``.

    Returns:
        ``customer``, ``as_of``, all features, and ``planted`` (string): the planted segment, null where none is known.
    """
    chosen = settings.segments
    daily = lake.read(CUSTOMER_DAILY, source_version)
    as_of = as_of_day(daily, as_of)
    features = features_of(daily, settings, as_of, chosen.window_days, chosen.active_day_bytes)
    enough = features.where(F.col("active_days") >= chosen.min_active_days)
    truth = lake.read_or_empty(TRUTH_CUSTOMERS).select("customer", F.col("segment").alias(PLANTED))
    cached = enough.join(truth, on="customer", how="left").persist()
    partitions = max(-(-cached.count() // chosen.rows_per_partition), 1)
    ordered = in_stable_order(cached, partitions).persist()
    ordered.count()
    cached.unpersist()
    return ordered, as_of


def check_enough(rows: DataFrame, chosen: SegmentsSettings, as_of: date) -> int:
    """Number of customers in ``rows``.

    Raises:
        NoSegmentsError: fewer than two for each of the segments asked for.
    """
    customers, asked = rows.count(), max(chosen.ks)
    if customers < 2 * asked:
        raise NoSegmentsError(
            f"only {customers} customers have {chosen.min_active_days} active days in the {chosen.window_days} days "
            f"before {as_of}: too few for {asked} segments; choose another --as-of, or lower segments.ks"
        )
    return customers


def register(winner: Tried, name: str) -> str:
    """Register the model of ``winner``; its version. Its example is nobody's row: the means of each segment."""
    example = pd.DataFrame(winner.profiles.means, columns=list(winner.profiles.features))
    with mlflow.start_run(run_id=winner.run_id, nested=True), tempfile.TemporaryDirectory() as folder:
        write_model(winner.model, Path(folder))
        return log_plain_model(Path(folder), MODULES, example, winner.model.predict(example), name)


def parameters(chosen: SegmentsSettings, as_of: date, source_version: int) -> dict[str, object]:
    """What a run needs to be told again, of what is the same for the whole sweep."""
    return {**as_parameters(chosen, SWEPT), "as_of": as_of.isoformat(), "source_version": source_version}


def as_run(settings: Settings, run_id: str) -> tuple[Settings, date, int]:
    """Settings, date and version of customer_daily that a run logged, of a sweep or of one clustering of it.

    Raises:
        ModelMissingError: there is no such run, or it is none of a sweep.
    """
    open_tracking(settings.mlflow)
    told = run_data(run_id).params
    if not {"as_of", "source_version"} <= set(told):
        raise ModelMissingError(f"run {run_id} is none of train_segments.py: name a sweep, or a run below one")
    one = {f"{name}s": f"[{json.dumps(told[name])}]" for name in ("algorithm", "transform") if name in told}
    one |= {"ks": f"[{told['k']}]"} if "k" in told else {}
    again = settings.model_copy(update={"segments": as_logged(settings.segments, {**told, **one})})
    return again, date.fromisoformat(told["as_of"]), int(told["source_version"])
