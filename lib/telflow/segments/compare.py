"""Two runs or two versions side by side: sizes, centres, agreement, who moved, and how stable each is over months."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import cast

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.errors import ModelMissingError
from telflow.lake import Lake
from telflow.segments.assign import segments_of
from telflow.segments.metrics import ari_of
from telflow.segments.model import SegmentModel
from telflow.segments.train import MODEL_ARTIFACT, TARGET, day_after_last, features_of
from telflow.settings import Settings
from telflow.tables import CUSTOMER_DAILY, TRUTH_CUSTOMERS
from telflow.tracking import champion_version, load_version, model_name, open_tracking, raw_model


@dataclass(frozen=True)
class Named:
    """A model, and what to call it."""

    name: str
    model: SegmentModel


@dataclass(frozen=True)
class Comparison:
    """Two models on the same customers of the same day; every table has a column ``model`` or one a side.

    Attributes:
        as_of: local day after the last one looked at.
        left: what the first is called.
        right: what the second is called.
        customers: that both were asked about.
        kind: what they are called: synthetic customers where a planted truth is there, else customers.
        ari: adjusted Rand index between the two; None without customers.
        sizes: ``model``, ``segment``, ``customers``, ``share``.
        centres: ``model``, ``segment`` and the mean of each feature that either model looks at, natural units.
        moves: customers by segment of the first (rows) and of the second (columns).
        stability: ``model``, ``from_as_of``, ``to_as_of``, ``customers`` on both dates, ``stayed_share`` and ``ari``:
            how far the answers of one model on two dates agree.
    """

    as_of: date
    left: str
    right: str
    customers: int
    kind: str
    ari: float | None
    sizes: pd.DataFrame
    centres: pd.DataFrame
    moves: pd.DataFrame
    stability: pd.DataFrame


def compare_segments(
    lake: Lake,
    settings: Settings,
    left: str | None = None,
    right: str | None = None,
    *,
    as_of: date | None = None,
    months: int = 2,
) -> Comparison:
    """Compare two versions of the registered model, or two runs of a sweep.

    Args:
        lake: needs customer_daily.
        settings: names the registered model.
        left: number of a version, or the identifier of a run; when None, the champion.
        right: likewise; when None, the newest version besides ``left``, else the runner-up of its sweep.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.
        months: windows to look back for stability, each of the model's own length.

    Raises:
        ModelMissingError: there is no such version or run.
    """
    open_tracking(settings.mlflow)
    name = model_name(settings.mlflow, TARGET)
    first = named(name, left or champion_or_raise(name))
    second = named(name, right or other_than(name, first.name))
    daily = lake.read(CUSTOMER_DAILY)
    as_of = as_of or day_after_last(daily)
    both = side_by_side(daily, settings, as_of, first, second).persist()
    try:
        return Comparison(
            as_of=as_of,
            left=first.name,
            right=second.name,
            customers=both.count(),
            kind="synthetic customers" if lake.exists(TRUTH_CUSTOMERS) else "customers",
            ari=ari_of(both, "left", "right"),
            sizes=pd.concat([sizes(both, side, each.name) for side, each in (("left", first), ("right", second))]),
            centres=pd.concat([centres(both, side, each.name) for side, each in (("left", first), ("right", second))]),
            moves=crosstab(both),
            stability=pd.concat([stability(daily, settings, as_of, each, months) for each in (first, second)]),
        )
    finally:
        both.unpersist()


def named(name: str, chosen: str) -> Named:
    """The model of a version (a number) or of a run."""
    if chosen.isdigit():
        return Named(f"version {chosen}", cast(SegmentModel, raw_model(load_version(name, chosen)[0])))
    try:
        text = mlflow.artifacts.load_text(f"runs:/{chosen}/{MODEL_ARTIFACT}")
    except (MlflowException, OSError):
        raise ModelMissingError(
            f"run {chosen} holds no {MODEL_ARTIFACT}: name a version, or a run of a sweep below its parent"
        ) from None
    return Named(f"run {chosen}", SegmentModel.from_json(text))


def champion_or_raise(name: str) -> str:
    """Version of the champion."""
    version = champion_version(name)
    if version is None:
        raise ModelMissingError(f"model {name} has no champion yet: run jobs/train_segments.py first")
    return version


def other_than(name: str, first: str) -> str:
    """Newest version besides the one called ``first``; where there is none, the second-best run of its sweep."""
    client = MlflowClient()
    versions = sorted(client.search_model_versions(f"name='{name}'"), key=lambda each: int(each.version), reverse=True)
    others = [str(each.version) for each in versions if f"version {each.version}" != first]
    if others:
        return others[0]
    own = [each for each in versions if f"version {each.version}" == first]
    found = None if not own or own[0].run_id is None else runner_up(client, own[0].run_id)
    if found is None:
        raise ModelMissingError(f"nothing to compare {first} of {name} with: name another version or run with --right")
    return found


def runner_up(client: MlflowClient, run_id: str) -> str | None:
    """The run that came second in the sweep that ``run_id`` belongs to."""
    parent = client.get_run(run_id).data.tags.get("mlflow.parentRunId")
    if parent is None:
        return None
    table = mlflow.load_table("ranking.json", run_ids=[parent])
    others = [str(each) for each in table["run_id"] if each != run_id]
    return others[0] if others else None


def side_by_side(daily: DataFrame, settings: Settings, as_of: date, first: Named, second: Named) -> DataFrame:
    """``customer``, ``left`` and ``right`` (segments by the two models), and the features that either looks at."""
    ours = segments_of(daily, settings, as_of, first.model).select("customer", F.col("segment").alias("left"))
    theirs = segments_of(daily, settings, as_of, second.model).select("customer", F.col("segment").alias("right"))
    told = features_told(daily, settings, as_of, first, second)
    return ours.join(theirs, on="customer", how="inner").join(told, on="customer", how="inner")


def features_told(daily: DataFrame, settings: Settings, as_of: date, first: Named, second: Named) -> DataFrame:
    """``customer`` and the features that either model looks at."""
    model = first.model
    wanted = dict.fromkeys(["customer", *model.preparation.features, *second.model.preparation.features])
    return features_of(daily, settings, as_of, model.feature_window_days, model.active_day_bytes).select(*wanted)


def sizes(both: DataFrame, side: str, name: str) -> pd.DataFrame:
    """Customers by segment of one side, the largest first."""
    counted = both.groupBy(F.col(side).alias("segment")).agg(F.count(F.lit(1)).alias("customers")).toPandas()
    counted = counted.sort_values(["customers", "segment"], ascending=[False, True])
    counted["share"] = counted["customers"] / max(int(counted["customers"].sum()), 1)
    counted.insert(0, "model", name)
    return counted


def centres(both: DataFrame, side: str, name: str) -> pd.DataFrame:
    """Mean of each feature by segment of one side, natural units."""
    features = [column for column in both.columns if column not in ("customer", "left", "right")]
    means = both.groupBy(F.col(side).alias("segment")).agg(*[F.avg(each).alias(each) for each in features]).toPandas()
    means.insert(0, "model", name)
    return means.sort_values("segment")


def crosstab(both: DataFrame) -> pd.DataFrame:
    """Customers by segment of the first (rows) and of the second (columns)."""
    counts = both.groupBy("left", "right").agg(F.count(F.lit(1)).alias("customers")).toPandas()
    wide = counts.pivot_table(index="left", columns="right", values="customers", aggfunc="sum", fill_value=0)
    return wide.astype("int64")


def stability(daily: DataFrame, settings: Settings, as_of: date, each: Named, months: int) -> pd.DataFrame:
    """How far the answers of one model agree from month to month; only where a whole window of days is there."""
    window = timedelta(days=each.model.feature_window_days)
    first_day = daily.agg(F.min("local_date")).collect()[0][0]
    dates = [as_of - window * back for back in range(months + 1) if as_of - window * (back + 1) >= first_day]
    rows = [
        {"model": each.name, "from_as_of": before, "to_as_of": after, **agreement(daily, settings, each, before, after)}
        for after, before in pairwise(dates)
    ]
    columns = ["model", "from_as_of", "to_as_of", "customers", "stayed_share", "ari"]
    return pd.DataFrame(rows, columns=columns)


def agreement(
    daily: DataFrame, settings: Settings, each: Named, before: date, after: date
) -> Mapping[str, float | int | None]:
    """Customers in a segment on both dates, the part of them in the same, and the adjusted Rand index."""
    then = segments_of(daily, settings, before, each.model).select("customer", F.col("segment").alias("then"))
    now = segments_of(daily, settings, after, each.model).select("customer", F.col("segment").alias("now"))
    pairs = then.join(now, on="customer", how="inner").persist()
    try:
        customers = pairs.count()
        stayed = pairs.where(F.col("then") == F.col("now")).count()
        share = stayed / customers if customers else None
        return {"customers": customers, "stayed_share": share, "ari": ari_of(pairs, "then", "now")}
    finally:
        pairs.unpersist()
