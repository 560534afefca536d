"""Who was subscribed when: the end counts of the subscription at hand, not of one before."""

from datetime import date

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telflow.customers.subscriptions import subscribed_on
from telflow.tables import CHURN_EVENTS, SUBSCRIBERS

SIGNED_UP = {
    "stays": date(2023, 1, 1),
    "new": date(2024, 3, 1),
    "last day": date(2023, 1, 1),
    "gone": date(2023, 1, 1),
    "came back": date(2024, 2, 1),
    "left again": date(2024, 2, 1),
}
LEFT = [
    ("last day", date(2024, 3, 1)),
    ("gone", date(2024, 2, 29)),
    ("came back", date(2024, 1, 20)),
    ("left again", date(2024, 1, 20)),
    ("left again", date(2024, 2, 20)),
]


def test_an_end_counts_for_the_subscription_it_ends(spark: SparkSession) -> None:
    rows = [(name, "basic", "metro", day, None, None, True) for name, day in SIGNED_UP.items()]
    subscribers = spark.createDataFrame(rows, SUBSCRIBERS.schema)
    events = spark.createDataFrame([(*left, None) for left in LEFT], CHURN_EVENTS.schema)
    on_day = {row.customer for row in subscribed_on(subscribers, events, date(2024, 3, 1)).collect()}
    assert on_day == {"stays", "last day", "came back"}
    later = subscribers.withColumn("as_of", F.lit(date(2024, 2, 10)))
    by_column = {row.customer for row in subscribed_on(later, events, F.col("as_of")).collect()}
    assert by_column == {"stays", "last day", "gone", "came back", "left again"}
