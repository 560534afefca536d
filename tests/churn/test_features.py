"""Churn features: nothing of the days from as_of on, the silent kept, boundaries of every window."""

from datetime import date, timedelta
from math import log
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from telflow.churn.features import COLUMNS, SILENT, churn_features, with_label
from telflow.tables import CHURN_EVENTS, COMPLAINTS
from tests.churn.rows import subscribers_frame
from tests.customers.daily_rows import daily_frame, daily_row

AS_OF = date(2024, 4, 1)
START = date(2024, 1, 1)


def day(before: int) -> date:
    return AS_OF - timedelta(days=before)


def use(customer: str, first: int, last: int, connections: int, plan: str = "basic") -> list[Row]:
    """Daily rows from ``first`` to ``last`` days before as_of."""
    return [
        daily_row(customer, day(before), bytes_up=50_000, connections=connections, plan=plan)
        for before in range(last, first + 1)
    ]


def make(spark: SparkSession, rows: list[Row], complaints: list[tuple[str, date]], left: dict[str, date]) -> DataFrame:
    return churn_features(
        daily_frame(spark, rows),
        subscribers_frame(spark, ["busy", "falling", "silent", "gone", "last day", "new"]),
        spark.createDataFrame([(name, at, "price") for name, at in left.items()], CHURN_EVENTS.schema),
        spark.createDataFrame([(name, at, None) for name, at in complaints], COMPLAINTS.schema),
        [AS_OF],
        history_days=84,
        lake_start=START,
    )


def test_the_document_has_a_row_for_each_column() -> None:
    text = Path("docs/features.md").read_text(encoding="utf-8")
    assert [name for name in COLUMNS.names if f"`{name}` |" not in text] == []


@pytest.fixture(scope="module")
def known(spark: SparkSession) -> dict[str, Row]:
    rows = [
        *use("busy", 84, 1, 9),
        *use("falling", 84, 15, 9),
        *use("falling", 14, 1, 4, plan="starter"),
        *use("falling", 0, -5, 900, plan="ultra"),
        *use("busy", 90, 85, 900),
        *use("new", 16, 1, 9),
    ]
    complaints = [
        (name, day(before))
        for name, before in (("busy", 0), ("busy", 1), ("busy", 28), ("busy", 29), ("busy", 84), ("busy", 85))
    ]
    table = make(spark, rows, complaints, {"gone": day(1), "last day": day(0)})
    assert table.columns == ["customer", "as_of", *COLUMNS.names]
    return {row.customer: row for row in table.collect()}


def test_who_left_before_is_no_longer_asked_about(known: dict[str, Row]) -> None:
    assert set(known) == {"busy", "falling", "silent", "last day", "new"}


def test_changes_compare_a_days_mean_and_look_at_no_later_day(known: dict[str, Row]) -> None:
    assert known["busy"].connections_change == pytest.approx(0)
    assert known["falling"].connections_change == pytest.approx(log(5 / 10))
    assert known["falling"].last_week_change == pytest.approx(log(5 / ((7 * 4 + 14 * 9) / 21 + 1)))
    assert known["silent"].connections_change == pytest.approx(0), "never anything is no change"


def test_complaints_count_by_the_day(known: dict[str, Row]) -> None:
    assert (known["busy"].complaints_28_days, known["busy"].complaints_earlier) == (2.0, 2 * 28 / 56)
    assert (known["silent"].complaints_28_days, known["silent"].complaints_earlier) == (0.0, 0.0)


@pytest.mark.parametrize(("start", "expected"), [(84, 14.0), (49, 37.3333), (35, 112.0), (34, None)])
def test_earlier_complaints_are_told_of_the_days_known(spark: SparkSession, start: int, expected: float | None) -> None:
    """28 complaints on the 29th day before, over the days from the lake's start to the 28th; a week at least."""
    table = churn_features(
        daily_frame(spark, use("new", 20, 1, 9)),
        subscribers_frame(spark, ["new"]),
        spark.createDataFrame([], CHURN_EVENTS.schema),
        spark.createDataFrame([("new", day(29), None)] * 28, COMPLAINTS.schema),
        [AS_OF],
        history_days=84,
        lake_start=day(start),
    )
    assert table.collect()[0].complaints_earlier == (None if expected is None else pytest.approx(expected, abs=1e-3))


def test_nothing_of_the_days_from_a_date_on_is_seen(spark: SparkSession) -> None:
    """All later rows are others: the features are the same, though a later date sees them."""
    before, dates = day(14), [day(14), AS_OF]
    early = [*use("busy", 84, 15, 9), *use("new", 40, 15, 3)]
    told = []
    for later, times in (([], 0), ([*use("busy", 14, 1, 999), *use("new", 14, 1, 1), *use("silent", 14, 1, 5)], 9)):
        table = churn_features(
            daily_frame(spark, [*early, *later]),
            subscribers_frame(spark, ["busy", "new", "silent"]),
            spark.createDataFrame([("busy", before, None)] * times, CHURN_EVENTS.schema),
            spark.createDataFrame([("new", day(20), None), *[("busy", before, None)] * times], COMPLAINTS.schema),
            dates,
            history_days=84,
            lake_start=START,
        )
        told.append({(row.customer, row.as_of): row for row in table.collect()})
    then, now = ({key[0]: row for key, row in each.items() if key[1] == before} for each in told)
    assert then == now
    assert set(then) == {"busy", "new", "silent"}
    assert told[0]["new", AS_OF] != told[1]["new", AS_OF]
    assert ("busy", AS_OF) not in told[1], "left on the date itself"


def test_silence_is_known_and_the_rest_is_missing(known: dict[str, Row]) -> None:
    assert {name: known["silent"][name] for name in SILENT} == SILENT
    assert known["silent"].up_share is None
    assert known["silent"].payment is None
    assert known["silent"].plan == "basic"
    assert known["silent"].tenure_days == (AS_OF - date(2022, 1, 1)).days


@pytest.mark.parametrize(("lake_start", "is_told"), [(21, True), (20, False)])
def test_a_change_needs_a_week_before_the_recent_days(spark: SparkSession, lake_start: int, *, is_told: bool) -> None:
    table = churn_features(
        daily_frame(spark, use("new", 20, 1, 9)),
        subscribers_frame(spark, ["new"]),
        spark.createDataFrame([], CHURN_EVENTS.schema),
        spark.createDataFrame([], COMPLAINTS.schema),
        [AS_OF],
        history_days=84,
        lake_start=day(lake_start),
    )
    assert (table.collect()[0].connections_change is not None) is is_told


def test_labels_look_at_the_window_from_as_of_on(spark: SparkSession) -> None:
    features = spark.createDataFrame(
        [(name, AS_OF) for name in ("before", "first", "last", "after", "stays")], "customer string, as_of date"
    )
    left = {"before": [day(1)], "first": [day(0), day(-40)], "last": [day(30), day(-13)], "after": [day(-14)]}
    rows = [(name, at, None) for name, days in left.items() for at in days]
    events = spark.createDataFrame(rows, CHURN_EVENTS.schema)
    labelled = {row.customer: row.label for row in with_label(features, events, 14).collect()}
    assert labelled == {"before": 0, "first": 1, "last": 1, "after": 0, "stays": 0}
