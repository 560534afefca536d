"""Behaviour of each customer over the days before a date, from the daily roll-up alone; docs/features.md is its table.

Everything is told from active days. An address is scanned from outside on most days, so that a row in the roll-up says
little: a day is active from a few kilobytes up.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.customers.daily import days_held
from telflow.customers.measures import DAYS_PER_WEEK
from telflow.errors import AsOfError
from telflow.scales import Scale

ACTIVE_DAY_BYTES: Final = 10_000  # scanners leave some hundred bytes a day at an address, people millions
BAND_HOURS: Final = 6
BANDS: Final = ("night", "morning", "afternoon", "evening")
WEEKEND: Final = (1, 7)  # Spark's dayofweek: Sunday, Saturday
CATEGORY_PATTERN: Final = "share_<category>"


@dataclass(frozen=True)
class Feature:
    """A feature as documented.

    Attributes:
        name: its column.
        unit: of its values.
        formula: how it follows from customer_daily, over the active days of the window unless it says otherwise.
        scale: what evens it out before distances are taken: ``log`` for log(1 + x) of what is skewed over orders of
            magnitude, ``root`` for the square root of a share (distances of roots are Hellinger's), ``plain`` for none.
    """

    name: str
    unit: str
    formula: str
    scale: Scale


FEATURES: Final = (
    Feature("recency_days", "days", "as_of less the last active day: 1 for the day before as_of", "plain"),
    Feature("active_days", "days", "days of the window with at least active_day_bytes, both ways", "plain"),
    Feature("connections_per_day", "flows", "sum of connections / active_days", "log"),
    Feature("bytes_up_per_day", "bytes", "sum of bytes_up / active_days", "log"),
    Feature("bytes_down_per_day", "bytes", "sum of bytes_down / active_days", "log"),
    Feature("bytes_per_day", "bytes", "(sum of bytes_up + sum of bytes_down) / active_days", "log"),
    Feature("bytes_per_connection", "bytes", "bytes both ways / connections, or / 1 where none began", "log"),
    Feature("up_share", "0 to 1", "sum of bytes_up / bytes both ways", "root"),
    Feature("active_hours_per_day", "hours", "mean of active_hours", "plain"),
    Feature("devices", "addresses", "distinct input MAC addresses", "log"),
    Feature(CATEGORY_PATTERN, "0 to 1", "mean over days of the category's part of the day's bytes", "root"),
    Feature("night_share", "0 to 1", "mean over days of the part of the day's bytes before 6:00 local time", "root"),
    Feature("morning_share", "0 to 1", "the same from 6:00 to 12:00", "root"),
    Feature("afternoon_share", "0 to 1", "the same from 12:00 to 18:00", "root"),
    Feature("evening_share", "0 to 1", "the same from 18:00 to midnight", "root"),
    Feature("weekend_share", "0 to 1", "bytes of Saturdays and Sundays / bytes; 2/7 where all days are alike", "root"),
    Feature(
        "burstiness",
        "-1 to 1",
        "(s - m) / (s + m) of the daily bytes of all days of the window, 0 where not active, s their population "
        "standard deviation and m their mean (Goh and Barabási 2008): -1 is steady, 1 all at once",
        "plain",
    ),
    Feature(
        "trend_per_week",
        "log units a week",
        "least-squares slope of ln(bytes of the day) over days, times 7; 0 with a single active day",
        "plain",
    ),
    Feature("last_week_share", "0 to 1", "bytes of the last 7 days before as_of / bytes of the window", "root"),
)


def features_for(categories: Sequence[str]) -> tuple[Feature, ...]:
    """FEATURES with one feature for each of ``categories`` in the place of ``share_<category>``."""
    shares = [share_name(category) for category in categories]
    return tuple(
        replace(feature, name=name)
        for feature in FEATURES
        for name in (shares if feature.name == CATEGORY_PATTERN else [feature.name])
    )


def share_name(category: str) -> str:
    """Column of the share of ``category``: ``streaming & media`` is ``share_streaming_media``."""
    return "share_" + re.sub(r"[^a-z0-9]+", "_", category.lower()).strip("_")


def features_table() -> str:
    """FEATURES as a Markdown table."""
    rows = [f"| `{each.name}` | {each.unit} | {each.formula} | {each.scale} |" for each in FEATURES]
    return "\n".join(["| feature | unit | formula | scale |", "| --- | --- | --- | --- |", *rows]) + "\n"


def customer_features(
    daily: DataFrame,
    as_of: date,
    window_days: int,
    categories: Sequence[str],
    active_day_bytes: int = ACTIVE_DAY_BYTES,
) -> DataFrame:
    """Features of each customer with an active day among the ``window_days`` days before ``as_of``.

    ``features_on`` of one date.
    """
    return features_on(daily, [as_of], window_days, categories, active_day_bytes)


def as_of_day(daily: DataFrame, as_of: date | None = None, least_days: int = 1) -> date:
    """``as_of`` where ``daily`` tells of it; when None, the day after the last one of ``daily``.

    Args:
        daily: rows of CUSTOMER_DAILY.
        as_of: local day after the last one looked at.
        least_days: days that have to lie before it.

    Raises:
        AsOfError: ``daily`` holds no day, fewer than ``least_days`` before ``as_of``, or ends before the day before it.
    """
    held = days_held(daily)
    if held is None:
        raise AsOfError("customer_daily holds no day: run jobs/run_pipeline.py over some flow files first")
    earliest, latest = held.first + timedelta(days=least_days), held.last + timedelta(days=1)
    if earliest > latest:
        raise AsOfError(
            f"customer_daily holds {held.first} to {held.last}, which are {(latest - held.first).days} days, and "
            f"{least_days} are needed before any --as-of: nothing was written; load more days"
        )
    if not earliest <= (as_of or latest) <= latest:
        raise AsOfError(
            f"customer_daily holds {held.first} to {held.last} and {least_days} days are needed up to the one before "
            f"{as_of or latest}: nothing was written; choose an --as-of from {earliest} to {latest}, or load more days"
        )
    return as_of or latest


def seen_before(rows: DataFrame, day: str, dates: Sequence[date], days: int) -> DataFrame:
    """Rows of the ``days`` days before each of ``dates``, once for every one of these, in ``as_of``; a single scan.

    Args:
        rows: with the date column ``day``.
        day: its name.
        dates: days after the last one looked at.
        days: looked back, [as_of - days, as_of).
    """
    is_near = (F.col(day) >= F.lit(min(dates) - timedelta(days=days))) & (F.col(day) < F.lit(max(dates)))
    on_dates = rows.where(is_near).withColumn("as_of", F.explode(F.array(*map(F.lit, dates))))
    return on_dates.where(F.date_diff("as_of", day).between(1, days))


def features_on(
    daily: DataFrame,
    dates: Sequence[date],
    window_days: int,
    categories: Sequence[str],
    active_day_bytes: int = ACTIVE_DAY_BYTES,
) -> DataFrame:
    """Features of each customer on each of ``dates`` that has an active day among the ``window_days`` before it.

    Take whole weeks, or the weekend's share depends on where the window begins.

    Args:
        daily: rows of CUSTOMER_DAILY.
        dates: each the local day after the last one looked at, ``as_of`` of its rows.
        window_days: days of the window, [as_of - window_days, as_of).
        categories: categories with a share of their own.
        active_day_bytes: a day with fewer bytes, both ways, is not looked at.

    Returns:
        ``customer`` (string), ``as_of`` (date) and the columns of ``features_for``, all double and none null.
    """
    day = F.col("local_date")
    active = (
        seen_before(daily, "local_date", dates, window_days)
        .withColumn("bytes", (F.col("bytes_up") + F.col("bytes_down")).cast("double"))
        .where(F.col("bytes") >= max(active_day_bytes, 1))
        .withColumns({**category_shares(categories), **band_shares()})
    )
    shares = [*map(share_name, categories), *(f"{band}_share" for band in BANDS)]
    back = F.date_diff("as_of", day)
    by_customer = active.groupBy("customer", "as_of").agg(
        F.max(day).alias("last_day"),
        F.count(F.lit(1)).alias("active_days"),
        *[F.sum(name).alias(name) for name in ("bytes", "bytes_up", "bytes_down", "connections")],
        F.avg("active_hours").alias("active_hours_per_day"),
        F.size(F.array_distinct(F.flatten(F.collect_set("input_macs")))).alias("devices"),
        *[F.avg(name).alias(name) for name in shares],
        F.sum(F.when(F.dayofweek(day).isin(*WEEKEND), F.col("bytes")).otherwise(0.0)).alias("weekend_bytes"),
        F.sum(F.pow("bytes", F.lit(2))).alias("squares"),
        F.regr_slope(F.log("bytes"), -back).alias("slope_per_day"),
        F.sum(F.when(back <= DAYS_PER_WEEK, F.col("bytes")).otherwise(0.0)).alias("last_week_bytes"),
    )
    told = by_customer.withColumns(derived(window_days))
    names = [feature.name for feature in features_for(categories)]
    return told.select("customer", "as_of", *[F.col(name).cast("double").alias(name) for name in names])


def category_shares(categories: Sequence[str]) -> dict[str, Column]:
    """Part of a day's ``bytes`` by category."""
    held = F.col("bytes_by_category")
    return {
        share_name(category): F.coalesce(held[category].cast("double"), F.lit(0.0)) / F.col("bytes")
        for category in categories
    }


def band_shares() -> dict[str, Column]:
    """Part of a day's ``bytes`` by six hours of the local clock.

    Bands are counted from the day's end: clocks change at night, so a day of 23 or 25 hours has a shorter or longer
    night and nothing else.
    """
    hours = F.col("bytes_by_hour")
    length = F.size(hours)
    bands = {}
    for from_end, band in enumerate(reversed(BANDS)):
        start = length - BAND_HOURS * (from_end + 1) + 1
        six = F.slice(hours, start, F.lit(BAND_HOURS))
        part = F.slice(hours, F.lit(1), start + BAND_HOURS - 1) if band == BANDS[0] else six
        total = F.aggregate(part, F.lit(0).cast("bigint"), lambda summed, volume: summed + volume)
        bands[f"{band}_share"] = F.coalesce(total.cast("double"), F.lit(0.0)) / F.col("bytes")
    return {f"{band}_share": bands[f"{band}_share"] for band in BANDS}


def derived(window_days: int) -> dict[str, Column]:
    """Features that follow from a customer's sums."""
    volume, days = F.col("bytes"), F.col("active_days")
    mean = volume / window_days
    deviation = F.sqrt(F.greatest(F.col("squares") / window_days - mean * mean, F.lit(0.0)))
    return {
        "recency_days": F.date_diff("as_of", "last_day"),
        "connections_per_day": F.col("connections") / days,
        "bytes_up_per_day": F.col("bytes_up") / days,
        "bytes_down_per_day": F.col("bytes_down") / days,
        "bytes_per_day": volume / days,
        "bytes_per_connection": volume / F.greatest(F.col("connections"), F.lit(1)),
        "up_share": F.col("bytes_up") / volume,
        "weekend_share": F.col("weekend_bytes") / volume,
        "burstiness": (deviation - mean) / (deviation + mean),
        "trend_per_week": F.coalesce(F.col("slope_per_day"), F.lit(0.0)) * DAYS_PER_WEEK,
        "last_week_share": F.col("last_week_bytes") / volume,
    }
