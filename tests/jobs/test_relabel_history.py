"""The job end to end, twice: the second run changes nothing."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import relabel_history
from telflow.classify.registries import ProtocolFact, Registry, ServiceFact
from telflow.classify.versions import load_version
from telflow.days import CHANGE, log_days, stale_days
from telflow.errors import RegistryError
from telflow.lake import Lake
from telflow.tables import DAY_LOG, FLOWS
from tests.classify.flow_rows import flows_frame

LATE = datetime(2024, 1, 1, 23, 59, tzinfo=UTC)
ICMP = (ProtocolFact(1, "icmp"),)


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    lake = Lake(spark, str(tmp_path / "lake"))
    load_version(lake, Registry("2024-01-01", (ServiceFact(6, 80, 80, "http", (), "system"),), ICMP))
    load_version(lake, Registry("2025-01-01", (ServiceFact(6, 80, 80, "https", (), "system"),), ICMP))
    rows = [
        {"src_port": 50000, "dst_port": 80, "start_time": LATE, "end_time": LATE + timedelta(minutes=2)},
        {"src_port": 50000, "dst_port": 80, "start_time": LATE + timedelta(days=5)},
    ]
    lake.append(FLOWS, flows_frame(spark, rows))
    log_days(lake, CHANGE, [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 6)], 1)
    log_days(lake, "windows", [date(2024, 1, 1), date(2024, 1, 2), date(2024, 1, 6)], 1)
    return lake


def labels(lake: Lake) -> list[tuple[str, str, str]]:
    rows = lake.read(FLOWS).orderBy("flow_id").collect()
    return [(row.service, row.category, row.registry_version) for row in rows]


def test_history_is_labelled_again_and_its_days_are_rebuilt(lake: Lake, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--set", f"lake.root={lake.root}"]
    assert relabel_history.main([*root, "--registry-version", "2024-01-01"]) == 0
    assert labels(lake) == [("http", "web", "2024-01-01")] * 2
    told = capsys.readouterr().out
    assert "unassigned (unassigned) -> http (web): 2 flows, 200 bytes" in told
    assert "2 days labelled again under registry 2024-01-01, 3 days to rebuild" in told
    assert stale_days(lake, "windows") == {date(2024, 1, 1): 2, date(2024, 1, 2): 2, date(2024, 1, 6): 2}

    written = lake.version(FLOWS), lake.version(DAY_LOG)
    assert relabel_history.main([*root, "--registry-version", "2024-01-01"]) == 0
    assert "0 days labelled again" in capsys.readouterr().out
    assert (lake.version(FLOWS), lake.version(DAY_LOG)) == written

    assert relabel_history.main([*root, "--days", "2024-01-06"]) == 0
    assert labels(lake) == [("http", "web", "2024-01-01"), ("https", "web", "2025-01-01")]
    assert stale_days(lake, "windows")[date(2024, 1, 6)] == 3


def test_a_version_that_is_not_loaded_is_refused(lake: Lake) -> None:
    with pytest.raises(RegistryError, match="2020-01-01 is not in iana_services"):
        relabel_history.main(["--set", f"lake.root={lake.root}", "--registry-version", "2020-01-01"])
