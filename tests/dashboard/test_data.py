"""The readers: versions, caches, missing tables, and the warehouse behind the same interface."""

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from deltalake import write_deltalake

from telflow import tables
from telflow.dashboard.cache import Cache
from telflow.dashboard.data import DeltaReader
from telflow.dashboard.readers import open_reader, warm
from telflow.dashboard.relations import DATABRICKS, DUCKDB, RELATIONS, TRAFFIC_BY_DAY
from telflow.dashboard.warehouse import WarehouseReader
from telflow.errors import SettingsError, TableMissingError
from telflow.settings import load_settings
from tests.dashboard.lakes import write

PROTOCOLS = "SELECT keyword FROM iana_protocols WHERE protocol = ?"


def write_protocol(root: Path, number: int, keyword: str) -> None:
    write(root, tables.IANA_PROTOCOLS, [{"registry_version": "1", "protocol": number, "keyword": keyword}])


def test_parameters_are_values_and_never_sql(tmp_path: Path) -> None:
    write_protocol(tmp_path, 6, "tcp")
    reader = DeltaReader(str(tmp_path), "UTC")
    assert reader.query(PROTOCOLS, [6], ["iana_protocols"]).to_dicts() == [{"keyword": "tcp"}]
    by_name = "SELECT protocol FROM iana_protocols WHERE keyword = ?"
    assert reader.query(by_name, ["tcp' OR '1'='1"], ["iana_protocols"]).height == 0


def test_a_new_version_is_seen_after_the_refresh_and_not_before(tmp_path: Path) -> None:
    write_protocol(tmp_path, 6, "tcp")
    now = [0.0]
    reader = DeltaReader(str(tmp_path), "UTC", refresh_seconds=1.0, clock=lambda: now[0])
    assert reader.state("iana_protocols").version == 0
    write_protocol(tmp_path, 17, "udp")
    now[0] = 0.9
    assert reader.query(PROTOCOLS, [17], ["iana_protocols"]).height == 0
    now[0] = 1.1
    reader.state("iana_protocols")
    deadline = time.monotonic() + 10
    while reader.state("iana_protocols").version == 0 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert reader.state("iana_protocols").version == 1
    assert reader.query(PROTOCOLS, [17], ["iana_protocols"]).item() == "udp"


def test_a_table_made_anew_is_read_anew_and_one_that_went_is_missing(tmp_path: Path) -> None:
    write_protocol(tmp_path, 6, "tcp")
    now = [0.0]
    reader = DeltaReader(str(tmp_path), "UTC", refresh_seconds=1.0, clock=lambda: now[0])
    assert reader.query(PROTOCOLS, [6], ["iana_protocols"]).item() == "tcp"
    shutil.rmtree(tmp_path / "iana_protocols")
    write_protocol(tmp_path, 6, "TCP")
    now[0] = 1.1
    deadline = time.monotonic() + 10
    while reader.query(PROTOCOLS, [6], ["iana_protocols"]).item() == "tcp" and time.monotonic() < deadline:
        time.sleep(0.02)
    assert reader.query(PROTOCOLS, [6], ["iana_protocols"]).item() == "TCP"
    shutil.rmtree(tmp_path / "iana_protocols")
    now[0] = 3.0
    for _ in range(2):
        with pytest.raises(TableMissingError):
            reader.query(PROTOCOLS, [6], ["iana_protocols"])


def test_a_missing_table_names_the_job_that_writes_it(tmp_path: Path) -> None:
    reader = DeltaReader(str(tmp_path), "UTC")
    with pytest.raises(TableMissingError, match="customer_segments is not there yet: run jobs/train_segments"):
        reader.state("customer_segments")
    with pytest.raises(TableMissingError, match="run jobs/run_pipeline"):
        reader.query("SELECT 1 FROM scope_load", [], ["scope_load"])


def test_a_table_that_comes_later_is_found(tmp_path: Path) -> None:
    reader = DeltaReader(str(tmp_path), "UTC")
    with pytest.raises(TableMissingError):
        reader.state("iana_protocols")
    write_protocol(tmp_path, 6, "tcp")
    assert reader.state("iana_protocols").version == 0


def test_a_table_of_an_older_version_names_the_column_and_the_job(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path / "iana_protocols"), pa.table({"registry_version": ["1"], "protocol": [6]}))
    with pytest.raises(TableMissingError, match=r"\"keyword\" not found.*run jobs/run_pipeline\.py again"):
        DeltaReader(str(tmp_path), "UTC").state("iana_protocols")


def test_many_threads_read_at_once(tmp_path: Path) -> None:
    for number in range(8):
        write_protocol(tmp_path, number, f"p{number}")
    reader = DeltaReader(str(tmp_path), "UTC")
    with ThreadPoolExecutor(8) as pool:
        found = pool.map(lambda number: reader.query(PROTOCOLS, [number % 8], ["iana_protocols"]).item(), range(64))
    assert list(found) == [f"p{number % 8}" for number in range(64)]


def test_local_days_of_traffic_are_the_zones(dashboard_lake: Path) -> None:
    reader = DeltaReader(str(dashboard_lake), "America/Vancouver")
    hours = "SELECT COUNT(DISTINCT hour_start) FROM traffic_by_hour WHERE local_date = ?"
    assert reader.query(hours, [datetime(2024, 3, 10, tzinfo=UTC).date()], ["traffic_by_hour"]).item() == 23
    assert reader.query(hours, [datetime(2024, 3, 9, tzinfo=UTC).date()], ["traffic_by_hour"]).item() == 24


def test_reading_ahead_passes_over_what_is_missing(tmp_path: Path) -> None:
    write_protocol(tmp_path, 6, "tcp")
    reader = DeltaReader(str(tmp_path), "UTC")
    thread = warm(reader, [TRAFFIC_BY_DAY, RELATIONS["iana_protocols"]])
    thread.join(10)
    assert not thread.is_alive()


def test_an_answer_is_computed_once_for_all_who_wait() -> None:
    cache: Cache[int] = Cache(2)
    calls: list[int] = []
    gate = threading.Event()

    def compute() -> int:
        gate.wait(5)
        calls.append(1)
        return 7

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(cache.get, "key", compute) for _ in range(4)]
        gate.set()
        assert [answer.result() for answer in answers] == [7] * 4
    assert len(calls) == 1


def test_the_answer_that_was_not_asked_for_longest_goes_first() -> None:
    cache: Cache[str] = Cache(2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: "old")
    assert cache.get("a", lambda: "new") == "old"
    assert cache.get("b", lambda: "new") == "new"


def test_an_error_is_raised_and_not_kept() -> None:
    cache: Cache[float] = Cache(2)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", lambda: 1 / 0)
    assert cache.get("key", lambda: 1.0) == 1.0


class FakeCursor:
    def __init__(self, asked: list[tuple[str, list[Any]]]) -> None:
        self.asked = asked

    def execute(self, operation: str, parameters: list[Any]) -> None:
        self.asked.append((operation, parameters))
        if "lake.scope_load" in operation and operation.startswith("DESCRIBE"):
            raise RuntimeError("[TABLE_OR_VIEW_NOT_FOUND] no scope_load")

    def fetchall_arrow(self) -> pa.Table:
        if self.asked[-1][0].startswith("DESCRIBE"):
            return pa.table({"version": [5], "timestamp": [datetime(2024, 3, 1, tzinfo=UTC)]})
        return pa.table({"keyword": ["tcp"]})

    def close(self) -> None:
        return None


class FakeConnection:
    def __init__(self) -> None:
        self.asked: list[tuple[str, list[Any]]] = []

    def cursor(self) -> FakeCursor:
        return FakeCursor(self.asked)


def test_a_warehouse_is_asked_the_same_with_its_own_words() -> None:
    connection = FakeConnection()
    reader = WarehouseReader(lambda: connection, "main.lake", "Europe/Rome")
    sql = "SELECT keyword FROM iana_protocols WHERE protocol = ?"
    for _ in range(2):
        assert reader.query(sql, [6], ["iana_protocols"]).equals(pl.DataFrame({"keyword": ["tcp"]}))
    queries = [asked for asked in connection.asked if not asked[0].startswith("DESCRIBE")]
    wanted = "WITH iana_protocols AS (SELECT registry_version, protocol, keyword FROM main.lake.iana_protocols )"
    assert queries == [(f"{wanted} {sql}", [6])]
    assert reader.state("iana_protocols").version == 5


def test_a_table_that_the_warehouse_lacks_is_named() -> None:
    reader = WarehouseReader(FakeConnection, "main.lake", "UTC")
    with pytest.raises(TableMissingError, match="scope_load is not there yet"):
        reader.state("scope_load")


@pytest.mark.parametrize("name", sorted(RELATIONS))
def test_a_relation_reads_declared_columns_alone(name: str, dashboard_lake: Path) -> None:
    relation = RELATIONS[name]
    words = relation.sql(DATABRICKS, "main.lake.x", "Europe/Rome")
    assert "timezone(" not in words
    assert "FROM main.lake.x" in words
    assert relation.sql(DUCKDB, "source", "Europe/Rome").count("FROM source") == 1
    if (dashboard_lake / relation.table.name).is_dir():
        assert DeltaReader(str(dashboard_lake), "UTC").state(name).version == 0


def test_a_catalogue_is_read_by_a_warehouse_alone() -> None:
    with pytest.raises(SettingsError, match=r"set dashboard\.reader=warehouse"):
        open_reader(load_settings("local", ["lake.in_catalog=true"]))
