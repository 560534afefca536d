"""The daily roll-up: nothing lost, days and hours local, each kind of count where it belongs."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import Row, SparkSession

from telflow.customers.daily import customer_daily
from tests.flow_rows import flow, flows_frame

VANCOUVER = "America/Vancouver"
CATEGORIES = ["dns", "other", "web"]


def rolled_up(spark: SparkSession, flows: list[dict[str, Any]], zone: str = VANCOUVER) -> list[Row]:
    rows = customer_daily(flows_frame(spark, flows), None, CATEGORIES, zone)
    return rows.orderBy("local_date", "customer").collect()


def local(*clock: int, zone: str = VANCOUVER) -> datetime:
    return datetime(*clock, tzinfo=ZoneInfo(zone)).astimezone(UTC)  # type: ignore[misc,arg-type]  # year to second


def test_counts_of_one_day(spark: SparkSession) -> None:
    morning = local(2024, 1, 15, 8)
    rows = rolled_up(
        spark,
        [
            flow(morning, 30, src_bytes=100, dst_bytes=900, src_mac="mac_1", dst_ip="192.0.2.1"),
            flow(morning, 60, src_bytes=50, category="dns", src_mac="mac_2", dst_ip="192.0.2.2"),
            flow(morning + timedelta(hours=3), src_bytes=7, category="gaming", dst_ip="192.0.2.1"),
        ],
    )
    assert len(rows) == 1
    row = rows[0]
    assert (row.local_date, row.customer, row.customer_basis) == (date(2024, 1, 15), "ip_1", "address")
    assert (row.bytes_up, row.bytes_down) == (157, 900)
    assert (row.connections, row.distinct_start_times, row.active_hours, row.flow_seconds) == (3, 2, 2, 90.0)
    assert row.input_macs == ["mac_1", "mac_2"]
    assert row.bytes_by_category == {"web": 1000, "dns": 50, "other": 7}
    assert {hour: volume for hour, volume in enumerate(row.bytes_by_hour) if volume} == {8: 1050, 11: 7}


def test_a_flow_over_midnight_is_shared_between_its_days(spark: SparkSession) -> None:
    rows = rolled_up(spark, [flow(local(2024, 1, 15, 23, 50), 1200, src_bytes=1001, src_mac="mac_1")])
    assert [(row.local_date.day, row.bytes_up, row.connections, row.distinct_start_times) for row in rows] == [
        (15, 500, 1, 1),
        (16, 501, 0, 0),
    ]
    assert [row.input_macs for row in rows] == [["mac_1"], []]


@pytest.mark.parametrize(
    ("day", "hours"), [((2024, 3, 10), 23), ((2024, 7, 1), 24), ((2024, 11, 3), 25)], ids=["spring", "summer", "autumn"]
)
def test_days_have_their_own_number_of_hours(spark: SparkSession, day: tuple[int, int, int], hours: int) -> None:
    last_hour = local(*(date(*day) + timedelta(days=1)).timetuple()[:3]) - timedelta(hours=1)
    row = rolled_up(spark, [flow(local(*day)), flow(last_hour, 3600, src_bytes=9)])[0]
    assert len(row.bytes_by_hour) == hours
    assert row.bytes_by_hour[-1] == 9


def test_zones_with_quarter_hours_have_hours_of_their_own(spark: SparkSession) -> None:
    zone = "Asia/Kathmandu"  # 5 h 45 min ahead of UTC
    row = rolled_up(spark, [flow(local(2024, 1, 15, 9, zone=zone), 3600, src_bytes=60)], zone)[0]
    assert {hour: volume for hour, volume in enumerate(row.bytes_by_hour) if volume} == {9: 60}


drawn_flow = st.tuples(
    st.integers(0, 3 * 86_400), st.integers(0, 200_000), st.integers(0, 2**40), st.sampled_from(["web", "dns", "x"])
)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(drawn_flow, min_size=1, max_size=12))
def test_every_byte_is_in_one_day_one_hour_one_category(
    spark: SparkSession, drawn: list[tuple[int, int, int, str]]
) -> None:
    start = local(2024, 3, 9)
    flows = [
        flow(start + timedelta(seconds=offset), length, src_bytes=volume, dst_bytes=volume // 3, category=category)
        for offset, length, volume, category in drawn
    ]
    rows = rolled_up(spark, flows)
    total = sum(volume + volume // 3 for _, _, volume, _ in drawn)
    assert sum(row.bytes_up + row.bytes_down for row in rows) == total
    assert sum(sum(row.bytes_by_hour) for row in rows) == total
    by_category: Counter[str] = sum((Counter(row.bytes_by_category) for row in rows), Counter())
    assert sum(by_category.values()) == total
    assert sum(row.connections for row in rows) == len(drawn)
