"""What a customer did up to a day: recency, frequency, volume and connections, and whether there is enough to score."""

from datetime import date, timedelta
from typing import Literal

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

DAYS_PER_WEEK = 7.0
SCORED, NEW, INACTIVE = "scored", "new", "inactive"
Connections = Literal["input_macs", "flows"]


def activity(days: DataFrame, key: str, day: str, *measures: Column, since: date | None = None) -> DataFrame:
    """First, last and number of active days of each ``key``.

    Args:
        days: one row per ``key`` and active ``day``; a day told twice would count twice.
        key: column of whom to tell of.
        day: column of the active day (date).
        measures: further aggregates, named by their alias.
        since: first day that ``active_days`` counts; the first and the last day are told from all rows.

    Returns:
        ``key``, ``first_day``, ``last_day`` (date), ``active_days`` (bigint) and ``measures``.
    """
    counted = F.count(F.lit(1)) if since is None else F.count_if(F.col(day) >= F.lit(since))
    return days.groupBy(key).agg(
        F.min(day).alias("first_day"), F.max(day).alias("last_day"), counted.alias("active_days"), *measures
    )


def with_lifetime_weeks(active: DataFrame, observed_until: date) -> DataFrame:
    """Adds the repeat-buying statistics of Fader, Hardie and Lee (2005), in weeks, as the package lifetimes tells them.

    Args:
        active: what ``activity`` returns.
        observed_until: last day of the observation.

    Returns:
        Adds ``repeats`` (bigint, active days after the first; their frequency), ``recency_weeks`` (double, from the
        first active day to the last) and ``age_weeks`` (double, from the first to ``observed_until``; their T).
    """
    return active.withColumns(
        {
            "repeats": F.col("active_days") - 1,
            "recency_weeks": F.date_diff("last_day", "first_day") / DAYS_PER_WEEK,
            "age_weeks": F.date_diff(F.lit(observed_until), "first_day") / DAYS_PER_WEEK,
        }
    )


def customer_measures(
    daily: DataFrame, as_of: date, window_days: int, known_days: int, connections: Connections = "input_macs"
) -> DataFrame:
    """What each customer did in the ``window_days`` days before ``as_of``, that day itself not looked at.

    A day is active where the roll-up has a row: any traffic, either way. The days before the window only tell whether
    a customer was known; ``known_days`` of them are read and no more, so that the cost does not grow with the lake.
    Who was last seen before them is forgotten, and new on coming back.

    Args:
        daily: rows of CUSTOMER_DAILY.
        as_of: local day after the last one looked at.
        window_days: days of the window, [as_of - window_days, as_of).
        known_days: days read before the window.
        connections: ``input_macs`` to count distinct input MAC addresses, ``flows`` to add up connections.

    Returns:
        ``customer``, ``first_day`` (date, of the days read), ``recency_days`` (int, from the last active day to
        ``as_of``: 1 for the day before) and, over the window alone, ``active_days``, ``start_times`` (distinct start
        times of each day, added up), ``monetary_bytes`` (both ways) and ``connections``; bigint, 0 without activity.
    """
    window_start = as_of - timedelta(days=window_days)
    day = F.col("local_date")
    is_read = (day >= F.lit(window_start - timedelta(days=known_days))) & (day < F.lit(as_of))

    def in_window(value: Column) -> Column:
        return F.when(day >= F.lit(window_start), value)

    def total(value: Column) -> Column:
        return F.coalesce(F.sum(in_window(value)), F.lit(0))

    counted = {
        # a set of sets: most customers have the same few addresses every day
        "input_macs": F.size(F.array_distinct(F.flatten(F.collect_set(in_window(F.col("input_macs")))))),
        "flows": total(F.col("connections")),
    }[connections]
    active = activity(
        daily.where(is_read),
        "customer",
        "local_date",
        total(F.col("distinct_start_times")).alias("start_times"),
        total(F.col("bytes_up") + F.col("bytes_down")).alias("monetary_bytes"),
        counted.cast("bigint").alias("connections"),
        since=window_start,
    )
    return active.select(
        "customer",
        "first_day",
        F.date_diff(F.lit(as_of), "last_day").alias("recency_days"),
        "active_days",
        "start_times",
        "monetary_bytes",
        "connections",
    )


def status(known_since: Column, active_days: Column, as_of: date, new_days: int) -> Column:
    """``inactive`` without a day in the window, ``new`` if known for ``new_days`` days or less, or ``scored``.

    Args:
        known_since: first day (date) the customer is known for; null where that lies too far back to be told.
        active_days: active days in the window.
        as_of: local day after the last one looked at.
        new_days: a customer known since as_of - new_days or later is new.
    """
    is_new = known_since >= F.lit(as_of - timedelta(days=new_days))
    return F.when(active_days == 0, F.lit(INACTIVE)).when(is_new, F.lit(NEW)).otherwise(F.lit(SCORED))


def with_status(
    measures: DataFrame, as_of: date, new_days: int, lake_start: date, subscribers: DataFrame | None = None
) -> DataFrame:
    """Adds ``status`` (string): scored, new or inactive.

    A customer is known since the subscription began, where the provider told, or since first seen, whichever is
    earlier. Seen on the lake's first day says nothing: who knows since when. Such customers are new only where the
    provider says so, else on a young lake all of them would be.

    Args:
        measures: what ``customer_measures`` returns.
        as_of: local day after the last one looked at.
        new_days: days for which a customer is new.
        lake_start: first day (local) the lake holds.
        subscribers: rows of SUBSCRIBERS (``customer``, ``signup_date``), one a customer; None where there are none.
    """
    first_seen = F.when(F.col("first_day") > F.lit(lake_start), F.col("first_day"))
    if subscribers is None:
        return measures.withColumn("status", status(first_seen, F.col("active_days"), as_of, new_days))
    told = measures.join(subscribers.select("customer", "signup_date"), on="customer", how="left")
    known_since = F.least(F.col("signup_date"), first_seen)
    return told.withColumn("status", status(known_since, F.col("active_days"), as_of, new_days)).drop("signup_date")
