"""Micro-trends: how the weekly use of each category goes, for each customer and each group of peers.

Everything is told from whole local weeks, seven days each, the last of them ending the day before ``as_of``: every
weekday weighs the same in every week, so that the rhythm of the week drops out without being estimated.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist
from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from telflow.advice.robust import (
    change_confidence,
    change_place,
    kendall_deviation,
    latest,
    line_at,
    median_of,
    pair_slopes,
    scatter_about,
    shifts,
    total,
    trend_of,
)
from telflow.settings import AdviceSettings

ALL: Final = "all"
CUSTOMER: Final = "customer"
WEEK_DAYS: Final = 7
LIMITS: Final = 0.95
FEW_WEEKS, LITTLE_VOLUME, NO_RECENT_USE = "too few weeks", "too little volume", "no recent use"
KEY: Final = ("scope_kind", "scope")
WEEKLY: Final = ("category", "week", "bytes", "active_days")
TOLD: Final = (
    "category",
    "peers",
    "weeks_counted",
    "median_bytes",
    "recent_bytes",
    "slope_per_week",
    "slope_low",
    "slope_high",
    "confidence",
    "recent_share",
    "earlier_share",
    "share_shift",
    "change_week",
    "change_ratio",
    "change_confidence",
    "untold_reason",
)


@dataclass(frozen=True)
class Peers:
    """Which group each customer is compared with.

    Attributes:
        kind: segment or plan.
        groups: ``customer`` and ``peers``, one row a customer.
    """

    kind: str
    groups: DataFrame


@dataclass(frozen=True)
class Period:
    """The days looked at.

    Attributes:
        as_of: local day after the last one looked at.
        since: first local day that the lake holds.
    """

    as_of: date
    since: date

    def weeks(self, settings: AdviceSettings) -> int:
        """Whole weeks before ``as_of`` in the cycles looked at, as far as the lake holds them."""
        return min(settings.cycles * settings.cycle_days, (self.as_of - self.since).days) // WEEK_DAYS

    def cycles(self, settings: AdviceSettings) -> int:
        """Cycles looked at, as far as the lake holds them whole."""
        return min(settings.cycles, (self.as_of - self.since).days // settings.cycle_days)


def micro_trends(daily: DataFrame, peers: Peers, period: Period, settings: AdviceSettings) -> DataFrame:
    """Rows of MICRO_TRENDS, without ``source_version``.

    Args:
        daily: rows of CUSTOMER_DAILY.
        peers: whom each customer is compared with.
        period: the days looked at.
        settings: cycles, least volume and periods, confidence.
    """
    as_of, weeks = period.as_of, period.weeks(settings)
    weekly = weekly_bytes(daily, as_of, weeks, settings.active_day_bytes)
    both = of_customers(weekly).unionByName(weekly_of_peers(weekly, peers))
    series = both.transform(with_series, weeks, settings)
    groups = peers.groups.select(F.lit(CUSTOMER).alias("scope_kind"), F.col("customer").alias("scope"), "peers")
    trends = series.join(groups, on=list(KEY), how="left").transform(with_shares).transform(with_trend, as_of, settings)
    of_peers = trends.where(F.col("scope_kind") == peers.kind).select(
        F.col("scope").alias("peers"), "category", F.col("recent_share").alias("peers_share")
    )
    return trends.join(F.broadcast(of_peers), on=["peers", "category"], how="left").withColumns(
        {"peers_share_shift": F.col("recent_share") - F.col("peers_share"), "as_of": F.lit(as_of)}
    )


def has_trends(daily: DataFrame, period: Period, settings: AdviceSettings) -> bool:
    """Whether any customer has rows in ``micro_trends``: in the first week, or where all were silent, nobody has."""
    weeks = period.weeks(settings)
    weekly = weekly_bytes(daily, period.as_of, weeks, settings.active_day_bytes)
    return not weekly.transform(of_customers).transform(with_series, weeks, settings).isEmpty()


def of_customers(weekly: DataFrame) -> DataFrame:
    """What ``weekly_bytes`` tells, under ``scope_kind`` and ``scope``."""
    return weekly.select(F.lit(CUSTOMER).alias("scope_kind"), F.col("customer").alias("scope"), *WEEKLY)


def weekly_bytes(daily: DataFrame, as_of: date, weeks: int, active_day_bytes: int) -> DataFrame:
    """Bytes of each customer by category and week.

    Args:
        daily: rows of CUSTOMER_DAILY.
        as_of: local day after the last one looked at.
        weeks: weeks to look back.
        active_day_bytes: bytes from which a day is active.

    Returns:
        ``customer``, ``category`` (``all`` for their sum), ``week`` (int, 0 for the last one before ``as_of``),
        ``bytes`` and ``active_days``, days on which the category reached ``active_day_bytes``.
    """
    day, volume = F.col("local_date"), F.col("bytes_up") + F.col("bytes_down")
    is_read = (day >= F.lit(as_of - timedelta(days=weeks * WEEK_DAYS))) & (day < F.lit(as_of))
    by_category = F.map_concat(
        F.coalesce("bytes_by_category", F.create_map().cast("map<string,bigint>")), F.create_map(F.lit(ALL), volume)
    )
    week = F.floor((F.date_diff(F.lit(as_of), day) - 1) / WEEK_DAYS).cast("int").alias("week")
    exploded = daily.where(is_read).select("customer", week, F.explode(by_category).alias("category", "day_bytes"))
    return exploded.groupBy("customer", "category", "week").agg(
        F.sum("day_bytes").alias("bytes"), F.count_if(F.col("day_bytes") >= active_day_bytes).alias("active_days")
    )


def weekly_of_peers(weekly: DataFrame, peers: Peers) -> DataFrame:
    """What ``weekly_bytes`` tells, for each group of ``peers``: bytes a member who was seen in the week.

    A sum would rise with every member who joins.
    """
    grouped = weekly.join(peers.groups, on="customer", how="inner").groupBy("peers", "category", "week")
    summed = grouped.agg(
        F.sum("bytes").alias("bytes"), F.sum("active_days").alias("active_days"), F.count(F.lit(1)).alias("members")
    )
    whole_week = Window.partitionBy("peers", "week").rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    seen = F.max(F.when(F.col("category") == ALL, F.col("members"))).over(whole_week)
    return summed.select(
        F.lit(peers.kind).alias("scope_kind"),
        F.col("peers").alias("scope"),
        "category",
        "week",
        F.floor(F.col("bytes") / seen).alias("bytes"),
        "active_days",
    )


def with_series(weekly: DataFrame, weeks: int, settings: AdviceSettings) -> DataFrame:
    """Weeks and bytes of each scope and category as arrays, oldest first.

    The series begins with the first week in which the scope as a whole was active on ``min_active_days`` days, and
    runs to ``as_of``: a silent week in it had no bytes. A scope that first shows after the first week began within a
    week: that one is cut, and the series begins with the next.

    Args:
        weekly: what ``weekly_bytes`` returns, under ``scope_kind`` and ``scope``.
        weeks: weeks that were looked back.
        settings: what counts as active, and as recent.

    Returns:
        ``scope_kind``, ``scope``, ``category``, ``weeks`` (array of int, weeks back), ``volumes`` and ``totals``
        (arrays of bigint: of the category, and of the scope), ``newest_week`` (int, weeks back, with
        activity). Scopes that were active in no week, or in the last one alone, have no row.
    """
    is_active = F.col("active_days") >= settings.min_active_days
    active_week = F.when(is_active, F.col("week"))
    by_category = weekly.groupBy(*KEY, "category").agg(
        F.map_from_entries(F.collect_list(F.struct("week", "bytes"))).alias("by_week"),
        F.max(active_week).alias("oldest_week"),
        F.min(active_week).alias("newest_week"),
    )
    first = F.when(F.col("oldest_week") == weeks - 1, weeks - 1).otherwise(F.col("oldest_week") - 1)
    scopes = by_category.where((F.col("category") == ALL) & (first >= 0)).select(
        *KEY,
        F.sequence(first, F.lit(0), F.lit(-1)).alias("weeks"),
        F.col("by_week").alias("all_by_week"),
        "newest_week",
    )

    def volumes(by_week: str) -> Column:
        return F.transform("weeks", lambda week: F.coalesce(F.col(by_week)[week], F.lit(0).cast("bigint")))

    joined = by_category.drop("oldest_week", "newest_week").join(scopes, on=list(KEY), how="inner")
    return joined.select(
        *KEY,
        "category",
        "weeks",
        "newest_week",
        volumes("by_week").alias("volumes"),
        volumes("all_by_week").alias("totals"),
        F.lit(settings.recent_weeks).alias("recent_weeks"),
    )


def with_shares(series: DataFrame) -> DataFrame:
    """Adds the category's part of the bytes: ``recent_share``, ``earlier_share``, ``share_shift`` from that to this."""
    size, recent = F.size("weeks"), F.col("recent_weeks")

    def share(start: Column, length: Column) -> Column:
        part, whole = (total(F.slice(name, start, length)) for name in ("volumes", "totals"))
        return F.when(whole > 0, part / whole)

    after = F.greatest(size - recent, F.lit(0))
    return series.withColumns(
        {"recent_share": share(after + 1, recent), "earlier_share": share(F.lit(1), after)}
    ).withColumn("share_shift", F.col("recent_share") - F.col("earlier_share"))


def with_trend(series: DataFrame, as_of: date, settings: AdviceSettings) -> DataFrame:
    """Adds trend, change and pace, and drops the arrays they are told from.

    Bytes are taken as natural logarithms, those below ``min_weekly_bytes`` as that many: a slope is a part by which
    use grows, the same for small and large users. Where there is too little to tell, all of it is null and
    ``untold_reason`` says why. Little volume in all is an answer: the plan may be too large.
    """
    return (
        series.transform(with_points, settings)
        .transform(with_slope)
        .transform(with_change, as_of, settings)
        .select(*KEY, *TOLD, *trend_columns(as_of, settings))
    )


def with_points(series: DataFrame, settings: AdviceSettings) -> DataFrame:
    """Adds ``weeks_counted``, ``median_bytes``, ``recent_bytes``, ``untold_reason``, and where that is null ``points``.

    A point is a struct of ``at``, weeks up to 0 for the last one, and ``value``, the logarithm of its bytes.
    """
    floor = float(settings.min_weekly_bytes)
    counted = series.withColumns(
        {
            "weeks_counted": F.size("weeks"),
            "median_bytes": median_of(F.col("volumes")).cast("double"),
            "recent_bytes": median_of(latest(F.col("volumes"), settings.recent_weeks)).cast("double"),
        }
    )
    is_small = (F.col("category") != ALL) & (F.greatest("median_bytes", "recent_bytes") < floor)
    reason = (
        F.when(F.col("weeks_counted") < settings.min_weeks, FEW_WEEKS)
        .when(F.col("newest_week") >= settings.recent_weeks, NO_RECENT_USE)
        .when(is_small, LITTLE_VOLUME)
    )
    points = F.transform(
        F.arrays_zip("weeks", "volumes"),
        lambda each: F.struct(
            (-each["weeks"]).alias("at"), F.log(F.greatest(each["volumes"].cast("double"), F.lit(floor))).alias("value")
        ),
    )
    told = counted.withColumn("untold_reason", reason)
    return told.withColumn("points", F.when(F.col("untold_reason").isNull(), points))


def with_slope(told: DataFrame) -> DataFrame:
    """Adds the slope of ``points`` with its limits and ``confidence``, and ``shift``, Pettitt's statistic of them."""
    values = F.col("points.value")
    pairs = told.withColumns(
        {"slopes": pair_slopes(F.col("points")), "deviation": kendall_deviation(values), "shift": shifts(values)}
    )
    trend = trend_of(F.col("slopes"), F.col("deviation"), NormalDist().inv_cdf((1 + LIMITS) / 2))
    return pairs.withColumns(
        {
            "slope_per_week": trend.slope,
            "slope_low": trend.low,
            "slope_high": trend.high,
            "confidence": F.when(F.col("points").isNotNull(), trend.confidence),
        }
    )


def with_change(sloped: DataFrame, as_of: date, settings: AdviceSettings) -> DataFrame:
    """Adds ``change_confidence``, and where it counts the week of the change and its ratio."""
    floor = F.lit(float(settings.min_weekly_bytes))
    placed = sloped.withColumns(
        {
            "change_place": change_place(F.col("shift")),
            "change_confidence": F.when(F.col("points").isNotNull(), change_confidence(F.col("shift"))),
        }
    )
    volumes, place = F.col("volumes"), F.col("change_place")
    is_change = F.col("change_confidence") >= settings.trend_confidence
    before, after = F.slice(volumes, F.lit(1), place), F.slice(volumes, place + 1, F.size(volumes))
    ratio = F.greatest(median_of(after), floor) / F.greatest(median_of(before), floor)
    return placed.withColumns(
        {
            "change_week": F.when(is_change, week_start(as_of, F.get("weeks", place))),
            "change_ratio": F.when(is_change, ratio),
        }
    )


def trend_columns(as_of: date, settings: AdviceSettings) -> list[Column]:
    """What follows from points and slope, and the weeks themselves."""
    points, slope = F.col("points"), F.col("slope_per_week")
    return [
        F.transform("weeks", lambda week: week_start(as_of, week)).alias("week_starts"),
        F.col("volumes").alias("weekly_bytes"),
        F.expm1(slope).alias("growth_per_week"),
        direction(settings).alias("direction"),
        F.exp(line_at(points, slope, 0.0)).alias("line_bytes"),
        scatter_about(points, slope).alias("scatter"),
    ]


def week_start(as_of: date, week: Column) -> Column:
    """First local day of the week that lies ``week`` weeks back, 0 for the last one before ``as_of``."""
    return F.date_sub(F.lit(as_of), (week + 1) * WEEK_DAYS)


def direction(settings: AdviceSettings) -> Column:
    """``rising``, ``falling`` or ``flat``; null where no trend is told."""
    growth = F.expm1("slope_per_week")
    is_sure = F.col("confidence") >= settings.trend_confidence
    return (
        F.when(growth.isNull(), F.lit(None).cast("string"))
        .when(is_sure & (growth >= settings.min_growth), "rising")
        .when(is_sure & (growth <= -settings.min_growth), "falling")
        .otherwise("flat")
    )
