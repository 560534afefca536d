"""When load peaks: busy hours, the 95th percentile, and the week by hours.

Busy hour: the 60 minutes of greatest load in a local day, beginning on any sample. ADPH (average daily peak hour):
the mean over days of each day's own busy hour. TCBH (time-consistent busy hour): the same clock hour every day, the
one whose mean over days is greatest. ITU-T E.600 names both; here they are in bytes.

A sample that nothing was seen in is a load of zero, so gaps neither stretch an hour nor thin out the samples: days,
and with them samples, are counted by the calendar, for all scopes alike, on the days on which anything was carried.
"""

from collections.abc import Sequence
from typing import Literal

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from telflow.localtime import local_time
from telflow.peaks.clock import clock_minute, day_end_second, day_seconds, day_start_second, is_first_showing

PeriodKind = Literal["day", "month"]
SCOPE = ["scope_kind", "scope", "sample_seconds"]
PERIOD = ["period_kind", "period_start"]
BUSY_SECONDS = 3600


def peak_times(load: DataFrame, zone: str, period_kinds: Sequence[PeriodKind] = ("day", "month")) -> DataFrame:
    """When each scope is busiest in each period, and how busy.

    Args:
        load: rows of scope_load, whole local days; samples lie on whole steps from local midnight.
        zone: the provider's zone.
        period_kinds: day, month (the local days of it that ``load`` holds) or both.

    Returns:
        Rows of peak_times. A scope that carried nothing in a period has no row.
    """
    # a sample per scope and five minutes is little: moved once to the task of its scope, it is never moved again
    carried = load.where(F.col("bytes") > 0).repartition("scope_kind", "scope")
    peaks = (
        carried.transform(sliding_hours, zone)
        .transform(with_daily_peak)
        .transform(by_clock_minute, zone, period_kinds)
        .transform(by_period)
        .join(F.broadcast(carried_days(carried, zone, period_kinds)), on=PERIOD, how="inner")
    )
    billed = billed_sample(F.col("samples"), F.col("seconds") / F.col("sample_seconds"))
    return peaks.select(
        *PERIOD,
        *SCOPE,
        "days",
        "total_bytes",
        F.col("busiest.hour_start").alias("busy_hour_start"),
        F.col("busiest.hour_bytes").alias("busy_hour_bytes"),
        (F.col("daily_peaks_bytes") / F.col("days")).alias("adph_bytes"),
        F.col("consistent.minute").alias("tcbh_start_minute"),
        (F.col("consistent.minute_bytes") / F.col("days")).alias("tcbh_bytes"),
        (billed * 8 / F.col("sample_seconds")).alias("p95_bits_per_second"),
        (F.col("total_bytes") * 8 / F.col("seconds")).alias("mean_bits_per_second"),
    )


def sliding_hours(load: DataFrame, zone: str) -> DataFrame:
    """Bytes of every 60 minutes that begin on a sample, and of that sample itself.

    A sample adds its bytes to each hour it lies in: the one it begins and those of its day that began before it.

    Returns:
        ``scope_kind``, ``scope``, ``sample_seconds``, ``local_date``, ``hour_start`` (timestamp, UTC), ``hour_bytes``
        (bigint; null where the hour would reach into the next day) and ``sample_bytes`` (bigint; null where there
        is no sample).
    """
    begins, step = F.unix_seconds("sample_start"), F.col("sample_seconds")
    earliest = F.greatest(begins - BUSY_SECONDS + step, day_start_second(F.col("local_date"), zone))
    ends_by_midnight = F.col("second") <= day_end_second(F.col("local_date"), zone) - BUSY_SECONDS
    return (
        load.select(*SCOPE, "local_date", "bytes", begins.alias("begins"), sequence_rows(earliest, begins, step))
        .groupBy(*SCOPE, "local_date", "second")
        .agg(
            F.sum("bytes").alias("reached_bytes"),
            F.sum(F.when(F.col("second") == F.col("begins"), F.col("bytes"))).alias("sample_bytes"),
        )
        .select(
            *SCOPE,
            "local_date",
            F.timestamp_seconds("second").alias("hour_start"),
            F.when(ends_by_midnight, F.col("reached_bytes")).alias("hour_bytes"),
            "sample_bytes",
        )
    )


def sequence_rows(first: Column, last: Column, step: Column) -> Column:
    """``second``, one row for each step from ``first`` to ``last``."""
    return F.explode(F.sequence(first, last, step)).alias("second")


def with_daily_peak(hours: DataFrame) -> DataFrame:
    """``hours`` and ``is_daily_peak``: the busy hour of its scope and local day, the earliest among equals."""
    of_day = Window.partitionBy(*SCOPE, "local_date").orderBy(F.desc_nulls_last("hour_bytes"), F.asc("hour_start"))
    return hours.withColumn("is_daily_peak", F.row_number().over(of_day) == 1)


def by_clock_minute(hours: DataFrame, zone: str, period_kinds: Sequence[PeriodKind]) -> DataFrame:
    """Sums over a period's days for each minute of the local clock that an hour can begin at.

    On the day the clock goes back, an hour begins where the clock first shows its minute, and lasts 60 minutes as
    on every day; on the day it goes forward, hours that would begin in the skipped one carry nothing. So none of
    them is ever more than its day's busy hour, and TCBH never more than ADPH.
    """
    peak_bytes = F.when(F.col("is_daily_peak"), F.col("hour_bytes"))
    return (
        hours.select("*", F.inline(periods_of(F.col("local_date"), period_kinds)))
        .groupBy(*SCOPE, *PERIOD, clock_minute(F.col("hour_start"), zone).alias("minute"))
        .agg(
            F.sum(F.when(is_first_showing(F.col("hour_start"), zone), F.col("hour_bytes"))).alias("minute_bytes"),
            F.max_by(F.struct("hour_bytes", "hour_start"), busiest_order(peak_bytes)).alias("busiest"),
            F.sum(peak_bytes).alias("peaks_bytes"),
            F.collect_list("sample_bytes").alias("samples"),
        )
    )


def by_period(minutes: DataFrame) -> DataFrame:
    """One row per scope and period: its busiest hour and clock hour, and its samples from the greatest down."""
    samples = F.sort_array(F.flatten(F.collect_list("samples")), asc=False)
    consistent = F.max_by(F.struct("minute", "minute_bytes"), F.struct(F.col("minute_bytes"), -F.col("minute")))
    peaks = minutes.groupBy(*SCOPE, *PERIOD).agg(
        samples.alias("samples"),
        consistent.alias("consistent"),
        F.max_by("busiest", busiest_order(F.col("busiest.hour_bytes"), "busiest.hour_start")).alias("busiest"),
        F.sum("peaks_bytes").alias("daily_peaks_bytes"),
    )
    return peaks.withColumn(
        "total_bytes", F.aggregate("samples", F.lit(0).cast("bigint"), lambda total, one: total + one)
    )


def busiest_order(hour_bytes: Column, hour_start: str = "hour_start") -> Column:
    """Order that puts the hour of most bytes last, the earliest among equals; null where ``hour_bytes`` is."""
    return F.when(hour_bytes.isNotNull(), F.struct(hour_bytes, -F.unix_seconds(hour_start)))


def periods_of(local_date: Column, period_kinds: Sequence[PeriodKind]) -> Column:
    """The periods that hold ``local_date``, as array of (period_kind, period_start)."""
    starts = {"day": local_date, "month": F.trunc(local_date, "month")}
    return F.array(
        *[F.struct(F.lit(kind).alias("period_kind"), starts[kind].alias("period_start")) for kind in period_kinds]
    )


def carried_days(load: DataFrame, zone: str, period_kinds: Sequence[PeriodKind]) -> DataFrame:
    """``period_kind``, ``period_start``, ``days`` (int) and ``seconds`` (bigint) of the local days in ``load``."""
    lengths = F.transform("dates", lambda day: day_seconds(day, zone))
    return (
        load.select("local_date", F.inline(periods_of(F.col("local_date"), period_kinds)))
        .groupBy(*PERIOD)
        .agg(F.collect_set("local_date").alias("dates"))
        .select(
            *PERIOD,
            F.size("dates").alias("days"),
            F.aggregate(lengths, F.lit(0).cast("bigint"), lambda total, one: total + one).alias("seconds"),
        )
    )


def billed_sample(samples: Column, count: Column) -> Column:
    """95th percentile as it is billed: of ``count`` samples the top 5 % (rounded down) are dropped, the next counts.

    ``samples`` (array of bigint, from the greatest down) holds those that are not zero.
    """
    dropped = F.floor(count / 20)
    return F.coalesce(F.get(samples, dropped.cast("int")), F.lit(0).cast("bigint"))


def hour_by_weekday(load: DataFrame, zone: str) -> DataFrame:
    """Bytes by weekday and hour of the local clock in each month.

    An hour that the clock shows twice counts both, one it skips counts nothing: the hours sum to the month.

    Args:
        load: rows of scope_load, whole local days.
        zone: the provider's zone.

    Returns:
        Rows of hour_by_weekday. An hour of the week that carried nothing has no row.
    """
    month, weekday = F.trunc("local_date", "month").alias("month"), (F.weekday("local_date") + 1).alias("weekday")
    carried = load.where(F.col("bytes") > 0)
    days = carried.groupBy(month, weekday).agg(F.count_distinct("local_date").cast("int").alias("days"))
    hour = F.hour(local_time(F.col("sample_start"), zone)).alias("hour")
    return (
        carried.groupBy(month, "scope_kind", "scope", weekday, hour)
        .agg(F.sum("bytes").alias("bytes"))
        .join(F.broadcast(days), on=["month", "weekday"], how="inner")
        .select(
            "month",
            "scope_kind",
            "scope",
            "weekday",
            "hour",
            "days",
            "bytes",
            (F.col("bytes") / F.col("days")).alias("mean_bytes"),
        )
    )
