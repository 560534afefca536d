"""Two runs or two versions side by side: sizes, centres, agreement, who moved, and how stable each is over months."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.customers.features import as_of_day
from telflow.errors import ModelMissingError, NoSegmentsError
from telflow.lake import Lake
from telflow.segments.inputs import MODEL_ARTIFACT, TARGET, answers_of, known_features, load_segments
from telflow.segments.metrics import ari_of
from telflow.segments.model import SegmentModel
from telflow.settings import Settings
from telflow.tables import CUSTOMER_DAILY, TRUTH_CUSTOMERS
from telflow.tracking import champion_or_raise, check_columns, model_name, open_tracking


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
        ari: adjusted Rand index between the two.
        sizes: ``model``, ``segment``, ``customers``, ``share``.
        centres: ``model``, ``segment`` and the mean of each feature that either model looks at, natural units, over the
            window of the model itself.
        moves: customers by segment of the first (rows) and of the second (columns).
        stability: ``model``, ``from_as_of``, ``to_as_of``, ``customers`` on both dates, ``stayed_share`` and ``ari``:
            how far the answers of one model on two dates agree.
    """

    as_of: date
    left: str
    right: str
    customers: int
    kind: str
    ari: float
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
        ModelInputError: a model looks at a feature that is no more.
        AsOfError: customer_daily holds no day before ``as_of``, or ends long before.
        NoSegmentsError: no customer has enough active days for both.
    """
    open_tracking(settings.mlflow)
    name = model_name(settings.mlflow, TARGET)
    first = named(name, left or champion_or_raise(name))
    second = named(name, right or other_than(name, first.name))
    daily = lake.read(CUSTOMER_DAILY)
    as_of = as_of_day(daily, as_of)
    both = side_by_side(daily, settings, as_of, first, second).persist()
    sides = (("left", first), ("right", second))
    try:
        pairs = both.select(F.col("left.segment").alias("left"), F.col("right.segment").alias("right"))
        ari = ari_of(pairs, "left", "right")
        if ari is None:
            raise NoSegmentsError(f"nobody is active enough for both before {as_of}: choose another --as-of")
        return Comparison(
            as_of=as_of,
            left=first.name,
            right=second.name,
            customers=both.count(),
            kind="synthetic customers" if lake.exists(TRUTH_CUSTOMERS) else "customers",
            ari=ari,
            sizes=pd.concat([sizes(both, side, each.name) for side, each in sides]),
            centres=pd.concat([centres(both, side, each.name) for side, each in sides]),
            moves=crosstab(pairs),
            stability=pd.concat([stability(daily, settings, as_of, each, months) for each in (first, second)]),
        )
    finally:
        both.unpersist()


def named(name: str, chosen: str) -> Named:
    """The model of a version (a number) or of a run."""
    if chosen.isdigit():
        return Named(f"version {chosen}", load_segments(name, chosen)[0])
    try:
        text = mlflow.artifacts.load_text(f"runs:/{chosen}/{MODEL_ARTIFACT}")
    except (MlflowException, OSError):
        raise ModelMissingError(
            f"run {chosen} holds no {MODEL_ARTIFACT}: name a version, or a run of a sweep below its parent"
        ) from None
    return Named(f"run {chosen}", SegmentModel.from_json(text))


def other_than(name: str, first: str) -> str:
    """Newest version of another run than that of ``first``; where there is none, the second-best run of its sweep."""
    client = MlflowClient()
    versions = sorted(client.search_model_versions(f"name='{name}'"), key=lambda each: int(each.version), reverse=True)
    runs = {f"version {each.version}": each.run_id for each in versions}
    own = runs.get(first, first.removeprefix("run "))
    others = [str(each.version) for each in versions if f"version {each.version}" != first and each.run_id != own]
    if others:
        return others[0]
    found = None if own is None else runner_up(client, own)
    if found is None:
        raise ModelMissingError(f"nothing to compare {first} of {name} with: name another version or run with --right")
    return found


def runner_up(client: MlflowClient, run_id: str) -> str | None:
    """The run that came second in the sweep that ``run_id`` belongs to."""
    parent = client.get_run(run_id).data.tags.get("mlflow.parentRunId")
    if parent is None:
        return None
    table = pd.DataFrame(**json.loads(mlflow.artifacts.load_text(f"runs:/{parent}/ranking.json")))
    others = [str(each) for each in table["run_id"] if each != run_id]
    return others[0] if others else None


def side_by_side(daily: DataFrame, settings: Settings, as_of: date, first: Named, second: Named) -> DataFrame:
    """``customer``, and in ``left`` and ``right`` what each model tells: its segment, and the features of either."""
    known = [each.name for each in known_features(settings)]
    for each in (first, second):
        check_columns(f"the segment model, {each.name},", each.model.preparation.features, known)
    features = list(dict.fromkeys([*first.model.preparation.features, *second.model.preparation.features]))

    def told(each: Named, side: str) -> DataFrame:
        answers = answers_of(daily, settings, as_of, each.model, each.name, more=features)
        return answers.select("customer", F.struct("segment", *features).alias(side))

    return told(first, "left").join(told(second, "right"), on="customer", how="inner")


def sizes(both: DataFrame, side: str, name: str) -> pd.DataFrame:
    """Customers by segment of one side, the largest first."""
    counted = both.groupBy(f"{side}.segment").agg(F.count(F.lit(1)).alias("customers")).toPandas()
    counted = counted.sort_values(["customers", "segment"], ascending=[False, True])
    counted["share"] = counted["customers"] / int(counted["customers"].sum())
    counted.insert(0, "model", name)
    return counted


def centres(both: DataFrame, side: str, name: str) -> pd.DataFrame:
    """Mean of each feature by segment of one side, natural units."""
    own = both.select(f"{side}.*")
    features = [column for column in own.columns if column != "segment"]
    means = own.groupBy("segment").agg(*[F.avg(each).alias(each) for each in features]).toPandas()
    means.insert(0, "model", name)
    return means.sort_values("segment")


def crosstab(pairs: DataFrame) -> pd.DataFrame:
    """Customers by segment of the first (rows) and of the second (columns)."""
    counts = pairs.groupBy("left", "right").agg(F.count(F.lit(1)).alias("customers")).toPandas()
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

    def segments(day: date, column: str) -> DataFrame:
        answers = answers_of(daily, settings, day, each.model, each.name)
        return answers.select("customer", F.col("segment").alias(column))

    pairs = segments(before, "then").join(segments(after, "now"), on="customer", how="inner").persist()
    try:
        customers = pairs.count()
        stayed = pairs.where(F.col("then") == F.col("now")).count()
        share = stayed / customers if customers else None
        return {"customers": customers, "stayed_share": share, "ari": ari_of(pairs, "then", "now")}
    finally:
        pairs.unpersist()
