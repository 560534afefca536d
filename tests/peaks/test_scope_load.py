"""Loads by scope: what the parts sum to, and which local day and hour they fall on."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.peaks.scope_load import scope_load, tier_load, tiers_by_score
from telflow.tables import SCOPE_LOAD

VANCOUVER = "America/Vancouver"
MIDNIGHT = datetime(2024, 6, 1, 7, tzinfo=UTC)


def windows(spark: SparkSession) -> DataFrame:
    before = MIDNIGHT - timedelta(minutes=5)
    return spark.createDataFrame(
        [
            (MIDNIGHT, "https", "web", "outbound", "basic", "north", 10, 100, 1, 2, 3),
            (MIDNIGHT, "domain", "infrastructure", "outbound", "basic", "south", 1, 2, 1, 1, 1),
            (MIDNIGHT, "https", "web", "inbound", "none", "none", 5, 0, 1, 0, 0),
            (before, "https", "web", "outbound", "basic", "north", 7, 0, 1, 0, 1),
        ],
        "window_start timestamp, service string, category string, direction string, plan string, region string, "
        "src_bytes bigint, dst_bytes bigint, src_packets bigint, dst_packets bigint, flows_started bigint",
    )


def test_a_window_counts_once_for_each_of_its_scopes(spark: SparkSession) -> None:
    load = scope_load(windows(spark), VANCOUVER)
    assert load.columns == SCOPE_LOAD.columns
    rows = load.where(F.col("sample_start") == F.lit(MIDNIGHT)).collect()
    assert {(row.local_date, row.sample_seconds) for row in rows} == {(date(2024, 6, 1), 300)}
    assert {(row.scope_kind, row.scope): (row.bytes, row.packets, row.flows_started) for row in rows} == {
        ("network", "all"): (118, 6, 4),
        ("category", "web"): (115, 4, 3),
        ("category", "infrastructure"): (3, 2, 1),
        ("plan", "basic"): (113, 5, 4),
        ("plan", "none"): (5, 1, 0),
        ("region", "north"): (110, 3, 3),
        ("region", "south"): (3, 2, 1),
        ("region", "none"): (5, 1, 0),
    }


def test_every_kind_of_scope_sums_to_the_network_in_every_sample(spark: SparkSession) -> None:
    load = scope_load(windows(spark), VANCOUVER)
    sums = load.groupBy("sample_start", "scope_kind").agg(F.sum("bytes").alias("bytes")).collect()
    by_sample = {at: {row.bytes for row in sums if row.sample_start == at} for at in {row.sample_start for row in sums}}
    assert sorted(by_sample.values(), key=min) == [{7}, {118}]
    assert sum(row.bytes for row in sums if row.scope_kind == "network") == 125


def test_the_last_window_before_local_midnight_is_the_day_before(spark: SparkSession) -> None:
    before = scope_load(windows(spark), VANCOUVER).where(F.col("sample_start") < F.lit(MIDNIGHT)).collect()
    assert {row.local_date for row in before} == {date(2024, 5, 31)}


@pytest.mark.parametrize(
    ("day", "hours", "hour_three"),
    [
        pytest.param(date(2024, 3, 10), 23, datetime(2024, 3, 10, 11, tzinfo=UTC), id="spring: 4 o'clock"),
        pytest.param(date(2024, 6, 1), 24, datetime(2024, 6, 1, 10, tzinfo=UTC), id="summer: 3 o'clock"),
        pytest.param(date(2024, 11, 3), 25, datetime(2024, 11, 3, 10, tzinfo=UTC), id="autumn: 2 o'clock"),
    ],
)
def test_hours_of_a_tier_are_elapsed_hours(spark: SparkSession, day: date, hours: int, hour_three: datetime) -> None:
    quiet = [0] * hours
    daily = spark.createDataFrame(
        [
            (day, "sub_1", [*quiet[:3], 7, *quiet[5:], 1]),
            (day, "sub_2", [*quiet[:3], 5, *quiet[4:]]),
            (day, "sub_3", [*quiet[:3], 9, *quiet[4:]]),
            (day, "sub_4", None),
        ],
        "local_date date, customer string, bytes_by_hour array<bigint>",
    )
    tiers = spark.createDataFrame([("sub_1", "High"), ("sub_2", "High")], "customer string, tier string")
    load = tier_load(daily, tiers, VANCOUVER)
    assert load.columns == SCOPE_LOAD.columns
    rows = load.orderBy("scope", "sample_start").collect()
    assert {(row.local_date, row.scope_kind, row.sample_seconds, row.packets) for row in rows} == {
        (day, "tier", 3600, None)
    }
    hour_three = hour_three.replace(tzinfo=None)  # as rows hold it
    last_hour = hour_three + timedelta(hours=hours - 1 - 3)
    assert [(row.scope, row.sample_start, row.bytes) for row in rows] == [
        ("High", hour_three, 12),
        ("High", last_hour, 1),
        ("none", hour_three, 9),
    ]


def test_a_tier_is_the_newest_value_level_of_ufm(spark: SparkSession) -> None:
    scores = spark.createDataFrame(
        [
            (date(2024, 1, 31), "ufm", "sub_1", "High"),
            (date(2024, 2, 29), "ufm", "sub_1", "Low"),
            (date(2024, 2, 29), "ufm", "sub_2", None),
            (date(2024, 3, 31), "rfm", "sub_1", None),
        ],
        "as_of date, scheme string, customer string, value_level string",
    )
    assert [tuple(row) for row in tiers_by_score(scores).collect()] == [("sub_1", "Low")]
