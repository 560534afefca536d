"""Small files are joined, and no row changes."""

from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import maintain_tables
from telflow.days import log_days
from telflow.lake import Lake
from telflow.tables import ALL_TABLES, DAY_LOG, LAKE_FACTS, RUN_LOCK

pytestmark = pytest.mark.slow


def test_small_files_are_joined_and_rows_stay(
    spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    for run in (1, 2, 3):
        log_days(lake, "flows", [date(2024, 1, run)], run)
    before = sorted(lake.read(DAY_LOG).collect())

    arguments = ["--set", f"lake.root={lake.root}"]
    assert maintain_tables.main(arguments) == 0
    assert "day_log: 3 files became 1" in capsys.readouterr().out
    assert sorted(lake.read(DAY_LOG).collect()) == before

    vacuumed: list[str] = []
    monkeypatch.setattr(Lake, "vacuum", lambda _, table: vacuumed.append(table.name))
    assert maintain_tables.main(arguments) == 0
    assert {table.name for table in (RUN_LOCK, LAKE_FACTS, *ALL_TABLES)} == set(vacuumed)
    told = capsys.readouterr().out
    assert "day_log: 1 files became 1" in told
    assert "flows: 0 files became 0" in told
