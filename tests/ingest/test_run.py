"""Files into the lake: once each, whatever happens on the way."""

import gzip
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from telflow.days import stale_days
from telflow.errors import InputError, MixedRecordsError
from telflow.facts import longest_flow_seconds
from telflow.ingest import run as ingest_run
from telflow.ingest.files import SYNTHETIC_MARKER
from telflow.ingest.run import IngestReport, ingest, parse_context
from telflow.ingest.spark import parsed_flows, scan_files
from telflow.lake import Lake
from telflow.privacy.tokens import Tokenizer
from telflow.settings import SourceSettings, load_settings
from telflow.tables import FLOWS, FLOWS_QUARANTINE, INGEST_LOG

HEADER = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
OK = "2 1 eni-1 10.0.0.{host} 192.0.2.7 40000 443 6 5 500 {start} {end} ACCEPT OK"
NODATA = "2 1 eni-1 - - - - - - - 1704110400 1704110460 - NODATA"
NOON = 1_704_110_400  # 2024-01-01 12:00 UTC
DAY = 86_400


def record(host: int, start: int = NOON, seconds: int = 60) -> str:
    return OK.format(host=host, start=start, end=start + seconds)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join([HEADER, *lines]) + "\n")
    return path


def labelled(flows: DataFrame) -> DataFrame:
    """Stands for the registry's labels, which have tests of their own."""
    names = ("service", "service_basis", "port_class", "category", "registry_version")
    return flows.withColumns(
        {name: F.lit("x") for name in names} | {"src_service": F.lit(None), "dst_service": F.lit(None)}
    )


@pytest.fixture
def lake(spark: SparkSession, tmp_path: Path) -> Lake:
    return Lake(spark, str(tmp_path / "lake"))


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw"


def read(lake: Lake, tokenizer: Tokenizer, *inputs: Path) -> IngestReport:
    return ingest(lake, load_settings(), [str(path) for path in inputs], labelled, tokenizer)


def flow_rows(lake: Lake) -> list[tuple[Any, ...]]:
    return sorted(
        tuple(row) for row in lake.read(FLOWS).select("flow_id", "src_ip", "src_bytes", "ingest_run").collect()
    )


def log_by_name(lake: Lake) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in lake.read(INGEST_LOG).orderBy("ingest_run").collect():
        found.setdefault(Path(row.path).name, []).append(row.status)
    return found


def test_every_line_is_accounted_for(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    write(raw / "a:b.log", record(1), record(2).replace("192.0.2.7", "nowhere"), NODATA, "", record(3, seconds=-5))
    report = read(lake, tokenizer, raw)
    row = lake.read(INGEST_LOG).collect()[0]
    assert (row.lines_read, row.lines_kept, row.lines_quarantined, row.lines_comment, row.lines_skipped) == (
        6,
        1,
        2,
        2,
        1,
    )
    assert [day.isoformat() for day in row.touched_days] == ["2024-01-01"]
    assert report.faults == []
    rejected = lake.read(FLOWS_QUARANTINE).orderBy("line").collect()
    assert [(row.line, row.reason) for row in rejected] == [(3, "bad_address"), (6, "end_before_start")]
    assert "nowhere" in rejected[0].raw


def test_own_addresses_are_tokens_and_others_are_not(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    read(lake, tokenizer, write(raw / "a.log", record(1)))
    row = lake.read(FLOWS).collect()[0]
    assert (row.src_ip, row.dst_ip) == (tokenizer.token("ip", "10.0.0.1"), "192.0.2.7")
    assert (row.is_src_own, row.is_dst_own) == (True, False)


def test_a_second_run_changes_nothing(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    write(raw / "a.log", record(1), "rubbish")
    read(lake, tokenizer, raw)
    versions = [lake.version(table) for table in (FLOWS, FLOWS_QUARANTINE, INGEST_LOG)]
    report = read(lake, tokenizer, raw)
    assert (report.files, report.known_files) == ((), 1)
    assert [lake.version(table) for table in (FLOWS, FLOWS_QUARANTINE, INGEST_LOG)] == versions


def test_the_same_content_is_read_once(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    first = write(raw / "a.log", record(1), record(2))
    write(raw / "b.log", record(1), record(2))
    read(lake, tokenizer, raw)
    (raw / "c.log.gz").write_bytes(gzip.compress(first.read_bytes()))
    read(lake, tokenizer, raw)
    assert len(flow_rows(lake)) == 2
    assert log_by_name(lake) == {"a.log": ["kept"], "b.log": ["duplicate"], "c.log.gz": ["duplicate"]}


@pytest.mark.parametrize("step", ["write_rejects", "log_days", "log_rows"])
@pytest.mark.slow
def test_a_crash_on_the_way_leaves_nothing_behind(
    lake: Lake, raw: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    read(lake, tokenizer, write(raw / "before.log", record(1)))
    write(raw / "after.log", record(2), record(3), "rubbish")

    def crash(*_: object) -> None:
        raise ConnectionError("the machine went away")

    with monkeypatch.context() as patched:
        patched.setattr(ingest_run, step, crash)
        with pytest.raises(ConnectionError):
            read(lake, tokenizer, raw)
    assert len(flow_rows(lake)) == 3  # written, but no log knows of it yet
    read(lake, tokenizer, raw)
    assert len(flow_rows(lake)) == 3
    assert lake.read(FLOWS_QUARANTINE).count() == 1
    assert log_by_name(lake) == {"before.log": ["kept"], "after.log": ["kept"]}


def test_a_file_that_grew_is_not_counted_twice(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    path = raw / "a.log"
    whole = "\n".join([HEADER, record(1), record(2), record(3)]) + "\n"
    path.write_text(whole[: whole.index("10.0.0.2") + 4])
    assert [entry.status for entry in read(lake, tokenizer, raw).faults] == ["cut"]
    assert (len(flow_rows(lake)), lake.read(FLOWS_QUARANTINE).count()) == (1, 1)
    path.write_text(whole)
    read(lake, tokenizer, raw)
    assert (len(flow_rows(lake)), lake.read(FLOWS_QUARANTINE).count()) == (3, 0)
    assert log_by_name(lake) == {"a.log": ["outgrown", "kept"]}


def test_a_file_that_grew_is_not_counted_twice_under_another_spelling_of_its_path(
    lake: Lake, raw: Path, tokenizer: Tokenizer
) -> None:
    (raw / "day").mkdir()
    (raw.parent / "link").symlink_to(raw)
    relative = Path(os.path.relpath(raw))
    lines: list[str] = []
    for host, folder in enumerate([raw, raw.parent / "link", relative, raw / "day" / ".."]):
        lines.append(record(host))
        read(lake, tokenizer, write(folder / "a.log", *lines))
        assert len(flow_rows(lake)) == len(lines)
    assert log_by_name(lake) == {"a.log": ["outgrown", "outgrown", "outgrown", "kept"]}


@pytest.mark.parametrize("rotated", ["a.log.1", "a.log.1.gz"])
def test_a_file_that_grew_and_was_rotated_is_not_counted_twice(
    lake: Lake, raw: Path, tokenizer: Tokenizer, rotated: str
) -> None:
    path = write(raw / "a.log", record(1), record(2))
    read(lake, tokenizer, raw)
    whole = write(path, record(1), record(2), record(3)).read_bytes()
    (raw / rotated).write_bytes(gzip.compress(whole) if rotated.endswith(".gz") else whole)
    write(path, record(4))
    read(lake, tokenizer, raw)
    assert len(flow_rows(lake)) == 4
    assert log_by_name(lake) == {"a.log": ["outgrown", "kept"], rotated: ["kept"]}


def test_a_file_that_begins_like_another_that_is_still_there_counts_beside_it(
    lake: Lake, raw: Path, tokenizer: Tokenizer
) -> None:
    write(raw / "a.log", record(1))
    read(lake, tokenizer, raw)
    write(raw / "b.log", record(1), record(2))
    read(lake, tokenizer, raw)
    assert len(flow_rows(lake)) == 3
    assert log_by_name(lake) == {"a.log": ["kept"], "b.log": ["kept"]}


def test_a_file_that_grew_into_a_copy_of_another_counts_once(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    read(lake, tokenizer, write(raw / "b.log", record(1)))
    whole = write(raw / "a.log", record(1), record(2))
    (raw / "b.log").write_bytes(whole.read_bytes())
    read(lake, tokenizer, raw)
    assert len(flow_rows(lake)) == 2
    assert log_by_name(lake) == {"a.log": ["kept"], "b.log": ["outgrown", "duplicate"]}


def test_a_file_without_a_line_that_was_kept_is_told_with_the_reasons(
    lake: Lake, raw: Path, tokenizer: Tokenizer
) -> None:
    bad = write(raw / "bad.log", record(1, start=0), record(2, start=0), record(3, seconds=-5))
    report = read(lake, tokenizer, bad, write(raw / "good.log", record(1), "rubbish"))
    assert [(entry.status, Path(entry.scan.path).name) for entry in report.faults] == [("rejected", "bad.log")]
    told = f"rejected: {bad}: none of its lines was kept (2 time_out_of_range, 1 end_before_start)"
    assert told in "\n".join(report.lines())
    assert read(lake, tokenizer, raw).files == ()


def test_synthetic_records_and_ones_own_do_not_come_together(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    (raw / "simulated" / "zeek").mkdir(parents=True)
    (raw / "simulated" / SYNTHETIC_MARKER).write_text("{}")
    own = write(raw / "own.log", record(1))
    synthetic = write(raw / "simulated" / "zeek" / "a.log", record(2))
    with pytest.raises(MixedRecordsError, match="would get both"):
        read(lake, tokenizer, raw)
    read(lake, tokenizer, own)
    with pytest.raises(MixedRecordsError, match="holds own records, and the input has others"):
        read(lake, tokenizer, synthetic)
    assert read(lake, tokenizer, own).known_files == 1


def test_a_lake_knows_the_longest_flow_it_ever_accepted(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    read(lake, tokenizer, write(raw / "a.log", record(1)))
    lower, higher = (load_settings(overrides=[f"ingest.max_duration_seconds={limit}"]) for limit in (60, 1_000_000))
    ingest(lake, lower, [str(raw)], labelled, tokenizer)
    assert longest_flow_seconds(lake, lower) == 604_800
    assert longest_flow_seconds(lake, higher) == 1_000_000


def test_another_file_of_the_same_name_counts_beside_the_first(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    read(lake, tokenizer, write(raw / "a.log", record(1)))
    read(lake, tokenizer, write(raw / "a.log", record(2), record(3)))
    assert len(flow_rows(lake)) == 3


def test_faulty_files_are_told_and_the_others_go_on(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    write(raw / "good.log", record(1))
    (raw / "empty.log").write_text("")
    (raw / "prose.log").write_text("Dear provider,\nall is well.\n")
    whole = gzip.compress("\n".join([HEADER, *(record(host) for host in range(200))]).encode())
    (raw / "cut.log.gz").write_bytes(whole[: len(whole) // 2])
    report = read(lake, tokenizer, raw)
    statuses = {Path(entry.scan.path).name: entry.status for entry in report.files}
    assert statuses == {"good.log": "kept", "empty.log": "empty", "prose.log": "unknown_format", "cut.log.gz": "cut"}
    assert all(entry.message and entry.scan.path in entry.message for entry in report.faults)
    again = read(lake, tokenizer, raw)
    assert [entry.status for entry in again.faults] == ["unknown_format"]
    assert lake.read(INGEST_LOG).count() == 4


def test_a_file_of_json_without_a_flow_is_no_fault_and_told_once(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    alert = json.dumps({"timestamp": "2024-01-01T12:00:00.000000+0000", "event_type": "alert"})
    (raw / "eve.json").write_text(f"{alert}\n{alert}\n")
    write(raw / "vpc.log", NODATA)
    report = read(lake, tokenizer, raw)
    assert report.faults == []
    told = [line for line in report.lines() if line.startswith("  no flows: ")]
    assert len(told) == 1
    assert f"{raw / 'eve.json'}: none of its records is a flow" in told[0]
    messages = {Path(row.path).name: (row.status, row.message) for row in lake.read(INGEST_LOG).collect()}
    assert messages["vpc.log"] == ("kept", None)
    assert messages["eve.json"] == ("kept", told[0].removeprefix("  no flows: "))
    assert read(lake, tokenizer, raw).without_flows == []


def test_a_file_that_is_gone_by_the_time_it_is_opened_is_told_and_the_others_go_on(
    lake: Lake, raw: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, gone = write(raw / "good.log", record(1)), raw / "gone.log"
    monkeypatch.setattr(ingest_run, "find_files", lambda _: [gone, good])
    report = read(lake, tokenizer, raw)
    assert [(Path(entry.scan.path), entry.status) for entry in report.faults] == [(gone, "unreadable")]
    assert len(flow_rows(lake)) == 1
    assert log_by_name(lake) == {"gone.log": ["unreadable"], "good.log": ["kept"]}


def test_thousands_of_files_go_in_at_once(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    for number in range(2000):
        write(raw / f"{number:04}.log", record(number % 250, NOON + number))
    report = read(lake, tokenizer, raw)
    assert (len(report.files), report.faults, report.total("kept")) == (2000, [], 2000)
    assert lake.read(FLOWS).select("flow_id").distinct().count() == 2000
    assert read(lake, tokenizer, raw).known_files == 2000


def test_late_records_have_their_day_built_again(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    read(lake, tokenizer, write(raw / "a.log", record(1), record(1, NOON + DAY)))
    read(lake, tokenizer, write(raw / "b.log", record(2, NOON - DAY, seconds=DAY)))
    assert stale_days(lake, "any step") == {date(2023, 12, 31): 2, date(2024, 1, 1): 2, date(2024, 1, 2): 1}


def test_no_file_at_all_is_an_error(lake: Lake, raw: Path, tokenizer: Tokenizer) -> None:
    with pytest.raises(InputError, match="names no flow file"):
        read(lake, tokenizer, raw)


def test_many_chunks_are_as_one(lake: Lake, raw: Path, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_run, "MEGABYTE", 1_000)
    path = write(raw / "a.log", *(record(host, NOON + host) for host in range(200)), "rubbish")
    settings = load_settings(overrides=["ingest.chunk_megabytes=1"])
    ingest(lake, settings, [str(path)], labelled, tokenizer)
    row = lake.read(INGEST_LOG).collect()[0]
    assert (row.lines_kept, row.lines_quarantined) == (200, 1)
    assert [flow_id - row.file_id for flow_id, *_ in flow_rows(lake)] == list(range(2, 202))
    assert lake.read(FLOWS_QUARANTINE).collect()[0].line == 202


def test_no_plan_holds_the_key(spark: SparkSession, raw: Path, tokenizer: Tokenizer) -> None:
    write(raw / "a.log", record(1))
    scans = scan_files(spark, [raw / "a.log"], [SourceSettings(match="*")], 1_000_000)
    records, _ = parsed_flows(spark, scans[0].chunks, parse_context(load_settings(), tokenizer))
    plan = records._jdf.queryExecution().toString()
    assert "5a5a5a" not in plan.lower()
    assert "ZZZZ" not in plan
    assert records.collect()[0].src_ip.startswith("ip_")
