"""Which days a newer delivery of leases or subscribers tells differently of."""

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

HOLDING = ("address", "customer", "plan", "region")


def changed_days(old: DataFrame, new: DataFrame, days: DataFrame) -> DataFrame:
    """Days on which some address has, at some moment, another customer, plan or region by ``new`` than by ``old``.

    Only spans that differ are cut into days: an end that was delivered later changes the days after it, and none
    before. A day on which one span became two of the same customer counts too: it is built once too often.

    Args:
        old: rows of LEASE_SPANS.
        new: likewise.
        days: ``event_date``, the days to look at.

    Returns:
        ``day``, UTC, each once.
    """
    columns = (*HOLDING, "valid_from", "valid_to")
    tagged = old.select(*columns, F.lit(-1).alias("side")).unionByName(new.select(*columns, F.lit(1).alias("side")))
    pieces = with_days(differing(tagged, columns), days)
    return differing(pieces, (*HOLDING, "day", "piece_from", "piece_to")).select("day").distinct()


def differing(tagged: DataFrame, columns: tuple[str, ...]) -> DataFrame:
    """Rows that stand on one ``side`` (-1 or 1) only."""
    return tagged.groupBy(*columns).agg(F.sum("side").alias("side")).where("side != 0")


def with_days(spans: DataFrame, days: DataFrame) -> DataFrame:
    """``spans`` cut into the ``days`` they last into: adds ``day``, ``piece_from`` and ``piece_to``."""
    bounds = days.agg(F.min("event_date").alias("first_day"), F.max("event_date").alias("last_day"))
    first = F.greatest(F.to_date("valid_from"), F.col("first_day"))
    last = F.least(F.to_date(F.col("valid_to") - F.expr("INTERVAL 1 MICROSECOND")), F.col("last_day"))
    return (
        spans.join(F.broadcast(bounds), how="cross")
        .where(first <= last)
        .withColumn("day", F.explode(F.sequence(first, last)))
        .withColumns(
            {
                "piece_from": F.greatest(F.col("valid_from"), midnight_of(F.col("day"))),
                "piece_to": F.least(F.col("valid_to"), midnight_of(F.date_add("day", 1))),
            }
        )
        .join(F.broadcast(days.withColumnRenamed("event_date", "day")), on="day", how="left_semi")
    )


def midnight_of(day: Column) -> Column:
    """The moment (timestamp, UTC) at which a UTC day begins."""
    return day.cast("timestamp")
