"""Plan right-sizing: how much of its plan a customer uses, and the cheapest plan that would do.

What is used is told by ``telflow.advice.plan_use``, rates as bounds: a plan is called too slow by the lower bound, and
fast enough by the upper one.
"""

from datetime import timedelta
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from telflow.advice.micro_trends import ALL, CUSTOMER, FEW_WEEKS, NO_RECENT_USE, WEEK_DAYS, Period
from telflow.advice.plan_use import BUSY, GIGABYTE, WAYS
from telflow.advice.robust import bound, latest, midmean_of, normal_cdf, quantile_of, total
from telflow.settings import AdviceSettings

UP, DOWN, STAY = "up", "down", "stay"
VOLUME, RATE_DOWN, RATE_UP = "volume", "rate-down", "rate-up"
UNKNOWN_PLAN: Final = "unknown plan"
LEAST_ERROR: Final = 0.1  # of a pace, natural log units: a few weeks that look alike are no proof
RATE_DAYS: Final = 20  # active days under the plan from which rates count: of fewer, one in twenty is no whole day
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
INNER: Final = (
    "signup_date",
    "options",
    "own",
    "larger",
    "smaller",
    "suggested",
    "streaks",
    "weekly_bytes",
    "week_starts",
    "recent_bytes",
    "recent",
    "steady",
    "pace_error",
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


def plan_fit(
    subscribers: DataFrame,
    plans: DataFrame,
    trends: DataFrame,
    used: DataFrame,
    *,
    period: Period,
    settings: AdviceSettings,
) -> DataFrame:
    """Rows of PLAN_FIT but for ``as_of``.

    Args:
        subscribers: ``customer``, ``plan`` and ``signup_date`` of those subscribed on the day, the plan of that day.
        plans: rows of PLANS.
        trends: rows of MICRO_TRENDS of the day.
        used: what ``customer_use`` returns.
        period: the days looked at.
        settings: cycle, limit, confidence.
    """
    of_all = trends.where((F.col("scope_kind") == CUSTOMER) & (F.col("category") == ALL))
    of_all = of_all.select(F.col("scope").alias("customer"), *TREND)
    known = (
        subscribers.select("customer", "plan", "signup_date")
        .join(of_all, on="customer", how="left")
        .join(used, on="customer", how="left")
        .crossJoin(F.broadcast(plan_options(plans)))
        .withColumn("own", F.get(F.filter("options", lambda option: option["plan"] == F.col("plan")), F.lit(0)))
    )
    return known.transform(with_use, settings).transform(with_advice, period, settings)


def plan_options(plans: DataFrame) -> DataFrame:
    """``options``: all plans in one row, the cheapest first; a plan without a limit has an infinite volume."""
    volume = F.coalesce("volume_gigabytes", F.lit(float("inf"))).alias("volume")
    fields = [F.col("monthly_price"), volume, F.col("plan"), F.col("down_mbps"), F.col("up_mbps")]
    return plans.agg(F.sort_array(F.collect_list(F.struct(*fields))).alias("options"))


def with_use(known: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds how much of the plan is used: percentiles, pace and its error, streaks, peak rates."""
    to_cycle = settings.cycle_days / WEEK_DAYS / GIGABYTE
    limit = F.col("own.volume") * (settings.utilisation_limit / to_cycle)
    used = known.transform(with_pace, settings).withColumns(
        {
            "weeks_counted": F.coalesce("weeks_counted", F.lit(0)),
            "volume_p50": quantile_of(F.col("weekly_bytes"), 0.5) * to_cycle,
            "volume_p95": quantile_of(F.col("weekly_bytes"), BUSY) * to_cycle,
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


def with_pace(known: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds ``pace_gigabytes``, the volume of a cycle as it goes now, and ``pace_error``, in natural log units.

    The pace is the geometric mean of two estimates, which err apart (Bates and Granger 1969). The median of the recent
    weeks is quick and rough. Slow and steady is the middle of all weeks, each brought to the last one along the trend's
    slope, times the trend's confidence: a slope that may be chance counts for little. A middle that most weeks' silence
    makes 0 is a mean instead, or one of the two would silence the other. And the pace is no less than what the last two
    whole cycles both held: a plan counts cycles, and what a middle takes for bursts counts there.

    The pace errs by the scatter of the weeks, as the mean of the recent ones does, and by half the distance of the two
    estimates, as a mean of two values does.
    """
    rise = F.col("slope_per_week") * F.col("confidence")
    last = F.size("weekly_bytes") - 1
    present = F.transform("weekly_bytes", lambda volume, place: volume * F.exp(rise * (last - place)))
    weeks = F.lit(float(settings.recent_weeks))
    estimates = known.withColumns(
        {
            "recent": nonzero(F.col("recent_bytes"), latest(F.col("weekly_bytes"), settings.recent_weeks)),
            "steady": bound(present, lambda volumes: nonzero(midmean_of(volumes), volumes)),
        }
    )
    pace = F.sqrt(F.col("recent") * F.col("steady")) * (settings.cycle_days / WEEK_DAYS / GIGABYTE)
    scatter = F.greatest(F.col("scatter") / F.sqrt(weeks), F.lit(LEAST_ERROR))
    apart = F.coalesce(F.log(F.try_divide("recent", "steady")) / 2, F.lit(0.0))
    return estimates.withColumns(
        {
            "pace_gigabytes": F.when(pace.isNotNull(), F.greatest(pace, counted_twice("cycle_gigabytes"))),
            "pace_error": F.hypot(scatter, apart),
        }
    )


def nonzero(middle: Column, values: Column) -> Column:
    """``middle``, or the mean of ``values`` where it is 0."""
    return F.when(middle > 0, middle).otherwise(F.try_divide(total(values), F.size(values)))


def counted_twice(cycles: str) -> Column:
    """What the last two of ``cycles`` both held; null where there are no two."""
    return F.array_min(F.when(F.size(cycles) > 1, F.slice(cycles, F.lit(-2), F.lit(2))))


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


def with_advice(used: DataFrame, period: Period, settings: AdviceSettings) -> DataFrame:
    """Adds what is too small about the plan, ``advice``, its ``confidence``, and the plan that is suggested.

    Up where the pace is above ``utilisation_limit`` of the plan's volume, or the rate on more than one day in twenty,
    with ``upsize_confidence``: of the plans that hold more of what is short, to the cheapest that covers the p95, keeps
    the pace below the limit and is fast enough, else to the largest. Down to the cheapest plan, if cheaper than the own
    one, that surely keeps the p95 of volume and rates below the limit, and the pace too.
    """
    limit = settings.utilisation_limit
    sized = (
        used.withColumn("untold_reason", untold(period, settings))
        .transform(with_causes, settings)
        .withColumns({"larger": larger_plan(limit), "smaller": smaller_plan(limit)})
    )
    is_up = F.col("larger").isNotNull()
    is_down = (F.col("smaller.monthly_price") < F.col("own.monthly_price")) & ~is_up
    advice = F.when(F.col("untold_reason").isNull(), F.when(is_up, UP).when(is_down, DOWN).otherwise(STAY))
    return sized.withColumn("advice", advice).transform(with_suggestion, settings).drop(*INNER)


def untold(period: Period, settings: AdviceSettings) -> Column:
    """Why nothing is advised; null where something is. Too little history comes first: then nothing else is known.

    Whose weeks are all silent is not new: not where both the lake and the subscription are ``min_weeks`` old.
    """
    since = period.as_of - timedelta(days=settings.min_weeks * WEEK_DAYS)
    is_settled = (F.col("signup_date") <= F.lit(since)) & F.lit(period.weeks(settings) >= settings.min_weeks)
    return (
        F.when((F.col("weeks_counted") == 0) & is_settled, NO_RECENT_USE)
        .when(F.col("weeks_counted") < settings.min_weeks, FEW_WEEKS)
        .when(F.col("own").isNull(), UNKNOWN_PLAN)
        .otherwise(F.col("untold_reason"))
    )


def with_suggestion(sized: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds the plan that ``advice`` suggests, what it holds and costs, and how sure the advice is."""
    advice = F.col("advice")
    suggested = (
        F.when(advice == UP, F.col("larger")).when(advice == DOWN, F.col("smaller")).when(advice == STAY, F.col("own"))
    )
    would_do = 1 - above(F.col("smaller.volume"), settings)
    return sized.withColumn("suggested", suggested).withColumns(
        {
            "confidence": F.when(advice == UP, F.col("upsize_confidence"))
            .when(advice == DOWN, would_do)
            .when(advice == STAY, 1 - F.col("upsize_confidence")),
            "suggested_plan": F.col("suggested.plan"),
            "suggested_gigabytes": F.when(F.col("suggested.volume") < float("inf"), F.col("suggested.volume")),
            "price_difference": F.col("suggested.monthly_price") - F.col("own.monthly_price"),
        }
    )


def with_causes(used: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds ``upsize_causes``, all that is surely enough short, the surest first, and ``upsize_confidence``, of that."""
    sure = {
        VOLUME: above(F.col("own.volume"), settings),
        RATE_DOWN: too_often(F.col("slow_days_down"), F.col("days")),
        RATE_UP: too_often(F.col("slow_days_up"), F.col("days")),
    }
    is_told = F.col("untold_reason").isNull()
    short = [
        F.when(
            confidence >= settings.upsize_confidence,
            F.struct((-confidence).alias("doubt"), F.lit(place).alias("place"), F.lit(cause).alias("cause")),
        )
        for place, (cause, confidence) in enumerate(sure.items())
    ]
    surest_first = F.transform(F.sort_array(F.array_compact(F.array(*short))), lambda each: each["cause"])
    return used.withColumns(
        {
            "upsize_confidence": F.when(is_told, F.greatest(*sure.values())),
            "upsize_causes": F.when(is_told, surest_first),
        }
    )


def above(volume: Column, settings: AdviceSettings) -> Column:
    """Probability that the pace is above the limit of ``volume``; 0 for an infinite one."""
    used = F.try_divide("pace_gigabytes", volume * settings.utilisation_limit)
    return F.coalesce(normal_cdf(F.log(used) / F.col("pace_error")), F.lit(0.0))


def too_often(slow: Column, days: Column) -> Column:
    """Probability that more than one day in twenty is slow, from ``slow`` of ``days``: binomial, taken as normal.

    0 of fewer than RATE_DAYS days: a single one, on a plan that is a week old, says nothing of one in twenty.
    """
    rare = 1 - BUSY
    deviation = F.sqrt(days * (rare * BUSY))
    sure = normal_cdf(F.try_divide(slow - 0.5 - days * rare, deviation))
    return F.when((slow > 0) & (days >= RATE_DAYS), sure).otherwise(0.0)


def larger_plan(limit: float) -> Column:
    """Of the plans that hold more of what is short, the cheapest that covers, else the largest; null for none.

    More of all that is short; where none does, more of some of it and less of none.
    """
    causes = F.col("upsize_causes")

    def capacity(plan: Column, cause: Column) -> Column:
        rate = F.when(cause == RATE_DOWN, plan["down_mbps"]).otherwise(plan["up_mbps"])
        return F.when(cause == VOLUME, plan["volume"]).otherwise(rate)

    def is_better(plan: Column) -> Column:
        return F.forall(causes, lambda cause: capacity(plan, cause) > capacity(F.col("own"), cause))

    def is_better_in_some(plan: Column) -> Column:
        is_worse = F.exists(causes, lambda cause: capacity(plan, cause) < capacity(F.col("own"), cause))
        return ~is_worse & F.exists(causes, lambda cause: capacity(plan, cause) > capacity(F.col("own"), cause))

    def by_size(plan: Column) -> Column:
        sizes = F.transform(causes, lambda cause: capacity(plan, cause))
        return F.struct(sizes.alias("sizes"), (-plan["monthly_price"]).alias("cheapness"), plan.alias("plan"))

    def best(better: Column) -> Column:
        volume = F.greatest("volume_p95", F.col("pace_gigabytes") / limit)
        covering = F.filter(
            better, lambda plan: covers(plan, volume, "peak_{}_mbps_p95", limit) & is_fast_enough(plan, limit)
        )
        return F.coalesce(F.get(covering, F.lit(0)), F.array_max(F.transform(better, by_size))["plan"])

    in_all = bound(F.filter("options", is_better), best)
    in_some = bound(F.filter("options", is_better_in_some), best)
    return F.when(F.size(causes) > 0, F.coalesce(in_all, in_some))


def smaller_plan(limit: float) -> Column:
    """The cheapest plan that would do for sure."""
    volume = F.greatest("volume_p95", "pace_gigabytes") / limit
    would_do = F.filter(
        "options", lambda plan: covers(plan, volume, "most_{}_mbps", limit) & is_fast_enough(plan, limit)
    )
    return F.get(would_do, F.lit(0))


def is_fast_enough(plan: Column, limit: float) -> Column:
    """Whether ``plan`` is no slower than the own one, or surely fast enough all the same, each way.

    Surely: by the upper bound of the rates, where they are known from RATE_DAYS days.
    """
    is_known = F.coalesce("days", F.lit(0)) >= RATE_DAYS
    is_fast = [
        (plan[f"{way}_mbps"] >= F.col(f"own.{way}_mbps"))
        | (is_known & (plan[f"{way}_mbps"] * limit >= F.col(f"most_{way}_mbps")))
        for way in WAYS
    ]
    return is_fast[0] & is_fast[1]


def covers(plan: Column, volume: Column, rate: str, limit: float) -> Column:
    """Whether ``plan`` holds ``volume``, and the rates of the columns that ``rate`` names for each way."""
    has_rates = [plan[f"{way}_mbps"] * limit >= F.coalesce(rate.format(way), F.lit(0.0)) for way in WAYS]
    return (plan["volume"] >= volume) & has_rates[0] & has_rates[1]
