"""What a back-test makes of advice and truth, on tables small enough to count by hand."""

from datetime import date
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from telflow.advice.backtest import (
    OURS,
    POPULAR,
    USED,
    BacktestReport,
    Frozen,
    Hits,
    first,
    hits,
    interval,
    judge,
    part,
    rankings,
    resampled,
)

NONE = None


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
        ("a", "plan up", None, False, NONE),
        ("b", "no change", None, False, NONE),
        ("c", "service", "gaming", True, NONE),
        ("d", "plan up", None, True, NONE),
        ("d", "service", "web", True, True),
        ("f", "no change", None, False, NONE),
    ]
    return Frozen(fits, pd.DataFrame(rows, columns=["customer", "kind", "category", "may_approach", "is_rising"]))


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
    assert (told.flat_customers, told.flat_advised, told.services) == (2, 0.5, 0.5)
    assert told.metrics["right_plan_share"] == 0.5
    at_need = [told.metrics[f"at_need_{name}_precision"] for name in (OURS, USED)]
    assert at_need == [1.0, 0.5]


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
        {"customers": 3, "needing_share": 2 / 3, "advised_share": 2 / 3, "precision": 1.0, "recall": 1.0}
    )
    assert pd.isna(groups["plan", "large"]["precision"])


def test_nobody_told_is_no_crash() -> None:
    told = judge(date(2024, 4, 1), Frozen(frozen().fits[6:], frozen().given[:0]), "run")
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
