"""What is planted in customers, and that it does not depend on who asks."""

import numpy as np
import pytest

from telflow.settings import SimulateSettings
from telflow.simulate.catalogue import PLANS, SEGMENTS
from telflow.simulate.customers import (
    FIT_NAMES,
    HAZARD_BASE,
    HAZARD_COMPLAINT,
    HAZARD_FALL,
    NEVER,
    Customers,
    make_customers,
    recent_complaints,
    weekly_hazard,
)
from telflow.simulate.draws import Booleans

LAST_DAY = 59
PLAN_BYTES = np.array([plan.volume_gigabytes for plan in PLANS]) * 1e9


def has_fit(customers: Customers, name: str) -> Booleans:
    return np.asarray(customers.fit == FIT_NAMES.index(name))


@pytest.mark.parametrize("field", ["segment", "plan", "mix", "slope", "hazard", "churn_day", "complaints", "scale"])
def test_a_part_of_the_customers_is_as_in_the_whole(months: SimulateSettings, many: Customers, field: str) -> None:
    part = make_customers(months, 800, 900)
    np.testing.assert_array_equal(getattr(part, field), getattr(many, field)[800:900])


def test_segments_come_in_their_shares(many: Customers) -> None:
    shares = np.bincount(many.segment, minlength=len(SEGMENTS)) / len(many)
    np.testing.assert_allclose(shares, [segment.weight for segment in SEGMENTS], atol=0.04)


def test_flows_average_to_the_setting(months: SimulateSettings, many: Customers) -> None:
    assert abs(many.flows_per_day.mean() / months.flows_per_customer_day - 1) < 0.05


def test_expected_bytes_are_the_planted_volume_before_anything_trends(many: Customers) -> None:
    np.testing.assert_allclose(many.monthly_bytes(-1), many.gigabytes * 1e9, rtol=1e-6)


def test_hazard_by_hand() -> None:
    complaints = np.array([[1, 0, 0, 0, 0, 0]])
    fall = np.array([[0.0, 0.0, 0.5, 0.5, 0.5, 0.5]])
    hazard = weekly_hazard(complaints, fall, np.array([0]), np.array([-400]))[0]
    logit = np.log(hazard / (1 - hazard))
    np.testing.assert_allclose(
        logit - HAZARD_BASE,
        [
            0,
            HAZARD_COMPLAINT,
            HAZARD_COMPLAINT + HAZARD_FALL / 2,
            HAZARD_COMPLAINT + HAZARD_FALL / 2,
            HAZARD_COMPLAINT + HAZARD_FALL / 2,
            HAZARD_FALL / 2,
        ],
        atol=1e-9,
    )


def test_nobody_leaves_before_joining() -> None:
    hazard = weekly_hazard(np.zeros((1, 3), dtype=np.int64), np.zeros((1, 3)), np.array([0]), np.array([8]))
    assert hazard[0, :2].tolist() == [0, 0]
    assert hazard[0, 2] > 0


def test_recent_complaints_are_those_of_the_four_weeks_before() -> None:
    complaints = np.array([[1, 0, 1, 0, 0, 0, 0]])
    assert recent_complaints(complaints).tolist() == [[0, 1, 1, 2, 2, 1, 1]]


def test_churn_comes_as_often_as_the_hazard_says(many: Customers) -> None:
    expected = 1 - np.prod(1 - many.hazard, axis=1)
    left = many.churn_day < NEVER
    assert abs(left.mean() - expected.mean()) < 0.015
    assert 0.05 < left.mean() < 0.15
    assert (many.churn_day[left] >= many.signup_day[left]).all()
    assert (many.churn_day[left] <= LAST_DAY).all()


def test_churn_follows_falling_use_and_complaints(many: Customers) -> None:
    left = many.churn_day < NEVER
    falling = has_fit(many, "falling")
    assert left[falling].mean() > 5 * left[~falling].mean()
    assert many.complaints[falling].mean() > 1.3 * many.complaints[~falling].mean()


def test_nothing_is_used_outside_the_subscription(many: Customers) -> None:
    for day in (0, 30, LAST_DAY):
        gone = (many.churn_day < day) | (many.signup_day > day)
        assert gone.any()
        assert (many.flow_rates(day)[gone] == 0).all()
        assert (many.flow_rates(day)[~gone & (many.gap_day == NEVER)] > 0).all()


def test_the_outgrowing_outgrow_and_the_steady_stay(many: Customers) -> None:
    utilisation = many.monthly_bytes(LAST_DAY) / PLAN_BYTES[many.plan]
    start = many.monthly_bytes(0) / PLAN_BYTES[many.plan]
    outgrowing = has_fit(many, "outgrowing")
    assert (start[outgrowing] < 0.9).mean() > 0.98
    assert (utilisation[outgrowing] > 0.9).mean() > 0.95
    assert (utilisation[has_fit(many, "too small")] > 0.9).mean() > 0.95
    assert (utilisation[has_fit(many, "steady")] > 0.9).mean() < 0.03
    assert (utilisation[has_fit(many, "too large")] < 0.3).mean() > 0.95
    assert (utilisation[has_fit(many, "falling")] < start[has_fit(many, "falling")]).all()


def test_a_trend_is_its_slope(many: Customers) -> None:
    row, activity = np.argwhere(many.slope > 0)[0]
    day = int(many.growth_day[row]) + 14
    grown = many.trend(day)[row, activity] / many.trend(day - 7)[row, activity]
    assert np.isclose(np.log(grown), many.slope[row, activity])
    flat = many.slope == 0
    assert (many.trend(LAST_DAY)[flat] == 1).all()
    assert 0.6 < flat.all(axis=1).mean() < 0.85
