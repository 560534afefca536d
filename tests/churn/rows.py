"""Tables of a small lake with a plain reason to leave: those who complain do."""

from collections.abc import Sequence
from datetime import date, timedelta

from pyspark.sql import DataFrame, Row, SparkSession

from telflow.lake import Lake
from telflow.tables import CHURN_EVENTS, COMPLAINTS, CUSTOMER_DAILY, SUBSCRIBERS, TRUTH_CUSTOMER_WEEKS
from tests.customers.daily_rows import daily_frame, daily_row

FIRST = date(2024, 1, 1)
DAYS = 70
CUSTOMERS = 120


def names() -> list[str]:
    return [f"sub_{number:03d}" for number in range(CUSTOMERS)]


def leaving_days() -> dict[str, date]:
    """Every fourth customer leaves, on days spread over the weeks from the fifth on."""
    return {name: FIRST + timedelta(days=28 + (7 * place) % 42) for place, name in enumerate(names()) if place % 4 == 0}


def write_lake(lake: Lake, spark: SparkSession) -> None:
    """Months of daily rows; who leaves complains 15 to 19 days before, and one in ten others complains too.

    The planted truth of each week goes along, so that the best possible can be told.
    """
    left = leaving_days()
    rows: list[Row] = []
    complaints = []
    for place, name in enumerate(names()):
        last = left.get(name, FIRST + timedelta(days=DAYS - 1))
        rows.extend(
            daily_row(name, FIRST + timedelta(days=day), bytes_up=20_000 + place * 10 + day, connections=5 + place % 3)
            for day in range(0, DAYS, 2)
            if FIRST + timedelta(days=day) <= last
        )
        if name in left:
            complaints.append((name, last - timedelta(days=15 + place % 5), "outage"))
        elif place % 10 == 1:
            complaints.append((name, FIRST + timedelta(days=30 + place % 20), "billing"))
    lake.append(CUSTOMER_DAILY, daily_frame(spark, rows))
    lake.append(SUBSCRIBERS, subscribers_frame(spark, names()))
    lake.append(CHURN_EVENTS, spark.createDataFrame([(n, d, "price") for n, d in left.items()], CHURN_EVENTS.schema))
    lake.append(COMPLAINTS, spark.createDataFrame(complaints, COMPLAINTS.schema))
    lake.append(TRUTH_CUSTOMER_WEEKS, spark.createDataFrame(planted_weeks(), TRUTH_CUSTOMER_WEEKS.schema))


def planted_weeks() -> list[tuple[object, ...]]:
    """Rows of TRUTH_CUSTOMER_WEEKS: the chance to leave is great in the week in which a customer left."""
    left = leaving_days()
    told: list[tuple[object, ...]] = []
    for name in names():
        for week in range(DAYS // 7):
            start = FIRST + timedelta(days=7 * week)
            is_leaving = name in left and 0 <= (left[name] - start).days < 7
            told.append((name, week, start, True, 1e6, 0.5, 0.0, 0, 0.8 if is_leaving else 0.01, is_leaving))
    return told


def subscribers_frame(spark: SparkSession, wanted: Sequence[str]) -> DataFrame:
    rows = [(name, "basic", "metro", date(2022, 1, 1), "one-year", None, True) for name in wanted]
    return spark.createDataFrame(rows, SUBSCRIBERS.schema)
