"""Who was subscribed when, by what the provider delivered."""

from datetime import date

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def subscribed_on(subscribers: DataFrame, churn_events: DataFrame, as_of: date) -> DataFrame:
    """Rows of ``subscribers`` who had signed up before ``as_of`` and had not left before it.

    Args:
        subscribers: rows of SUBSCRIBERS.
        churn_events: rows of CHURN_EVENTS; ``churn_date`` is the last day of the subscription.
        as_of: local day after the last one looked at.
    """
    gone = churn_events.where(F.col("churn_date") < F.lit(as_of)).select("customer")
    return subscribers.where(F.col("signup_date") < F.lit(as_of)).join(gone, on="customer", how="left_anti")
