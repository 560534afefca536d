"""Spellings of the formats that tools, spreadsheets and people leave behind: read as they are meant, or told of."""

import gzip
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from telflow.errors import InputError
from telflow.ingest.detect import detect_layout
from telflow.settings import SourceSettings
from tests.ingest.helpers import ANY, TOKENIZER, line_48, parse, parse_file, reasons, rows, text_48, utc
from tests.ingest.test_formats import (
    ARGUS_HEADER,
    ARGUS_LINE,
    BOTH_WAYS,
    CIC_LINE,
    CIC_SPELLINGS,
    GOFLOW2,
    NFSTREAM_HEADER,
    NFSTREAM_LINE,
    SHARED,
    START,
    SURICATA,
    VPC_LINE,
    ZEEK_FIELDS,
    ZEEK_LINE,
    assert_holds,
    json_lines,
    zeek,
)

TEXT = text_48(line_48()).encode()
VANCOUVER = SourceSettings(match="*", zone="America/Vancouver")
CONN: dict[str, Any] = {
    "ts": 1709251200.125,
    "id.orig_h": "10.0.0.7",
    "id.orig_p": 50000,
    "id.resp_h": "198.51.100.9",
    "id.resp_p": 443,
    "proto": "tcp",
    "duration": 1.5,
    "conn_state": "SF",
    "orig_pkts": 4,
    "orig_ip_bytes": 700,
    "resp_pkts": 3,
    "resp_ip_bytes": 400,
}
DNS: dict[str, Any] = {"ts": 1709251200.5, "id.orig_h": "10.0.0.7", "id.resp_h": "192.0.2.53", "proto": "udp", "rtt": 1}
FAST_COLUMNS = "cnt af firstSeen lastSeen proto srcAddr srcPort dstAddr dstPort srcAS dstAS input output flags srcTos"
FAST_HEADER = f"{FAST_COLUMNS} packets bytes".replace(" ", ",")
FAST_LINE = "1,2,1709251200125,1709251201625,6,10.0.0.7,50000,198.51.100.9,443,0,0,1,2,......S.,0,4,700"
HEADER_175 = "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows"


def tarred(name: str, content: bytes) -> bytes:
    """A tar archive of one file."""
    archive, about = io.BytesIO(), tarfile.TarInfo(name)
    about.size = len(content)
    with tarfile.open(fileobj=archive, mode="w") as file:
        file.addfile(about, io.BytesIO(content))
    return archive.getvalue()


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "flows.log"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_a_zeek_stream_of_several_logs_is_told_apart_by_record() -> None:
    stream = [DNS | {"_path": "dns"}, CONN | {"_path": "conn"}, CONN | {"_path": "open_conn"}, CONN | {"_path": "conn"}]
    for first in range(len(stream)):
        block = parse(json_lines(*stream[first:], *stream[:first]))
        assert (block.counts.kept, block.counts.skipped, block.counts.quarantined) == (2, 2, 0)
        assert block.flows["src_bytes"].to_pylist() == [700, 700]


def test_a_zeek_stream_may_begin_with_other_logs_and_is_never_misread() -> None:
    head = json_lines(*[DNS | {"_path": "dns"}, {"ts": 1.5, "_path": "files"}] * 60)
    assert parse(head + json_lines(CONN | {"_path": "conn"})).counts.kept == 1
    unnamed = parse(json_lines(CONN, DNS, CONN, DNS | {"proto": "tcp"}))
    assert (unnamed.counts.kept, unnamed.counts.skipped) == (2, 2)


def test_an_interim_head_does_not_hide_what_follows() -> None:
    block = parse(json_lines(*[CONN | {"_path": "open_conn"}] * 500, CONN | {"_path": "conn"}, CONN))
    assert (block.counts.kept, block.counts.skipped) == (1, 501)


def test_each_zeek_head_counts_for_the_lines_below_it(tmp_path: Path) -> None:
    reversed_fields = " ".join(reversed(ZEEK_FIELDS.split()))
    reversed_line = " ".join(reversed(ZEEK_LINE.split()))
    commas = (
        "#separator \\x2c\n#set_separator,;\n#unset_field,none\n#path,conn\n#fields,"
        + ZEEK_FIELDS.replace(" ", ",")
        + "\n"
        + ZEEK_LINE.replace(" ssl ", " ssl;http ").replace(" 1.500000 ", " none ").replace(" ", ",")
        + "\n"
    )
    other = zeek("1709251200.1 C1 10.0.0.7", path="dns", fields="ts uid id.orig_h")
    logs = [zeek(ZEEK_LINE), zeek(reversed_line, fields=reversed_fields), commas, other, zeek(ZEEK_LINE)]
    scan, flows, counts = parse_file(written(tmp_path, "".join(logs)), chunk_bytes=200)
    assert scan.status == "kept"
    assert (counts.kept, counts.skipped, counts.quarantined, counts.lines) == (4, 1, 0, scan.lines_read)
    found = flows.to_pylist()
    for row in found:
        assert_holds(row, BOTH_WAYS)
    assert [row["observed_application"] for row in found] == ["ssl", "ssl", "http,ssl", "ssl"]
    assert found[2]["start_time"] == found[2]["end_time"]
    assert [row["flow_id"] - scan.file_id for row in found] == [7, 14, 20, 34]


@pytest.mark.parametrize(
    "head",
    ["#separator \\x09\n#fields\tts\tuid\n", "#separator |||\n#fields|||ts\n"],
)
def test_below_a_zeek_head_that_is_not_supported_nothing_is_read(tmp_path: Path, head: str) -> None:
    text = zeek(ZEEK_LINE) + head + ZEEK_LINE.replace(" ", "\t") + "\n" + zeek(ZEEK_LINE)
    scan, _, counts = parse_file(written(tmp_path, text))
    assert (counts.kept, counts.quarantined, counts.lines) == (2, 1, scan.lines_read)


def test_the_same_zeek_head_twice_leaves_a_file_in_its_parts(tmp_path: Path) -> None:
    text = zeek(*[ZEEK_LINE] * 50) + zeek(*[ZEEK_LINE] * 50)
    scan, flows, _ = parse_file(written(tmp_path, text), chunk_bytes=1000)
    assert (len(scan.chunks) > 5, len(flows)) == (True, 100)


@pytest.mark.parametrize("separator", ["\\x", "||", "\\x0a"])
def test_a_zeek_separator_that_is_not_supported_is_told(separator: str) -> None:
    text = zeek(ZEEK_LINE).replace("#separator \\x09", f"#separator {separator}")
    with pytest.raises(InputError, match=r"#separator .* is not supported"):
        detect_layout(text.encode(), ANY, "conn.log")


@pytest.mark.parametrize("digits", [1, 2])
def test_a_number_without_a_line_end_may_lack_digits(digits: int) -> None:
    whole = parse(f"{FAST_HEADER}\n{FAST_LINE}\n{FAST_LINE}\n")
    assert (whole.counts.kept, whole.is_cut) == (2, False)
    cut = parse(f"{FAST_HEADER}\n{FAST_LINE}\n{FAST_LINE}\n"[: -1 - digits])
    assert (cut.counts.kept, cut.rejects["reason"].to_pylist(), cut.is_cut) == (1, ["unparsable"], True)


@pytest.mark.parametrize("left", range(1, len(FAST_LINE)))
def test_a_cut_anywhere_costs_the_line_it_is_in_and_no_other(left: int) -> None:
    cut = parse(f"{FAST_HEADER}\n{FAST_LINE}\n{FAST_LINE[:left]}")
    assert (cut.counts.kept, cut.rejects["line"].to_pylist(), cut.is_cut) == (1, [3], True)


def test_a_cut_that_no_value_that_is_read_can_have_suffered_does_not_matter() -> None:
    assert not parse(f"{HEADER_175}\n2024-03-01 00:00:00.125,1.500,6,10.0.0.7,5,198.51.100.9,443,4,700,1").is_cut
    assert not parse(VPC_LINE).is_cut
    assert not parse(FAST_HEADER).is_cut


@pytest.mark.parametrize(
    ("start", "end", "seconds", "expected"),
    [
        ("01:50:00", "01:10:00", "1200.000", ("08:50:00", "09:10:00")),
        ("01:30:00", "02:30:00", "3600.000", ("09:30:00", "10:30:00")),
        ("01:30:00", "01:40:00", "600.000", ("08:30:00", "08:40:00")),
        ("01:30:00", "01:40:00", "4200.000", ("08:30:00", "09:40:00")),
        ("00:30:00", "01:10:00", "6000.000", ("07:30:00", "09:10:00")),
        ("01:50:00", "01:10:00", "", ("08:50:00", "09:10:00")),
        ("01:10:00", "01:50:00", "", ("08:10:00", "08:50:00")),
    ],
)
def test_the_duration_settles_the_hour_that_occurs_twice(
    start: str, end: str, seconds: str, expected: tuple[str, str]
) -> None:
    (row,) = rows(text_48(line_48(ts=f"2024-11-03 {start}", te=f"2024-11-03 {end}", td=seconds)), VANCOUVER)
    assert (row["start_time"], row["end_time"]) == tuple(utc(f"2024-11-03 {clock}") for clock in expected)


def test_an_end_before_its_start_is_still_rejected_in_that_hour() -> None:
    text = text_48(line_48(ts="2024-11-03 02:30:00", te="2024-11-03 01:59:59"), line_48(te="2024-02-29 23:59:59"))
    assert reasons(text, VANCOUVER) == ["end_before_start"] * 2


@pytest.mark.parametrize("quoted", ["all", "records"])
def test_quotes_around_every_value_do_not_matter(quoted: str) -> None:
    plain = text_48(line_48(), line_48(td="0.500")).splitlines()
    lines = ['"' + line.replace(",", '","') + '"' if quoted == "all" or at else line for at, line in enumerate(plain)]
    trailer = '"Summary"\n"flows","bytes","packets","avg_bps","avg_pps","avg_bpp"\n"2","1400","8","1","2","3"\n'
    block = parse("\n".join(lines) + "\n" + trailer)
    assert (block.counts.kept, block.counts.comment, block.counts.trailer) == (2, 1, 3)
    assert block.flows.equals(parse("\n".join(plain) + "\n").flows)


def test_a_spreadsheets_copy_pads_the_trailer() -> None:
    pad = "," * 42
    trailer = f"Summary{pad},,,,,\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp{pad}\n1,700,4,1,2,3{pad}\n"
    counts = parse((text_48(line_48(ts="2/8/22 18:54", te="2/8/22 18:54")) + trailer).replace("\n", "\r\n")).counts
    assert (counts.kept, counts.trailer, counts.comment) == (1, 3, 1)


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:00.500", 0.5), ("0.500", 0.5), ("01:00:01.000", 3601), ("1d 00:00:02.250", 86402.25)]
)
def test_durations_of_1_7_5_are_seconds_or_a_clock(text: str, seconds: float) -> None:
    (row,) = rows(f"{HEADER_175}\n2024-03-01 00:00:00.125,{text},6,10.0.0.7,50000,198.51.100.9,443,4,700,1\n")
    assert (row["end_time"] - row["start_time"]).total_seconds() == seconds


def test_a_duration_that_is_none_is_unparsable() -> None:
    line = "2024-03-01 00:00:00.125,soon,6,10.0.0.7,50000,198.51.100.9,443,4,700,1"
    assert reasons(f"{HEADER_175}\n{line}\n{line.replace('soon', '')}\n") == ["unparsable", "missing_field"]


@pytest.mark.parametrize("before", ["", "2024-03-01T00:01:00.000Z ", "2024-03-01T00:01:00.000Z eni-1-all "])
def test_cloudwatch_puts_times_before_vpc_records(before: str) -> None:
    nothing = "2 123456789010 eni-1 - - - - - - - 1709251200 1709251260 - NODATA"
    block = parse(f"{before}{VPC_LINE}\n{before}{nothing}\n{before}{nothing.replace('NODATA', 'SKIPDATA')}\n")
    assert (block.counts.kept, block.counts.skipped, block.counts.quarantined) == (1, 2, 0)
    assert_holds(block.flows.to_pylist()[0], SHARED | {"src_bytes": 700, "exporter": "eni-1"})


def test_goflow2_without_a_sampler() -> None:
    record = {name: value for name, value in GOFLOW2.items() if name != "sampler_address"}
    (row,) = rows(json_lines(record), SourceSettings(match="*", exporter="edge-1"))
    assert_holds(row, SHARED | {"exporter": "edge-1"})


def test_link_local_addresses_are_tokens_but_no_customers() -> None:
    (row,) = rows(json_lines(GOFLOW2 | {"src_addr": "fe80::ff:fe00:1", "dst_addr": "fec0::1"}))
    assert (row["src_ip"], row["dst_ip"]) == (TOKENIZER.token("ip", "fe80::ff:fe00:1"), "fec0::1")
    assert not row["is_src_own"]


@pytest.mark.parametrize(
    ("port", "expected"),
    [("https", 443), ("http", 80), ("www", 80), ("0x01bb", 443), ("ssh", 22), ("http-alt", 8080), ("x11", 6000)],
)
def test_argus_ports_by_name_and_in_hexadecimal(port: str, expected: int) -> None:
    (row,) = rows(f"{ARGUS_HEADER}\n{ARGUS_LINE.replace(',443,', f',{port},')}\n")
    assert (row["src_port"], row["dst_port"]) == (50000, expected)


@pytest.mark.parametrize("name", ["no-such-service", "admind", "meter"])
def test_an_argus_port_of_a_name_that_is_unknown_or_has_several_ports_is_unparsable(name: str) -> None:
    assert reasons(f"{ARGUS_HEADER}\n{ARGUS_LINE.replace(',443,', f',{name},')}\n") == ["unparsable"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("ipnip", 4),
        ("bbn-rcc", 10),
        ("sep", 33),
        ("mhrp", 48),
        ("ipv6-no", 59),
        ("ttp", 84),
        ("igrp", 88),
        ("aes-sp3-d", 96),
        ("pri-enc", 99),
        ("ipx-n-ip", 111),
        ("zero", 114),
        ("sccopmce", 128),
    ],
)
def test_protocols_go_by_argus_own_names(name: str, number: int) -> None:
    line = ARGUS_LINE.replace(",tcp,", f",{name},").replace(",50000,", ",,").replace(",443,", ",,")
    (row,) = rows(f"{ARGUS_HEADER}\n{line}\n")
    assert row["protocol"] == number


def test_argus_times_may_be_epoch_seconds_whatever_the_zone() -> None:
    epoch = ARGUS_LINE.replace("2024/03/01 00:00:00.125000", "1709251200.125000")
    clock, seconds = rows(f"{ARGUS_HEADER}\n{ARGUS_LINE}\n{epoch}\n", VANCOUVER)
    assert (clock["start_time"], seconds["start_time"]) == (utc("2024-03-01 08:00:00.125"), START)
    assert reasons(f"{ARGUS_HEADER}\n{epoch.replace('1709251200.125000', '0.000000')}\n") == ["time_out_of_range"]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (text_48(line_48()).replace("\n", "\r"), "CR alone"),
        ("Date first seen          Duration Proto      Src IP Addr:Port          Dst IP Addr:Port\n", "nfdump -o csv"),
        ("Date first seen          Event  XEvent Proto      Src IP Addr:Port\n", "nfdump -o csv"),
        ('[{"ts": 1.5}]\n', "one JSON array"),
        (b"PK\x03\x04rest", "zip archive or a spreadsheet"),
        (b"\xfd7zXZ\x00rest", "compressed by xz"),
        (b"\x04\x22\x4d\x18rest", "compressed by lz4"),
        (b"\x1f\x9drest", "compressed by compress (.Z)"),
        (b"PAR1rest", "a Parquet file"),
        (tarred("flows.csv", TEXT), "a tar archive: unpack it"),
        (gzip.compress(tarred("flows.csv", TEXT)), "a tar archive: unpack it"),
        (gzip.compress(b"\x0c\xa5\x02\x00" + bytes(100)), "a binary file of nfdump, compressed: unpack it first"),
    ],
)
def test_what_is_not_read_is_told_with_a_remedy(tmp_path: Path, content: str | bytes, told: str) -> None:
    scan, _, _ = parse_file(written(tmp_path, content))
    assert (scan.status, told in str(scan.message)) == ("unknown_format", True)


HEADS_AND_LINES = {
    "nfdump": (text_48().rstrip("\n"), line_48()),
    "fast": (FAST_HEADER, FAST_LINE),
    "argus": (ARGUS_HEADER, ARGUS_LINE),
    "nfstream": (NFSTREAM_HEADER, NFSTREAM_LINE),
    "cicflowmeter": (CIC_SPELLINGS["dotted"], CIC_LINE),
}


@pytest.mark.parametrize("name", list(HEADS_AND_LINES))
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_files_put_one_behind_the_other_are_one_file(name: str, line_end: str, mark: str) -> None:
    header, line = HEADS_AND_LINES[name]
    one = line_end.join([mark + header, line, "", line, ""])
    block = parse(one + one)
    assert (block.counts.kept, block.counts.comment, block.counts.quarantined) == (4, 4, 0)
    assert len({json.dumps(row, default=str) for row in block.flows.drop_columns(["flow_id"]).to_pylist()}) == 1


def test_zeek_logs_may_have_further_columns_or_lack_optional_ones() -> None:
    fields = ZEEK_FIELDS + " ip_proto orig_l2_addr vlan community_id"
    (row,) = rows(zeek(f"{ZEEK_LINE} 6 02:00:00:00:00:01 12 1:x", fields=fields))
    assert_holds(row, BOTH_WAYS)
    few = "ts id.orig_h id.orig_p id.resp_h id.resp_p proto orig_bytes resp_bytes orig_pkts resp_pkts"
    (row,) = rows(zeek("1709251200.125 10.0.0.7 50000 198.51.100.9 443 tcp 700 400 4 3", fields=few))
    assert_holds(row, BOTH_WAYS)


@pytest.mark.parametrize(
    "change",
    [
        {"vlan": [12, 13]},
        {"metadata": {"flowbits": ["x"]}, "flow_id": 1 << 60, "in_iface": "eth0", "community_id": "1:x"},
        {"flow": SURICATA["flow"] | {"age": 1, "state": "closed", "alerted": False, "exception_policy": [{"a": 1}]}},
        {"tcp": SURICATA["tcp"] | {"tcp_flags_ts": "1b", "syn": True, "ts_max_regions": 1}},
    ],
)
def test_suricata_flows_may_hold_anything_else(change: dict[str, Any]) -> None:
    (row,) = rows(json_lines(SURICATA | change))
    assert_holds(row, BOTH_WAYS | {"tcp_flags": 27})


@pytest.mark.parametrize(
    "agent",
    ['5.0 (x, 4\\" y)', '5.0 (x, 4\\" y), \\"z\\"', "no quotes, a backslash at the end \\", "", 'doubled ""x, y""'],
)
def test_nfstream_writes_a_backslash_before_quotes(agent: str) -> None:
    lines = [NFSTREAM_LINE.replace("agent (a, b)", agent), NFSTREAM_LINE]
    first, second = rows("\n".join([NFSTREAM_HEADER, *lines]) + "\n")
    for row in (first, second):
        assert_holds(row, BOTH_WAYS | {"observed_application": "tls.example"})


@pytest.mark.parametrize(("counter", "octets"), [("700.0", 700), ("700.", 700), ("700", 700)])
def test_a_counter_may_have_a_fraction_that_is_none(counter: str, octets: int) -> None:
    (row,) = rows(text_48(line_48(ibyt=counter)))
    assert row["src_bytes"] == octets


@pytest.mark.parametrize("counter", ["1.23457E+11", "1e3", "700.5", "1.2 M", "12.3G"])
def test_a_counter_that_a_spreadsheet_or_a_person_rounded_is_unparsable(counter: str) -> None:
    assert reasons(text_48(line_48(ibyt=counter), line_48())) == ["unparsable"]


def test_cicflowmeter_writes_large_counters_with_an_exponent_and_exactly() -> None:
    (row,) = rows(f"{CIC_SPELLINGS['short']}\n{CIC_LINE.replace(',700.0,', ',1.2345678E7,')}\n")
    assert row["src_bytes"] == 12_345_678


def test_nfstream_without_macs_or_application() -> None:
    keep = [
        at for at, name in enumerate(NFSTREAM_HEADER.split(",")) if "mac" not in name and name != "application_name"
    ]
    bare = NFSTREAM_LINE.replace('"agent (a, b)"', "agent")
    header, line = (",".join(text.split(",")[at] for at in keep) for text in (NFSTREAM_HEADER, bare))
    (row,) = rows(f"{header}\n{line}\n")
    assert_holds(row, BOTH_WAYS | {"observed_application": None, "src_mac": None})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5/7/2017 3:30", "2017-07-05 03:30:00"), ("05/07/2017 03:30:12 PM", "2017-07-05 15:30:12")],
)
def test_cicflowmeter_dates_of_one_file_may_be_spelt_in_two_ways(text: str, expected: str) -> None:
    line = CIC_LINE.replace("01/03/202400:00:00", text)
    usual, other = rows(f"{CIC_SPELLINGS['2017']}\n{CIC_LINE}\n{line}\n")
    assert (usual["start_time"], other["start_time"]) == (utc("2024-03-01"), utc(expected))
