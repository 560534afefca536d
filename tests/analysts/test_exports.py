"""Exports hold what the lake holds, take their place whole or not at all, and never hold what is restricted."""

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from telflow.analysts import exports
from telflow.analysts.exports import Exported, Format, choose_sources, export
from telflow.errors import OutputFolderError, PackageMissingError, RestrictedTableError, UnknownNameError
from telflow.lake import Lake
from telflow.tables import ALL_TABLES, GOLD_TABLES, INGEST_LOG, WORKING_TABLES
from tests.analysts.lake import DAY, GB, MIDNIGHT, NEXT, ZONE

RESTRICTED = [table.name for table in ALL_TABLES if table.restricted]


def exported(lake: Lake, output: Path, form: Format, *names: str, days: list[date] | None = None) -> list[Exported]:
    return list(export(choose_sources(lake, names, ZONE), output, form, days=days))


def read_csv(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "*.csv", infer_schema=False)


def test_parquet_keeps_rows_and_types(lake: Lake, tmp_path: Path) -> None:
    [told] = exported(lake, tmp_path / "out", "parquet", "customer_daily")
    assert (told.path, told.rows, told.left_out) == (tmp_path / "out" / "customer_daily", 7, ())
    assert [file.name for file in told.path.iterdir()] == ["customer_daily-00001.zstd.parquet"]
    rows = pq.read_table(told.path).to_pylist()
    a_day = next(row for row in rows if row["customer"] == "sub_a" and row["local_date"] == NEXT)
    assert a_day["bytes_by_category"] == [("web", GB)]
    assert len(a_day["bytes_by_hour"]) == 23


def test_times_in_parquet_are_utc_for_other_readers(lake: Lake, tmp_path: Path) -> None:
    [told] = exported(lake, tmp_path, "parquet", "traffic_by_window")
    schema = pq.read_schema(told.path / "traffic_by_window-00001.zstd.parquet")
    assert str(schema.field("window_start").type) == "timestamp[us, tz=UTC]"
    first = pl.read_parquet(told.path / "*.parquet")["window_start"].min()
    assert first == MIDNIGHT


def test_csv_holds_times_in_utc_nested_columns_as_json_and_no_sketches(lake: Lake, tmp_path: Path) -> None:
    windows, daily = exported(lake, tmp_path, "csv", "traffic_by_window", "customer_daily")
    assert windows.left_out == ("customers_sketch",)
    assert daily.left_out == ("peers_sketch",)
    assert sorted(read_csv(windows.path)["window_start"])[0] == "2024-03-09T08:00:00.000000Z"
    rows = read_csv(daily.path).filter(pl.col("customer") == "sub_c", pl.col("local_date") == "2024-03-09").to_dicts()
    assert json.loads(rows[0]["bytes_by_category"]) == {"web": 6 * GB}
    assert json.loads(rows[0]["input_macs"]) == ["mac_1", "mac_2"]
    assert rows[0]["bytes_up"] == str(6 * GB // 4)


def test_local_times_have_no_zone_in_any_format(lake: Lake, tmp_path: Path) -> None:
    local = datetime(2024, 3, 9, 20, tzinfo=UTC).replace(tzinfo=None)
    [csv] = exported(lake, tmp_path, "csv", "bi_peak_times")
    assert set(read_csv(csv.path)["busy_hour_local"]) == {"2024-03-09T20:00:00.000000"}
    [parquet] = exported(lake, tmp_path / "parquet", "parquet", "bi_peak_times")
    column = pq.read_table(parquet.path)["busy_hour_local"]
    assert str(column.type) == "timestamp[us]"
    assert set(column.to_pylist()) == {local}
    pantab = pytest.importorskip("pantab")
    [hyper] = exported(lake, tmp_path / "hyper", "hyper", "bi_peak_times")
    table = pantab.frame_from_hyper(hyper.path, table="bi_peak_times", return_type="pyarrow")
    assert str(table["busy_hour_local"].type) == "timestamp[us]"
    assert set(table["busy_hour_local"].to_pylist()) == {local}


def test_csv_survives_quotes_commas_lines_blanks_and_nulls(spark: SparkSession, tmp_path: Path) -> None:
    lake = Lake(spark, str(tmp_path / "lake"))
    said = ['say "no", twice', " a blank before and after ", "two\nlines", "", None, "C:\\folder\\"]
    counts = ("lines_read", "lines_kept", "lines_quarantined", "lines_trailer", "lines_comment", "lines_skipped")
    log = {"ingest_run": 1, "file_id": 1, "size_bytes": 0, "status": "kept", "logged_at": MIDNIGHT}
    log |= dict.fromkeys(counts, 0)
    rows = [{**log, "path": str(number), "message": text} for number, text in enumerate(said)]
    lake.append(
        INGEST_LOG,
        spark.createDataFrame([tuple(row.get(name) for name in INGEST_LOG.columns) for row in rows], INGEST_LOG.schema),
    )
    [told] = exported(lake, tmp_path / "out", "csv", "ingest_log")
    found = pl.read_csv(told.path / "*.csv", infer_schema=False)
    assert dict(zip(found["path"], found["message"], strict=True)) == {str(n): text for n, text in enumerate(said)}


def test_csv_can_be_compressed(lake: Lake, tmp_path: Path) -> None:
    sources = choose_sources(lake, ["plans"], ZONE)
    [told] = export(sources, tmp_path, "csv", gzip=True)
    [file] = told.path.iterdir()
    assert file.name == "plans-00001.csv.gz"
    assert gzip.decompress(file.read_bytes()).decode().splitlines()[0] == (
        "plan,monthly_price,volume_gigabytes,down_mbps,up_mbps"
    )


def test_a_view_is_exported_as_a_table_is(lake: Lake, tmp_path: Path) -> None:
    [told] = exported(lake, tmp_path, "csv", "bi_customer_categories", days=[NEXT])
    rows = read_csv(told.path)
    assert set(rows["local_date"]) == {"2024-03-10"}
    assert dict(zip(rows["customer"], rows["bytes"], strict=True)) == {
        "sub_a": str(GB),
        "sub_b": str(3 * GB),
        "sub_c": str(6 * GB),
    }


@pytest.mark.parametrize(
    ("days", "rows"),
    [([DAY], 4), ([NEXT], 3), ([DAY, NEXT], 7), ([DAY - timedelta(days=1)], 0), ([NEXT + timedelta(days=1)], 0)],
)
def test_days_are_both_ends_included_and_no_others(lake: Lake, tmp_path: Path, days: list[date], rows: int) -> None:
    [told] = exported(lake, tmp_path, "csv", "customer_daily", days=days)
    assert (told.rows, told.whole) == (rows, False)
    found = read_csv(told.path)  # a header stands there where there are no rows
    assert found.height == rows
    assert "bytes_by_hour" in found.columns


def test_what_tells_of_no_days_is_written_whole_and_says_so(lake: Lake, tmp_path: Path) -> None:
    told = exported(lake, tmp_path, "csv", "plans", "bi_customers", days=[DAY - timedelta(days=1)])
    assert [(each.rows, each.whole) for each in told] == [(2, True), (3, True)]  # signing up is no day of a row


def test_without_names_the_tables_of_analysts_are_exported_that_are_there(lake: Lake) -> None:
    names = [source.name for source in choose_sources(lake, [], ZONE)]
    assert names == [table.name for table in GOLD_TABLES if lake.exists(table)]
    assert {"traffic_by_window", "customer_daily", "recommendations"} <= set(names)
    assert choose_sources(Lake(lake.spark, f"{lake.root}/nowhere"), [], ZONE) == []


def test_restricted_tables_are_those_with_addresses_or_their_holders() -> None:
    assert set(RESTRICTED) == {"flows", "flows_quarantine", "leases", "lease_spans", "truth_leases"}
    assert not {table.name for table in GOLD_TABLES} & set(RESTRICTED)


@pytest.mark.parametrize("name", RESTRICTED)
def test_restricted_tables_are_refused(lake: Lake, tmp_path: Path, name: str) -> None:
    with pytest.raises(RestrictedTableError, match=f"^{name} is not exported"):
        exported(lake, tmp_path, "csv", "plans", name)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["customer_dayly", *(table.name for table in WORKING_TABLES)])
def test_names_that_are_no_tables_of_analysts_are_refused(lake: Lake, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownNameError, match=f"{name} is not known: did you mean"):
        exported(lake, tmp_path, "csv", name)


def test_an_export_that_is_there_is_kept_unless_said_otherwise(lake: Lake, tmp_path: Path) -> None:
    exported(lake, tmp_path, "csv", "plans")
    before = {file: file.stat().st_mtime_ns for file in (tmp_path / "plans").iterdir()}
    sources = choose_sources(lake, ["complaints", "plans"], ZONE)
    with pytest.raises(OutputFolderError, match="plans: there already; --overwrite"):
        list(export(sources, tmp_path, "csv"))
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "plans").iterdir()} == before
    assert not (tmp_path / "complaints").exists()
    list(export(sources, tmp_path, "csv", gzip=True, overwrite=True))
    assert [file.name for file in (tmp_path / "plans").iterdir()] == ["plans-00001.csv.gz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["complaints", "plans"]


def test_synthetic_records_are_called_so_from_the_first_on(lake: Lake, tmp_path: Path) -> None:
    for _ in export(choose_sources(lake, ["complaints", "plans"], ZONE), tmp_path, "csv", synthetic=True):
        assert "synthetic" in (tmp_path / exports.MARK).read_text(encoding="utf-8")


def test_ones_own_records_do_not_go_beside_synthetic_ones(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / exports.MARK).touch()
    with pytest.raises(OutputFolderError, match="holds synthetic records"):
        list(export(choose_sources(lake, ["plans"], ZONE), tmp_path, "csv", overwrite=True))
    assert not (tmp_path / "plans").exists()


def test_an_export_that_dies_leaves_what_was_there(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    exported(lake, tmp_path, "csv", "plans")

    def die(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(exports, "tidy", die)  # files are written by then
    with pytest.raises(OSError, match="no space"):
        list(export(choose_sources(lake, ["plans"], ZONE), tmp_path, "csv", overwrite=True))
    assert [path.name for path in tmp_path.iterdir()] == ["plans"]
    assert read_csv(tmp_path / "plans").height == 2


def test_a_move_that_fails_brings_back_what_was_there(tmp_path: Path) -> None:
    place, scratch = tmp_path / "plans", tmp_path / ".aside"
    place.mkdir()
    scratch.mkdir()
    (place / "old").touch()
    with pytest.raises(OSError, match="missing"):
        exports.move(scratch / "missing", place, scratch)
    assert [file.name for file in place.iterdir()] == ["old"]


def test_hyper_says_what_is_missing(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pantab", None)
    with pytest.raises(PackageMissingError, match=r"pip install 'telflow\[tableau\]'"):
        exported(lake, tmp_path, "hyper", "plans")


def test_hyper_writes_in_a_local_folder_and_its_file_is_moved_in_whole(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, made = tmp_path / "volume", []

    def write(_: Path, file: Path, name: str) -> None:
        made.append(file)
        assert not file.is_relative_to(volume)
        file.write_text(name, encoding="utf-8")

    monkeypatch.setattr(exports, "write_hyper", write)
    [told] = exported(lake, volume, "hyper", "plans")
    assert told.path.read_text(encoding="utf-8") == "plans"
    assert [path.name for path in volume.iterdir()] == ["plans.hyper"]
    assert not made[0].parent.exists()


def test_hyper_holds_what_the_lake_holds(lake: Lake, tmp_path: Path) -> None:
    pantab = pytest.importorskip("pantab")
    windows, daily = exported(lake, tmp_path, "hyper", "traffic_by_window", "customer_daily")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["customer_daily.hyper", "traffic_by_window.hyper"]
    assert (windows.rows, windows.left_out) == (3, ("customers_sketch",))
    times = pantab.frame_from_hyper(windows.path, table="traffic_by_window", return_type="pyarrow").to_pylist()
    assert min(row["window_start"] for row in times) == datetime(2024, 3, 9, 8, tzinfo=UTC)
    assert sum(row["src_bytes"] + row["dst_bytes"] for row in times) == 10 * GB
    found = pantab.frame_from_hyper(daily.path, table="customer_daily", return_type="pyarrow").to_pylist()
    assert len(found) == daily.rows == 7
    row = next(row for row in found if row["customer"] == "sub_b" and row["local_date"] == DAY)
    assert json.loads(row["bytes_by_category"]) == {"web": 3 * GB}
