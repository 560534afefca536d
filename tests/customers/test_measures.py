"""What customers did: the window's edges, the published CDNOW figures, and who is new or inactive."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from chispa import assert_df_equality
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.customers.measures import activity, customer_measures, with_lifetime_weeks, with_status
from tests.customers.daily_rows import daily_frame, daily_row

AS_OF = date(2024, 3, 31)
MEASURES = (
    "customer string, first_day date, recency_days int, active_days bigint, start_times bigint,"
    " monetary_bytes bigint, connections bigint"
)


def days_before(days: int) -> date:
    return AS_OF - timedelta(days=days)


def test_activity_matches_the_published_cdnow_summary(spark: SparkSession, samples: Path) -> None:
    calibration_end = date(1997, 9, 30)
    purchases = spark.read.text(str(samples / "rfm/CDNOW_sample.txt")).select(
        F.split(F.trim("value"), r"\s+").alias("part")
    )
    days = (
        purchases.select(
            F.col("part")[1].cast("int").alias("customer"), F.to_date(F.col("part")[2], "yyyyMMdd").alias("day")
        )
        .where(F.col("day") <= F.lit(calibration_end))
        .distinct()
    )
    actual = {
        row.customer: (row.repeats, round(row.recency_weeks, 2), round(row.age_weeks, 2))
        for row in activity(days, "customer", "day").transform(with_lifetime_weeks, calibration_end).collect()
    }
    published = spark.read.csv(
        str(samples / "rfm/cdnow_customers_summary.csv"),
        header=True,
        schema="id int, frequency int, recency double, t double",
    ).collect()
    assert len(published) == 2357
    assert actual == {row.id: (row.frequency, row.recency, row.t) for row in published}


def test_measures_hold_what_lies_in_the_window(spark: SparkSession) -> None:
    daily = daily_frame(
        spark,
        [
            daily_row("edge", days_before(30), bytes_up=1, bytes_down=2, distinct_start_times=3, input_macs=["b", "a"]),
            daily_row("edge", days_before(31), bytes_up=100, input_macs=["z"]),
            daily_row("edge", days_before(1), bytes_down=10, distinct_start_times=4, input_macs=["a", "c"]),
            daily_row("edge", AS_OF, bytes_down=1000, input_macs=["y"]),
            daily_row("no mac", days_before(2), input_macs=None),
            daily_row("gone", days_before(31), bytes_up=7),
            daily_row("barely known", days_before(40)),
            daily_row("forgotten", days_before(41)),
            daily_row("to come", AS_OF),
        ],
    )
    expected = spark.createDataFrame(
        [
            ("edge", days_before(31), 1, 2, 7, 13, 3),
            ("no mac", days_before(2), 2, 1, 1, 0, 0),
            ("gone", days_before(31), 31, 0, 0, 0, 0),
            ("barely known", days_before(40), 40, 0, 0, 0, 0),
        ],
        MEASURES,
    )
    actual = customer_measures(daily, AS_OF, window_days=30, known_days=10)
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True, ignore_metadata=True)


def test_connections_are_flows_by_setting(spark: SparkSession) -> None:
    daily = daily_frame(
        spark,
        [
            daily_row("a", days_before(1), connections=5, input_macs=["x"]),
            daily_row("a", days_before(2), connections=6, input_macs=["x"]),
            daily_row("a", days_before(9), connections=90),
        ],
    )
    counted = {
        how: [row.connections for row in customer_measures(daily, AS_OF, 8, 8, how).collect()]
        for how in ("input_macs", "flows")
    }
    assert counted == {"input_macs": [1], "flows": [11]}


@pytest.fixture
def measures(spark: SparkSession) -> DataFrame:
    lake_start = days_before(20)
    return spark.createDataFrame(
        [
            ("seen 7 days ago", days_before(7), 1),
            ("seen 8 days ago", days_before(8), 1),
            ("seen first on the first day", lake_start, 1),
            ("not seen in the window", days_before(19), 0),
            ("new but not in the window", days_before(5), 0),
        ],
        "customer string, first_day date, active_days bigint",
    )


def status_by_customer(measures: DataFrame) -> dict[str, str]:
    return {row.customer: row.status for row in measures.collect()}


def test_status_tells_new_and_inactive_apart(measures: DataFrame) -> None:
    assert status_by_customer(with_status(measures, AS_OF, 7, days_before(20))) == {
        "seen 7 days ago": "new",
        "seen 8 days ago": "scored",
        "seen first on the first day": "scored",
        "not seen in the window": "inactive",
        "new but not in the window": "inactive",
    }


def test_on_a_young_lake_who_was_there_from_the_start_is_not_new(measures: DataFrame) -> None:
    told = status_by_customer(with_status(measures, AS_OF, 30, days_before(20)))
    assert told["seen first on the first day"] == "scored"
    assert told["seen 8 days ago"] == "new"


def test_the_provider_knows_better_who_is_new(spark: SparkSession, measures: DataFrame) -> None:
    subscribers = spark.createDataFrame(
        [
            ("seen 7 days ago", days_before(400)),
            ("seen first on the first day", days_before(20)),
            ("seen 8 days ago", None),
            ("not seen at all", days_before(1)),
        ],
        "customer string, signup_date date",
    )
    told = status_by_customer(with_status(measures, AS_OF, 20, days_before(20), subscribers))
    assert told["seen 7 days ago"] == "scored"
    assert told["seen first on the first day"] == "new"
    assert told["seen 8 days ago"] == "new"
    assert "not seen at all" not in told
