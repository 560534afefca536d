"""What is known of each subscriber as of a date, and who left in the days from that date on.

Features look at days before ``as_of`` alone, labels at the days from ``as_of`` on: no row sees what it predicts.
The provider's table of subscribers is what it delivered last. Of its columns only those are used that a subscription
begins with (contract, means of payment, region); the plan is the one the roll-up saw before ``as_of``.
"""

from datetime import date, timedelta
from typing import Final

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from telflow.churn.columns import Column, Columns
from telflow.customers.features import customer_features
from telflow.customers.subscriptions import subscribed_on

WINDOW_DAYS: Final = 28
RECENT_DAYS: Final = 14
LEAST_EARLIER_DAYS: Final = 7
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
    "complaints_earlier": Column("complaints in the 56 days before those"),
    "tenure_days": Column("days since signing up"),
}
CATEGORIES: Final = {
    "contract": Column("contract", "words"),
    "payment": Column("means of payment", "words"),
    "region": Column("region", "words"),
    "plan": Column("plan", "words"),
}
COLUMNS: Final = Columns(
    numeric=(*BEHAVIOUR, *CHANGES, *KNOWN),
    categorical=tuple(CATEGORIES),
    told={**BEHAVIOUR, **CHANGES, **KNOWN, **CATEGORIES},
)


def churn_features(
    daily: DataFrame,
    subscribers: DataFrame,
    churn_events: DataFrame,
    complaints: DataFrame,
    as_of: date,
    *,
    history_days: int,
    lake_start: date,
) -> DataFrame:
    """Features of everybody who is subscribed on ``as_of``, the silent too.

    Args:
        daily: rows of CUSTOMER_DAILY.
        subscribers: rows of SUBSCRIBERS.
        churn_events: rows of CHURN_EVENTS; they tell who was still there.
        complaints: rows of COMPLAINTS.
        as_of: local day after the last one looked at.
        history_days: days that the changes look back; more than RECENT_DAYS.
        lake_start: first local day of the roll-up.

    Returns:
        ``customer``, ``as_of`` (date) and the columns of COLUMNS: numbers as double, words as string. Null where not
        known: nothing was seen, or less than LEAST_EARLIER_DAYS lie before the recent days.
    """
    behaviour = customer_features(daily, as_of, WINDOW_DAYS, ()).select("customer", *BEHAVIOUR)
    there = subscribed_on(subscribers, churn_events, as_of).drop("plan")  # the newest, not that of as_of
    known = there.join(complaints_before(complaints, as_of), on="customer", how="left").join(
        use_before(daily, as_of, history_days), on="customer", how="left"
    )
    told = known.withColumns(changes(as_of, history_days, lake_start)).withColumns(
        {
            "tenure_days": F.date_diff(F.lit(as_of), "signup_date"),
            **{name: F.coalesce(F.col(name), F.lit(0)) for name in ("complaints_28_days", "complaints_earlier")},
        }
    )
    return told.join(behaviour, on="customer", how="left").select(
        "customer",
        F.lit(as_of).alias("as_of"),
        *[F.coalesce(F.col(name), F.lit(SILENT.get(name))).cast("double").alias(name) for name in COLUMNS.numeric],
        *[F.col(name).alias(name) for name in COLUMNS.categorical],
    )


def with_label(features: DataFrame, churn_events: DataFrame, label_days: int) -> DataFrame:
    """Adds ``label`` (int): 1 where the subscription ended in the ``label_days`` days from ``as_of`` on, else 0.

    Args:
        features: ``customer`` and ``as_of``.
        churn_events: rows of CHURN_EVENTS; ``churn_date`` is the last day of the subscription.
        label_days: days looked at, [as_of, as_of + label_days).
    """
    left = churn_events.groupBy("customer").agg(F.max("churn_date").alias("churn_date"))
    until = F.date_diff("churn_date", "as_of")
    is_leaving = F.coalesce((until >= 0) & (until < label_days), F.expr("false"))
    labelled = features.join(left, on="customer", how="left").withColumn("label", is_leaving.cast("int"))
    return labelled.drop("churn_date")


def complaints_before(complaints: DataFrame, as_of: date) -> DataFrame:
    """``complaints_28_days`` of the 28 days before ``as_of`` and ``complaints_earlier`` of the 56 before those."""
    day = F.col("complaint_date")
    is_recent = day >= F.lit(as_of - timedelta(days=28))
    read = complaints.where((day < F.lit(as_of)) & (day >= F.lit(as_of - timedelta(days=84))))
    return read.groupBy("customer").agg(
        F.count_if(is_recent).alias("complaints_28_days"), F.count_if(~is_recent).alias("complaints_earlier")
    )


def use_before(daily: DataFrame, as_of: date, history_days: int) -> DataFrame:
    """Connections and bytes of the stretches that ``changes`` compares, and the last ``plan`` seen."""
    day = F.col("local_date")
    read = daily.where((day >= F.lit(as_of - timedelta(days=history_days))) & (day < F.lit(as_of)))
    volume = F.col("bytes_up") + F.col("bytes_down")

    def total(value: SparkColumn, oldest: int, newest: int) -> SparkColumn:
        is_between = (day >= F.lit(as_of - timedelta(days=oldest))) & (day < F.lit(as_of - timedelta(days=newest)))
        return F.coalesce(F.sum(F.when(is_between, value)), F.lit(0))

    connections = F.col("connections")
    return read.groupBy("customer").agg(
        F.max_by("plan", day).alias("plan"),
        total(connections, RECENT_DAYS, 0).alias("connections_recent"),
        total(connections, history_days, RECENT_DAYS).alias("connections_before"),
        total(volume, RECENT_DAYS, 0).alias("bytes_recent"),
        total(volume, history_days, RECENT_DAYS).alias("bytes_before"),
        total(connections, 7, 0).alias("connections_week"),
        total(connections, 28, 7).alias("connections_weeks"),
    )


def changes(as_of: date, history_days: int, lake_start: date) -> dict[str, SparkColumn]:
    """Mean of a day in one stretch over that in an earlier one, natural log; one is added to both, so that none is 0.

    The earlier stretch begins with the subscription or the lake, where these are younger.
    """
    first = F.greatest("signup_date", F.lit(max(lake_start, as_of - timedelta(days=history_days))))
    known_days = F.date_diff(F.lit(as_of), first)

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
