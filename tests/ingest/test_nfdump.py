"""nfdump's text and binary files."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from telflow.errors import InputError
from telflow.ingest.detect import detect_layout
from telflow.ingest.files import read_content
from telflow.ingest.nfdump import COLUMNS_48
from telflow.settings import SourceSettings
from tests.ingest.helpers import (
    ANY,
    CONTEXT,
    FILE_ID,
    TOKENIZER,
    line_48,
    parse,
    parse_file,
    reasons,
    rows,
    text_48,
    utc,
)

VANCOUVER = SourceSettings(match="*", zone="America/Vancouver")


def test_a_record_of_48_columns_becomes_a_flow() -> None:
    (row,) = rows(text_48(line_48()))
    assert row == {
        "event_date": utc("2024-03-01").date(),
        "flow_id": FILE_ID + 2,
        "start_time": utc("2024-03-01 00:00:00"),
        "end_time": utc("2024-03-01 00:00:02.250"),
        "exporter": "192.0.2.1",
        "src_ip": TOKENIZER.token("ip", "10.0.0.7"),
        "dst_ip": "198.51.100.9",
        "src_port": 50000,
        "dst_port": 443,
        "protocol": 6,
        "src_bytes": 700,
        "src_packets": 4,
        "dst_bytes": 0,
        "dst_packets": 0,
        "is_bidirectional": False,
        "tcp_flags": 0b11011,
        "icmp_type": None,
        "icmp_code": None,
        "src_mac": TOKENIZER.token("mac", "02:00:00:00:00:01"),
        "dst_mac": None,
        "sampling_rate": 1,
        "observed_application": None,
        "source_format": "nfdump_csv48",
        "is_src_own": True,
        "is_dst_own": False,
        "initiator": None,
    }


def test_the_reverse_direction_makes_a_record_bidirectional() -> None:
    (row,) = rows(text_48(line_48(opkt="2", obyt="300")))
    assert (row["src_bytes"], row["src_packets"], row["dst_bytes"], row["dst_packets"]) == (700, 4, 300, 2)
    assert row["is_bidirectional"]


@pytest.mark.parametrize(
    ("flags", "packets", "initiator"),
    [("......S.", "3", "src"), ("...A..S.", "1", "dst"), ("...A..S.", "2", None), ("...AP.SF", "9", None)],
)
def test_only_flags_that_can_tell_say_who_opened(flags: str, packets: str, initiator: str | None) -> None:
    (row,) = rows(text_48(line_48(flg=flags, ipkt=packets)))
    assert row["initiator"] == initiator


@pytest.mark.parametrize(("flags", "mask"), [("......S.", 2), ("CEUAPRSF", 255), ("0x1b", 27), ("........", 0)])
def test_flags_are_a_bit_mask(flags: str, mask: int) -> None:
    (row,) = rows(text_48(line_48(flg=flags)))
    assert row["tcp_flags"] == mask


@pytest.mark.parametrize(
    ("protocol", "port", "kind", "code"), [("ICMP", "3.1", 3, 1), ("ICMP", "2048", 8, 0), ("ICMP6", "135.0", 135, 0)]
)
def test_icmp_has_type_and_code_and_no_ports(protocol: str, port: str, kind: int, code: int) -> None:
    (row,) = rows(text_48(line_48(pr=protocol, sp="0", dp=port, flg="........")))
    assert (row["icmp_type"], row["icmp_code"], row["src_port"], row["dst_port"]) == (kind, code, None, None)


@pytest.mark.parametrize(
    ("name", "number"),
    [("UDP", 17), ("udp", 17), ("IPv6", 41), ("ICMP6", 58), ("OSPFIGP", 89), ("IPIP", 4), ("GRE", 47), ("255  ", 255)],
)
def test_protocols_go_by_name_or_number(name: str, number: int) -> None:
    (row,) = rows(text_48(line_48(pr=name, sp="0", dp="0")))
    assert row["protocol"] == number


def test_times_are_local_to_the_source() -> None:
    (row,) = rows(text_48(line_48(ts="2024-07-01 12:00:00", te="2024-07-01 12:00:02")), VANCOUVER)
    assert row["start_time"] == utc("2024-07-01 19:00:00")


def test_a_time_that_never_was_is_out_of_range_and_one_that_was_twice_is_the_earlier() -> None:
    gap = text_48(line_48(ts="2024-03-10 02:30:00", te="2024-03-10 02:30:02"))
    assert reasons(gap, VANCOUVER) == ["time_out_of_range"]
    (row,) = rows(text_48(line_48(ts="2024-11-03 01:30:00", te="2024-11-03 01:30:02")), VANCOUVER)
    assert row["start_time"] == utc("2024-11-03 08:30:00")


def test_a_spreadsheets_dates_are_month_first() -> None:
    (row,) = rows(text_48(line_48(ts="2/8/22 18:54", te="2/8/22 18:54", td="1.5")))
    assert (row["start_time"], row["end_time"]) == (utc("2022-02-08 18:54:00"), utc("2022-02-08 18:54:01.500"))


def test_without_a_duration_the_end_is_te() -> None:
    (row,) = rows(text_48(line_48(td="")))
    assert row["end_time"] == utc("2024-03-01 00:00:02")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"ts": "yesterday"}, "unparsable"),
        ({"ts": ""}, "missing_field"),
        ({"sa": ""}, "missing_field"),
        ({"sa": "10.0.0.256"}, "bad_address"),
        ({"da": "somewhere"}, "bad_address"),
        ({"da": "010.0.0.1"}, "bad_address"),
        ({"sp": "65536"}, "port_out_of_range"),
        ({"dp": "70000"}, "port_out_of_range"),
        ({"dp": "https"}, "unparsable"),
        ({"td": "-0.001"}, "negative_duration"),
        ({"td": "604800.001"}, "absurd_duration"),
        ({"te": "2024-02-29 23:59:59"}, "end_before_start"),
        ({"ibyt": "9007199254740992"}, "counter_overflow"),
        ({"ibyt": "99999999999999999999999"}, "counter_overflow"),
        ({"ibyt": "-1"}, "unparsable"),
        ({"ibyt": "many"}, "unparsable"),
        ({"ibyt": ""}, "missing_field"),
        ({"ts": "1970-01-01 00:00:00", "te": "1970-01-01 00:00:02"}, "time_out_of_range"),
        ({"pr": "ARP"}, "not_an_ip_protocol"),
        ({"pr": "256"}, "not_an_ip_protocol"),
        ({"flg": "..X..."}, "unparsable"),
    ],
)
def test_what_is_no_flow_is_rejected_with_its_reason_and_its_text(values: dict[str, str], reason: str) -> None:
    block = parse(text_48(line_48(), line_48(**values), line_48()))
    assert block.rejects.to_pylist() == [{"line": 3, "reason": reason, "raw": line_48(**values)}]
    assert block.flows["flow_id"].to_pylist() == [FILE_ID + 2, FILE_ID + 4]


@pytest.mark.parametrize(
    "values",
    [{"sp": "65535"}, {"dp": "0"}, {"td": "604800.000"}, {"td": "0.000"}, {"ibyt": "9007199254740991"}, {"pr": "0"}],
)
def test_just_inside_the_bounds_is_kept(values: dict[str, str]) -> None:
    assert len(rows(text_48(line_48(**values)))) == 1


def test_the_trailer_is_counted_as_such() -> None:
    trailer = "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n1,700,4,1,2,3\n"
    counts = parse(text_48(line_48()) + trailer).counts
    assert (counts.kept, counts.trailer, counts.comment) == (1, 3, 1)
    nothing = parse(text_48() + "No matching flows\n" + trailer).counts
    assert (nothing.kept, nothing.trailer, nothing.comment) == (0, 3, 2)


def test_two_files_in_one_are_read_with_their_headers_and_trailers() -> None:
    one = text_48(line_48()) + "Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n1,700,4,1,2,3\n"
    counts = parse(one + one).counts
    assert (counts.kept, counts.trailer, counts.comment) == (2, 6, 2)


def test_the_order_of_columns_is_the_headers() -> None:
    names = list(reversed(COLUMNS_48))
    line = ",".join(reversed(line_48().split(",")))
    assert rows("\n".join([",".join(names), line]) + "\n") == rows(text_48(line_48()))


def test_without_a_header_48_columns_are_known_by_their_look() -> None:
    (row,) = rows(line_48() + "\n")
    assert row["src_bytes"] == 700


def test_a_line_with_too_few_or_too_many_columns_is_unparsable() -> None:
    short, long = line_48().rsplit(",", 1)[0], line_48() + ",1"
    assert reasons(text_48(line_48(), short, long, line_48())) == ["unparsable", "unparsable"]


def test_the_form_of_1_7_5() -> None:
    text = (
        "firstSeen,duration,proto,srcAddr,srcPort,dstAddr,dstPort,packets,bytes,flows\n"
        "2024-03-01 00:00:00.125,1.500,6,10.0.0.7,50000,198.51.100.9,443,4,700,1\n"
        "2024-03-01 00:00:00.125,0.000,1,10.0.0.7,0,198.51.100.9,3.1,4,700,5\n"
    )
    first, second = rows(text)
    assert (first["start_time"], first["end_time"]) == (
        utc("2024-03-01 00:00:00.125"),
        utc("2024-03-01 00:00:01.625"),
    )
    assert (first["src_bytes"], first["dst_port"], first["source_format"]) == (700, 443, "nfdump_csv175")
    assert (second["protocol"], second["icmp_type"], second["icmp_code"]) == (1, 3, 1)


def test_the_fast_form() -> None:
    text = (
        "cnt,af,firstSeen,lastSeen,proto,srcAddr,srcPort,dstAddr,dstPort,srcAS,dstAS,input,output,flags,srcTos,packets,bytes\n"
        "1,2,1709251200125,1709251201625,6,10.0.0.7,50000,198.51.100.9,443,0,0,1,2,......S.,0,4,700\n"
    )
    (row,) = rows(text)
    assert (row["start_time"], row["end_time"]) == (utc("2024-03-01 00:00:00.125"), utc("2024-03-01 00:00:01.625"))
    assert (row["tcp_flags"], row["initiator"], row["source_format"]) == (2, "src", "nfdump_csv_fast")


def test_sampling_scales_volumes_and_not_past_the_limit() -> None:
    sampled = SourceSettings(match="*", sampling_rate=100, exporter="edge-1")
    (row,) = rows(text_48(line_48(ra="::")), sampled)
    assert (row["src_bytes"], row["src_packets"], row["sampling_rate"]) == (70_000, 400, 100)
    assert row["exporter"] == "edge-1"
    assert reasons(text_48(line_48(ibyt="90071992547410")), sampled) == ["counter_overflow"]


@pytest.mark.parametrize(
    ("router", "exporter"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", TOKENIZER.token("ip", "10.0.0.1")),
        ("2001:DB8:AA:0::1", TOKENIZER.token("ip", "2001:db8:aa::1")),
        ("fe80::1", TOKENIZER.token("ip", "fe80::1")),
    ],
)
def test_a_router_on_the_own_side_is_a_token_too(router: str, exporter: str) -> None:
    named = SourceSettings(match="*", exporter="edge 10.0.0.1")
    assert [row["exporter"] for row in rows(text_48(line_48(ra=router), line_48(ra="::")), named)] == [
        exporter,
        "edge 10.0.0.1",
    ]


def test_in_the_studys_mode_every_source_is_own_and_no_address_is_in_the_clear() -> None:
    context = replace(CONTEXT, every_source_is_own=True)
    there, back = rows(
        text_48(line_48(sa="203.0.113.5", da="198.51.100.9"), line_48(sa="198.51.100.9", da="203.0.113.5")),
        ANY,
        context,
    )
    customer, peer = TOKENIZER.token("ip", "203.0.113.5"), TOKENIZER.token("ip", "198.51.100.9")
    assert (there["is_src_own"], there["is_dst_own"]) == (True, False)
    assert (there["src_ip"], there["dst_ip"]) == (customer, peer)
    assert (back["src_ip"], back["dst_ip"]) == (peer, customer)


def test_the_real_sample_sums_to_its_own_trailer(samples: Path) -> None:
    scan, flows, counts = parse_file(samples / "flows/nfdump/test1-malicious.nfdump.csv")
    assert (scan.lines_read, counts.lines, counts.kept, counts.trailer, counts.comment) == (4597, 4597, 4593, 3, 1)
    assert sum(flows["src_bytes"].to_pylist()) == 241_025
    assert sum(flows["src_packets"].to_pylist()) == 4652
    assert set(flows["dst_bytes"].to_pylist()) == {0}


def test_the_binary_sample_holds_the_same_flows_as_its_text(samples: Path) -> None:
    if shutil.which("nfdump") is None:
        pytest.skip("needs the program nfdump: apt-get install nfdump")
    scan, binary, _ = parse_file(samples / "flows/nfdump/test1-malicious.nfdump")
    _, text, _ = parse_file(samples / "flows/nfdump/test1-malicious.nfdump.csv")
    assert scan.source_format == "nfcapd"
    assert set(binary["source_format"].to_pylist()) == {"nfcapd"}
    told_apart = ["flow_id", "source_format"]
    assert binary.drop_columns(told_apart).equals(text.drop_columns(told_apart))


def test_a_cut_binary_file_is_told_although_nfdump_succeeds(samples: Path, tmp_path: Path) -> None:
    if shutil.which("nfdump") is None:
        pytest.skip("needs the program nfdump: apt-get install nfdump")
    path = tmp_path / "nfcapd.cut"
    path.write_bytes((samples / "flows/nfdump/test1-malicious.nfdump").read_bytes()[:-10])
    scan, flows, counts = parse_file(path)
    assert (scan.status, len(flows), counts.lines) == ("cut", 4593, scan.lines_read)


def test_without_the_program_a_binary_file_is_unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "nfcapd.202403010000"
    path.write_bytes(b"\x0c\xa5\x02\x00" + bytes(100))
    monkeypatch.setenv("PATH", str(tmp_path))
    scan, _, _ = parse_file(path)
    assert scan.status == "unreadable"
    assert "install nfdump" in str(scan.message)
    assert path.name in str(scan.message)
    with pytest.raises(InputError, match="install nfdump"):
        list(read_content(path, "nfcapd"))


def test_a_file_of_another_format_than_the_settings_say_is_told(samples: Path) -> None:
    head = (samples / "flows/nfdump/test1-malicious.nfdump.csv").read_bytes()[:65_536]
    with pytest.raises(InputError, match="nfdump_csv48, but the settings say argus"):
        detect_layout(head, SourceSettings(match="*", format="argus"), "sample")
