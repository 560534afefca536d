"""Plan fit from given weeks: streaks, the limit just inside and just outside, rates, and which plan is cheapest."""

from datetime import date
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from telflow.advice.plan_fit import plan_fit, streaks
from telflow.settings import load_settings
from telflow.tables import MICRO_TRENDS, PLAN_FIT, PLANS

SETTINGS = load_settings().advice
CYCLE = SETTINGS.cycle_days / 7 / 1e9  # gigabytes of a cycle for bytes of a week
LIMIT = SETTINGS.utilisation_limit
PRICES = [
    ("small", 20.0, 50.0, 100.0, 10.0),
    ("medium", 40.0, 200.0, 200.0, 20.0),
    ("dear", 60.0, 200.0, 200.0, 20.0),
    ("large", 70.0, 600.0, 400.0, 40.0),
    ("endless", 200.0, None, 400.0, 40.0),
]

# customer: plan, gigabytes a cycle of twelve weeks, p95 of the peak rate down and up
CUSTOMERS: dict[str, tuple[str, list[float], float, float]] = {
    "below": ("medium", [LIMIT * 200 - 0.01] * 12, 1.0, 1.0),
    "above": ("medium", [LIMIT * 200 + 0.01] * 12, 1.0, 1.0),
    "bursts": ("medium", [190.0] * 9 + [700.0] * 3, 1.0, 1.0),
    "fast": ("medium", [60.0] * 12, LIMIT * 200 + 0.01, 1.0),
    "quick": ("medium", [60.0] * 12, LIMIT * 200, 1.0),
    "sends": ("medium", [60.0] * 12, 1.0, LIMIT * 20 + 0.01),
    "shrinks": ("medium", [LIMIT * 50 - 0.01] * 12, 1.0, 1.0),
    "stays": ("medium", [LIMIT * 50 + 0.01] * 12, 1.0, 1.0),
    "shrinks slowly": ("medium", [10.0] * 12, LIMIT * 100 + 0.01, 1.0),
    "pays more": ("dear", [100.0] * 12, 1.0, 1.0),
    "free": ("endless", [100.0] * 12, 1.0, 1.0),
    "tops": ("endless", [1e6] * 12, 1000.0, 1.0),
    "short": ("medium", [190.0] * 5, 1.0, 1.0),
    "nothing": ("medium", [], 1.0, 1.0),
}


def trend_row(customer: str, weeks: list[float]) -> tuple[Any, ...]:
    """What micro_trends would tell of ``weeks`` without a trend."""
    volumes = [int(gigabytes / CYCLE) for gigabytes in weeks]
    ordered, recent = sorted(volumes), sorted(volumes[-4:])
    given: dict[str, Any] = {
        "as_of": date(2024, 4, 1),
        "scope_kind": "customer",
        "scope": customer,
        "category": "all",
        "weeks_counted": len(weeks),
        "weekly_bytes": volumes,
        "median_bytes": (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) / 2,
        "recent_bytes": (recent[(len(recent) - 1) // 2] + recent[len(recent) // 2]) / 2,
        "confidence": 0.0,
        "scatter": 0.0 if len(weeks) >= SETTINGS.min_weeks else None,
        "source_version": 0,
    }
    return tuple(given.get(column) for column in MICRO_TRENDS.columns)


@pytest.fixture(scope="module")
def fits(spark: SparkSession) -> dict[str, Row]:
    subscribers = spark.createDataFrame(
        [(name, plan) for name, (plan, *_) in CUSTOMERS.items()], "customer string, plan string"
    )
    trends = spark.createDataFrame(
        [trend_row(name, weeks) for name, (_, weeks, *_) in CUSTOMERS.items() if weeks], MICRO_TRENDS.schema
    )
    used = spark.createDataFrame(
        [(name, [1.0, 2.0], [0.5, down], [0.5, up]) for name, (_, _, down, up) in CUSTOMERS.items()],
        "customer string, cycle_gigabytes array<double>, peak_down_mbps array<double>, peak_up_mbps array<double>",
    )
    plans = spark.createDataFrame(PRICES, PLANS.schema)
    told = plan_fit(subscribers, plans, trends, used, SETTINGS)
    assert {*told.columns, "as_of"} >= set(PLAN_FIT.columns)
    return {row.customer: row for row in told.collect()}


def test_advice_turns_at_the_limit_and_names_the_cheapest_plan_that_covers(fits: dict[str, Row]) -> None:
    assert {name: (row.advice, row.suggested_plan) for name, row in fits.items()} == {
        "below": ("stay", "medium"),
        "above": ("up", "large"),
        "bursts": ("up", "endless"),
        "fast": ("up", "large"),
        "quick": ("stay", "medium"),
        "sends": ("up", "large"),
        "shrinks": ("down", "small"),
        "stays": ("stay", "medium"),
        "shrinks slowly": ("stay", "medium"),
        "pays more": ("down", "medium"),
        "free": ("down", "medium"),
        "tops": ("stay", "endless"),
        "short": (None, None),
        "nothing": (None, None),
    }
    assert {fits[name].untold_reason for name in ("short", "nothing")} == {"too few weeks"}


def test_confidence_is_a_coin_toss_at_the_limit_and_sure_far_from_it(fits: dict[str, Row]) -> None:
    assert fits["above"].upsize_confidence == pytest.approx(0.5, abs=0.001)
    assert fits["below"].confidence == pytest.approx(0.5, abs=0.001)
    assert fits["stays"].upsize_confidence < 1e-6
    assert fits["fast"].upsize_confidence == 1
    assert fits["free"].utilisation is None


def test_prices_and_volumes_are_those_of_the_plan_suggested(fits: dict[str, Row]) -> None:
    assert (fits["above"].price_difference, fits["above"].suggested_gigabytes) == (30.0, 600.0)
    assert (fits["bursts"].price_difference, fits["bursts"].suggested_gigabytes) == (160.0, None)
    assert fits["below"].price_difference == 0
    assert fits["bursts"].volume_p95 == pytest.approx(700, rel=1e-6)
    assert fits["shrinks"].utilisation_p95 == pytest.approx((LIMIT * 50 - 0.01) / 200)


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [([1, 5, 5, 1, 5], [0, 1, 2, 0, 1]), ([5], [1]), ([3], [0]), ([], None), (None, None)],
)
def test_streaks_count_weeks_above_the_limit(
    spark: SparkSession, weekly: list[int] | None, expected: list[int] | None
) -> None:
    frame = spark.createDataFrame([(weekly,)], "weekly array<bigint>")
    assert frame.select(streaks(F.col("weekly"), F.lit(3.0))).collect()[0][0] == expected
