"""What a customer used of its plan: the volume of each billing cycle, and bounds of the rates at the busiest hours.

A billing cycle is ``cycle_days`` days counted back from ``as_of``; plans hold their volume for one. The roll-up tells
hours, both ways together, and days each way. So the mean rate of the busiest hour is bounded: one way it carried at
least what the day's bytes the other way leave of it, and at most the day's own.
"""

from datetime import timedelta
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import Period
from telflow.settings import AdviceSettings

GIGABYTE: Final = 1e9
MEGABIT: Final = 1e6
HOUR_SECONDS: Final = 3600
BUSY: Final = 0.95  # quantile over days: a plan may be too slow on one day in twenty
WAYS: Final = {"down": "up", "up": "down"}  # each with the other one


def customer_use(
    daily: DataFrame, subscribers: DataFrame, plans: DataFrame, period: Period, settings: AdviceSettings
) -> DataFrame:
    """Volume of each cycle, and peak rates on the days under the present plan, by ``customer``.

    Args:
        daily: rows of CUSTOMER_DAILY.
        subscribers: ``customer`` and ``plan`` of those subscribed on the day, the plan of that day.
        plans: rows of PLANS.
        period: the days looked at.
        settings: cycles, what counts as active, the limit.

    Returns:
        ``customer``, ``cycle_gigabytes`` (array of double, oldest first, cycles that the lake holds whole),
        ``plan_since`` (first day seen under the plan), ``days`` (active ones since), ``slow_days_down`` and
        ``slow_days_up`` (of these, whose busiest hour was surely above the limit of the plan's rate), and in 10^6 bits
        a second, over these days, ``peak_down_mbps`` and ``peak_up_mbps`` (arrays: p50, p95 of the lower bound) and
        ``most_down_mbps`` and ``most_up_mbps`` (p95 of the upper bound).
    """
    days = days_on_plan(daily, with_rates(subscribers, plans), period, settings).transform(with_bounds)
    is_slow = {way: F.col(f"least_{way}") > F.col(f"{way}_mbps") * settings.utilisation_limit for way in WAYS}
    cycles = [gigabytes_of(back) for back in reversed(range(period.cycles(settings)))]
    return days.groupBy("customer").agg(
        F.array(*cycles).cast("array<double>").alias("cycle_gigabytes"),
        F.min("present_day").alias("plan_since"),
        F.count_if("is_told").alias("days"),
        *[F.count_if(slow).alias(f"slow_days_{way}") for way, slow in is_slow.items()],
        *[F.percentile(f"least_{way}", [0.5, BUSY]).alias(f"peak_{way}_mbps") for way in WAYS],
        *[F.percentile(f"most_{way}", BUSY).alias(f"most_{way}_mbps") for way in WAYS],
    )


def with_rates(subscribers: DataFrame, plans: DataFrame) -> DataFrame:
    """``customer``, ``present_plan``, and its ``down_mbps`` and ``up_mbps``."""
    rates = plans.select(F.col("plan").alias("present_plan"), "down_mbps", "up_mbps")
    present = subscribers.select("customer", F.col("plan").alias("present_plan"))
    return present.join(F.broadcast(rates), on="present_plan", how="left")


def days_on_plan(daily: DataFrame, present: DataFrame, period: Period, settings: AdviceSettings) -> DataFrame:
    """The days of the cycles looked at, each with its cycle and whether rates are told from it.

    Args:
        daily: rows of CUSTOMER_DAILY.
        present: what ``with_rates`` returns.
        period: the days looked at.
        settings: cycles, what counts as active.

    Returns:
        ``customer``, ``down_mbps``, ``up_mbps``, ``cycle`` (0 for the last one before ``as_of``), ``bytes_up``,
        ``bytes_down``, ``busiest`` (bytes of the busiest hour), ``present_day`` (the day, where it was under the
        present plan) and ``is_told``: under that plan, active, and by hours.
    """
    as_of, length = period.as_of, settings.cycle_days
    day, volume = F.col("local_date"), F.col("bytes_up") + F.col("bytes_down")
    is_read = (day >= F.lit(as_of - timedelta(days=settings.cycles * length))) & (day < F.lit(as_of))
    is_present = F.col("plan") == F.col("present_plan")
    busiest = F.array_max("bytes_by_hour")
    return (
        daily.where(is_read)
        .join(present, on="customer", how="inner")
        .select(
            "customer",
            "down_mbps",
            "up_mbps",
            F.floor((F.date_diff(F.lit(as_of), day) - 1) / length).alias("cycle"),
            "bytes_up",
            "bytes_down",
            busiest.alias("busiest"),
            F.when(is_present, day).alias("present_day"),
            (is_present & (volume >= settings.active_day_bytes) & busiest.isNotNull()).alias("is_told"),
        )
    )


def with_bounds(days: DataFrame) -> DataFrame:
    """Adds ``least_<way>`` and ``most_<way>``: bounds of the busiest hour's mean rate, 10^6 bits a second."""
    to_rate = 8 / HOUR_SECONDS / MEGABIT
    least = {way: F.greatest(F.col("busiest") - F.col(f"bytes_{other}"), F.lit(0)) for way, other in WAYS.items()}
    most = {way: F.least("busiest", f"bytes_{way}") for way in WAYS}
    bounds = {f"{name}_{way}": bound[way] for name, bound in (("least", least), ("most", most)) for way in WAYS}
    return days.withColumns({name: F.when(F.col("is_told"), volume * to_rate) for name, volume in bounds.items()})


def gigabytes_of(back: int) -> Column:
    """Volume of the cycle that ended ``back`` cycles ago, 10^9 bytes, whatever the plan."""
    volume = F.when(F.col("cycle") == back, F.col("bytes_up") + F.col("bytes_down"))
    return F.coalesce(F.sum(volume), F.lit(0)) / GIGABYTE
