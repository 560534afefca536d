"""The step and its job on a lake: twice is once, other days stay, months go on."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession

from jobs import find_peak_times as job
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.peaks.clock import utc_days
from telflow.peaks.steps import find_peak_times
from telflow.settings import load_settings
from telflow.tables import (
    CUSTOMER_DAILY,
    HOUR_BY_WEEKDAY,
    PEAK_TIMES,
    SCOPE_LOAD,
    TRAFFIC_BY_WINDOW,
    Table,
)

FIRST, SECOND = date(2024, 5, 31), date(2024, 6, 1)
SECOND_MIDNIGHT = datetime(2024, 6, 1, 7, tzinfo=UTC)
WRITTEN = (SCOPE_LOAD, PEAK_TIMES, HOUR_BY_WEEKDAY)
ORDER = {
    SCOPE_LOAD.name: ["sample_start", "scope_kind", "scope"],
    PEAK_TIMES.name: ["period_kind", "period_start", "scope_kind", "scope"],
    HOUR_BY_WEEKDAY.name: ["month", "scope_kind", "scope", "weekday", "hour"],
}


def window(start: datetime, src_bytes: int) -> tuple[object, ...]:
    return (start.date(), start, "https", "web", "outbound", "basic", "north", src_bytes, 0, 1, 0, 1, 1, None)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path / "lake"))
    starts = [SECOND_MIDNIGHT + timedelta(minutes=minutes) for minutes in (-600, -5, 0, 30, 1435, 1440)]
    rows = [window(start, 10**number) for number, start in enumerate(starts)]
    lake.append(TRAFFIC_BY_WINDOW, spark.createDataFrame(rows, TRAFFIC_BY_WINDOW.schema))
    return lake


def content(lake: Lake, table: Table) -> list[Row]:
    return list(lake.read(table).orderBy(*ORDER[table.name]).collect())


def network(lake: Lake, period_kind: str) -> list[tuple[date, int, int]]:
    rows = [row for row in content(lake, PEAK_TIMES) if (row.period_kind, row.scope_kind) == (period_kind, "network")]
    return [(row.period_start, row.total_bytes, row.busy_hour_bytes) for row in rows]


def test_running_twice_is_running_once_and_a_second_day_adds_to_its_month(lake: Lake, tmp_path: Path) -> None:
    arguments = ["--set", f"lake.root={tmp_path / 'lake'}", "--days"]
    assert job.main([*arguments, "2024-05-31..2024-06-01"]) == 0
    once = [content(lake, table) for table in WRITTEN]
    assert network(lake, "day") == [(FIRST, 11, 10), (SECOND, 11_100, 10_000)]
    assert network(lake, "month") == [(date(2024, 5, 1), 11, 10), (date(2024, 6, 1), 11_100, 10_000)]

    assert job.main([*arguments, "2024-06-01"]) == 0
    assert [content(lake, table) for table in WRITTEN] == once

    assert job.main([*arguments, "2024-06-02"]) == 0
    assert network(lake, "day")[2] == (date(2024, 6, 2), 100_000, 100_000)
    assert network(lake, "month") == [(date(2024, 5, 1), 11, 10), (date(2024, 6, 1), 111_100, 100_000)]


def test_tiers_come_from_the_roll_up_and_are_none_without_scores(lake: Lake) -> None:
    hours = [5] + [0] * 23
    roll_up: tuple[object, ...] = (
        SECOND,
        "sub_1",
        "lease",
        "basic",
        "north",
        5,
        0,
        1,
        0,
        1,
        1,
        1,
        1.0,
        [],
        None,
        {"web": 5},
        hours,
    )
    lake.append(CUSTOMER_DAILY, lake.spark.createDataFrame([roll_up], CUSTOMER_DAILY.schema))
    report = find_peak_times(lake, load_settings(), [SECOND])
    tier = [row for row in content(lake, PEAK_TIMES) if row.scope_kind == "tier" and row.period_kind == "day"]
    assert [(row.scope, row.sample_seconds, row.busy_hour_bytes, row.tcbh_start_minute) for row in tier] == [
        ("none", 3600, 5, 0)
    ]
    assert report.months == (date(2024, 6, 1),)


def test_no_days_do_nothing(lake: Lake) -> None:
    assert find_peak_times(lake, load_settings(), []).days == ()
    assert not lake.exists(SCOPE_LOAD)


def test_windows_must_be_there_first(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(TableMissingError, match="traffic_by_window"):
        find_peak_times(Lake(spark, str(tmp_path)), load_settings(), [FIRST])


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        ("America/Vancouver", [date(2024, 6, 1), date(2024, 6, 2)]),
        ("UTC", [date(2024, 6, 1)]),
        ("Asia/Kolkata", [date(2024, 5, 31), date(2024, 6, 1)]),
    ],
)
def test_a_local_day_lies_in_one_utc_day_or_two(zone: str, expected: list[date]) -> None:
    assert utc_days([SECOND], zone) == expected
