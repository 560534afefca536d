"""What is told before a sweep begins, and of days that are not there."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import train_segments
from telflow.cli import run_job
from telflow.customers.daily import days_there
from telflow.segments.inputs import days_told
from tests.benchmarks.planted_segments import reaches_least
from tests.customers.daily_rows import daily_frame, daily_row
from tests.segments.test_contest import sweep as swept

AS_OF = date(2024, 1, 29)


@pytest.mark.usefixtures("spark")
def test_an_empty_lake_is_no_fault_of_the_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_job(lambda _given: train_segments.main(["--set", f"lake.root={tmp_path}"])) == 2
    told = capsys.readouterr().err
    assert "customer_daily is not there yet: run jobs/roll_up_customers.py first" in told
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("metrics", "is_enough"),
    [
        ({"planted_ari": 0.8, "bootstrap_ari": 0.9}, True),
        ({"planted_ari": 0.79, "bootstrap_ari": 0.9}, False),
        ({"planted_ari": 0.8, "bootstrap_ari": 0.89}, False),
        ({"planted_ari": None, "bootstrap_ari": 0.9}, False),
    ],
)
def test_the_benchmark_fails_where_the_planted_are_not_found(
    metrics: dict[str, float | None], *, is_enough: bool
) -> None:
    assert reaches_least(replace(swept({6: 0.5})[0], metrics=metrics)) is is_enough


def test_days_of_the_window_alone_are_counted_each_once(spark: SparkSession) -> None:
    days = ("2024-01-21", "2024-01-22", "2024-01-22", "2024-01-25", "2024-01-28", "2024-01-29")
    rows = [daily_row(f"sub_{place}", date.fromisoformat(day)) for place, day in enumerate(days)]
    assert days_there(daily_frame(spark, rows), AS_OF, 7) == 3


def test_a_window_that_is_not_filled_is_told() -> None:
    assert days_told(28, 28, AS_OF) == []
    (line,) = days_told(14, 28, AS_OF)
    assert line.strip().startswith("only 14 of the 28 days before 2024-01-29 are there")
