"""The first days of a lake: no trend yet, and no crash."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.advice.associations import associations
from telflow.advice.standing import peers_of
from telflow.advice.steps import trend_day
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.settings import load_settings
from telflow.tables import CUSTOMER_DAILY, MICRO_TRENDS
from tests.customers.daily_rows import daily_frame, daily_row

LAST = date(2024, 1, 7)


def test_the_first_week_has_no_trends_and_needs_none(spark: SparkSession, tmp_path: Path) -> None:
    lake, settings = Lake(spark, str(tmp_path)), load_settings().advice
    lake.create(MICRO_TRENDS)
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("full", day) for day in (date(2024, 1, 2), LAST)]))
    assert trend_day(lake, settings, None) == date(2024, 1, 8)
    assert trend_day(lake, settings, LAST) == LAST
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("full", date(2024, 1, 8))]))
    with pytest.raises(TableMissingError, match="no trends as of any day"):
        trend_day(lake, settings, None)


def test_nobody_using_anything_has_no_associations(spark: SparkSession) -> None:
    baskets = spark.createDataFrame([], "customer string, items array<string>")
    assert associations(baskets, load_settings().advice).collect() == []


def test_peers_are_plans_where_no_segments_are_assigned(spark: SparkSession, tmp_path: Path) -> None:
    subscribers = spark.createDataFrame([("full", "medium")], "customer string, plan string")
    peers = peers_of(Lake(spark, str(tmp_path)), subscribers, LAST)
    assert (peers.kind, [tuple(row) for row in peers.groups.collect()]) == ("plan", [("full", "medium")])
