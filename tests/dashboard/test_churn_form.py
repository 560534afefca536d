"""The form takes whatever it was filled with, whoever the customer is: the steady, the silent and the new."""

import math
from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from telflow.churn.features import COLUMNS
from telflow.churn.served import ChurnModel
from telflow.dashboard.churn_form import fields_of, read_form, written
from telflow.dashboard.churn_row import churn_row
from telflow.dashboard.queries.churn import Known
from tests.dashboard.scored import small_model

AS_OF, HISTORY = date(2024, 3, 19), 84
WORDS = {"contract": ("one-year",), "payment": ("credit-card",), "region": ("metro",), "plan": ("basic",)}
FIELDS = fields_of(ChurnModel(COLUMNS, {}, WORDS, 0.3, small_model().forest))
BY_NAME = {field.name: field for field in FIELDS}
Day = tuple[int, int, int]
DAYS = st.dictionaries(
    st.integers(1, HISTORY), st.tuples(st.integers(0, 10**15), st.integers(0, 10**9), st.integers(0, 25))
)
SILENT_FOR_14_DAYS: dict[int, Day] = dict.fromkeys(range(15, HISTORY + 1), (2_000, 3, 1))
ONE_STEEP_STEP: dict[int, Day] = {2: (10_000, 1, 1), 1: (10**15, 10**9, 25)}


def known(days: dict[int, Day], signed_up: int, words: dict[str, str | None]) -> Known:
    """What the lake would know of who used bytes, connections and hours on ``days`` before AS_OF."""
    rows = [
        {"local_date": AS_OF - timedelta(days=back), "bytes_up": sent // 3, "bytes_down": sent - sent // 3,
         "connections": connections, "active_hours": hours}
        for back, (sent, connections, hours) in days.items()
    ]  # fmt: skip
    schema = {"local_date": pl.Date, "bytes_up": pl.Int64, "bytes_down": pl.Int64, "connections": pl.Int64,
              "active_hours": pl.Int64}  # fmt: skip
    subscriber = {"signup_date": AS_OF - timedelta(days=signed_up), **words}
    return Known(subscriber, pl.DataFrame(rows, schema=schema), {}, (), AS_OF - timedelta(days=HISTORY), None)


@settings(deadline=None)
@given(DAYS, st.integers(1, 9_999), st.sampled_from([None, "basic", "a plan that came after the training"]))
@example(SILENT_FOR_14_DAYS, 900, "basic")
@example(ONE_STEEP_STEP, 900, "basic")
@example({}, 1, None)
def test_nobody_is_refused_with_the_own_values(days: dict[int, Day], signed_up: int, plan: str | None) -> None:
    words = {"contract": None, "payment": "credit-card", "region": "metro", "plan": plan}
    values = churn_row(known(days, signed_up, words), AS_OF, HISTORY)
    read, wrong = read_form(FIELDS, {field.name: written(field, values.get(field.name)) for field in FIELDS})
    assert wrong == {}
    for name in COLUMNS.numeric:
        value = values.get(name)
        assert read[name] == (None if value is None else pytest.approx(value, rel=1e-5, abs=1e-5)), name
    assert [read[name] for name in COLUMNS.categorical] == [
        None,
        "credit-card",
        "metro",
        plan if plan == "basic" else None,
    ]


@pytest.mark.parametrize(("change", "text"), [(0.0, "100"), (math.log(2), "200"), (math.log(0.0005), "0.05")])
def test_a_change_is_written_as_what_is_left_of_before(change: float, text: str) -> None:
    field = BY_NAME["volume_change"]
    assert written(field, change) == text
    assert field.label.endswith("(% of before)")


@pytest.mark.parametrize(("text", "is_taken"), [("0", False), ("-1", False), ("1e-9", True), ("", True)])
def test_a_change_is_above_nothing(text: str, is_taken: bool) -> None:
    texts = {"recency_days": "1", "active_days": "9", "tenure_days": "9", "volume_change": text}
    assert ("volume_change" not in read_form(FIELDS, texts)[1]) == is_taken
