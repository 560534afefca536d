"""Scores: the published ones, the study's own examples, and what lands in the table."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from telflow.customers.cuts import CutSet, customer_cuts
from telflow.customers.schemes import RFM, RFM_R, UFM
from telflow.customers.scores import (
    EmptyLevel,
    all_scores,
    empty_levels,
    score_counts,
    score_customers,
    stored_cuts,
    ufm_quartiles,
    where_scored,
    with_scores,
    with_value_level_and_cuts,
)
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.settings import Settings, load_settings
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SCORES, SUBSCRIBERS
from tests.customers.daily_rows import daily_frame, daily_row
from tests.customers.test_cuts import MEASURES, measures_of

DAY = date(2024, 3, 30)


def test_rfm_r_matches_the_995_published_scores_and_segments(spark: SparkSession, samples: Path) -> None:
    published = spark.read.csv(
        str(samples / "rfm/published_scores.csv"),
        header=True,
        schema="row string, segment string, rfm_score int, orders bigint, recency_days int, amount bigint,"
        " recency_score int, frequency_score int, monetary_score int",
    )
    measures = published.select(
        F.col("row").alias("customer"),
        F.lit("scored").alias("status"),
        "recency_days",
        F.col("orders").alias("active_days"),
        F.lit(0).alias("start_times"),
        F.col("amount").alias("monetary_bytes"),
        F.lit(0).alias("connections"),
    )
    cuts = customer_cuts(measures, [RFM_R])
    assert cuts.by_scheme["rfm_r"]["recency_days"] == pytest.approx((115, 181, 297.4, 482))
    columns = ("recency_score", "frequency_score", "monetary_score")
    actual = {
        row.customer: (row.level, row.score, *[row[column] for column in columns])
        for row in with_scores(measures, RFM_R, cuts.by_scheme["rfm_r"]).collect()
    }
    assert len(actual) == 995
    assert actual == {
        row.row: (row.segment, row.rfm_score, *[row[column] for column in columns]) for row in published.collect()
    }


def test_ufm_scores_the_studys_examples(spark: SparkSession) -> None:
    cuts = {"monetary_bytes": (115, 335, 1509.5), "frequency": (1, 1, 4), "connections": (1, 1, 1)}
    measures = spark.createDataFrame(
        [
            ("a", "scored", 1, 1, 2, 3680878, 2),
            ("b", "scored", 1, 1, 2, 1136, 1),
            ("c", "scored", 1, 1, 5, 308, 1),
            ("d", "scored", 1, 1, 1, 115, 1),
            ("e", "new", 1, 1, 1, 115, 1),
            ("f", "scored", 1, 1, 1, None, 1),
        ],
        MEASURES,
    )
    rows = with_scores(measures, UFM, cuts).orderBy("customer").collect()
    assert [(row.monetary_score, row.frequency_score, row.connections_score, row.score, row.level) for row in rows] == [
        (4, 3, 4, 11, "Require Upgrade"),
        (3, 3, 1, 7, "Potential Sales"),
        (2, 4, 1, 7, "Potential Sales"),
        (1, 1, 1, 3, "Possible Customer Loss"),
        (None, None, None, None, "new"),
        (None, 1, 1, None, None),
    ]
    assert all(row.recency_score is None for row in rows)


def test_a_level_that_nobody_has_is_told(spark: SparkSession) -> None:
    measures = measures_of(spark, [(1, days, 1, days * 10, 1) for days in range(1, 11)])
    cuts = customer_cuts(measures, [RFM, UFM])
    counts = score_counts(all_scores(measures, [RFM, UFM], cuts))
    assert set(empty_levels([RFM, UFM], counts)) == {
        *[EmptyLevel("rfm", "recency_days", level) for level in (1, 2, 3, 4)],
        *[EmptyLevel("ufm", "frequency", level) for level in (2, 3, 4)],
        *[EmptyLevel("ufm", "connections", level) for level in (2, 3, 4)],
    }


def test_value_levels_follow_the_quartiles_of_the_score(spark: SparkSession) -> None:
    measures = measures_of(spark, [(1, 1, value, value, value) for value in range(1, 9)])
    cuts = customer_cuts(measures, [UFM])
    scores = all_scores(measures, [UFM], cuts)
    quartiles = ufm_quartiles(score_counts(scores))
    rows = with_value_level_and_cuts(scores, stored_cuts(cuts, quartiles)).orderBy("monetary_bytes").collect()
    assert quartiles == (5.25, 7.5, 9.75)
    assert [row.score for row in rows] == [3, 3, 6, 6, 9, 9, 12, 12]
    assert [row.value_level for row in rows] == ["No Value"] * 2 + ["Low"] * 2 + ["Medium"] * 2 + ["High"] * 2
    assert rows[0].cuts == {**{name: [2.75, 4.5, 6.25] for name in UFM.measures}, "score": [5.25, 7.5, 9.75]}


def test_stored_cuts_score_as_they_did(spark: SparkSession) -> None:
    measures = measures_of(spark, [(days, days, days, days**2, days % 3) for days in range(1, 40)])
    cuts = customer_cuts(measures, [RFM])
    stored = with_value_level_and_cuts(all_scores(measures, [RFM], cuts), stored_cuts(cuts, ())).collect()
    again = with_scores(measures, RFM, stored[0].cuts).collect()
    assert [(row.customer, row.score, row.level) for row in again] == [
        (row.customer, row.score, row.level) for row in stored
    ]


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


@pytest.fixture(scope="module")
def defaults() -> Settings:
    return load_settings()


def rows_of_lake() -> list[Row]:
    steady = [
        daily_row(
            f"steady {number}", DAY - timedelta(days=offset), bytes_down=100 * number, distinct_start_times=number
        )
        for number in range(1, 6)
        for offset in range(0, 40, number)
    ]
    gone = [daily_row("gone", DAY - timedelta(days=31))]
    fresh = [daily_row("fresh", DAY - timedelta(days=1), bytes_down=10**9)]
    return [*steady, *gone, *fresh]


def test_the_table_holds_every_customer_once_a_scheme(spark: SparkSession, lake: Lake, defaults: Settings) -> None:
    lake.append(CUSTOMER_DAILY, daily_frame(spark, rows_of_lake()))
    report = score_customers(lake, defaults)
    rows = {(row.scheme, row.customer): row for row in lake.read(CUSTOMER_SCORES).collect()}
    assert report.as_of == DAY + timedelta(days=1)
    assert len(rows) == 3 * 7
    assert {row.as_of for row in rows.values()} == {DAY + timedelta(days=1)}
    assert {row.customers_cut for row in rows.values()} == {5}
    assert {row.source_version for row in rows.values()} == {lake.version(CUSTOMER_DAILY)}
    assert {row.window_days for row in rows.values()} == {30}

    best = rows["rfm", "steady 1"]
    assert (best.status, best.recency_days, best.frequency, best.monetary_bytes) == ("scored", 1, 30, 3000)
    assert (best.recency_score, best.frequency_score, best.level) == (5, 5, "Champions")
    assert rows["ufm", "steady 5"].frequency == 5 * 6
    assert set(rows["ufm", "steady 5"].cuts) == {"monetary_bytes", "frequency", "connections", "score"}
    assert (rows["rfm_r", "gone"].status, rows["rfm_r", "gone"].level) == ("inactive", "inactive")
    assert (rows["rfm_r", "gone"].recency_days, rows["rfm_r", "gone"].score) == (32, None)
    assert (rows["ufm", "fresh"].level, rows["ufm", "fresh"].score) == ("new", None)
    assert report.levels["ufm"]["new"] == report.levels["ufm"]["inactive"] == 1
    assert sum(report.levels["rfm"].values()) == 7


def test_another_day_and_another_scheme_stay_as_they_are(spark: SparkSession, lake: Lake, defaults: Settings) -> None:
    lake.append(CUSTOMER_DAILY, daily_frame(spark, rows_of_lake()))
    score_customers(lake, defaults)
    only_rfm = defaults.model_copy(update={"customers": defaults.customers.model_copy(update={"schemes": ("rfm",)})})
    report = score_customers(lake, only_rfm, DAY - timedelta(days=5))
    counts = {
        (row.as_of, row.scheme): row["count"]
        for row in lake.read(CUSTOMER_SCORES).groupBy("as_of", "scheme").count().collect()
    }
    next_day = DAY + timedelta(days=1)
    assert counts == {
        (next_day, "rfm"): 7,
        (next_day, "rfm_r"): 7,
        (next_day, "ufm"): 7,
        (DAY - timedelta(days=5), "rfm"): 6,
    }
    assert set(report.levels) == {"rfm"}
    assert "fresh" not in {
        row.customer for row in lake.read(CUSTOMER_SCORES).where(F.col("as_of") != next_day).collect()
    }


def test_on_the_lakes_first_day_all_are_scored(spark: SparkSession, lake: Lake, defaults: Settings) -> None:
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("a", DAY), daily_row("b", DAY)]))
    signup = spark.createDataFrame([("b", "p", "r", DAY, None, None, False)], SUBSCRIBERS.schema)
    assert set(score_customers(lake, defaults).levels["ufm"]) == {"Possible Customer Loss"}
    lake.replace_all(SUBSCRIBERS, signup)
    assert score_customers(lake, defaults).levels["ufm"] == {"Possible Customer Loss": 1, "new": 1}


def test_nobody_to_score_is_no_error(spark: SparkSession, lake: Lake, defaults: Settings) -> None:
    lake.append(CUSTOMER_DAILY, daily_frame(spark, []))
    assert score_customers(lake, defaults).as_of is None
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("gone", DAY)]))
    report = score_customers(lake, defaults, DAY + timedelta(days=50))
    assert report.levels["rfm"] == {"inactive": 1}
    assert report.empty_levels == ()
    assert lake.read(CUSTOMER_SCORES).select("cuts").first() == Row(cuts={})


def test_a_missing_roll_up_is_named(lake: Lake, defaults: Settings) -> None:
    with pytest.raises(TableMissingError, match="customer_daily"):
        score_customers(lake, defaults)


def test_cuts_of_one_scheme_do_not_depend_on_the_others(spark: SparkSession) -> None:
    measures = measures_of(spark, [(days, days, days, days**3, days % 5) for days in range(1, 50)])
    together = customer_cuts(measures, [RFM, RFM_R, UFM])
    assert CutSet(49, {"ufm": together.by_scheme["ufm"]}) == customer_cuts(measures, [UFM])


def test_what_a_run_replaces() -> None:
    assert where_scored(date(2024, 1, 2), [RFM, UFM]) == "as_of = DATE'2024-01-02' AND scheme IN ('rfm', 'ufm')"
