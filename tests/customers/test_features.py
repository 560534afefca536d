"""Features: each against its formula computed anew in plain Python, the window's edges, and the documented table."""

import math
from datetime import date, timedelta
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession

from telflow.customers.features import (
    ACTIVE_DAY_BYTES,
    CATEGORY_PATTERN,
    FEATURES,
    as_of_day,
    customer_features,
    features_for,
    features_on,
    features_table,
    share_name,
)
from telflow.errors import AsOfError
from tests.customers.daily_rows import daily_frame, daily_row

AS_OF = date(2024, 4, 1)
WINDOW = 28
CATEGORIES = ("web", "streaming & media")


def days_before(days: int) -> date:
    return AS_OF - timedelta(days=days)


def day_row(customer: str, days: int, hours: dict[int, int], length: int = 24, **given: Any) -> Row:
    """A day whose bytes lie in ``hours``, a tenth of them sent, three quarters of them web."""
    volume = sum(hours.values())
    listed = {
        "bytes_up": volume // 10,
        "bytes_down": volume - volume // 10,
        "bytes_by_hour": [hours.get(hour, 0) for hour in range(length)],
        "bytes_by_category": {"web": volume * 3 // 4, "gaming": volume - volume * 3 // 4},
    }
    return daily_row(customer, days_before(days), **{**listed, **given})


def features_by_name(spark: SparkSession, rows: list[Row], **given: Any) -> dict[str, dict[str, Any]]:
    found = customer_features(daily_frame(spark, rows), AS_OF, WINDOW, CATEGORIES, **given)
    return {row["customer"]: row.asDict() for row in found.collect()}


def test_each_feature_is_what_its_formula_says(spark: SparkSession) -> None:
    days = {1: 400_000, 3: 100_000, 9: 200_000, 17: 1_600_000}  # 1 is a Sunday, 9 a Saturday
    rows = [
        day_row("a", back, {3: volume // 2, 20: volume // 2}, connections=back, active_hours=2, input_macs=[f"m{back}"])
        for back, volume in days.items()
    ]
    told = features_by_name(spark, rows)["a"]
    volumes, total = list(days.values()), sum(days.values())
    every_day = [days.get(back, 0) for back in range(1, WINDOW + 1)]
    mean, deviation = fmean(every_day), pstdev(every_day)
    at, logs = [-float(back) for back in days], [math.log(volume) for volume in volumes]
    slope = sum((x - fmean(at)) * (y - fmean(logs)) for x, y in zip(at, logs, strict=True)) / sum(
        (x - fmean(at)) ** 2 for x in at
    )
    expected = {
        "recency_days": 1,
        "active_days": 4,
        "connections_per_day": 30 / 4,
        "bytes_up_per_day": total / 10 / 4,
        "bytes_down_per_day": total * 9 / 10 / 4,
        "bytes_per_day": total / 4,
        "bytes_per_connection": total / 30,
        "up_share": 0.1,
        "active_hours_per_day": 2,
        "devices": 4,
        "share_web": 0.75,
        "share_streaming_media": 0,
        "night_share": 0.5,
        "morning_share": 0,
        "afternoon_share": 0,
        "evening_share": 0.5,
        "weekend_share": 600_000 / total,
        "burstiness": (deviation - mean) / (deviation + mean),
        "trend_per_week": slope * 7,
        "last_week_share": 500_000 / total,
    }
    assert {name: told[name] for name in expected} == pytest.approx(expected, rel=1e-9)
    assert set(told) == {"customer", "as_of", *expected}


def test_only_active_days_of_the_window_are_looked_at(spark: SparkSession) -> None:
    enough, short = {12: ACTIVE_DAY_BYTES}, {12: ACTIVE_DAY_BYTES - 1}
    rows = [
        day_row("first day", WINDOW, enough),
        day_row("before the window", WINDOW + 1, enough),
        day_row("as_of itself", 0, enough),
        day_row("scanned only", 2, short),
        day_row("scanned besides", 5, enough),
        day_row("scanned besides", 2, short, connections=1000),
        day_row("silent", 1, {}),
    ]
    told = features_by_name(spark, rows)
    assert set(told) == {"first day", "scanned besides"}
    assert told["first day"]["recency_days"] == WINDOW
    assert (told["scanned besides"]["recency_days"], told["scanned besides"]["connections_per_day"]) == (5, 1)
    assert set(features_by_name(spark, rows, active_day_bytes=ACTIVE_DAY_BYTES - 1)) == {*told, "scanned only"}


@pytest.mark.parametrize(("length", "evening"), [(23, 17), (24, 18), (25, 19)])
def test_bands_follow_the_clock_on_days_of_any_length(spark: SparkSession, length: int, evening: int) -> None:
    """Hours count from midnight; the evening begins at 18:00, an hour less or more after it when clocks change."""
    rows = [
        day_row("evening", 1, {evening: 20_000}, length),
        day_row("afternoon", 1, {evening - 1: 20_000}, length),
        day_row("last hour", 1, {length - 1: 20_000}, length),
        day_row("first hour", 1, {0: 20_000}, length),
        day_row("end of night", 1, {evening - 13: 20_000}, length),
        day_row("morning", 1, {evening - 12: 20_000}, length),
    ]
    told = features_by_name(spark, rows)
    bands = {
        customer: [band for band in ("night", "morning", "afternoon", "evening") if each[f"{band}_share"] == 1.0]
        for customer, each in told.items()
    }
    assert bands == {
        "evening": ["evening"],
        "afternoon": ["afternoon"],
        "last hour": ["evening"],
        "first hour": ["night"],
        "end of night": ["night"],
        "morning": ["morning"],
    }


def test_a_single_day_and_missing_details_make_no_null(spark: SparkSession) -> None:
    bare: dict[str, Any] = {"bytes_by_hour": None, "bytes_by_category": None, "input_macs": None, "connections": 0}
    told = features_by_name(spark, [day_row("bare", 1, {12: 50_000}, **bare)])["bare"]
    assert None not in told.values()
    assert all(math.isfinite(value) for name, value in told.items() if name not in ("customer", "as_of"))
    assert (told["trend_per_week"], told["share_web"], told["bytes_per_connection"]) == (0, 0, 50_000)


def test_steady_use_is_the_least_bursty_and_one_day_of_many_nearly_the_most(spark: SparkSession) -> None:
    steady = [day_row("steady", back, {12: 20_000}) for back in range(1, WINDOW + 1)]
    told = features_by_name(spark, [*steady, day_row("once", 4, {12: 20_000})])
    assert told["steady"]["burstiness"] == pytest.approx(-1, abs=1e-6)
    spread = math.sqrt(WINDOW - 1)  # of one day among many: deviation over mean
    assert told["once"]["burstiness"] == pytest.approx((spread - 1) / (spread + 1))
    assert told["steady"]["weekend_share"] == pytest.approx(2 / 7)
    assert told["steady"]["last_week_share"] == pytest.approx(7 / WINDOW)


def test_the_table_in_the_docs_is_the_one_of_the_code() -> None:
    assert features_table() in Path("docs/features.md").read_text(encoding="utf-8")


def test_columns_are_those_of_the_table(spark: SparkSession) -> None:
    columns = customer_features(daily_frame(spark, []), AS_OF, WINDOW, CATEGORIES).columns
    listed = [feature.name for feature in FEATURES]
    at = listed.index(CATEGORY_PATTERN)
    assert columns == ["customer", "as_of", *listed[:at], "share_web", "share_streaming_media", *listed[at + 1 :]]
    assert [feature.name for feature in features_for(CATEGORIES)] == columns[2:]


def test_names_of_shares_are_plain() -> None:
    assert share_name("VoIP & conferencing") == "share_voip_conferencing"


def test_several_dates_at_once_are_each_as_if_alone(spark: SparkSession) -> None:
    rows = [day_row(customer, back, {9: 50_000 * back}) for customer in ("a", "b") for back in range(1, 40, 3)]
    daily = daily_frame(spark, rows)
    dates = [AS_OF, days_before(7), days_before(9)]
    together = features_on(daily, dates, WINDOW, CATEGORIES).collect()
    alone = [row for day in dates for row in customer_features(daily, day, WINDOW, CATEGORIES).collect()]
    assert sorted(map(str, together)) == sorted(map(str, alone))
    assert len(together) == 6


def test_a_date_has_to_lie_within_the_days_held_or_just_after(spark: SparkSession) -> None:
    daily = daily_frame(spark, [day_row("a", back, {9: 50_000}) for back in (1, 10)])
    first, last = days_before(10), days_before(1)
    assert as_of_day(daily) == as_of_day(daily, AS_OF) == AS_OF
    assert as_of_day(daily, first + timedelta(days=1)) == first + timedelta(days=1)
    assert as_of_day(daily, least_days=10) == AS_OF
    for asked, least in ((first, 1), (AS_OF + timedelta(days=1), 1), (AS_OF, 11), (None, 11)):
        with pytest.raises(AsOfError, match=f"holds {first} to {last}"):
            as_of_day(daily, asked, least)
    with pytest.raises(AsOfError, match="holds no day"):
        as_of_day(daily.limit(0))


def test_too_few_days_for_any_date_are_told_as_such(spark: SparkSession) -> None:
    daily = daily_frame(spark, [day_row("a", back, {3: 20_000}) for back in (1, 5)])
    with pytest.raises(
        AsOfError, match="2024-03-27 to 2024-03-31, which are 5 days, and 28 are needed before any --as-of"
    ):
        as_of_day(daily, least_days=28)
    assert as_of_day(daily, least_days=5) == AS_OF
