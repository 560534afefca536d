"""Segments of all customers on a date, by a registered model, and who moved since an earlier date."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.customers.daily import days_there
from telflow.customers.features import as_of_day
from telflow.errors import NoSegmentsError
from telflow.lake import Lake, on_day
from telflow.segments.inputs import TARGET, answers_of, count_too_few, load_segments
from telflow.settings import Settings
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SEGMENTS, SEGMENT_MIGRATIONS
from telflow.tracking import model_name, open_tracking

NONE = "none"


@dataclass(frozen=True)
class AssignReport:
    """What an assignment wrote.

    Attributes:
        as_of: local day after the last one looked at.
        model: name of the registered model.
        version: its version.
        customers: by segment.
        too_few: customers who were seen, but on fewer active days than a segment needs.
        min_active_days: the days it needs.
        window_days: days before ``as_of`` that the model looks at.
        days: how many of them customer_daily holds.
        since: the earlier date that migrations are told from; None where there is none.
        moved: customers who were in a segment then and are in another now; None where another version told them then,
            which says nothing about who moved.
        stayed: customers who are in the same, likewise.
    """

    as_of: date
    model: str
    version: str
    customers: Mapping[str, int]
    too_few: int
    min_active_days: int
    window_days: int
    days: int
    since: date | None = None
    moved: int | None = None
    stayed: int | None = None


def assign_segments(
    lake: Lake, settings: Settings, as_of: date | None = None, version: str | None = None, since: date | None = None
) -> AssignReport:
    """Write customer_segments of one day, in the place of what was there for it, and all migrations from or to it.

    Args:
        lake: needs customer_daily.
        settings: names the registered model.
        as_of: local day after the last one looked at; when None, the day after the last one in customer_daily.
        version: of the model; when None, the champion.
        since: earlier date to tell migrations from; when None, the last one before ``as_of`` in customer_segments.

    Raises:
        TableMissingError: nothing has written customer_daily yet.
        AsOfError: it holds no day before ``as_of``, or ends long before.
        ModelMissingError: there is no such version, or no champion.
        ModelInputError: the model looks at a feature that is no more.
        NoSegmentsError: nobody has enough active days, or ``since`` is not in customer_segments before ``as_of``.
    """
    open_tracking(settings.mlflow)
    name = model_name(settings.mlflow, TARGET)
    model, found = load_segments(name, version)
    source_version = lake.version(CUSTOMER_DAILY)
    daily = lake.read(CUSTOMER_DAILY, source_version)
    as_of = as_of_day(daily, as_of)
    days = days_assigned(lake)
    earlier = since_when(days, as_of, since)

    rows = answers_of(daily, settings, as_of, model, f"{name} version {found}").withColumns(
        {
            "window_days": F.lit(model.feature_window_days),
            "model": F.lit(name),
            "model_version": F.lit(found),
            "source_version": F.lit(source_version),
        }
    )
    rows = rows.persist()
    try:
        customers = {row["segment"]: row["count"] for row in rows.groupBy("segment").count().collect()}
        if not customers:
            raise NoSegmentsError(
                f"nobody has {model.min_active_days} active days in the {model.feature_window_days} days before "
                f"{as_of}: nothing was written; choose another --as-of"
            )
        lake.replace(CUSTOMER_SEGMENTS, rows, on_day(as_of), note=f"{name} version {found}")
    finally:
        rows.unpersist()
    too_few = count_too_few(
        daily,
        settings,
        as_of,
        window_days=model.feature_window_days,
        active_day_bytes=model.active_day_bytes,
        min_active_days=model.min_active_days,
    )
    told = AssignReport(
        as_of=as_of,
        model=name,
        version=found,
        customers=customers,
        too_few=too_few,
        min_active_days=model.min_active_days,
        window_days=model.feature_window_days,
        days=days_there(daily, as_of, model.feature_window_days),
    )
    moves = {pair: write_migrations(lake, *pair) for pair in pairs_of(lake, as_of, earlier, days)}
    if earlier is None:
        return told
    moved = moves[earlier, as_of]
    return replace(told, since=earlier, moved=moved.get("moved"), stayed=moved.get("stayed"))


def segments_on(lake: Lake, day: date) -> DataFrame:
    """Rows of customer_segments of ``day``."""
    return lake.read(CUSTOMER_SEGMENTS).where(on_day(day))


def days_assigned(lake: Lake) -> list[date]:
    """Dates in customer_segments, the first first."""
    return sorted(row.as_of for row in lake.read_or_empty(CUSTOMER_SEGMENTS).select("as_of").distinct().collect())


def since_when(days: Sequence[date], as_of: date, since: date | None) -> date | None:
    """The date before ``as_of`` to tell migrations from, of ``days``."""
    known = [day for day in days if day < as_of]
    if since is None:
        return known[-1] if known else None
    if since not in known:
        listed = ", ".join(map(str, known)) or "no date"
        raise NoSegmentsError(f"customer_segments holds {listed} before {as_of}, not {since}: assign it first")
    return since


def pairs_of(lake: Lake, as_of: date, earlier: date | None, days: Sequence[date]) -> set[tuple[date, date]]:
    """Pairs of dates whose migrations change with ``as_of``: those written before, the earlier date, the next one."""
    written = lake.read_or_empty(SEGMENT_MIGRATIONS).select("from_as_of", "to_as_of").distinct().collect()
    pairs = {(row.from_as_of, row.to_as_of) for row in written if as_of in (row.from_as_of, row.to_as_of)}
    later = [day for day in days if day > as_of]
    return pairs | ({(earlier, as_of)} if earlier else set()) | ({(as_of, later[0])} if later else set())


def write_migrations(lake: Lake, since: date, as_of: date) -> dict[str, int]:
    """Write segment_migrations of two dates; customers who ``moved`` and who ``stayed``.

    Where different versions told them, nearly everybody would have moved: then none are written, and nothing is told.
    """
    then, now = segments_on(lake, since), segments_on(lake, as_of)
    between = f"from_as_of = DATE'{since}' AND to_as_of = DATE'{as_of}'"
    versions = {row.model_version for row in then.union(now).select("model_version").distinct().collect()}
    if len(versions) > 1:
        lake.delete(SEGMENT_MIGRATIONS, between)
        return {}
    lake.replace(SEGMENT_MIGRATIONS, migrations(then, now, since, as_of), between)
    written = lake.read(SEGMENT_MIGRATIONS).where(between)
    is_told = (F.col("from_segment") != NONE) & (F.col("to_segment") != NONE)
    stays = F.when(F.col("from_segment") == F.col("to_segment"), F.lit("stayed")).otherwise(F.lit("moved"))
    found = written.where(is_told).groupBy(stays.alias("what")).agg(F.sum("customers").alias("customers")).collect()
    return {"moved": 0, "stayed": 0, **{row.what: int(row.customers) for row in found}}


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
