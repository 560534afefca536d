"""What a back-test makes of advice and truth, on tables small enough to count by hand."""

from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from telflow.advice.backtest import service_pairs
from telflow.advice.judging import (
    MOST_HELD,
    OURS,
    POPULAR,
    USED,
    BacktestReport,
    Frozen,
    Hits,
    first,
    hits,
    ideal_plans,
    interval,
    judge,
    part,
    rankings,
    resampled,
)
from telflow.advice.rules import Rule, Rules


def frozen() -> Frozen:
    """Six customers on three plans, and one without enough history; a and b need a larger plan, c and f are flat."""
    fits = pd.DataFrame(
        {
            "customer": list("fbcdeag"),
            "plan": ["large", "small", "small", "medium", "medium", "small", "small"],
            "region": ["south", "south", "north", "south", "north", "north", "north"],
            "segment": ["y", "x", "y", "y", "y", "x", "x"],
            "monthly_price": [30.0, 10.0, 10.0, 20.0, 20.0, 10.0, 10.0],
            "volume_gigabytes": [None, 10.0, 10.0, 100.0, 100.0, 10.0, 10.0],
            "cycle": [50.0, 5.0, 4.0, 95.0, 10.0, 11.0, None],
            "utilisation": [None, 1.0, 0.4, 0.95, 0.1, 1.1, None],
            "upsize_confidence": [0.0, 0.8, 0.0, 0.7, 0.0, 0.99, None],
            "advice": ["stay", "up", "stay", "up", "down", "up", None],
            "suggested_plan": ["large", "large", "small", "large", "small", "medium", None],
            "ideal_plan": ["large", "medium", "small", "medium", "small", "medium", "small"],
            "is_needing": [False, True, False, False, False, True, True],
            "needs_upsize": [False, False, False, True, False, True, True],
            "is_flat": [True, False, True, False, False, False, False],
            "has_consented": [True, True, True, True, True, False, True],
            "untold_reason": [None] * 6 + ["too few weeks"],
        }
    )
    rows = [
        ("a", "plan up", None, False),
        ("b", "no change", None, False),
        ("c", "service", "gaming", True),
        ("d", "plan up", None, True),
        ("d", "service", "vpn", True),
        ("f", "no change", None, False),
    ]
    given = pd.DataFrame(rows, columns=["customer", "kind", "category", "may_approach"])
    return Frozen(fits, given, pairs(fits, given))


def pairs(fits: pd.DataFrame, given: pd.DataFrame) -> pd.DataFrame:
    """Gaming is held by a, b and c, VPN by d; planted rises: VPN of d, gaming of e and of g, who is not judged."""
    names = ("r1", "gaming"), ("r2", "vpn"), ("r3", "vpn")
    rules = Rules("1", tuple(Rule(*name, 0.1, "x", 1.0, with_larger_plan=True, need="n") for name in names))
    seen = [("a", "gaming", 0.5, True), ("b", "gaming", 0.0, True), ("c", "gaming", 0.99, True)]
    seen += [("d", "vpn", 0.995, True), ("e", "gaming", 0.9, False)]
    used = pd.DataFrame(seen, columns=["customer", "category", "rise", "is_held"])
    planted = [("d", "vpn", True), ("e", "gaming", True), ("g", "gaming", True), ("e", "web", True)]
    rising = pd.DataFrame(planted, columns=["customer", "category", "is_rising"])
    judged = fits.loc[fits["untold_reason"].isna(), "customer"]
    return service_pairs(judged, rules, given[given["kind"] == "service"], used, rising)


def report() -> BacktestReport:
    return judge(date(2024, 4, 1), frozen(), "run")


def test_hits_are_counted_against_the_need() -> None:
    told = report()
    assert (told.customers, told.untold, told.needing) == (6, 1, 2)
    assert (told.upsize.chosen, told.upsize.recall) == (3, 1.0)
    assert told.upsize.precision == pytest.approx(2 / 3)
    assert told.offered == Hits(2, 0.5, 0.5), "b is held back"
    assert told.approached == Hits(1, 0.0, 0.0), "a has not consented, so of those who have b alone is in need"
    assert told.at_end.precision == pytest.approx(2 / 3)
    assert told.at_end.recall == 1.0
    assert (told.flat_customers, told.flat_advised) == (2, 0.5)
    assert told.metrics["right_plan_share"] == 0.5
    at_need = [told.metrics[f"at_need_{name}_precision"] for name in (OURS, USED)]
    assert at_need == [1.0, 0.5]


def test_services_are_counted_against_the_rises_planted_in_categories_of_the_rules() -> None:
    told = report()
    assert len(frozen().pairs) == 12, "six customers, two categories, though three rules"
    assert told.services == Hits(2, 0.5, 0.5), "of d and c that of d; of d and e that of d"
    assert told.most_held.chosen == 2
    sixth = 1 / 6  # three hold gaming, one VPN: of the six with gaming, of whom one is right, two
    assert (told.most_held.precision, told.most_held.recall) == pytest.approx((sixth, sixth))
    at_need = [told.metrics[f"service_at_need_{name}_precision"] for name in (OURS, MOST_HELD)]
    assert at_need == pytest.approx([0.5, sixth])
    first_of_all = told.metrics[f"service_at_5pct_{OURS}_precision"]
    assert first_of_all == 1.0, "the surest is that of d"
    assert told.metrics["service_recall"] == 0.5


def test_the_ideal_plan_is_the_cheapest_that_holds_the_use_and_else_the_largest() -> None:
    plans = pd.DataFrame(
        {"plan": ["large", "small", "medium"], "monthly_price": [70.0, 20.0, 40.0], "volume_gigabytes": [600, 50, 200]}
    )
    used = np.array([45.0, 45.01, 180.0, 180.01, 9000.0])
    assert ideal_plans(used, plans, 0.9) == ["small", "medium", "medium", "large", "large"]
    unlimited = plans.assign(volume_gigabytes=[np.nan, 50, 200])
    assert ideal_plans(used, unlimited, 0.9) == ["small", "medium", "medium", "large", "large"]


def test_no_interval_is_told_of_so_few_that_samples_hold_nobody() -> None:
    told = report()
    assert (told.precision, told.recall, told.leads[USED]) == (None, None, None)


def test_an_interval_is_as_wide_as_the_binomial_has_it() -> None:
    customers, right = 4000, 800
    is_up = np.arange(customers) < 1000
    is_needing = np.arange(customers) < right
    limits = interval(part(resampled(customers), is_up, is_needing))
    assert limits is not None
    expected = norm(right / 1000, (0.8 * 0.2 / 1000) ** 0.5).interval(0.95)
    assert limits == pytest.approx(expected, abs=0.005)


def test_each_ranking_puts_first_whom_it_would_move_up() -> None:
    fits = frozen().fits.iloc[:6].sort_values("customer", ignore_index=True)
    order = {name: [first(keys, count).tolist() for count in (1, 2, 3)] for name, keys in rankings(fits).items()}
    assert order[OURS] == [[1, 0, 0, 0, 0, 0], [1, 1, 0, 0, 0, 0], [1, 1, 0, 1, 0, 0]]
    assert order[USED] == [[1, 0, 0, 0, 0, 0], [1, 0, 0, 1, 0, 0], [1, 1, 0, 1, 0, 0]]
    thirds = [[part / 3] * 3 + [0] * 3 for part in (1, 2, 3)]
    assert order[POPULAR] == [pytest.approx(row) for row in thirds], (
        "two hold the plan after small: nobody is preferred"
    )


def test_fairness_tells_each_group_of_plan_region_and_segment() -> None:
    table = report().fairness.set_index(["by", "group"])
    assert len(table) == 7
    groups = table.to_dict("index")
    assert groups["plan", "small"] == pytest.approx(
        {
            "customers": 3,
            "needing_share": 2 / 3,
            "advised_share": 2 / 3,
            "offered_share": 1 / 3,
            "precision": 1.0,
            "recall": 1.0,
        }
    )
    assert pd.isna(groups["plan", "large"]["precision"])


def test_nobody_told_is_no_crash() -> None:
    told = judge(date(2024, 4, 1), Frozen(frozen().fits[6:], frozen().given[:0], frozen().pairs[:0]), "run")
    assert (told.untold, told.upsize, told.precision, told.flat_advised) == (1, Hits(0, None, None), None, None)


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=1), st.integers(0, 12))
def test_the_first_are_as_many_as_asked_for_and_equals_share(rows: list[tuple[int, bool]], count: int) -> None:
    keys, needs = (np.array(column) for column in zip(*rows, strict=True))
    chosen = first([keys.astype(float)], count)
    assert chosen.sum() == pytest.approx(min(count, len(rows)))
    for better, worse in product(range(len(rows)), repeat=2):
        if keys[better] > keys[worse] and chosen[worse] > 0:
            assert chosen[better] == 1
        if keys[better] == keys[worse]:
            assert chosen[better] == chosen[worse]
    found = hits(chosen, needs)
    assert (found.precision or 0) * chosen.sum() == pytest.approx((found.recall or 0) * needs.sum())
