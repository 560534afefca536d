"""Plan right-sizing: how much of its plan a customer uses, and the cheapest plan that would do.

A billing cycle is ``cycle_days`` days counted back from ``as_of``; plans hold their volume for one. The roll-up tells
hours, both ways together, and days each way. So the mean rate of the busiest hour is bounded: one way it carried at
least what the day's bytes the other way leave of it, and at most the day's own. A plan is called too slow by the lower
bound, and fast enough by the upper one.
"""

from datetime import timedelta
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import ALL, CUSTOMER, FEW_WEEKS, WEEK_DAYS, Period
from telflow.advice.robust import bound, midmean_of, normal_cdf, quantile_of
from telflow.settings import AdviceSettings

UP, DOWN, STAY = "up", "down", "stay"
VOLUME, RATE_DOWN, RATE_UP = "volume", "rate-down", "rate-up"
UNKNOWN_PLAN: Final = "unknown plan"
GIGABYTE: Final = 1e9
MEGABIT: Final = 1e6
HOUR_SECONDS: Final = 3600
LEAST_ERROR: Final = 0.1  # of a pace, natural log units: a few weeks that look alike are no proof
BUSY: Final = 0.95  # quantile over days: a plan may be too slow on one day in twenty
WAYS: Final = ("down", "up")


def plan_fit(
    subscribers: DataFrame,
    plans: DataFrame,
    trends: DataFrame,
    used: DataFrame,
    settings: AdviceSettings,
) -> DataFrame:
    """Rows of PLAN_FIT but for ``as_of``.

    Args:
        subscribers: ``customer`` and ``plan`` of those subscribed on the day, the plan of that day.
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


TREND: Final = (
    "weeks_counted",
    "week_starts",
    "weekly_bytes",
    "recent_bytes",
    "slope_per_week",
    "confidence",
    "scatter",
    "untold_reason",
)


def plan_options(plans: DataFrame) -> DataFrame:
    """``options``: all plans in one row, the cheapest first; a plan without a limit has an infinite volume."""
    volume = F.coalesce("volume_gigabytes", F.lit(float("inf"))).alias("volume")
    fields = [F.col("monthly_price"), volume, F.col("plan"), F.col("down_mbps"), F.col("up_mbps")]
    return plans.agg(F.sort_array(F.collect_list(F.struct(*fields))).alias("options"))


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
    as_of, length = period.as_of, settings.cycle_days
    cycles = period.cycles(settings)
    rates = plans.select(F.col("plan").alias("present_plan"), "down_mbps", "up_mbps")
    present = subscribers.select("customer", F.col("plan").alias("present_plan"))
    present = present.join(F.broadcast(rates), on="present_plan", how="left")
    day, volume = F.col("local_date"), F.col("bytes_up") + F.col("bytes_down")
    is_read = (day >= F.lit(as_of - timedelta(days=settings.cycles * length))) & (day < F.lit(as_of))
    cycle = F.floor((F.date_diff(F.lit(as_of), day) - 1) / length)
    is_present = F.col("plan") == F.col("present_plan")
    busiest = F.array_max("bytes_by_hour")
    is_told = is_present & (volume >= settings.active_day_bytes) & busiest.isNotNull()
    to_rate = 8 / HOUR_SECONDS / MEGABIT

    def least(other: str) -> Column:
        return F.when(is_told, F.greatest(busiest - F.col(other), F.lit(0)) * to_rate)

    def most(own: str) -> Column:
        return F.when(is_told, F.least(busiest, F.col(own)) * to_rate)

    marked = (
        daily.where(is_read)
        .join(present, on="customer", how="inner")
        .select(
            "customer",
            cycle.alias("cycle"),
            volume.alias("bytes"),
            F.when(is_present, day).alias("present_day"),
            is_told.alias("is_told"),
            F.col("down_mbps"),
            F.col("up_mbps"),
            least("bytes_up").alias("least_down"),
            least("bytes_down").alias("least_up"),
            most("bytes_down").alias("most_down"),
            most("bytes_up").alias("most_up"),
        )
    )

    def gigabytes(back: int) -> Column:
        return F.coalesce(F.sum(F.when(F.col("cycle") == back, F.col("bytes"))), F.lit(0)) / GIGABYTE

    def is_slow(way: str) -> Column:
        return F.col(f"least_{way}") > F.col(f"{way}_mbps") * settings.utilisation_limit

    return marked.groupBy("customer").agg(
        F.array(*[gigabytes(back) for back in reversed(range(cycles))]).cast("array<double>").alias("cycle_gigabytes"),
        F.min("present_day").alias("plan_since"),
        F.count_if("is_told").alias("days"),
        *[F.count_if(is_slow(way)).alias(f"slow_days_{way}") for way in WAYS],
        *[F.percentile(f"least_{way}", [0.5, BUSY]).alias(f"peak_{way}_mbps") for way in WAYS],
        *[F.percentile(f"most_{way}", BUSY).alias(f"most_{way}_mbps") for way in WAYS],
    )


def with_use(known: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds how much of the plan is used: percentiles, pace, streaks, peak rates."""
    to_cycle = settings.cycle_days / WEEK_DAYS / GIGABYTE
    limit = F.col("own.volume") * (settings.utilisation_limit / to_cycle)
    used = known.withColumns(
        {
            "weeks_counted": F.coalesce("weeks_counted", F.lit(0)),
            "volume_p50": quantile_of(F.col("weekly_bytes"), 0.5) * to_cycle,
            "volume_p95": quantile_of(F.col("weekly_bytes"), BUSY) * to_cycle,
            "pace_gigabytes": pace() * to_cycle,
            "streaks": streaks(weeks_since("plan_since"), limit),
            **{f"peak_{way}_mbps_p50": F.get(f"peak_{way}_mbps", F.lit(0)) for way in WAYS},
            **{f"peak_{way}_mbps_p95": F.get(f"peak_{way}_mbps", F.lit(1)) for way in WAYS},
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
            **{f"{way}_utilisation_p95": F.try_divide(f"peak_{way}_mbps_p95", f"own.{way}_mbps") for way in WAYS},
        }
    )


def pace() -> Column:
    """Bytes of a week as it goes now: the geometric mean of two estimates, which err apart (Bates and Granger 1969).

    The median of the recent weeks is quick and rough. Slow and steady is the middle of all weeks, each brought to the
    last one along the trend's slope, times the trend's confidence: a slope that may be chance counts for little.
    """
    rise = F.col("slope_per_week") * F.col("confidence")
    last = F.size("weekly_bytes") - 1
    present = F.transform("weekly_bytes", lambda volume, place: volume * F.exp(rise * (last - place)))
    return F.sqrt(F.col("recent_bytes") * midmean_of(present))


def weeks_since(day: str) -> Column:
    """``weekly_bytes`` of the weeks that hold or follow ``day``."""
    weeks = F.arrays_zip("week_starts", "weekly_bytes")
    since = F.filter(weeks, lambda week: F.date_add(week["week_starts"], WEEK_DAYS) > F.col(day))
    return F.transform(since, lambda week: week["weekly_bytes"])


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
    """Adds what is too small about the plan, ``advice``, its ``confidence``, and the plan that is suggested.

    Up where the pace is above ``utilisation_limit`` of the plan's volume, or the rate on more than one day in twenty,
    with ``upsize_confidence``: of the plans that hold more of what is short, to the cheapest that covers the p95 and
    keeps the pace below the limit, else to the largest. Down to the cheapest plan, if cheaper than the own one, that
    surely keeps the p95 of volume and rates below the limit, and the pace too.
    """
    reason = (
        F.when(F.col("own").isNull(), UNKNOWN_PLAN)
        .when(F.col("weeks_counted") < settings.min_weeks, FEW_WEEKS)
        .otherwise(F.col("untold_reason"))
    )
    sized = (
        used.withColumn("untold_reason", reason)
        .transform(with_causes, settings)
        .withColumns(
            {"larger": larger_plan(settings.utilisation_limit), "smaller": smaller_plan(settings.utilisation_limit)}
        )
    )
    own_price = F.col("own.monthly_price")
    is_up = F.col("larger").isNotNull()
    is_down = (F.col("smaller.monthly_price") < own_price) & ~is_up
    advice = F.when(F.col("untold_reason").isNull(), F.when(is_up, UP).when(is_down, DOWN).otherwise(STAY))
    suggested = (
        F.when(advice == UP, F.col("larger")).when(advice == DOWN, F.col("smaller")).when(advice == STAY, F.col("own"))
    )
    would_do = 1 - above(F.col("smaller.volume"), settings)
    return (
        sized.withColumns({"advice": advice, "suggested": suggested})
        .withColumns(
            {
                "confidence": F.when(F.col("advice") == UP, F.col("upsize_confidence"))
                .when(F.col("advice") == DOWN, would_do)
                .when(F.col("advice") == STAY, 1 - F.col("upsize_confidence")),
                "suggested_plan": F.col("suggested.plan"),
                "suggested_gigabytes": F.when(F.col("suggested.volume") < float("inf"), F.col("suggested.volume")),
                "price_difference": F.col("suggested.monthly_price") - own_price,
            }
        )
        .drop("options", "own", "larger", "smaller", "suggested", "streaks", *INNER)
    )


INNER: Final = (
    "weekly_bytes",
    "week_starts",
    "recent_bytes",
    "slope_per_week",
    "scatter",
    "plan_since",
    "days",
    *[
        f"{name}_{way}{unit}"
        for name, unit in (("slow_days", ""), ("peak", "_mbps"), ("most", "_mbps"))
        for way in WAYS
    ],
)


def with_causes(used: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds ``upsize_confidence``, of what is surest to be short, and ``upsize_causes``, all that is, surely enough."""
    sure = {
        VOLUME: above(F.col("own.volume"), settings),
        RATE_DOWN: too_often(F.col("slow_days_down"), F.col("days")),
        RATE_UP: too_often(F.col("slow_days_up"), F.col("days")),
    }
    is_told = F.col("untold_reason").isNull()
    short = [F.when(confidence >= settings.upsize_confidence, cause) for cause, confidence in sure.items()]
    return used.withColumns(
        {
            "upsize_confidence": F.when(is_told, F.greatest(*sure.values())),
            "upsize_causes": F.when(is_told, F.array_compact(F.array(*short))),
        }
    )


def above(volume: Column, settings: AdviceSettings) -> Column:
    """Probability that the pace is above the limit of ``volume``; 0 for an infinite one.

    The pace errs by the scatter of the weeks, as the mean of the recent ones does.
    """
    error = F.greatest(F.col("scatter") / F.sqrt(F.lit(float(settings.recent_weeks))), F.lit(LEAST_ERROR))
    used = F.try_divide("pace_gigabytes", volume * settings.utilisation_limit)
    return F.coalesce(normal_cdf(F.log(used) / error), F.lit(0.0))


def too_often(slow: Column, days: Column) -> Column:
    """Probability that more than one day in twenty is slow, from ``slow`` of ``days``: binomial, taken as normal."""
    rare = 1 - BUSY
    deviation = F.sqrt(days * (rare * BUSY))
    sure = normal_cdf(F.try_divide(slow - 0.5 - days * rare, deviation))
    return F.when(slow > 0, sure).otherwise(0.0)


def larger_plan(limit: float) -> Column:
    """Of the plans that hold more of all that is short, the cheapest that covers, else the largest; null for none."""

    def capacity(plan: Column, cause: Column) -> Column:
        rate = F.when(cause == RATE_DOWN, plan["down_mbps"]).otherwise(plan["up_mbps"])
        return F.when(cause == VOLUME, plan["volume"]).otherwise(rate)

    def is_better(plan: Column) -> Column:
        return F.forall("upsize_causes", lambda cause: capacity(plan, cause) > capacity(F.col("own"), cause))

    def by_size(plan: Column) -> Column:
        size = capacity(plan, F.get("upsize_causes", F.lit(0)))
        return F.struct(size.alias("size"), (-plan["monthly_price"]).alias("cheapness"), plan.alias("plan"))

    def best(better: Column) -> Column:
        volume = F.greatest("volume_p95", F.col("pace_gigabytes") / limit)
        covering = F.filter(better, lambda plan: covers(plan, volume, "peak_{}_mbps_p95", limit))
        return F.coalesce(F.get(covering, F.lit(0)), F.array_max(F.transform(better, by_size))["plan"])

    return F.when(F.size("upsize_causes") > 0, bound(F.filter("options", is_better), best))


def smaller_plan(limit: float) -> Column:
    """The cheapest plan that would do for sure."""
    volume = F.greatest("volume_p95", "pace_gigabytes") / limit
    return F.get(F.filter("options", lambda plan: covers(plan, volume, "most_{}_mbps", limit)), F.lit(0))


def covers(plan: Column, volume: Column, rate: str, limit: float) -> Column:
    """Whether ``plan`` holds ``volume``, and the rates of the columns that ``rate`` names for each way."""
    has_rates = [plan[f"{way}_mbps"] * limit >= F.coalesce(rate.format(way), F.lit(0.0)) for way in WAYS]
    return (plan["volume"] >= volume) & has_rates[0] & has_rates[1]
