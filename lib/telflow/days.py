"""Which days are new or changed: every change of a day's flows is logged, and every build of a day by a step.

A step builds the days whose newest change it has not seen. So a daily run costs what a day holds, a late record has
its day built again, and a run that died is made up for by the next.
"""

from collections.abc import Iterable
from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.lake import Lake
from telflow.tables import DAY_LOG, INGEST_LOG

CHANGE = "flows"


def next_run(lake: Lake) -> int:
    """Number of the next run that changes flows."""
    logged = lake.read_or_empty(INGEST_LOG).agg(F.max("ingest_run").alias("run"))
    changed = lake.read_or_empty(DAY_LOG).agg(F.max("run").alias("run"))
    return 1 + max(row.run or 0 for row in logged.union(changed).collect())


def log_days(lake: Lake, step: str, days: Iterable[date], run: int) -> None:
    """Log that ``run`` changed the flows of ``days`` (step ``flows``), or that ``step`` built them as of ``run``."""
    distinct = sorted(set(days))
    if distinct:
        rows = lake.spark.createDataFrame(
            [(day, step, run) for day in distinct], "event_date date, step string, run bigint"
        )
        lake.append(DAY_LOG, rows.withColumn("logged_at", F.current_timestamp()))


def days_lasted(flows: DataFrame) -> list[date]:
    """UTC days that ``flows`` lasted into."""
    days = F.explode(F.sequence(F.to_date("start_time"), F.to_date("end_time"))).alias("day")
    return [row.day for row in flows.select(days).distinct().collect()]


def stale_days(lake: Lake, step: str, days: Iterable[date] | None = None) -> dict[date, int]:
    """UTC days that changed since ``step`` built them, each with the run of its newest change.

    Where ``days`` are given it is these, changed or not; the run is 0 where no change of a day is known.
    """
    newest = (
        lake.read_or_empty(DAY_LOG)
        .where(F.col("step").isin(CHANGE, step))
        .groupBy("event_date")
        .agg(
            F.max(F.when(F.col("step") == CHANGE, F.col("run"))).alias("changed"),
            F.max(F.when(F.col("step") == step, F.col("run"))).alias("built"),
        )
    )
    is_stale = F.col("changed") > F.coalesce("built", F.lit(-1))
    if days is None:
        return {row.event_date: row.changed for row in newest.where(is_stale).collect()}
    given = set(days)
    changed = {row.event_date: row.changed or 0 for row in newest.where(F.col("event_date").isin(given)).collect()}
    return dict.fromkeys(given, 0) | changed
