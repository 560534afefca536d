"""Where weeks and cycles begin and end: each day just inside and just outside."""

from datetime import date, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession

from telflow.advice.micro_trends import Period, weekly_bytes
from telflow.advice.plan_use import GIGABYTE, customer_use
from telflow.settings import load_settings
from telflow.tables import PLANS
from tests.customers.daily_rows import daily_frame, daily_row

SETTINGS = load_settings().advice
AS_OF = date(2024, 4, 1)


def days_back(spark: SparkSession, *back: int) -> DataFrame:
    """A day of a customer for each of ``back``, days before AS_OF: of 2 to the power of its place, in 10^9 bytes."""
    days = [AS_OF - timedelta(days=number) for number in back]
    volumes = [int(GIGABYTE) * 2**place for place in range(len(days))]
    rows = [daily_row("full", day, plan="medium", bytes_up=volume) for day, volume in zip(days, volumes, strict=True)]
    return daily_frame(spark, rows)


def test_a_week_has_seven_days_and_the_last_one_ends_before_the_day(spark: SparkSession) -> None:
    daily = days_back(spark, 0, 1, 7, 8, 84, 85)
    told = weekly_bytes(daily, AS_OF, 12, SETTINGS.active_day_bytes).where("category = 'all'").collect()
    assert {row.week: (row.bytes / GIGABYTE, row.active_days) for row in told} == {0: (6, 2), 1: (8, 1), 11: (16, 1)}


def test_a_cycle_has_thirty_days_and_the_last_one_ends_before_the_day(spark: SparkSession) -> None:
    daily, period = days_back(spark, 0, 1, 30, 31, 90, 91), Period(AS_OF, date(2023, 1, 1))
    subscribers = spark.createDataFrame([("full", "medium")], "customer string, plan string")
    plans = spark.createDataFrame([("medium", 40.0, 200.0, 200.0, 20.0)], PLANS.schema)
    (used,) = customer_use(daily, subscribers, plans, period, SETTINGS).collect()
    assert used.cycle_gigabytes == pytest.approx([16, 8, 6])
    assert used.plan_since == AS_OF - timedelta(days=90)
