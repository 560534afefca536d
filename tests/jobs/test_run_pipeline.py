"""The daily run end to end on small synthetic months, and what must hold of all its tables."""

import re
import shutil
from pathlib import Path

import polars as pl
import pytest
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql import functions as F

from jobs import run_pipeline
from telflow.errors import LakeBusyError, MixedRecordsError
from telflow.lake import Lake
from telflow.runs import sole_run
from telflow.settings import load_settings
from telflow.simulate.run import simulate
from telflow.tables import (
    ALL_TABLES,
    CUSTOMER_DAILY,
    CUSTOMER_SCORES,
    DAY_LOG,
    FLOWS,
    FLOWS_QUARANTINE,
    INGEST_LOG,
    PEAK_TIMES,
    RECLASSIFICATION,
    REMOTE_NETWORKS,
    SCOPE_LOAD,
    SUBSCRIBERS,
    TRAFFIC_BY_WINDOW,
    TRAFFIC_TYPES,
    WORKING_TABLES,
)

SIMULATED = ["simulate.customers=40", "simulate.days=3"]
BYTES = "src_bytes + dst_bytes"
VPC_HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
MAC = re.compile(r"(?i)(?:[0-9a-f]{2}:){5}[0-9a-f]{2}")


@pytest.fixture(scope="module")
def raw(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    settings = load_settings(overrides=SIMULATED)
    folder = tmp_path_factory.mktemp("simulated") / "raw"
    simulate(spark, settings.simulate, settings.network.zone, folder)
    return folder


@pytest.fixture(scope="module")
def arguments(tmp_path_factory: pytest.TempPathFactory, raw: Path) -> list[str]:
    """The command line of a lake of its own, whose input is a copy that lacks the last file."""
    home = tmp_path_factory.mktemp("pipeline")
    shutil.copytree(raw, home / "raw")
    flow_files(home / "raw")[-1].unlink()
    given = [f"lake.root={home / 'lake'}", f"ingest.input={home / 'raw'}", f"privacy.key_file={home / 'key'}"]
    return [part for override in [*given, *SIMULATED] for part in ("--set", override)]


@pytest.fixture(scope="module")
def lake(spark: SparkSession, arguments: list[str]) -> Lake:
    assert run_pipeline.main(arguments) == 0
    return Lake(spark, arguments[1].removeprefix("lake.root="))


def flow_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("nfcapd*") if path.is_file())


def total(rows: DataFrame, expression: str) -> int:
    return int(rows.agg(F.sum(F.expr(expression))).collect()[0][0] or 0)


def test_every_line_and_every_byte_is_accounted_for(lake: Lake) -> None:
    log, flows = lake.read(INGEST_LOG), lake.read(FLOWS)
    assert total(log, "lines_kept") == flows.count() > 1000
    assert total(log, "lines_quarantined") == lake.read(FLOWS_QUARANTINE).count()
    volume = total(flows, BYTES)
    assert total(lake.read(TRAFFIC_BY_WINDOW), BYTES) == volume
    assert total(lake.read(RECLASSIFICATION), "bytes") == volume
    assert total(lake.read(RECLASSIFICATION), "flows") == flows.count()
    types = lake.read(TRAFFIC_TYPES)
    for condition in ("flow_end = 'src'", "flow_end = 'dst'", "is_server"):
        assert total(types.where(condition), "bytes") == volume
        assert total(types.where(condition), "flows") == flows.count()
    one_own_end = flows.where("is_src_own <> is_dst_own")
    assert total(lake.read(REMOTE_NETWORKS), "bytes") == total(one_own_end, BYTES)
    assert total(lake.read(REMOTE_NETWORKS), "flows") == one_own_end.count()
    network = lake.read(SCOPE_LOAD).where("scope_kind = 'network'")
    assert total(network, "bytes") == volume


def test_customers_sum_to_the_own_ends_of_flows(lake: Lake) -> None:
    flows = lake.read(FLOWS)
    own_ends = "(int(is_src_own) + int(is_dst_own))"
    daily = lake.read(CUSTOMER_DAILY)
    assert total(daily, "bytes_up + bytes_down") == total(flows, f"({BYTES}) * {own_ends}")
    assert total(daily, "connections") == total(flows, own_ends)
    assert daily.groupBy("customer", "local_date").count().where("count > 1").isEmpty()


def test_customers_are_subscribers_where_leases_cover_them(lake: Lake) -> None:
    by_lease = lake.read(CUSTOMER_DAILY).where("customer_basis = 'lease'")
    known = lake.read(SUBSCRIBERS).select("customer")
    assert by_lease.join(known, on="customer", how="left_anti").isEmpty()
    assert by_lease.select("customer").distinct().count() > 30


def test_each_table_that_readers_need_has_rows(lake: Lake) -> None:
    assert not lake.read(PEAK_TIMES).isEmpty()
    schemes = {row.scheme for row in lake.read(CUSTOMER_SCORES).select("scheme").distinct().collect()}
    assert schemes == {"rfm", "rfm_r", "ufm"}


def test_no_table_holds_an_identity_in_the_clear(lake: Lake, raw: Path) -> None:
    leases = pl.read_csv(raw / "provider" / "leases.csv")
    identities = set(leases["address"]) | set(leases["subscriber_id"])
    searched = 0
    for file in Path(lake.root).rglob("*.parquet"):
        if FLOWS_QUARANTINE.name in file.parts or "_delta_log" in file.parts:
            continue
        for name, values in pl.read_parquet(file, hive_partitioning=False).to_dict().items():
            texts = values.explode() if values.dtype == pl.List(pl.String) else values
            if texts.dtype == pl.String:
                distinct = set(texts.drop_nulls().unique())
                searched += len(distinct)
                assert not distinct & identities, f"{file.parent.name}.{name}"
                assert not any(MAC.search(value) for value in distinct), f"{file.parent.name}.{name}"
    assert searched > 1000


def test_a_second_run_changes_nothing(lake: Lake, arguments: list[str]) -> None:
    there = [table for table in ALL_TABLES if lake.exists(table)]
    versions = {table.name: lake.version(table) for table in there}
    assert run_pipeline.main(arguments) == 0
    assert {table.name: lake.version(table) for table in there} == versions


def test_a_new_file_has_only_its_own_days_built(
    lake: Lake, arguments: list[str], raw: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {row.event_date: row.bytes for row in windows_by_day(lake)}
    last = flow_files(raw)[-1]
    given = Path(arguments[3].removeprefix("ingest.input="))
    shutil.copy(last, given / last.relative_to(raw))
    capsys.readouterr()
    assert run_pipeline.main(arguments) == 0
    assert "flow files: 1 new" in capsys.readouterr().out
    run = lake.read(INGEST_LOG).agg(F.max("ingest_run")).collect()[0][0]
    built = lake.read(DAY_LOG).where((F.col("run") == run) & (F.col("step") == TRAFFIC_BY_WINDOW.name))
    days = {row.event_date for row in built.collect()}
    after = {row.event_date: row.bytes for row in windows_by_day(lake)}
    assert days
    assert {day for day in after if after[day] != before.get(day)} <= days < set(after)
    test_every_line_and_every_byte_is_accounted_for(lake)


def windows_by_day(lake: Lake) -> list[Row]:
    return lake.read(TRAFFIC_BY_WINDOW).groupBy("event_date").agg(F.sum(F.expr(BYTES)).alias("bytes")).collect()


def test_the_overview_names_each_table_with_its_rows(
    lake: Lake, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_pipeline.main(arguments) == 0
    printed = capsys.readouterr().out
    for table in (FLOWS, TRAFFIC_BY_WINDOW, CUSTOMER_SCORES):
        assert re.search(rf"{re.escape(lake.location(table))}\s+{lake.read(table).count():,} rows", printed)
    assert not any(lake.location(table) in printed for table in WORKING_TABLES)
    assert "warning" not in printed


def test_a_run_waits_for_nobody_and_disturbs_nobody(lake: Lake, arguments: list[str]) -> None:
    versions = {table.name: lake.version(table) for table in ALL_TABLES if lake.exists(table)}
    with sole_run(lake, "other.py"), pytest.raises(LakeBusyError, match=r"other\.py of"):
        run_pipeline.main(arguments)
    assert {table.name: lake.version(table) for table in ALL_TABLES if lake.exists(table)} == versions


def test_ones_own_records_do_not_come_to_synthetic_ones(lake: Lake, arguments: list[str], tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text(
        f"{VPC_HEADER}\n2 1 eni-1 10.0.0.1 192.0.2.7 40000 443 6 5 500 1704110400 1704110460 ACCEPT OK\n"
    )
    kept = lake.read(FLOWS).count()
    with pytest.raises(MixedRecordsError, match="holds synthetic records"):
        run_pipeline.main([str(tmp_path / "a.log"), *arguments])
    assert lake.read(FLOWS).count() == kept
    with sole_run(lake, "next.py"):  # it is over
        pass


@pytest.mark.slow
def test_own_records_without_own_prefixes_are_warned_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "a.log").write_text(
        f"{VPC_HEADER}\n2 1 eni-1 198.51.100.1 192.0.2.7 40000 443 6 5 500 1704110400 1704110460 ACCEPT OK\n"
    )
    (tmp_path / "raw" / "prose.txt").write_text("Dear provider\n")
    given = [
        f"lake.root={tmp_path / 'lake'}",
        f"ingest.input={tmp_path / 'raw'}",
        f"privacy.key_file={tmp_path / 'key'}",
    ]
    command = [part for override in given for part in ("--set", override)]
    assert run_pipeline.main(command) == 1
    printed = capsys.readouterr().out
    assert "no flow has an end inside network.own_prefixes" in printed
    assert "prose.txt" in printed
    assert "no folder provider with leases.csv is below or beside" in printed
    every_source = [
        *command,
        "--set",
        "customers.attribution=every_source",
        "--set",
        f"lake.root={tmp_path / 'second'}",
    ]
    assert run_pipeline.main(every_source) == 1
    assert "every source address counts as a customer" in capsys.readouterr().out
