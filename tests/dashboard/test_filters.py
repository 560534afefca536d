"""Filters in the address: what is written is read back, and nonsense is told in words."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telflow.dashboard.filters import (
    Filters,
    Period,
    format_query,
    parse_query,
    without_unavailable,
    without_unknown,
)

PARAMETERS = ("tier", "within")
NAMES = st.lists(st.text(min_size=1, max_size=20), unique=True, max_size=5).map(lambda names: tuple(sorted(names)))
DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
PERIODS = st.builds(lambda first, days: Period(first, first + timedelta(days=days)), DAYS, st.integers(0, 3000))
CHOICES = st.builds(
    Filters,
    period=st.none() | PERIODS,
    zone=st.sampled_from(["local", "utc"]),
    categories=NAMES,
    plans=NAMES,
    regions=NAMES,
    segments=NAMES,
    compare=st.booleans(),
    parameters=st.sets(st.sampled_from(PARAMETERS)).map(lambda names: tuple((name, "x & y") for name in sorted(names))),
)


@given(CHOICES)
def test_what_is_written_is_read_back(filters: Filters) -> None:
    parsed = parse_query(format_query(filters), PARAMETERS)
    assert parsed.filters == filters
    assert parsed.problems == ()


@given(st.text(max_size=300))
def test_nonsense_never_crashes_and_what_is_left_is_stable(search: str) -> None:
    filters = parse_query(search, PARAMETERS).filters
    assert parse_query(format_query(filters), PARAMETERS).filters == filters


@pytest.mark.parametrize(
    ("search", "told"),
    [
        ("?from=2024-02-30&to=2024-03-01", "from=2024-02-30 is no day"),
        ("?from=2024-02-01", "needs both from and to"),
        ("?from=2024-02-02&to=2024-02-01", "ends (2024-02-01) before it begins"),
        ("?from=1990-01-01&to=2024-02-01", "longer than ten years"),
        ("?from=9999-12-31&to=9999-12-31", "is not between 1970-01-01 and 2200-01-01"),
        ("?zone=mars", "zone=mars is neither local nor utc"),
        ("?compare=yes", "compare=yes is neither 0 nor 1"),
        ("?categry=web", "Did you mean category?"),
        ("?category=" + "x" * 201, "longer than 200 characters"),
        ("?" + "&".join(f"plan={number}" for number in range(101)), "More than 100 values of plan"),
        ("?" + "&".join("plan=a" for _ in range(501)), "more filters than any page has"),
    ],
)
def test_what_cannot_be_used_is_told(search: str, told: str) -> None:
    assert told in " ".join(parse_query(search).problems)


def test_ten_years_are_no_problem() -> None:
    parsed = parse_query("?from=2014-01-01&to=2024-01-01")
    assert parsed.problems == ()
    assert parsed.filters.period == Period(date(2014, 1, 1), date(2024, 1, 1))


def test_the_previous_period_is_as_long_and_right_before() -> None:
    assert Period(date(2024, 3, 1), date(2024, 3, 7)).previous == Period(date(2024, 2, 23), date(2024, 2, 29))


def test_values_the_data_does_not_hold_are_told_with_the_nearest() -> None:
    checked = without_unknown(Filters(categories=("gamng", "web")), {"category": ["web", "gaming"]})
    assert checked.filters.categories == ("web",)
    assert checked.problems == ("The data holds no category gamng, so it was not used. Did you mean gaming?",)


def test_a_filter_that_cannot_apply_is_taken_away_and_told() -> None:
    applied = without_unavailable(
        Filters(plans=("max",), zone="utc"), {"plan": "why.", "zone": "as is.", "region": "-"}
    )
    assert applied.filters == Filters()
    assert applied.problems == ("The plan filter was not used: why.", "The zone filter was not used: as is.")
