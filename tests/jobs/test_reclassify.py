"""The job end to end, twice: the second run changes nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import reclassify
from telflow.days import CHANGE, log_days
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.tables import FLOWS, RECLASSIFICATION
from tests.classify.flow_rows import NOON, flows_frame


def test_running_twice_is_running_once(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    rows: list[dict[str, Any]] = [
        {"observed_application": "ssl", "service": "https"},
        {"observed_application": "http", "service": "https", "start_time": NOON + timedelta(days=1)},
        {"service": "https"},
    ]
    lake.append(FLOWS, flows_frame(spark, rows))
    log_days(lake, CHANGE, [NOON.date(), NOON.date() + timedelta(days=1)], 1)
    root = ["--set", f"lake.root={lake.root}"]
    runs = []
    for arguments in ([], [], ["--days", "2024-01-02"]):
        assert reclassify.main([*root, *arguments]) == 0
        runs.append(sorted(map(tuple, lake.read(RECLASSIFICATION).collect())))
    assert [row[5] for row in sorted(runs[0], key=lambda row: row[1])] == ["differs", "unobserved", "same"]
    assert runs[0] == runs[1] == runs[2]
    told = capsys.readouterr().out
    assert "named by its exporter: 66.7% of flows" in told
    assert "of these the registry agrees on 50.0%, 50.0% of bytes" in told
    assert "http, the registry says https: 1 flows, 100 bytes" in told


def test_without_flows_the_missing_table_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(TableMissingError, match="flows"):
        reclassify.main(["--set", f"lake.root={Lake(spark, str(tmp_path)).root}"])
