"""Who was subscribed when, by what the provider delivered."""

from datetime import date

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F


def subscribed_on(subscribers: DataFrame, churn_events: DataFrame, as_of: date | Column) -> DataFrame:
    """Rows of ``subscribers`` who had signed up before ``as_of`` and had not left since, before it.

    Who came back has a newer ``signup_date`` than the end of the subscription before, which then counts no more. Of the
    time before they came back nothing is told.

    Args:
        subscribers: rows of SUBSCRIBERS.
        churn_events: rows of CHURN_EVENTS; ``churn_date`` is the last day of the subscription.
        as_of: local day after the last one looked at; or a column of ``subscribers`` that tells it row by row.
    """
    ends = churn_events.groupBy("customer").agg(F.collect_set("churn_date").alias("__ends"))
    is_over = F.exists("__ends", lambda day: (day >= F.col("signup_date")) & (day < F.lit(as_of)))
    signed_up = subscribers.where(F.col("signup_date") < F.lit(as_of)).join(ends, on="customer", how="left")
    return signed_up.where(~F.coalesce(is_over, F.expr("false"))).drop("__ends")
