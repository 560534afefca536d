"""What is known of each subscriber as of a date, and who left in the days from that date on.

Features look at days before ``as_of`` alone, labels at the days from ``as_of`` on: no row sees what it predicts.
The provider's table of subscribers is the exception, for it is what was delivered last, whatever ``as_of``: contract,
means of payment, region and plan (in the roll-up too, whose days are built again when a plan changes). On a past date
they may tell what came later. So a model looks at none of them unless ``churn.subscriber_columns`` names it.
"""

from collections.abc import Sequence
from datetime import date
from typing import Final

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.churn.columns import Column, Columns
from telflow.customers.features import features_on, seen_before
from telflow.customers.subscriptions import subscribed_on

WINDOW_DAYS: Final = 28
RECENT_DAYS: Final = 14
LEAST_EARLIER_DAYS: Final = 7
COMPLAINT_DAYS: Final = 84  # the last WINDOW_DAYS, and those before
BEHAVIOUR: Final = {
    "recency_days": Column("days since the last active day"),
    "active_days": Column("active days of the last 28"),
    "connections_per_day": Column("connections on an active day"),
    "bytes_per_day": Column("volume on an active day", "bytes"),
    "up_share": Column("share of the volume sent", "share"),
    "active_hours_per_day": Column("active hours of an active day"),
    "devices": Column("devices seen"),
    "weekend_share": Column("share of the volume on weekends", "share"),
    "burstiness": Column("burstiness of the days"),
    "trend_per_week": Column("trend of the volume over 28 days, by week", "change"),
    "last_week_share": Column("share of the last 7 of 28 days in the volume", "share"),
}
SILENT: Final = {  # of whom had no active day: silence is known, not missing
    "recency_days": WINDOW_DAYS + 1.0,
    "active_days": 0.0,
    "connections_per_day": 0.0,
    "bytes_per_day": 0.0,
    "active_hours_per_day": 0.0,
}
CHANGES: Final = {
    "connections_change": Column("connections of the last 14 days against the weeks before", "change"),
    "volume_change": Column("volume of the last 14 days against the weeks before", "change"),
    "last_week_change": Column("connections of the last 7 days against the 21 before", "change"),
}
KNOWN: Final = {
    "complaints_28_days": Column("complaints in the last 28 days"),
    "complaints_earlier": Column("complaints by 28 days in the 56 before those"),
    "tenure_days": Column("days since signing up"),
}
SUBSCRIBER: Final = {
    "contract": Column("contract", "words"),
    "payment": Column("means of payment", "words"),
    "region": Column("region", "words"),
    "plan": Column("plan", "words"),
}
COLUMNS: Final = Columns(
    numeric=(*BEHAVIOUR, *CHANGES, *KNOWN),
    categorical=tuple(SUBSCRIBER),
    told={**BEHAVIOUR, **CHANGES, **KNOWN, **SUBSCRIBER},
)


def columns_with(subscriber_columns: Sequence[str]) -> Columns:
    """COLUMNS without the words that are not among ``subscriber_columns``."""
    return Columns(COLUMNS.numeric, tuple(name for name in SUBSCRIBER if name in subscriber_columns), COLUMNS.told)


def churn_features(
    daily: DataFrame,
    subscribers: DataFrame,
    churn_events: DataFrame,
    complaints: DataFrame,
    dates: Sequence[date],
    *,
    history_days: int,
    lake_start: date,
) -> DataFrame:
    """Features of everybody who is subscribed on each of ``dates``, the silent too.

    Args:
        daily: rows of CUSTOMER_DAILY.
        subscribers: rows of SUBSCRIBERS.
        churn_events: rows of CHURN_EVENTS; they tell who was still there.
        complaints: rows of COMPLAINTS.
        dates: each the local day after the last one looked at, ``as_of`` of its rows; WINDOW_DAYS of the roll-up lie
            before the first.
        history_days: days that the changes look back; more than RECENT_DAYS.
        lake_start: first local day of the roll-up.

    Returns:
        ``customer``, ``as_of`` (date) and the columns of COLUMNS: numbers as double, words as string. Null where not
        known: nothing was seen, or less than LEAST_EARLIER_DAYS lie before the recent days.
    """
    keys = ["customer", "as_of"]
    behaviour = features_on(daily, dates, WINDOW_DAYS, ()).select(*keys, *BEHAVIOUR)
    on_dates = subscribers.withColumn("as_of", F.explode(F.array(*map(F.lit, dates))))
    told = (
        subscribed_on(on_dates, churn_events, F.col("as_of"))
        .join(use_before(daily, dates, history_days), on=keys, how="left")
        .join(complaints_before(complaints, dates), on=keys, how="left")
        .crossJoin(complaints.agg(F.min("complaint_date").alias("first_complaint")))
        .withColumns(complaint_counts(lake_start))
        .withColumns(changes(history_days, lake_start))
        .withColumn("tenure_days", F.date_diff("as_of", "signup_date"))
    )
    return told.join(behaviour, on=keys, how="left").select(
        *keys,
        *[F.coalesce(F.col(name), F.lit(SILENT.get(name))).cast("double").alias(name) for name in COLUMNS.numeric],
        *COLUMNS.categorical,
    )


def with_label(features: DataFrame, churn_events: DataFrame, label_days: int) -> DataFrame:
    """Adds ``label`` (int): 1 where a subscription ended in the ``label_days`` days from ``as_of`` on, else 0.

    Args:
        features: ``customer`` and ``as_of``.
        churn_events: rows of CHURN_EVENTS; ``churn_date`` is the last day of the subscription.
        label_days: days looked at, [as_of, as_of + label_days).
    """
    ends = churn_events.groupBy("customer").agg(F.collect_set("churn_date").alias("__ends"))
    is_leaving = F.exists("__ends", lambda day: F.date_diff(day, F.col("as_of")).between(0, label_days - 1))
    labelled = features.join(ends, on="customer", how="left")
    return labelled.withColumn("label", F.coalesce(is_leaving, F.expr("false")).cast("int")).drop("__ends")


def complaints_before(complaints: DataFrame, dates: Sequence[date]) -> DataFrame:
    """``complaints_recent`` of the WINDOW_DAYS days before each of ``dates``, ``complaints_before`` of those before."""
    is_recent = F.date_diff("as_of", "complaint_date") <= WINDOW_DAYS
    read = seen_before(complaints, "complaint_date", dates, COMPLAINT_DAYS)
    return read.groupBy("customer", "as_of").agg(
        F.count_if(is_recent).alias("complaints_recent"), F.count_if(~is_recent).alias("complaints_before")
    )


def complaint_counts(lake_start: date) -> dict[str, SparkColumn]:
    """Complaints of the last days; and of those before by WINDOW_DAYS, from as many of them as are known.

    They are known from the lake's beginning on, or from the first complaint delivered, where that is earlier.
    """
    start = F.least(F.lit(lake_start), "first_complaint")
    known_days = F.date_diff("as_of", F.greatest("signup_date", start)) - WINDOW_DAYS
    earlier_days = F.least(known_days, F.lit(COMPLAINT_DAYS - WINDOW_DAYS))
    earlier = F.coalesce("complaints_before", F.lit(0)) * WINDOW_DAYS / earlier_days
    return {
        "complaints_28_days": F.coalesce("complaints_recent", F.lit(0)),
        "complaints_earlier": F.when(earlier_days >= LEAST_EARLIER_DAYS, earlier),
    }


def use_before(daily: DataFrame, dates: Sequence[date], history_days: int) -> DataFrame:
    """Connections and bytes of the stretches that ``changes`` compares, before each of ``dates``."""
    back = F.date_diff("as_of", "local_date")
    volume, connections = F.col("bytes_up") + F.col("bytes_down"), F.col("connections")

    def total(value: SparkColumn, oldest: int, newest: int) -> SparkColumn:
        return F.coalesce(F.sum(F.when(back.between(newest + 1, oldest), value)), F.lit(0))

    return (
        seen_before(daily, "local_date", dates, history_days)
        .groupBy("customer", "as_of")
        .agg(
            total(connections, RECENT_DAYS, 0).alias("connections_recent"),
            total(connections, history_days, RECENT_DAYS).alias("connections_before"),
            total(volume, RECENT_DAYS, 0).alias("bytes_recent"),
            total(volume, history_days, RECENT_DAYS).alias("bytes_before"),
            total(connections, 7, 0).alias("connections_week"),
            total(connections, 28, 7).alias("connections_weeks"),
        )
    )


def changes(history_days: int, lake_start: date) -> dict[str, SparkColumn]:
    """Mean of a day in one stretch over that in an earlier one, natural log; one is added to both, so that none is 0.

    The earlier stretch begins with the subscription or the lake, where these are younger.
    """
    first = F.greatest("signup_date", F.lit(lake_start), F.date_sub("as_of", history_days))
    known_days = F.date_diff("as_of", first)

    def change(recent: str, days: int, before: str, before_days: SparkColumn) -> SparkColumn:
        now, earlier = (F.coalesce(F.col(name), F.lit(0)) for name in (recent, before))
        ratio = F.log((now / days + 1) / (earlier / before_days + 1))
        return F.when(before_days >= LEAST_EARLIER_DAYS, ratio)

    return {
        "connections_change": change(
            "connections_recent", RECENT_DAYS, "connections_before", known_days - F.lit(RECENT_DAYS)
        ),
        "volume_change": change("bytes_recent", RECENT_DAYS, "bytes_before", known_days - F.lit(RECENT_DAYS)),
        "last_week_change": change(
            "connections_week", 7, "connections_weeks", F.least(known_days - F.lit(7), F.lit(21))
        ),
    }
