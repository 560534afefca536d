"""The job end to end, twice: the second run changes nothing."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import list_traffic
from telflow.days import CHANGE, log_days
from telflow.errors import TableMissingError
from telflow.lake import Lake
from telflow.tables import FLOWS, REMOTE_NETWORKS, TRAFFIC_TYPES
from tests.classify.flow_rows import NOON, flows_frame


def test_running_twice_is_running_once(spark: SparkSession, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    https = {"dst_port": 443, "src_port": 50_000, "dst_service": "https", "service": "https", "category": "web"}
    rows: list[dict[str, Any]] = [https, {**https, "src_ip": "ip_b", "start_time": NOON + timedelta(days=1)}, https]
    lake.append(FLOWS, flows_frame(spark, rows))
    log_days(lake, CHANGE, [NOON.date(), NOON.date() + timedelta(days=1)], 1)
    root = ["--set", f"lake.root={lake.root}"]
    runs, versions = [], []
    for arguments in ([], [], ["--days", "2024-01-02"]):
        assert list_traffic.main([*root, *arguments]) == 0
        written = [lake.read(table).collect() for table in (TRAFFIC_TYPES, REMOTE_NETWORKS)]
        runs.append([sorted(map(tuple, part), key=str) for part in written])
        versions.append(lake.version(TRAFFIC_TYPES))
    assert len(runs[0][0]) == 4
    assert [row[1:] for row in runs[0][1]] == [("others", None, 2, 200), ("others", None, 1, 100)]
    assert runs[0] == runs[1] == runs[2]
    assert versions[0] == versions[1] < versions[2]
    told = capsys.readouterr().out
    assert "traffic_types: 2 days built" in told
    assert "remote_networks: 0 days built" in told
    assert "remote_networks: 1 days built" in told


def test_without_flows_the_missing_table_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(TableMissingError, match="flows"):
        list_traffic.main(["--set", f"lake.root={Lake(spark, str(tmp_path)).root}"])
