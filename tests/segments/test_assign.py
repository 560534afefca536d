"""Who moved: counted by pairs of segments, told only where one version answered on both dates."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from telflow.lake import Lake
from telflow.segments.assign import days_assigned, migrations, pairs_of, write_migrations
from telflow.tables import CUSTOMER_SEGMENTS, SEGMENT_MIGRATIONS

JANUARY, FEBRUARY, MARCH = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


def answers(spark: SparkSession, segments: dict[str, str], version: str = "1") -> DataFrame:
    rows = [(customer, segment, version) for customer, segment in segments.items()]
    return spark.createDataFrame(rows, "customer string, segment string, model_version string")


def assigned(lake: Lake, day: date, segments: dict[str, str], version: str = "1") -> None:
    rows = [(day, customer, segment, 0, 0.5, 9, 28, "m", version, 1) for customer, segment in segments.items()]
    lake.replace(CUSTOMER_SEGMENTS, lake.spark.createDataFrame(rows, CUSTOMER_SEGMENTS.schema), f"as_of = DATE'{day}'")


def pairs_written(lake: Lake) -> set[tuple[date, date]]:
    rows = lake.read(SEGMENT_MIGRATIONS).select("from_as_of", "to_as_of").distinct().collect()
    return {(row.from_as_of, row.to_as_of) for row in rows}


def test_customers_move_stay_come_and_go(spark: SparkSession) -> None:
    before = answers(spark, {"a": "web", "b": "web", "c": "web", "d": "gaming", "e": "gaming"})
    after = answers(spark, {"a": "web", "b": "gaming", "c": "gaming", "d": "gaming", "f": "web"})
    rows = migrations(before, after, JANUARY, FEBRUARY).collect()
    assert {(row.from_as_of, row.to_as_of) for row in rows} == {(JANUARY, FEBRUARY)}
    assert {(row.from_segment, row.to_segment): (row.customers, row.share_of_from) for row in rows} == {
        ("web", "web"): (1, pytest.approx(1 / 3)),
        ("web", "gaming"): (2, pytest.approx(2 / 3)),
        ("gaming", "gaming"): (1, 0.5),
        ("gaming", "none"): (1, 0.5),
        ("none", "web"): (1, 1.0),
    }


def test_moves_follow_a_date_that_is_assigned_again(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    for day in (JANUARY, FEBRUARY, MARCH):
        assigned(lake, day, {"a": "web", "b": "gaming"})
    days = days_assigned(lake)
    assert days == [JANUARY, FEBRUARY, MARCH]
    assert pairs_of(lake, FEBRUARY, JANUARY, days) == {(JANUARY, FEBRUARY), (FEBRUARY, MARCH)}
    assert write_migrations(lake, JANUARY, FEBRUARY) == {"moved": 0, "stayed": 2}
    assert write_migrations(lake, FEBRUARY, MARCH) == {"moved": 0, "stayed": 2}
    assert pairs_of(lake, MARCH, JANUARY, days) == {(JANUARY, MARCH), (FEBRUARY, MARCH)}, "what was written, too"

    assigned(lake, FEBRUARY, {"a": "light", "b": "heavy"}, version="2")
    told = [write_migrations(lake, *pair) for pair in sorted(pairs_of(lake, FEBRUARY, JANUARY, days))]
    assert told == [{}, {}], "answers of two versions say nothing about who moved"
    assert pairs_written(lake) == set()
    assigned(lake, MARCH, {"a": "heavy", "b": "heavy"}, version="2")
    assert write_migrations(lake, FEBRUARY, MARCH) == {"moved": 1, "stayed": 1}
    assert pairs_written(lake) == {(FEBRUARY, MARCH)}
