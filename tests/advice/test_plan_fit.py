"""Plan fit from given weeks: streaks, the limit just inside and just outside, rates, and which plan is cheapest."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

import numpy as np
import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from scipy.stats import norm

from telflow.advice.micro_trends import Period
from telflow.advice.plan_fit import LEAST_ERROR, RATE_DAYS, plan_fit, streaks
from telflow.advice.plan_use import customer_use
from telflow.settings import load_settings
from telflow.tables import MICRO_TRENDS, PLAN_FIT, PLANS
from tests.customers.daily_rows import daily_frame, daily_row

SETTINGS = load_settings().advice
AS_OF = date(2024, 4, 1)
PERIOD = Period(AS_OF, date(2024, 1, 1))
KNOWN = "customer string, plan string, signup_date date"
CYCLE = SETTINGS.cycle_days / 7 / 1e9  # gigabytes of a cycle for bytes of a week
LIMIT = SETTINGS.utilisation_limit
DAYS = 80
OFTEN, SELDOM = 5, 4  # of these days: more than one in twenty, and no more
PRICES = [
    ("small", 20.0, 50.0, 100.0, 10.0),
    ("medium", 40.0, 200.0, 200.0, 20.0),
    ("wide", 40.0, 300.0, 200.0, 20.0),
    ("dear", 60.0, 200.0, 200.0, 20.0),
    ("flat", 65.0, None, 50.0, 5.0),
    ("large", 70.0, 600.0, 400.0, 40.0),
    ("endless", 200.0, None, 400.0, 40.0),
]


@dataclass(frozen=True)
class Use:
    """A customer: its plan, gigabytes a cycle of its weeks, p95 of both rates, slow days, first day under the plan.

    And the active days under it, gigabytes of the last cycles, the upper bound of the rate down where it differs, and
    the start of the subscription.
    """

    plan: str
    weeks: Sequence[float]
    down: float = 1.0
    up: float = 1.0
    slow_down: int = 0
    slow_up: int = 0
    since: date = date(2024, 1, 1)
    untold: str | None = None
    days: int = DAYS
    cycles: Sequence[float] = (2.0,)
    most_down: float | None = None
    signup: date = date(2020, 1, 1)


CUSTOMERS = {
    "below": Use("medium", [LIMIT * 200 - 0.01] * 12),
    "above": Use("medium", [LIMIT * 200 + 0.01] * 12),
    "bursts": Use("medium", [190.0] * 9 + [700.0] * 3),
    "bursts at ease": Use("medium", [190.0] * 9 + [700.0] * 3, most_down=LIMIT * 50),
    "bursts and hurries": Use("medium", [190.0] * 9 + [700.0] * 3, most_down=LIMIT * 50 + 0.01),
    "bursts of late": Use("medium", [190.0] * 9 + [700.0] * 3, days=RATE_DAYS - 1),
    "fast": Use("medium", [60.0] * 12, down=LIMIT * 200 + 0.01, slow_down=OFTEN),
    "quick": Use("medium", [60.0] * 12, down=LIMIT * 200, slow_down=SELDOM),
    "sends": Use("medium", [60.0] * 12, up=LIMIT * 20 + 0.01, slow_up=OFTEN),
    "both": Use("medium", [190.0] * 12, down=LIMIT * 200 + 0.01, slow_down=DAYS),
    "races": Use("medium", [60.0] * 12, down=1000.0, slow_down=DAYS),
    "chokes": Use("large", [60.0] * 12, down=1000.0, slow_down=DAYS),
    "shrinks": Use("medium", [LIMIT * 50 - 0.01] * 12),
    "stays": Use("medium", [LIMIT * 50 + 0.01] * 12),
    "shrinks slowly": Use("medium", [10.0] * 12, down=LIMIT * 100 + 0.01),
    "shrinks in time": Use("medium", [10.0] * 12, days=RATE_DAYS),
    "shrinks of late": Use("medium", [10.0] * 12, days=RATE_DAYS - 1),
    "pays more": Use("dear", [100.0] * 12),
    "pays more of late": Use("dear", [100.0] * 12, days=RATE_DAYS - 1),
    "free": Use("endless", [100.0] * 12),
    "unlimited": Use("large", [300.0] * 12),
    "tops": Use("endless", [1e6] * 12, down=1000.0, slow_down=DAYS),
    "alternates": Use("medium", [0.0, 105.0] * 6),
    "moved": Use("medium", [190.0] * 12, since=AS_OF - timedelta(days=21)),
    "short": Use("medium", [190.0] * 5),
    "quiet": Use("medium", [190.0] * 7 + [0.0] * 5, untold="no recent use"),
    "nothing": Use("medium", []),
    "nothing for long enough": Use("medium", [], signup=AS_OF - timedelta(days=7 * SETTINGS.min_weeks)),
    "nothing yet": Use("medium", [], signup=AS_OF - timedelta(days=7 * SETTINGS.min_weeks - 1)),
    "unknown": Use("unheard of", [190.0] * 12),
    "unknown and short": Use("unheard of", [190.0] * 5),
    "counts twice": Use("medium", [40.0, 40.0, 40.0, 600.0] * 3, cycles=(20.0, LIMIT * 200 + 0.01, 500.0)),
    "counts once": Use("medium", [40.0, 40.0, 40.0, 600.0] * 3, cycles=(500.0, LIMIT * 200 - 0.01, 500.0)),
    "counts little": Use("medium", [40.0, 40.0, 40.0, 600.0] * 3, cycles=(500.0,)),
    "returns": Use("medium", [188.0] * 8 + [0.0] * 3 + [188.0]),
    "monthly": Use("medium", [0.0, 0.0, 0.0, 400.0] * 3),
    "moves in": Use("medium", [60.0] * 12, down=1000.0, slow_down=RATE_DAYS - 1, days=RATE_DAYS - 1),
    "has moved in": Use("medium", [60.0] * 12, down=1000.0, slow_down=2, days=RATE_DAYS),
    "fills up": Use("large", [900.0] * 12, down=1000.0, slow_down=OFTEN),
    "fills up and chokes": Use("large", [560.0] * 12, down=1000.0, slow_down=DAYS),
}


def trend_row(customer: str, use: Use) -> tuple[Any, ...]:
    """What micro_trends would tell of the weeks without a trend."""
    volumes = [int(gigabytes / CYCLE) for gigabytes in use.weeks]
    given: dict[str, Any] = {
        "as_of": AS_OF,
        "scope_kind": "customer",
        "scope": customer,
        "category": "all",
        "weeks_counted": len(volumes),
        "week_starts": [AS_OF - timedelta(days=7 * back) for back in range(len(volumes), 0, -1)],
        "weekly_bytes": volumes,
        "median_bytes": float(median(volumes)),
        "recent_bytes": float(median(volumes[-4:])),
        "slope_per_week": 0.0,
        "confidence": 0.0,
        "scatter": 0.0,
        "untold_reason": use.untold,
        "source_version": 0,
    }
    return tuple(given.get(column) for column in MICRO_TRENDS.columns)


@pytest.fixture(scope="module")
def fits(spark: SparkSession) -> dict[str, Row]:
    subscribers = spark.createDataFrame([(name, use.plan, use.signup) for name, use in CUSTOMERS.items()], KNOWN)
    trends = spark.createDataFrame(
        [trend_row(name, use) for name, use in CUSTOMERS.items() if use.weeks], MICRO_TRENDS.schema
    )
    used = spark.createDataFrame(
        [
            (
                name,
                list(use.cycles),
                use.since,
                use.days,
                use.slow_down,
                use.slow_up,
                [0.5, use.down],
                [0.5, use.up],
                use.most_down or use.down,
                use.up,
            )
            for name, use in CUSTOMERS.items()
        ],
        "customer string, cycle_gigabytes array<double>, plan_since date, days bigint, slow_days_down bigint, "
        "slow_days_up bigint, peak_down_mbps array<double>, peak_up_mbps array<double>, most_down_mbps double, "
        "most_up_mbps double",
    )
    plans = spark.createDataFrame(PRICES, PLANS.schema)
    told = plan_fit(subscribers, plans, trends, used, period=PERIOD, settings=SETTINGS)
    assert {*told.columns, "as_of"} == set(PLAN_FIT.columns)
    return {row.customer: row for row in told.collect()}


def test_advice_turns_at_the_limit_and_names_the_cheapest_plan_that_covers(fits: dict[str, Row]) -> None:
    assert {name: (row.advice, row.suggested_plan) for name, row in fits.items()} == {
        "below": ("stay", "medium"),
        "above": ("up", "wide"),
        "bursts": ("up", "flat"),
        "bursts at ease": ("up", "flat"),
        "bursts and hurries": ("up", "endless"),
        "bursts of late": ("up", "endless"),
        "fast": ("up", "large"),
        "quick": ("stay", "medium"),
        "sends": ("up", "large"),
        "both": ("up", "large"),
        "races": ("up", "large"),
        "chokes": ("stay", "large"),
        "shrinks": ("down", "small"),
        "stays": ("stay", "medium"),
        "shrinks slowly": ("stay", "medium"),
        "shrinks in time": ("down", "small"),
        "shrinks of late": ("stay", "medium"),
        "pays more": ("down", "medium"),
        "pays more of late": ("down", "medium"),
        "free": ("down", "medium"),
        "unlimited": ("down", "flat"),
        "tops": ("stay", "endless"),
        "alternates": ("stay", "medium"),
        "moved": ("up", "wide"),
        "counts twice": ("up", "flat"),
        "counts once": ("stay", "medium"),
        "counts little": ("stay", "medium"),
        "returns": ("stay", "medium"),
        "monthly": ("stay", "medium"),
        "moves in": ("stay", "medium"),
        "has moved in": ("up", "large"),
        "fills up": ("up", "endless"),
        "fills up and chokes": ("up", "endless"),
        **dict.fromkeys(("short", "quiet", "unknown", "unknown and short"), (None, None)),
        **dict.fromkeys(("nothing", "nothing for long enough", "nothing yet"), (None, None)),
    }
    assert {name: row.untold_reason for name, row in fits.items() if row.advice is None} == {
        "short": "too few weeks",
        "quiet": "no recent use",
        "nothing": "no recent use",
        "nothing for long enough": "no recent use",
        "nothing yet": "too few weeks",
        "unknown": "unknown plan",
        "unknown and short": "too few weeks",
    }


def test_what_is_too_small_is_told(fits: dict[str, Row]) -> None:
    assert {name: row.upsize_causes for name, row in fits.items() if row.upsize_causes} == {
        "above": ["volume"],
        **{name: ["volume"] for name in ("bursts", "bursts at ease", "bursts and hurries", "bursts of late")},
        "moved": ["volume"],
        "fast": ["rate-down"],
        "races": ["rate-down"],
        "chokes": ["rate-down"],
        "tops": ["rate-down"],
        "sends": ["rate-up"],
        "both": ["rate-down", "volume"],
        "counts twice": ["volume"],
        "has moved in": ["rate-down"],
        "fills up": ["volume", "rate-down"],
        "fills up and chokes": ["rate-down", "volume"],
    }
    assert fits["short"].upsize_causes is None


def test_confidence_is_a_coin_toss_at_the_limit_and_sure_far_from_it(fits: dict[str, Row]) -> None:
    assert fits["above"].upsize_confidence == pytest.approx(0.5, abs=0.001)
    assert fits["below"].confidence == pytest.approx(0.5, abs=0.001)
    assert fits["shrinks"].confidence == pytest.approx(0.5, abs=0.001), "of the smaller plan, just large enough"
    assert fits["shrinks"].upsize_confidence < 1e-6
    assert fits["unlimited"].confidence == 1
    deviation = (DAYS * 0.05 * 0.95) ** 0.5
    assert fits["fast"].confidence == pytest.approx(norm.cdf((OFTEN - 0.5 - DAYS * 0.05) / deviation))
    assert fits["quick"].upsize_confidence == pytest.approx(norm.cdf((SELDOM - 0.5 - DAYS * 0.05) / deviation))
    assert fits["both"].confidence > 0.999
    assert fits["free"].utilisation is None


def test_prices_and_volumes_are_those_of_the_plan_suggested(fits: dict[str, Row]) -> None:
    assert (fits["above"].price_difference, fits["above"].suggested_gigabytes) == (0.0, 300.0)
    assert (fits["bursts"].price_difference, fits["bursts"].suggested_gigabytes) == (25.0, None)
    assert (fits["unlimited"].price_difference, fits["unlimited"].suggested_gigabytes) == (-5.0, None)
    assert fits["below"].price_difference == 0
    assert fits["bursts"].volume_p95 == pytest.approx(700, rel=1e-6)
    assert fits["shrinks"].utilisation_p95 == pytest.approx((LIMIT * 50 - 0.01) / 200)


def test_pace_is_what_a_cycle_holds_where_every_other_week_is_silent(fits: dict[str, Row]) -> None:
    assert fits["alternates"].pace_gigabytes == pytest.approx(105 / 2)


def test_pace_is_no_less_than_what_two_cycles_counted(fits: dict[str, Row]) -> None:
    assert fits["counts twice"].pace_gigabytes == pytest.approx(LIMIT * 200 + 0.01)
    assert fits["counts once"].pace_gigabytes == pytest.approx(LIMIT * 200 - 0.01)
    assert fits["counts little"].pace_gigabytes == pytest.approx(40)
    assert fits["short"].pace_gigabytes == pytest.approx(190)
    assert fits["nothing"].pace_gigabytes is None


def test_a_few_silent_weeks_do_not_silence_the_pace_but_make_it_unsure(fits: dict[str, Row]) -> None:
    returns, monthly = fits["returns"], fits["monthly"]
    pace = (188 / 4 * 188) ** 0.5
    assert returns.pace_gigabytes == pytest.approx(pace)
    error = (LEAST_ERROR**2 + (np.log(4) / 2) ** 2) ** 0.5
    assert returns.confidence == pytest.approx(norm.cdf(np.log(LIMIT * 200 / pace) / error))
    assert monthly.pace_gigabytes == pytest.approx(100), "a mean, where a middle is none"


def test_streaks_begin_with_the_plan(fits: dict[str, Row]) -> None:
    assert (fits["moved"].over_limit_weeks, fits["moved"].most_over_limit_weeks) == (3, 3)
    assert fits["both"].over_limit_weeks == 12


def test_no_plans_is_no_crash(spark: SparkSession) -> None:
    subscribers = spark.createDataFrame([("below", "medium", AS_OF)], KNOWN)
    trends = spark.createDataFrame([trend_row("below", CUSTOMERS["below"])], MICRO_TRENDS.schema)
    no_plans = spark.createDataFrame([], PLANS.schema)
    used = customer_use(daily_frame(spark, []), subscribers, no_plans, PERIOD, SETTINGS)
    (told,) = plan_fit(subscribers, no_plans, trends, used, period=PERIOD, settings=SETTINGS).collect()
    assert (told.advice, told.untold_reason) == (None, "unknown plan")


@pytest.mark.parametrize(("weeks", "reason"), [(SETTINGS.min_weeks, "no recent use"), (5, "too few weeks")])
def test_nobody_is_silent_in_a_lake_that_is_young(spark: SparkSession, weeks: int, reason: str) -> None:
    subscribers = spark.createDataFrame([("nothing", "medium", date(2020, 1, 1))], KNOWN)
    trends, plans = (spark.createDataFrame([], table.schema) for table in (MICRO_TRENDS, PLANS))
    period = Period(AS_OF, AS_OF - timedelta(days=7 * weeks))
    used = customer_use(daily_frame(spark, []), subscribers, plans, period, SETTINGS)
    (told,) = plan_fit(subscribers, plans, trends, used, period=period, settings=SETTINGS).collect()
    assert (told.weeks_counted, told.untold_reason) == (0, reason)


def hourly_row(customer: str, day: date, plan: str, up: Sequence[int], down: Sequence[int]) -> Row:
    """A day of given bytes by hour, of which the roll-up tells each hour's sum and each way's sum."""
    hours = [sent + received for sent, received in zip(up, down, strict=True)]
    return daily_row(customer, day, plan=plan, bytes_up=sum(up), bytes_down=sum(down), bytes_by_hour=hours)


def test_rates_are_bounded_by_what_hours_and_days_tell(spark: SparkSession) -> None:
    draw = np.random.default_rng(3)
    volumes = {f"c{number}": draw.pareto(1, (2, 24)) * 1e9 for number in range(12)}
    volumes["backs up"] = np.array([[3.6e9] * 8 + [0] * 16, [0] * 12 + [45e9] + [0] * 11])
    by_hour = {name: [[int(value) for value in way] for way in both] for name, both in volumes.items()}
    day, before = AS_OF - timedelta(days=1), AS_OF - timedelta(days=40)
    rows = [hourly_row(name, day, "small", *both) for name, both in by_hour.items()]
    rows.append(hourly_row("backs up", before, "large", [0] * 24, [10**13] * 24))  # under another plan
    rows.append(hourly_row("backs up", AS_OF, "small", [0] * 24, [10**13] * 24))  # the day itself
    rows.append(daily_row("hourless", day, plan="small", bytes_up=10**9, bytes_down=10**9))
    subscribers = spark.createDataFrame(
        [(name, "small") for name in [*by_hour, "hourless"]], "customer string, plan string"
    )
    plans = spark.createDataFrame(PRICES, PLANS.schema)
    told = customer_use(daily_frame(spark, rows), subscribers, plans, PERIOD, SETTINGS).collect()
    used = {row.customer: row for row in told}
    for name, (up, down) in by_hour.items():
        for way, hours, limit in (("up", up, 10.0), ("down", down, 100.0)):
            busiest = [sent + received for sent, received in zip(up, down, strict=True)]
            true_rate = hours[int(np.argmax(busiest))] * 8 / 3600 / 1e6
            least, most = used[name][f"peak_{way}_mbps"][1], used[name][f"most_{way}_mbps"]
            assert least - 1e-6 <= true_rate <= most + 1e-6
            assert used[name][f"slow_days_{way}"] == (least > LIMIT * limit)
    row = used["backs up"]
    assert row.peak_down_mbps == pytest.approx([36.0, 36.0])
    assert (row.most_down_mbps, row.peak_up_mbps[1], row.most_up_mbps) == pytest.approx((100.0, 0.0, 64.0))
    assert (row.days, row.plan_since) == (1, day)
    assert row.cycle_gigabytes == pytest.approx([0.0, 240_000.0, 73.8]), "of all plans"
    assert (used["hourless"].days, used["hourless"].peak_down_mbps) == (0, None)


@pytest.mark.parametrize(
    ("weekly", "expected"),
    [([1, 5, 5, 1, 5], [0, 1, 2, 0, 1]), ([5], [1]), ([3], [0]), ([], None), (None, None)],
)
def test_streaks_count_weeks_above_the_limit(
    spark: SparkSession, weekly: list[int] | None, expected: list[int] | None
) -> None:
    frame = spark.createDataFrame([(weekly,)], "weekly array<bigint>")
    assert frame.select(streaks(F.col("weekly"), F.lit(3.0))).collect()[0][0] == expected
