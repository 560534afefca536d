"""Splits: no label window of the training reaches the hold-out, folds keep customers whole and classes even."""

from datetime import date, timedelta

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from telflow.churn.split import as_of_dates, check_folds, fold_splits, temporal_dates, temporal_split, with_fold
from telflow.errors import TrainingDataError

FIRST = date(2024, 1, 1)


def dates_of(days: int, label_days: int = 14, step_days: int = 7, history: int = 14, most: int = 16) -> list[date]:
    last = FIRST + timedelta(days=days - 1)
    return as_of_dates(FIRST, last, label_days=label_days, step_days=step_days, least_history_days=history, most=most)


def test_sixty_days_give_five_dates() -> None:
    # 60 days from 1 January end on 29 February; the newest whole label window of 14 days begins on 16 February
    assert dates_of(60) == [date(2024, 1, 19), date(2024, 1, 26), date(2024, 2, 2), date(2024, 2, 9), date(2024, 2, 16)]
    split = temporal_dates(dates_of(60), label_days=14, holdout_share=0.25)
    assert split.holdout == (date(2024, 2, 9), date(2024, 2, 16))
    assert split.training == (date(2024, 1, 19), date(2024, 1, 26))


@pytest.mark.parametrize(("days", "count"), [(27, 0), (28, 1), (34, 1), (35, 2)])
def test_a_date_needs_history_behind_and_a_whole_window_ahead(days: int, count: int) -> None:
    assert len(dates_of(days)) == count


def test_only_the_newest_dates_are_taken() -> None:
    assert dates_of(200, most=3) == dates_of(200)[-3:]


@given(st.integers(30, 400), st.integers(1, 30), st.integers(1, 30), st.floats(0.05, 0.9))
def test_training_windows_close_before_the_hold_out_opens(days: int, label: int, step: int, share: float) -> None:
    dates = dates_of(days, label, step)
    try:
        split = temporal_dates(dates, label_days=label, holdout_share=share)
    except TrainingDataError:
        reject()
    last_labelled_day = max(split.training) + timedelta(days=label - 1)
    assert last_labelled_day < min(split.holdout)
    assert max(split.holdout) + timedelta(days=label) <= FIRST + timedelta(days=days)
    assert set(split.training) | set(split.holdout) <= set(dates)
    # nothing more could have been trained on
    assert sum(day + timedelta(days=label) <= min(split.holdout) for day in dates) == len(split.training)


@pytest.mark.parametrize("days", [20, 41])
def test_too_few_days_are_told(days: int) -> None:
    with pytest.raises(TrainingDataError, match="customer_daily and churn_events allow"):
        temporal_dates(dates_of(days), label_days=14, holdout_share=0.25)


def test_folds_keep_customers_whole_and_classes_even(spark: SparkSession) -> None:
    people = spark.range(1000).select(
        F.concat(F.lit("c"), "id").alias("customer"), (F.col("id") % 4 == 0).cast("int").alias("label")
    )
    rows = people.union(people.withColumn("label", F.lit(0)))
    table = with_fold(rows, 5, 1).toPandas()
    assert len(table) == 2000
    assert (table.groupby("customer")["fold"].nunique() == 1).all()
    by_fold = table.groupby("fold")["label"].agg(["size", "sum"])
    assert by_fold.index.tolist() == [0, 1, 2, 3, 4]
    assert by_fold["size"].tolist() == [400] * 5
    assert by_fold["sum"].tolist() == [50] * 5


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
@pytest.mark.parametrize("leaving", [5, 7, 33])
def test_few_who_leave_are_dealt_out_evenly(spark: SparkSession, leaving: int, seed: int) -> None:
    rows = spark.range(200).selectExpr("concat('c', id) AS customer", f"int(id < {leaving}) AS label")
    counts = with_fold(rows, 5, seed).toPandas().groupby(["label", "fold"]).size().unstack()
    assert (counts.max(axis="columns") - counts.min(axis="columns") <= 1).all()
    assert counts.notna().all(axis=None)


@pytest.mark.parametrize(("leaving", "rows"), [(4, 100), (97, 100), (0, 100)])
def test_fewer_of_a_kind_than_folds_are_refused(spark: SparkSession, leaving: int, rows: int) -> None:
    table = spark.range(rows).selectExpr("concat('c', id) AS customer", f"int(id < {leaving}) AS label")
    with pytest.raises(TrainingDataError, match=f"own.csv tells of {leaving} customers who left and .*churn.folds"):
        check_folds(table, 5, "own.csv")


def test_as_many_of_a_kind_as_folds_will_do(spark: SparkSession) -> None:
    table = spark.range(10).selectExpr("concat('c', id) AS customer", "int(id < 5) AS label")
    check_folds(table.union(table), 5, "own.csv")


def test_labels_held_out_shape_no_fold(spark: SparkSession) -> None:
    """Whoever leaves in the hold-out, the folds are the same; who stands there alone is in none."""
    known = spark.range(200).selectExpr("concat('c', id) AS customer", "int(id % 4 == 0) AS label", "true AS known")
    later = spark.range(20, 220).selectExpr("concat('c', id) AS customer", "0 AS label", "false AS known")
    folds = [
        with_fold(known.union(later.withColumn("label", F.lit(label))), 5, 1, F.col("known")).toPandas()
        for label in (0, 1)
    ]
    first, second = (each.groupby("customer")["fold"].max() for each in folds)
    assert first.equals(second)
    assert sorted(first.index[first.isna()]) == [f"c{place}" for place in range(200, 220)]
    assert dict(first.dropna()) == dict(with_fold(known, 5, 1).toPandas().set_index("customer")["fold"])


def test_each_fold_is_held_out_once_and_another_validates(spark: SparkSession) -> None:
    rows = spark.createDataFrame([(fold,) for fold in (0, 1, 2, 2)], "fold int")
    splits = fold_splits(rows, 3)
    assert [split.validation_folds for split in splits] == [(1,), (2,), (0,)]
    assert sorted(row.fold for row in splits[2].training.collect()) == [0, 1]
    assert [row.fold for row in splits[2].holdout.collect()] == [2, 2]


def test_a_temporal_split_takes_the_rows_of_its_dates(spark: SparkSession) -> None:
    dates = temporal_dates(dates_of(60), label_days=14, holdout_share=0.25)
    rows = spark.createDataFrame(
        [(f"c{day}", day, 0) for day in dates_of(60)], "customer string, as_of date, label int"
    )
    split = temporal_split(rows, dates, 3)
    assert {row.as_of for row in split.training.collect()} == set(dates.training)
    assert {row.as_of for row in split.holdout.collect()} == set(dates.holdout)
    assert split.validation_folds == (0, 1, 2)
