"""Small files are joined, and no row changes."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import maintain_tables
from telflow.days import log_days
from telflow.lake import Lake
from telflow.tables import DAY_LOG

pytestmark = pytest.mark.slow


def test_small_files_are_joined_and_rows_stay(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    for run in (1, 2, 3):
        log_days(lake, "flows", [date(2024, 1, run)], run)
    before = sorted(lake.read(DAY_LOG).collect())

    arguments = ["--set", f"lake.root={lake.root}"]
    assert maintain_tables.main(arguments) == 0
    assert "day_log: 3 files became 1" in capsys.readouterr().out
    assert sorted(lake.read(DAY_LOG).collect()) == before

    assert maintain_tables.main(arguments) == 0
    told = capsys.readouterr().out
    assert "day_log: 1 files became 1" in told
    assert "flows: 0 files became 0" in told
