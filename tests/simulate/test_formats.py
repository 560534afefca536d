"""Files are as the tools write them: columns, summary lines, units; the three formats tell the same flows."""

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from telflow.simulate.catalogue import ICMP, TCP, UDP
from telflow.simulate.formats import NFDUMP_COLUMNS, write_goflow2, write_nfdump, write_zeek
from tests.simulate.conftest import total

COUNTERS = {"ipkt": "src_packets", "ibyt": "src_bytes", "opkt": "dst_packets", "obyt": "dst_bytes"}
MIDNIGHT = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def day(flows: pl.DataFrame) -> pl.DataFrame:
    return flows.filter(pl.col("utc_day") == 0).drop("utc_day", "second")


@pytest.fixture(scope="module")
def nfdump(day: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("nfdump") / "nfcapd.202401010000.csv"
    write_nfdump(day, MIDNIGHT, path)
    return path


def records(path: Path) -> pl.DataFrame:
    lines = path.read_text(encoding="ascii").splitlines(keepends=True)
    return pl.read_csv(io.StringIO("".join(lines[:-3])), infer_schema=False)


def test_columns_are_nfdumps(nfdump: Path, samples: Path) -> None:
    real = (samples / "flows" / "nfdump" / "test1-malicious.nfdump.csv").read_text(encoding="ascii").splitlines()
    ours = nfdump.read_text(encoding="ascii").splitlines()
    assert ours[0] == real[0] == NFDUMP_COLUMNS
    assert ours[-3:-1] == real[-3:-1]
    assert {line.count(",") for line in ours[1:-3]} == {real[1].count(",")}


def test_columns_that_tell_nothing_are_as_in_a_real_file(nfdump: Path, samples: Path) -> None:
    real = records(samples / "flows" / "nfdump" / "test1-malicious.nfdump.csv").head(1)
    ours = records(nfdump).head(1)
    labels = [f"mpls{number}" for number in range(1, 11)]
    for column in ("fwd", "stos", "idmc", "osmc", "cl", "sl", "al", "exid", "tr", "smk", "dmk", *labels):
        assert ours[column].to_list() == real[column].to_list(), column


def test_records_tell_the_flows(nfdump: Path, day: pl.DataFrame) -> None:
    read = records(nfdump)
    assert read.height == day.height
    for column, name in (("sa", "src"), ("da", "dst"), ("flg", "flags"), ("ismc", "src_mac"), ("odmc", "dst_mac")):
        assert read[column].to_list() == day[name].to_list()
    for column, name in COUNTERS.items():
        assert read[column].cast(pl.Int64).to_list() == day[name].to_list()
    start = read["ts"].str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("s") - int(MIDNIGHT.timestamp())
    end = read["te"].str.to_datetime("%Y-%m-%d %H:%M:%S").dt.epoch("s") - int(MIDNIGHT.timestamp())
    assert start.to_list() == (day["start_ms"] // 1000).to_list()
    assert end.to_list() == (day["end_ms"] // 1000).to_list()
    assert (read["td"].cast(pl.Float64) * 1000).round().cast(pl.Int64).to_list() == (
        day["end_ms"] - day["start_ms"]
    ).to_list()
    assert read["td"].str.contains(r"^\d+\.\d{3}$").all()


def test_icmp_ports_are_type_and_code(nfdump: Path, day: pl.DataFrame) -> None:
    echo = records(nfdump).filter(pl.Series(day["protocol"] == ICMP))
    assert echo.height > 0
    assert echo.select("sp", "dp", "pr").unique().rows() == [("0", "8.0", "ICMP")]


def test_the_summary_sums_the_records(nfdump: Path) -> None:
    read = records(nfdump)
    flows, volume, packets, bps, pps, bpp = map(int, nfdump.read_text(encoding="ascii").splitlines()[-1].split(","))
    assert flows == read.height
    assert volume == total(read["ibyt"], read["obyt"])
    assert packets == total(read["ipkt"], read["opkt"])
    assert bpp == volume // packets
    assert abs(bps / 8 / (pps * bpp) - 1) < 0.05


def test_a_day_without_flows_is_a_file_without_records(day: pl.DataFrame, tmp_path: Path) -> None:
    write_nfdump(day.head(0), MIDNIGHT, tmp_path / "empty.csv")
    lines = (tmp_path / "empty.csv").read_text(encoding="ascii").splitlines()
    assert lines[0] == NFDUMP_COLUMNS
    assert lines[1:] == ["Summary", "flows,bytes,packets,avg_bps,avg_pps,avg_bpp", "0,0,0,0,0,0"]


def test_zeek_tells_the_same_flows(day: pl.DataFrame, tmp_path: Path) -> None:
    write_zeek(day, MIDNIGHT, tmp_path / "conn.log")
    day = day.filter(pl.col("protocol").is_in([ICMP, TCP, UDP]))  # Zeek logs no others
    lines = (tmp_path / "conn.log").read_text(encoding="ascii").splitlines()
    names = lines[6].split("\t")[1:]
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]
    assert len(rows) == day.height
    volume = sum(int(row["orig_ip_bytes"]) + int(row["resp_ip_bytes"]) for row in rows)
    assert volume == total(day["src_bytes"], day["dst_bytes"])
    first = int(MIDNIGHT.timestamp()) * 1000
    assert [round(float(row["ts"]) * 1000) - first for row in rows] == day["start_ms"].to_list()
    instant = [row for row, lasted in zip(rows, day["end_ms"] > day["start_ms"], strict=True) if not lasted]
    assert {(row["duration"], row["orig_bytes"], row["resp_bytes"]) for row in instant} == {("-", "-", "-")}
    assert {row["service"] for row in rows if row["id.resp_p"] == "554"} == {"rtsp"}


def test_goflow2_tells_the_same_flows_in_one_record_each_way(day: pl.DataFrame, tmp_path: Path) -> None:
    write_goflow2(day, MIDNIGHT, tmp_path / "flows.json")
    rows = [json.loads(line) for line in (tmp_path / "flows.json").read_text(encoding="ascii").splitlines()]
    assert len(rows) == day.height + day.filter(pl.col("dst_bytes") > 0).height
    assert sum(row["bytes"] for row in rows) == total(day["src_bytes"], day["dst_bytes"])
    assert {row["sampling_rate"] for row in rows} == {1}
    assert min(row["time_flow_start_ns"] for row in rows) >= int(MIDNIGHT.timestamp()) * 10**9
    assert all(row["time_flow_end_ns"] >= row["time_flow_start_ns"] for row in rows)
    assert {row["etype"] for row in rows if ":" in row["src_addr"]} == {"IPv6"}
