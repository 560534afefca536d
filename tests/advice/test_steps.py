"""The first days of a lake: no trend yet, and no crash."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from telflow.advice.associations import associations
from telflow.advice.micro_trends import Period
from telflow.advice.standing import peers_of
from telflow.advice.steps import find_micro_trends, period_of, recommend_services, trend_day
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.settings import load_settings
from telflow.tables import CUSTOMER_DAILY, MICRO_TRENDS, PLANS, SUBSCRIBERS
from tests.customers.daily_rows import daily_frame, daily_row

LAST = date(2024, 1, 7)


def test_the_first_week_has_no_trends_and_needs_none(spark: SparkSession, tmp_path: Path) -> None:
    lake, settings = Lake(spark, str(tmp_path)), load_settings().advice
    lake.create(MICRO_TRENDS)
    days = (date(2024, 1, 2), LAST)
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("full", day, bytes_up=10**6) for day in days]))
    assert trend_day(lake, settings, None) == date(2024, 1, 8)
    assert trend_day(lake, settings, LAST) == LAST
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("full", date(2024, 1, 8))]))
    with pytest.raises(TableMissingError, match="no trends as of any day"):
        trend_day(lake, settings, None)


def test_a_day_on_which_no_flow_began_is_not_looked_at(spark: SparkSession, tmp_path: Path) -> None:
    lake, after = Lake(spark, str(tmp_path)), LAST + timedelta(days=1)
    rest = daily_row("full", after, connections=0)
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [rest]))
    assert period_of(lake, None) is None
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("full", LAST)]))
    assert period_of(lake, None) == period_of(lake, after) == Period(after, LAST)
    with pytest.raises(TableMissingError, match=f"or take {after} at most"):
        period_of(lake, after + timedelta(days=1))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("days", "active", "missing"),
    [
        (range(1, 11), (3, 10), 0),  # one active day a week
        ((1, 15, 16), (1, 15, 16), 12),  # a stray flow long before the first week
    ],
)
def test_where_nobody_has_a_trend_all_have_too_little_history(
    spark: SparkSession, tmp_path: Path, *, days: Sequence[int], active: Sequence[int], missing: int
) -> None:
    lake, settings = Lake(spark, str(tmp_path)), load_settings(overrides=[f"lake.root={tmp_path}"])
    rows = [daily_row("full", date(2024, 1, day), bytes_up=10**9 if day in active else 0) for day in days]
    lake.append(CUSTOMER_DAILY, daily_frame(spark, rows))
    write_provider(lake)
    found = find_micro_trends(lake, settings)
    assert (found.as_of, found.directions, found.missing_days) == (date(2024, 1, max(days) + 1), {}, missing)
    told = recommend_services(lake, settings)
    assert (told.as_of, told.untold, told.missing_days) == (found.as_of, {"too few weeks": 1}, missing)
    assert recommend_services(lake, settings, found.as_of).untold == told.untold


def write_provider(lake: Lake) -> None:
    """One subscriber and one plan."""
    known = [("full", "medium", "metro", date(2020, 1, 1), None, None, True)]
    lake.append(SUBSCRIBERS, lake.spark.createDataFrame(known, SUBSCRIBERS.schema))
    lake.append(PLANS, lake.spark.createDataFrame([("medium", 40.0, 200.0, 200.0, 20.0)], PLANS.schema))


@pytest.mark.slow
def test_a_day_whose_roll_up_is_gone_says_what_to_run(spark: SparkSession, tmp_path: Path) -> None:
    root = tmp_path / "lake"
    lake, settings = Lake(spark, str(root)), load_settings(overrides=[f"lake.root={root}"])
    rows = [daily_row("full", date(2024, 1, day), plan="medium", bytes_down=10**9) for day in range(1, 11)]
    lake.append(CUSTOMER_DAILY, daily_frame(spark, rows))
    write_provider(lake)
    as_of = find_micro_trends(lake, settings).as_of
    told = f"run jobs/find_micro_trends.py --as-of {as_of} first: its version of customer_daily is gone"
    lake.update(MICRO_TRENDS, "true", {"source_version": "99"})
    with pytest.raises(TableMissingError, match=told):
        recommend_services(lake, settings)
    assert find_micro_trends(lake, settings).as_of == as_of
    lake.update(CUSTOMER_DAILY, "true", {"bytes_up": "bytes_up + 1"})
    newest = set(lake.read(CUSTOMER_DAILY).inputFiles())
    for file in (root / CUSTOMER_DAILY.name).rglob("*.parquet"):
        if not any(name.endswith(file.name) for name in newest):
            file.unlink()  # what a vacuum does, a week later
    with pytest.raises(TableMissingError, match=told):
        recommend_services(lake, settings)
    find_micro_trends(lake, settings)
    assert recommend_services(lake, settings).untold == {"too few weeks": 1}


def test_nobody_using_anything_has_no_associations(spark: SparkSession) -> None:
    baskets = spark.createDataFrame([], "customer string, items array<string>")
    assert associations(baskets, load_settings().advice).collect() == []


def test_peers_are_plans_where_no_segments_are_assigned(spark: SparkSession, tmp_path: Path) -> None:
    subscribers = spark.createDataFrame([("full", "medium")], "customer string, plan string")
    peers = peers_of(Lake(spark, str(tmp_path)), subscribers, LAST)
    assert (peers.kind, [tuple(row) for row in peers.groups.collect()]) == ("plan", [("full", "medium")])
