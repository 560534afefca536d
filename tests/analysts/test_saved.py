"""Saved SQL: every question and view runs, and says what it says; several by numbers told by hand."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, MapType, StructType, TimestampNTZType, TimestampType

from telflow.analysts.saved import SavedQuery, find_question, parse, saved_questions, saved_views
from telflow.analysts.views import check_tables
from telflow.errors import TableMissingError, UnknownNameError
from telflow.ingest.identity import FAULTS
from telflow.lake import Lake
from tests.analysts.lake import DAY, GB, NEXT, ZONE

QUESTIONS, VIEWS = saved_questions(), saved_views()
BOTH_WAYS = "SUM(src_bytes + dst_bytes)"
BY_CUSTOMER = ("SUM(bytes)", "customer_daily", "SUM(bytes_up + bytes_down)")
SUMS = [  # a view, what is added up in it, the table it is made of, and the same there
    (
        "bi_traffic_by_hour",
        "SUM(bytes), SUM(src_bytes), SUM(dst_bytes), SUM(packets), SUM(flows_started)",
        "traffic_by_window",
        f"{BOTH_WAYS}, SUM(src_bytes), SUM(dst_bytes), SUM(src_packets + dst_packets), SUM(flows_started)",
    ),
    *[
        (view, "SUM(bytes), SUM(flows_started)", "traffic_by_window", f"{BOTH_WAYS}, SUM(flows_started)")
        for view in ("bi_categories_by_day", "bi_services_by_day")
    ],
    (
        "bi_customer_days",
        "SUM(bytes), SUM(bytes_up), SUM(connections)",
        "customer_daily",
        "SUM(bytes_up + bytes_down), SUM(bytes_up), SUM(connections)",
    ),
    ("bi_customer_hours", *BY_CUSTOMER),
    ("bi_customer_categories", *BY_CUSTOMER),
]
FEBRUARY, MARCH = date(2024, 2, 1), date(2024, 3, 1)
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    # of the 10 GB of DAY's windows the web has 3 × 2 + 2 × 1
    "traffic_by_category": [("web", 8.0, 0.8, 5), ("gaming", 2.0, 0.2, 1)],
    # a and b are seen in two windows and count once
    "top_services": [("https", "web", 8.0, 3), ("xbox", "gaming", 2.0, 1)],
    # 8 GB on the one day of February; 9 and 11 GB in March: 10 a day, a quarter more
    "growth_by_month": [(FEBRUARY, 1, 8.0, None), (MARCH, 2, 10.0, 0.25)],
    # 20 hours after DAY's midnight, on both days; a quarter of the day
    "busy_hour_by_day": [(DAY, "2024-03-09 20:00:00", 4.0, 0.25), (NEXT, "2024-03-09 20:00:00", 4.0, 0.25)],
    "busy_hours_of_month": [
        (month, *told) for month in (FEBRUARY, MARCH) for told in (("all", 4.0, 20.5, 2.0), ("web", 3.0, 20.5, 1.5))
    ],
    "capacity_by_region": [(FEBRUARY, "metro", 6.0, 2.0, 3.0), (MARCH, "metro", 6.0, 2.0, 3.0)],
    "hours_of_the_week": [(7, hour, 168.0 + hour) for hour in range(23, 13, -1)],
    "load_by_hour_of_week": [(day, hour, 24.0 * day + hour) for day in range(1, 8) for hour in range(24)],
    "label_disagreements": [("quic", "xbox", 2.0, 0.25)],
    "label_agreement": [
        ("same", 1, 6.0, pytest.approx(6 / 13)),
        ("unobserved", 1, 5.0, pytest.approx(5 / 13)),
        ("differs", 1, 2.0, pytest.approx(2 / 13)),
    ],
    # volumes 4 bytes, 2, 6 and 12 GB: the 90th percentile lies between the last two
    "heaviest_customers": [(4, 1, pytest.approx(0.6))],
    # days of plus 6 and 6 GB, of basic 1, 3, 1, 3
    "use_by_plan": [
        ("plus", 1, 6.0, 6.0, 0.25),
        ("basic", 2, 2.0, 3.0, 0.25),
        ("none", 1, pytest.approx(4e-9), pytest.approx(4e-9), 1.0),
    ],
    "active_customers": [(DAY, 4, 3, 1.5), (NEXT, 3, 3, 1.0)],
    "hours_by_plan": [
        *[("basic", hour, 1.0 if hour == 23 else 0.0) for hour in range(24)],
        *[("none", hour, 1.0 if hour == 0 else 0.0) for hour in range(24)],  # the address without a lease
        *[("plus", hour, 1.0 if hour == 23 else 0.0) for hour in range(24)],
    ],
    "customers_by_level": [("rfm", "Champions", 3, 3.0), ("ufm", "Potential Sales", 3, 3.0)],
    # active days of a and b: 1, 1, 3, 3 GB
    "segment_sizes": [("evening", 2, 2.0), ("office", 1, 6.0)],
    "churn_risk_by_plan": [("basic", 2, 1, pytest.approx(0.7)), ("plus", 1, 0, pytest.approx(0.2))],
    # b complained on the 28th day before, and again: one leaver; d a day too early
    "leavers_by_month": [(MARCH, 2, 1)],
    "plans_outgrown": [("basic", "up", "plus", 1, 10.0)],
    "offers_to_make": [("plan up", "plus", 1, 0.9)],
    "rising_categories": [("web", 1, 0, 2)],
    "files_with_faults": [
        ("none.csv", 2, "empty", 0, None, None),
        ("some.csv", 2, "kept", 10, 0.4, None),
        ("locked.csv", 1, "unreadable", 0, None, None),
        ("old.csv", 1, "cut", 10, 0.1, None),
    ],
}


def answers(lake: Lake, query: SavedQuery) -> DataFrame:
    found = lake.spark.sql(query.in_zone(ZONE))
    times = [field.name for field in found.schema if isinstance(field.dataType, TimestampType | TimestampNTZType)]
    return found.withColumns({name: F.col(name).cast("string") for name in times})


def test_there_are_twenty_questions_or_more_and_all_are_told_by_hand() -> None:
    assert len(QUESTIONS) >= 20
    assert {question.name for question in QUESTIONS} == set(EXPECTED)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.name)
@pytest.mark.usefixtures("names")
def test_each_question_gets_the_answer_told_by_hand(lake: Lake, question: SavedQuery) -> None:
    found = answers(lake, question)
    assert found.columns == list(question.columns)
    assert [tuple(row) for row in found.collect()] == EXPECTED[question.name]


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
@pytest.mark.usefixtures("names")
def test_each_view_is_flat_and_has_rows(lake: Lake, view: SavedQuery) -> None:
    found = lake.spark.table(view.name)
    assert found.columns == list(view.columns)
    nested = [field.name for field in found.schema if isinstance(field.dataType, ArrayType | MapType | StructType)]
    binary = [field.name for field in found.schema if isinstance(field.dataType, BinaryType)]
    assert nested + binary == []
    assert not found.isEmpty()


@pytest.mark.parametrize(("view", "added", "table", "of_table"), SUMS)
@pytest.mark.usefixtures("names")
def test_the_sums_of_a_view_are_those_of_its_table(
    lake: Lake, view: str, added: str, table: str, of_table: str
) -> None:
    [shown] = lake.spark.sql(f"SELECT {added} FROM {view}").collect()
    [held] = lake.spark.sql(f"SELECT {of_table} FROM {table}").collect()
    assert tuple(shown) == tuple(held)
    assert all(shown)


@pytest.mark.usefixtures("names")
def test_weekly_use_stands_beside_its_week(lake: Lake) -> None:
    found = lake.spark.sql("SELECT scope, week_start, bytes FROM bi_weekly_use ORDER BY ALL").collect()
    weeks = [(DAY - timedelta(days=7), GB), (DAY, 2 * GB)]
    assert [tuple(row) for row in found] == [
        (customer, start, volume) for customer in ("sub_a", "sub_b", "sub_c") for start, volume in weeks
    ]


@pytest.mark.parametrize("query", [*QUESTIONS, *VIEWS], ids=lambda query: query.name)
def test_each_file_says_what_it_answers_and_reads_nothing_restricted(query: SavedQuery) -> None:
    assert query.answers.endswith("?")
    assert all(query.columns.values())
    assert query.tables
    known = {table.name for table in query.tables} | {view.name for view in VIEWS}
    common = set(re.findall(r"(\w+) AS \(", query.sql))  # table expressions of its own
    assert set(query.sources) - common <= known
    assert not [table.name for table in query.tables if table.restricted]
    assert not re.search(r"/ *(SUM|\()", query.sql), "a sum may be zero, where Spark raises: try_divide"


def test_files_need_looking_after_as_the_daily_run_says() -> None:
    [listed] = re.findall(r"status IN \((.*)\)", find_question("files_with_faults").sql)
    assert tuple(re.findall(r"'(\w+)'", listed)) == FAULTS


@pytest.mark.usefixtures("names")
def test_hours_of_a_customer_follow_the_local_clock(lake: Lake) -> None:
    hours = lake.spark.table("bi_customer_hours").where(f"customer = 'sub_a' AND local_date = DATE'{NEXT}'")
    rows = hours.orderBy("hour_start").collect()
    assert len(rows) == 23
    assert [row.local_hour for row in rows] == [0, 1, *range(3, 24)]  # two o'clock does not exist
    assert {row.local_date for row in rows} == {NEXT}
    assert [row.bytes for row in rows if row.bytes] == [10**9]


@pytest.mark.usefixtures("names")
def test_customers_stand_once_with_the_newest_of_all_that_is_told(lake: Lake) -> None:
    rows = lake.spark.table("bi_customers").orderBy("customer").collect()
    told = [
        (row.customer, row.ufm_level, row.segment, row.churn_probability, row.is_at_risk, row.plan_advice)
        for row in rows
    ]
    assert told == [
        ("sub_a", "Potential Sales", "evening", 0.6, True, "up"),
        ("sub_b", "Potential Sales", "evening", 0.1, False, "stay"),
        ("sub_c", "Potential Sales", "office", 0.2, False, None),
    ]


@pytest.mark.usefixtures("names")
def test_sketches_become_counts_over_any_stretch(lake: Lake) -> None:
    rows = lake.spark.table("bi_traffic_by_hour").orderBy("hour_start").collect()
    assert [(row.category, row.customers_estimate, row.local_date, row.local_hour) for row in rows] == [
        ("web", 3, DAY, 0),
        ("gaming", 1, DAY, 1),
    ]


@pytest.mark.usefixtures("names")
def test_categories_of_a_day_count_each_customer_once(lake: Lake) -> None:
    rows = lake.spark.table("bi_categories_by_day").orderBy("category").collect()
    assert [(row.local_date, row.category, row.bytes, row.customers_estimate) for row in rows] == [
        (DAY, "gaming", 2 * GB, 1),
        (DAY, "web", 8 * GB, 3),
    ]


def test_a_name_that_none_has_is_told_with_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="traffic_by_categry is not known: did you mean traffic_by_category"):
        find_question("traffic_by_categry")


def test_what_a_question_lacks_is_told_with_the_job_that_writes_it(lake: Lake) -> None:
    empty = Lake(lake.spark, f"{lake.root}/nowhere")
    with pytest.raises(TableMissingError, match=r"plan_fit \(jobs/recommend_services.py writes it\)"):
        check_tables(empty, find_question("plans_outgrown"))


def test_a_view_does_without_what_it_takes_in_by_left_join_and_a_question_does_not() -> None:
    [customers] = [view for view in VIEWS if view.name == "bi_customers"]
    assert [table.name for table in customers.required] == ["subscribers"]
    assert {table.name for table in customers.tables} > {"subscribers", "churn_scores", "plan_fit"}
    leavers = find_question("leavers_by_month")  # without complaints, nobody would have complained
    assert [table.name for table in leavers.required] == ["churn_events", "complaints"]
    through = SavedQuery("asked", "", {}, "SELECT 1 FROM bi_customers JOIN churn_scores USING (customer)")
    assert [table.name for table in through.required] == ["subscribers", "churn_scores"]


def test_a_file_is_taken_apart() -> None:
    found = parse("x", "-- Who?\n-- a: one\n-- b: two: parts\nSELECT a, b\nFROM plans JOIN flows")
    assert found.answers == "Who?"
    assert found.columns == {"a": "one", "b": "two: parts"}
    assert found.sources == ["plans", "flows"]
