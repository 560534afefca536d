"""What a back-test makes of advice and truth, on tables small enough to count by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telflow.advice.backtest import OURS, POPULAR, USED, first, hits, judge, rankings

NONE = None


def told() -> pd.DataFrame:
    """Six customers on three plans; a and b need a larger one, c is flat."""
    return pd.DataFrame(
        {
            "customer": list("abcdef"),
            "plan": ["small", "small", "small", "medium", "medium", "large"],
            "region": ["north", "south", "north", "south", "north", "south"],
            "segment": ["x", "x", "y", "y", "y", "y"],
            "monthly_price": [10.0, 10.0, 10.0, 20.0, 20.0, 30.0],
            "volume_gigabytes": [10.0, 10.0, 10.0, 100.0, 100.0, None],
            "cycle": [11.0, 5.0, 4.0, 95.0, 10.0, 50.0],
            "utilisation": [1.1, 1.0, 0.4, 0.95, 0.1, None],
            "upsize_confidence": [0.99, 0.8, 0.0, 0.7, 0.0, None],
            "advice": ["up", "up", "stay", "up", "down", "stay"],
            "suggested_plan": ["medium", "large", "small", "large", "small", "large"],
            "ideal_plan": ["medium", "medium", "small", "medium", "small", "large"],
            "is_needing": [True, True, False, False, False, False],
            "needs_upsize": [True, False, False, True, False, False],
            "is_flat": [False, False, True, False, False, True],
        }
    )


def advised() -> pd.DataFrame:
    rows = [
        ("a", "plan up", None, False, NONE),
        ("b", "no change", None, True, NONE),
        ("c", "service", "gaming", False, NONE),
        ("d", "service", "web", False, True),
        ("f", "no change", None, False, NONE),
    ]
    return pd.DataFrame(rows, columns=["customer", "kind", "category", "is_suppressed", "is_rising"])


def test_hits_are_counted_against_the_need() -> None:
    report = judge(date(2024, 4, 1), told(), 3, advised(), "run")
    assert (report.customers, report.untold, report.needing) == (6, 3, 2)
    assert (report.upsize.chosen, report.upsize.recall) == (3, 1.0)
    assert report.upsize.precision == pytest.approx(2 / 3)
    assert (report.approached.chosen, report.approached.precision, report.approached.recall) == (2, 0.5, 0.5)
    assert report.at_end.precision == pytest.approx(2 / 3)
    assert report.at_end.recall == 1.0
    assert (report.flat_customers, report.flat_advised, report.services) == (2, 0.5, 0.5)
    assert report.metrics["right_plan_share"] == 0.5
    assert (report.metrics["at_need_advice_precision"], report.metrics["at_need_utilisation_only_precision"]) == (
        1.0,
        0.5,
    )


def test_each_ranking_puts_first_whom_it_would_move_up() -> None:
    orders = {name: "".join(told()["customer"].to_numpy()[order]) for name, order in rankings(told()).items()}
    assert orders[OURS].startswith("abd")
    assert orders[USED].startswith("adbc")
    assert orders[POPULAR].startswith("abcde"), "two hold the plan after small, one the plan after medium"


def test_fairness_tells_each_group_of_plan_region_and_segment() -> None:
    table = judge(date(2024, 4, 1), told(), 0, advised(), "run").fairness.set_index(["by", "group"])
    assert len(table) == 7
    groups = table.to_dict("index")
    assert groups["plan", "small"] == pytest.approx(
        {"customers": 3, "needing_share": 2 / 3, "advised_share": 2 / 3, "precision": 1.0, "recall": 1.0}
    )
    assert pd.isna(groups["plan", "large"]["precision"])


def test_nobody_told_is_no_crash() -> None:
    report = judge(date(2024, 4, 1), told()[:0], 9, advised()[:0], "run")
    assert (report.upsize.precision, report.upsize.recall, report.flat_advised) == (None, None, None)


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_precision_and_recall_share_their_hits(rows: list[tuple[bool, bool]]) -> None:
    chosen, needs = (np.array(column, dtype=bool) for column in zip(*rows, strict=True))
    found = hits(chosen, needs)
    assert (found.precision or 0) * found.chosen == pytest.approx((found.recall or 0) * needs.sum())
    assert first(np.arange(len(needs)), 0).sum() == 0
