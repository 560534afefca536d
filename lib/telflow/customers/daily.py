"""The daily roll-up: everything about customers is computed from it, nothing downstream scans flows again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import reduce
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.classify.labels import OTHER
from telflow.customers.attribution import customer_sides, with_customer
from telflow.localtime import hours_in_day, hours_since_midnight, keeps_whole_hours, local_date
from telflow.peaks.windows import apportioned, with_windows

MOST_HOURS: Final = 25
HOUR: Final = 3600
QUARTER_HOUR: Final = 900
MICROS: Final = 1_000_000
SORT_KEY: Final = "sort_key"  # sets are made of sorted rows: a hash in front settles most comparisons of text
SKETCH_LOG2_BUCKETS: Final = 10  # standard error 3 % from a kilobyte at most
CUSTOMER: Final = ("customer", "customer_basis", "plan", "region")
VOLUMES: Final = ("bytes_up", "bytes_down", "packets_up", "packets_down", "flow_micros")


@dataclass(frozen=True)
class DaysHeld:
    """The local days that a roll-up holds, up to the last on which a flow began.

    The flows of that day which run over midnight leave a day of their own behind it, which is hardly begun.
    """

    first: date
    last: date


def days_held(daily: DataFrame) -> DaysHeld | None:
    """The days that ``daily`` holds; None where no flow began on any."""
    last_begun = F.max(F.when(F.col("connections") > 0, F.col("local_date")))
    first, last = daily.agg(F.min("local_date"), last_begun).collect()[0]
    return None if last is None else DaysHeld(first, last)


def days_there(daily: DataFrame, as_of: date, window_days: int) -> int:
    """Days of the ``window_days`` before ``as_of`` that ``daily`` holds rows of."""
    day = F.col("local_date")
    is_near = (day >= F.lit(as_of - timedelta(days=window_days))) & (day < F.lit(as_of))
    return daily.where(is_near).select("local_date").distinct().count()


def customer_daily(
    flows: DataFrame, spans: DataFrame | None, categories: Sequence[str], zone: str, basis: str = "address"
) -> DataFrame:
    """Rows of CUSTOMER_DAILY from every flow that lasted into its days.

    A flow over the edge of an hour or a day is shared out by time, in integers, as windows are; its connection, its
    start time, its input MAC and its other end count on the day it began.

    Args:
        flows: labelled flows (FLOWS), all that touch the days that are wanted.
        spans: rows of LEASE_SPANS; None where customers are addresses.
        categories: categories with a key of their own in ``bytes_by_category``; bytes of any further one are
            ``other``.
        zone: the provider's zone.
        basis: what to call a customer that is an address.
    """
    sides = customer_sides(flows).transform(with_customer, spans, basis)
    begun = begun_by_day(sides, zone).alias("begun")
    carried = carried_by_day(sides, categories, zone).alias("carried")
    is_same = (F.col("carried.customer") == F.col("begun.customer")) & (
        F.col("carried.local_date") == F.col("begun.local_date")
    )
    return carried.join(begun, on=is_same, how="left").select(
        "carried.*",
        *[F.coalesce(F.col(f"begun.{name}"), F.lit(0)).alias(name) for name in ("connections", "distinct_start_times")],
        F.coalesce("begun.input_macs", F.array().cast("array<string>")).alias("input_macs"),
        "begun.peers_sketch",
    )


def begun_by_day(sides: DataFrame, zone: str) -> DataFrame:
    """What counts where a flow began, by ``customer`` and ``local_date``."""
    day = local_date(F.col("start_time"), zone).alias("local_date")
    by_day = sides.groupBy(F.xxhash64("customer", day).alias(SORT_KEY), "customer", day)
    counted = by_day.agg(
        F.count(F.lit(1)).alias("connections"),
        F.size(F.collect_set(F.unix_micros("start_time"))).cast("bigint").alias("distinct_start_times"),
        F.array_sort(F.collect_set("input_mac")).alias("input_macs"),
        F.hll_sketch_agg("peer", SKETCH_LOG2_BUCKETS).alias("peers_sketch"),
    )
    return counted.drop(SORT_KEY)


def carried_by_day(sides: DataFrame, categories: Sequence[str], zone: str) -> DataFrame:
    """What is shared out by time, by customer and ``local_date``; sums only, so that Spark compiles all of it."""
    part_seconds = HOUR if keeps_whole_hours(zone) else QUARTER_HOUR  # no part lies over two local hours
    part_start = F.timestamp_seconds(F.col("window_index") * part_seconds)
    parts = (
        sides.withColumn("flow_micros", F.unix_micros("end_time") - F.unix_micros("start_time"))
        .transform(with_windows, part_seconds)
        .withColumns({name: apportioned(F.col(name)) for name in VOLUMES})
        .withColumns({"local_date": local_date(part_start, zone), "hour": hours_since_midnight(part_start, zone)})
        .withColumn("bytes", F.col("bytes_up") + F.col("bytes_down"))
    )
    by_day = parts.groupBy(*CUSTOMER, "local_date").agg(
        *[F.sum(name).alias(name) for name in VOLUMES],
        *[F.sum(F.when(F.col("hour") == hour, F.col("bytes"))).alias(f"hour_{hour}") for hour in range(MOST_HOURS)],
        *[bytes_of(category).alias(f"category_{category}") for category in categories],
    )
    hours = F.slice(
        F.array(*[F.col(f"hour_{hour}") for hour in range(MOST_HOURS)]), 1, hours_in_day("local_date", zone)
    )
    return by_day.select(
        *CUSTOMER,
        "local_date",
        *VOLUMES[:4],
        (F.col("flow_micros") / MICROS).alias("flow_seconds"),
        active_hours().alias("active_hours"),
        F.transform(hours, lambda volume: F.coalesce(volume, F.lit(0))).alias("bytes_by_hour"),
        by_category(categories).alias("bytes_by_category"),
    )


def bytes_of(category: str) -> Column:
    return F.sum(F.when(F.col("category") == category, F.col("bytes")))


def active_hours() -> Column:
    """Hours with any traffic: null is an hour that no flow touched."""
    return reduce(Column.__add__, [F.col(f"hour_{hour}").isNotNull().cast("int") for hour in range(MOST_HOURS)])


def by_category(categories: Sequence[str]) -> Column:
    """Map of category to bytes, without those that have none; what no known category holds is ``other``."""
    held = {category: F.coalesce(f"category_{category}", F.lit(0)) for category in categories}
    rest = F.col("bytes_up") + F.col("bytes_down") - reduce(Column.__add__, held.values())
    held[OTHER] = held[OTHER] + rest
    entries = F.create_map(*[part for category, volume in held.items() for part in (F.lit(category), volume)])
    return F.map_filter(entries, lambda _, volume: volume > 0)
