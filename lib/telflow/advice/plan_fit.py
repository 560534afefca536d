"""Plan right-sizing: how much of its plan a customer uses, and the cheapest plan that would do.

A billing cycle is ``cycle_days`` days counted back from ``as_of``; plans hold their volume for one. The roll-up tells
hours, so the peak rate is the mean of the busiest hour: less than the true peak, never more.
"""

from datetime import timedelta
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import ALL, CUSTOMER, FEW_WEEKS, WEEK_DAYS, Period
from telflow.advice.robust import normal_cdf, quantile_of
from telflow.settings import AdviceSettings

UP, DOWN, STAY = "up", "down", "stay"
UNKNOWN_PLAN: Final = "unknown plan"
GIGABYTE: Final = 1e9
MEGABIT: Final = 1e6
HOUR_SECONDS: Final = 3600
LEAST_ERROR: Final = 0.1  # of a pace, natural log units: a few weeks that look alike are no proof
PEAKS: Final = ("peak_down_mbps", "peak_up_mbps")


def plan_fit(
    subscribers: DataFrame,
    plans: DataFrame,
    trends: DataFrame,
    used: DataFrame,
    settings: AdviceSettings,
) -> DataFrame:
    """Rows of PLAN_FIT but for ``as_of``.

    Args:
        subscribers: ``customer`` and ``plan`` of those subscribed on the day.
        plans: rows of PLANS.
        trends: rows of MICRO_TRENDS of the day.
        used: what ``customer_use`` returns.
        settings: cycle, limit, confidence.
    """
    of_all = trends.where((F.col("scope_kind") == CUSTOMER) & (F.col("category") == ALL))
    of_all = of_all.select(F.col("scope").alias("customer"), *TREND)
    known = (
        subscribers.select("customer", "plan")
        .join(of_all, on="customer", how="left")
        .join(used, on="customer", how="left")
        .crossJoin(F.broadcast(plan_options(plans)))
        .withColumn("own", F.get(F.filter("options", lambda option: option["plan"] == F.col("plan")), F.lit(0)))
    )
    return known.transform(with_use, settings).transform(with_advice, settings)


TREND: Final = ("weeks_counted", "weekly_bytes", "median_bytes", "recent_bytes", "line_bytes", "scatter", "confidence")


def plan_options(plans: DataFrame) -> DataFrame:
    """``options``: all plans in one row, the cheapest first; a plan without a limit has an infinite volume."""
    volume = F.coalesce("volume_gigabytes", F.lit(float("inf"))).alias("volume")
    fields = [F.col("monthly_price"), volume, F.col("plan"), F.col("down_mbps"), F.col("up_mbps")]
    return plans.agg(F.sort_array(F.collect_list(F.struct(*fields))).alias("options"))


def customer_use(daily: DataFrame, period: Period, settings: AdviceSettings) -> DataFrame:
    """Volume of each cycle and percentiles of the daily peak rates, by ``customer``.

    Returns:
        ``customer``, ``cycle_gigabytes`` (array of double, oldest first, cycles that the lake holds whole) and, in
        10^6 bits a second, ``peak_down_mbps`` and ``peak_up_mbps`` (arrays: p50, p95 over active days).
    """
    as_of, length = period.as_of, settings.cycle_days
    cycles = period.cycles(settings)
    day, volume = F.col("local_date"), F.col("bytes_up") + F.col("bytes_down")
    is_read = (day >= F.lit(as_of - timedelta(days=settings.cycles * length))) & (day < F.lit(as_of))
    cycle = F.floor((F.date_diff(F.lit(as_of), day) - 1) / length)
    is_active = volume >= settings.active_day_bytes
    rate = F.array_max("bytes_by_hour") * 8 / HOUR_SECONDS / MEGABIT
    marked = daily.where(is_read).select(
        "customer",
        cycle.alias("cycle"),
        volume.alias("bytes"),
        F.when(is_active, rate * F.col("bytes_down") / volume).alias("peak_down_mbps"),
        F.when(is_active, rate * F.col("bytes_up") / volume).alias("peak_up_mbps"),
    )

    def gigabytes(back: int) -> Column:
        return F.coalesce(F.sum(F.when(F.col("cycle") == back, F.col("bytes"))), F.lit(0)) / GIGABYTE

    return marked.groupBy("customer").agg(
        F.array(*[gigabytes(back) for back in reversed(range(cycles))]).cast("array<double>").alias("cycle_gigabytes"),
        *[F.percentile(name, [0.5, 0.95]).alias(name) for name in PEAKS],
    )


def with_use(known: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds how much of the plan is used: percentiles, pace, streaks, peak rates.

    The pace is the geometric mean of two estimates, which err apart (Bates and Granger 1969): the median of the recent
    weeks, quick and rough, and, slow and steady, the trend's line where there is a trend, else the median of all weeks.
    """
    to_cycle = settings.cycle_days / WEEK_DAYS / GIGABYTE
    has_trend = F.col("confidence") >= settings.trend_confidence
    steady = F.when(has_trend, F.col("line_bytes")).otherwise(F.col("median_bytes"))
    limit = F.col("own.volume") * (settings.utilisation_limit / to_cycle)
    used = known.withColumns(
        {
            "weeks_counted": F.coalesce("weeks_counted", F.lit(0)),
            "volume_p50": quantile_of(F.col("weekly_bytes"), 0.5) * to_cycle,
            "volume_p95": quantile_of(F.col("weekly_bytes"), 0.95) * to_cycle,
            "pace_gigabytes": F.sqrt(F.col("recent_bytes") * steady) * to_cycle,
            "streaks": streaks(F.col("weekly_bytes"), limit),
            **{f"{name}_p50": F.get(name, F.lit(0)) for name in PEAKS},
            **{f"{name}_p95": F.get(name, F.lit(1)) for name in PEAKS},
        }
    )
    volume = F.when(F.col("own.volume") < float("inf"), F.col("own.volume"))
    return used.withColumns(
        {
            "utilisation_p50": F.try_divide("volume_p50", volume),
            "utilisation_p95": F.try_divide("volume_p95", volume),
            "utilisation": F.try_divide("pace_gigabytes", volume),
            "over_limit_weeks": F.element_at("streaks", -1),
            "most_over_limit_weeks": F.array_max("streaks"),
            "down_utilisation_p95": F.try_divide("peak_down_mbps_p95", "own.down_mbps"),
            "up_utilisation_p95": F.try_divide("peak_up_mbps_p95", "own.up_mbps"),
        }
    )


def streaks(weekly: Column, limit: Column) -> Column:
    """For each week the number of weeks in a row above ``limit`` that end in it."""
    start = F.array(F.lit(0))
    longer = F.aggregate(
        weekly,
        start,
        lambda runs, volume: F.concat(
            runs, F.array(F.when(volume > limit, F.element_at(runs, -1) + 1).otherwise(F.lit(0)))
        ),
    )
    return F.when(F.size(longer) > 1, F.slice(longer, F.lit(2), F.size(longer)))


def with_advice(used: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds ``upsize_confidence``, ``advice``, its ``confidence``, and the plan that is suggested.

    Up where the pace is above ``utilisation_limit`` of the plan with ``upsize_confidence``, or an hour's mean rate is
    above it: to the cheapest plan that covers the p95 and keeps the pace below the limit. Down to the cheapest plan
    that keeps the p95 of volume and rates below the limit, where that is cheaper, and the pace is too.
    """
    limit = settings.utilisation_limit
    error = F.greatest(F.col("scatter") / F.sqrt(F.lit(float(settings.recent_weeks))), F.lit(LEAST_ERROR))
    by_volume = F.coalesce(normal_cdf(F.log(F.col("utilisation") / limit) / error), F.lit(0.0))
    is_slow = F.greatest("down_utilisation_p95", "up_utilisation_p95") > limit
    above = F.when(is_slow, F.lit(1.0)).otherwise(by_volume)

    def cheapest(needed: Column, rates: float) -> Column:
        def covers(option: Column) -> Column:
            has_rates = (option["down_mbps"] * rates >= F.coalesce("peak_down_mbps_p95", F.lit(0.0))) & (
                option["up_mbps"] * rates >= F.coalesce("peak_up_mbps_p95", F.lit(0.0))
            )
            return (option["volume"] >= needed) & has_rates

        return F.get(F.filter("options", covers), F.lit(0))

    most = F.greatest("volume_p95", F.col("pace_gigabytes") / limit)
    reason = F.when(F.col("own").isNull(), UNKNOWN_PLAN).when(
        (F.col("weeks_counted") < settings.min_weeks) | F.col("pace_gigabytes").isNull() | F.col("scatter").isNull(),
        FEW_WEEKS,
    )
    sized = used.withColumns(
        {
            "untold_reason": reason,
            "upsize_confidence": F.when(reason.isNull(), above),
            "larger": F.coalesce(cheapest(most, limit), F.element_at("options", -1)),
            "smaller": cheapest(F.greatest("volume_p95", "pace_gigabytes") / limit, limit),
        }
    )
    own_price = F.col("own.monthly_price")
    is_up = (F.col("upsize_confidence") >= settings.upsize_confidence) & (F.col("larger.monthly_price") > own_price)
    is_down = (F.col("smaller.monthly_price") < own_price) & ~is_up
    advice = F.when(F.col("untold_reason").isNull(), F.when(is_up, UP).when(is_down, DOWN).otherwise(STAY))
    suggested = (
        F.when(advice == UP, F.col("larger")).when(advice == DOWN, F.col("smaller")).when(advice == STAY, F.col("own"))
    )
    return (
        sized.withColumns({"advice": advice, "suggested": suggested})
        .withColumns(
            {
                "confidence": F.when(F.col("advice") == UP, F.col("upsize_confidence")).otherwise(
                    1 - F.col("upsize_confidence")
                ),
                "suggested_plan": F.col("suggested.plan"),
                "suggested_gigabytes": F.when(F.col("suggested.volume") < float("inf"), F.col("suggested.volume")),
                "price_difference": F.col("suggested.monthly_price") - own_price,
            }
        )
        .drop("options", "own", "larger", "smaller", "suggested", "streaks", *PEAKS)
    )
