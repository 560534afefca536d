"""Segments of all customers on a date, by a registered model, and who moved since an earlier date."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import cast

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.errors import NoSegmentsError
from telflow.lake import Lake, on_day
from telflow.segments.fit import with_segment
from telflow.segments.model import SegmentModel
from telflow.segments.train import TARGET, day_after_last, features_of
from telflow.settings import Settings
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SEGMENTS, SEGMENT_MIGRATIONS
from telflow.tracking import load_version, model_name, open_tracking, raw_model

NONE = "none"


@dataclass(frozen=True)
class AssignReport:
    """What an assignment wrote.

    Attributes:
        as_of: local day after the last one looked at.
        model: name of the registered model.
        version: its version.
        customers: by segment.
        since: the earlier date that migrations are told from; None where there is none.
        moved: customers who were in a segment then and are in another now.
        stayed: customers who are in the same.
    """

    as_of: date
    model: str
    version: str
    customers: Mapping[str, int]
    since: date | None = None
    moved: int = 0
    stayed: int = 0


def assign_segments(
    lake: Lake, settings: Settings, as_of: date | None = None, version: str | None = None, since: date | None = None
) -> AssignReport:
    """Write customer_segments of one day, in the place of what was there for it, and the migrations up to it.

    Args:
        lake: needs customer_daily.
        settings: names the registered model.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.
        version: of the model; when None, the champion.
        since: earlier date to tell migrations from; when None, the last one before ``as_of`` in customer_segments.

    Raises:
        TableMissingError: nothing has written customer_daily yet.
        ModelMissingError: there is no such version, or no champion.
        NoSegmentsError: ``since`` is not in customer_segments, or not before ``as_of``.
    """
    open_tracking(settings.mlflow)
    name = model_name(settings.mlflow, TARGET)
    loaded, found = load_version(name, version)
    model = cast(SegmentModel, raw_model(loaded))
    daily, source_version = lake.read(CUSTOMER_DAILY), lake.version(CUSTOMER_DAILY)
    as_of = as_of or day_after_last(daily)
    earlier = since_when(lake, as_of, since)

    rows = segments_of(daily, settings, as_of, model).withColumns(
        {
            "window_days": F.lit(model.feature_window_days),
            "model": F.lit(name),
            "model_version": F.lit(found),
            "source_version": F.lit(source_version),
        }
    )
    lake.replace(CUSTOMER_SEGMENTS, rows, on_day(as_of), note=f"{name} version {found}")
    counts = segments_on(lake, as_of).groupBy("segment").count().collect()
    customers = {row["segment"]: row["count"] for row in counts}
    if earlier is None:
        return AssignReport(as_of, name, found, customers)
    moves = write_migrations(lake, earlier, as_of)
    stayed = moves.get("stayed", 0)
    return AssignReport(as_of, name, found, customers, earlier, moves.get("moved", 0), stayed)


def segments_of(daily: DataFrame, settings: Settings, as_of: date, model: SegmentModel) -> DataFrame:
    """Segment of each customer with enough active days: ``customer``, ``as_of``, ``active_days``, and the answer."""
    features = features_of(daily, settings, as_of, model.feature_window_days, model.active_day_bytes)
    enough = features.where(F.col("active_days") >= model.min_active_days)
    wanted = dict.fromkeys(["customer", "as_of", "active_days", *model.preparation.features])
    return with_segment(enough.select(*wanted), model).select(
        "customer", "as_of", "active_days", "segment", "segment_number", "distance"
    )


def segments_on(lake: Lake, day: date) -> DataFrame:
    """Rows of customer_segments of ``day``."""
    return lake.read(CUSTOMER_SEGMENTS).where(on_day(day))


def since_when(lake: Lake, as_of: date, since: date | None) -> date | None:
    """The date before ``as_of`` to tell migrations from."""
    if not lake.exists(CUSTOMER_SEGMENTS):
        known = []
    else:
        days = lake.read(CUSTOMER_SEGMENTS).where(F.col("as_of") < F.lit(as_of)).select("as_of").distinct()
        known = sorted(row.as_of for row in days.collect())
    if since is None:
        return known[-1] if known else None
    if since not in known:
        listed = ", ".join(map(str, known)) or "no date"
        raise NoSegmentsError(f"customer_segments holds {listed} before {as_of}, not {since}: assign it first")
    return since


def write_migrations(lake: Lake, since: date, as_of: date) -> dict[str, int]:
    """Write segment_migrations of two dates; customers who ``moved`` and who ``stayed``."""
    moves = migrations(segments_on(lake, since), segments_on(lake, as_of), since, as_of)
    between = f"from_as_of = DATE'{since}' AND to_as_of = DATE'{as_of}'"
    lake.replace(SEGMENT_MIGRATIONS, moves, between)
    written = lake.read(SEGMENT_MIGRATIONS).where(between)
    is_told = (F.col("from_segment") != NONE) & (F.col("to_segment") != NONE)
    stays = F.when(F.col("from_segment") == F.col("to_segment"), F.lit("stayed")).otherwise(F.lit("moved"))
    found = written.where(is_told).groupBy(stays.alias("what")).agg(F.sum("customers").alias("customers")).collect()
    return {row.what: int(row.customers) for row in found}


def migrations(before: DataFrame, after: DataFrame, since: date, as_of: date) -> DataFrame:
    """Rows of SEGMENT_MIGRATIONS.

    Args:
        before: ``customer``, ``segment``, ``model_version`` on ``since``.
        after: the same on ``as_of``.
        since: first date.
        as_of: second date.
    """
    left = before.select("customer", F.col("segment").alias("from_segment"), version_of("from_model_version"))
    right = after.select("customer", F.col("segment").alias("to_segment"), version_of("to_model_version"))
    moves = (
        left.join(right, on="customer", how="full")
        .withColumns({name: F.coalesce(name, F.lit(NONE)) for name in ("from_segment", "to_segment")})
        .groupBy("from_segment", "to_segment")
        .agg(
            F.count(F.lit(1)).alias("customers"),
            F.first("from_model_version", ignorenulls=True).alias("from_model_version"),
            F.first("to_model_version", ignorenulls=True).alias("to_model_version"),
        )
    )
    whole = moves.groupBy("from_segment").agg(F.sum("customers").alias("whole"))
    return moves.join(whole, on="from_segment", how="inner").select(
        F.lit(since).alias("from_as_of"),
        F.lit(as_of).alias("to_as_of"),
        "from_segment",
        "to_segment",
        "customers",
        (F.col("customers") / F.col("whole")).alias("share_of_from"),
        "from_model_version",
        "to_model_version",
    )


def version_of(name: str) -> Column:
    return F.col("model_version").alias(name)
