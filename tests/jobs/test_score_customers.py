"""The job end to end, twice: the second run changes nothing."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import score_customers
from telflow.lake import Lake
from telflow.tables import CUSTOMER_DAILY, CUSTOMER_SCORES
from tests.customers.daily_rows import daily_frame, daily_row

DAY = date(2024, 3, 30)


def test_running_twice_is_running_once(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("a", DAY, bytes_up=5), daily_row("b", DAY, bytes_up=9)]))
    arguments = ["--set", f"lake.root={lake.root}", "--set", "customers.schemes=[ufm]"]
    runs = []
    for _ in range(2):
        assert score_customers.main(arguments) == 0
        runs.append(lake.read(CUSTOMER_SCORES).orderBy("customer").collect())
    assert [(row.customer, row.score, row.level) for row in runs[0]] == [
        ("a", 3, "Possible Customer Loss"),
        ("b", 6, "Needs Attention"),
    ]
    assert runs[0] == runs[1]
    told = capsys.readouterr().out
    assert "2024-03-31 ufm: Needs Attention 1, Possible Customer Loss 1" in told
    assert "ufm: no customer has level 4 of connections" in told


def test_another_day_can_be_named(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    lake.append(CUSTOMER_DAILY, daily_frame(spark, [daily_row("a", DAY)]))
    assert score_customers.main(["--set", f"lake.root={lake.root}", "--as-of", "2024-03-01"]) == 0
    assert "2024-03-01 rfm: nobody to score" in capsys.readouterr().out


def test_an_empty_roll_up_is_told(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    lake.append(CUSTOMER_DAILY, daily_frame(spark, []))
    assert score_customers.main(["--set", f"lake.root={lake.root}"]) == 0
    assert "nobody to score" in capsys.readouterr().out
