"""The form's features are the job's: one subscriber read in the web process beside everybody by Spark."""

import math
from datetime import date, timedelta

import pytest
from pyspark.sql import SparkSession

from telflow.churn.data import read_sources
from telflow.churn.features import COLUMNS, WINDOW_DAYS
from telflow.dashboard import churn_row as own
from telflow.dashboard.data import DeltaReader
from telflow.dashboard.queries.churn import known_of
from telflow.lake import Lake
from telflow.tables import COMPLAINTS, CUSTOMER_DAILY, SUBSCRIBERS
from tests.customers.daily_rows import daily_frame, daily_row

FIRST = date(2024, 1, 1)
AS_OF = FIRST + timedelta(days=60)
HISTORY = 50
SIGNED_UP = {  # from before the lake began to a few days ago
    "sub_old": date(2022, 1, 1),
    "sub_silent": date(2022, 1, 1),
    "sub_gone_quiet": date(2023, 1, 1),
    "sub_once": date(2023, 1, 1),
    "sub_new": AS_OF - timedelta(days=20),
    "sub_newest": AS_OF - timedelta(days=5),
}
ACTIVE = {  # days of the lake on which each was seen
    "sub_old": range(60),
    "sub_gone_quiet": range(30),
    "sub_once": range(47, 48),
    "sub_new": range(41, 60, 2),
    "sub_newest": range(56, 60),
}
COMPLAINED = {"sub_old": (0, 31, 32, 33, 59), "sub_new": (45,)}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Customers of all ages, some of whom were seen on few days, or on days with next to nothing."""
    made = Lake(spark, str(tmp_path_factory.mktemp("churn-row")))
    rows = [
        daily_row(
            name,
            FIRST + timedelta(days=day),
            bytes_up=4_000 + 700 * day if day % 7 else 300,
            bytes_down=9_000 + 13_000 * (day % 5),
            connections=2 + day % 4,
            active_hours=1 + day % 9,
            input_macs=[f"mac_{day % 3}", f"mac_{name}"] if day % 2 else None,
        )
        for name, days in ACTIVE.items()
        for day in days
    ]
    told = [(name, "basic", "metro", day, "one-year", None, True) for name, day in SIGNED_UP.items()]
    complained = [(name, FIRST + timedelta(days=day), "outage") for name, days in COMPLAINED.items() for day in days]
    made.append(CUSTOMER_DAILY, daily_frame(spark, rows))
    made.append(SUBSCRIBERS, spark.createDataFrame(told, SUBSCRIBERS.schema))
    made.append(COMPLAINTS, spark.createDataFrame(complained, COMPLAINTS.schema))
    return made


def test_the_form_looks_at_what_the_job_looks_at(lake: Lake) -> None:
    rows = {row.customer: row for row in read_sources(lake).features([AS_OF], HISTORY).collect()}
    assert set(rows) == set(SIGNED_UP)
    reader = DeltaReader(lake.root, "UTC")
    for customer, row in rows.items():
        known = known_of(reader, customer, AS_OF, max(HISTORY, WINDOW_DAYS))
        assert known is not None
        found = own.churn_row(known, AS_OF, HISTORY)
        for name in COLUMNS.names:
            value = found.get(name)
            if isinstance(row[name], float):
                assert isinstance(value, float), (customer, name)
                assert math.isclose(value, row[name], rel_tol=1e-9, abs_tol=1e-9), (customer, name, value, row[name])
            else:
                assert value == row[name], (customer, name)


def test_nobody_is_made_up(lake: Lake) -> None:
    assert known_of(DeltaReader(lake.root, "UTC"), "sub_nobody", AS_OF, HISTORY) is None
