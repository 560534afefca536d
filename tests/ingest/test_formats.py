"""The formats other than nfdump's, in small files as their own tools print them, and on real records."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from telflow.errors import InputError
from telflow.ingest.detect import detect_layout
from telflow.settings import SourceSettings
from tests.ingest.helpers import ANY, TOKENIZER, parse, parse_file, reasons, rows, utc

ZEEK_FIELDS = (
    "ts uid id.orig_h id.orig_p id.resp_h id.resp_p proto service duration orig_bytes resp_bytes conn_state local_orig "
    "local_resp missed_bytes history orig_pkts orig_ip_bytes resp_pkts resp_ip_bytes tunnel_parents"
)
ZEEK_LINE = (
    "1709251200.125000 C1 10.0.0.7 50000 198.51.100.9 443 tcp ssl 1.500000 5000000 100 SF T F 0 ShADad 4 700 3 400 -"
)
GOFLOW2: dict[str, Any] = {
    "type": "IPFIX",
    "time_received_ns": 1709251205000000000,
    "sequence_num": 1,
    "sampling_rate": 10,
    "sampler_address": "192.0.2.1",
    "time_flow_start_ns": 1709251200125000999,
    "time_flow_end_ns": 1709251201625000000,
    "bytes": 700,
    "packets": 4,
    "src_addr": "10.0.0.7",
    "dst_addr": "198.51.100.9",
    "etype": "IPv4",
    "proto": "TCP",
    "src_port": 50000,
    "dst_port": 443,
    "in_if": 1,
    "out_if": 2,
    "src_mac": "02:00:00:00:00:01",
    "dst_mac": "00:00:00:00:00:00",
    "tcp_flags": 2,
    "icmp_type": 0,
    "icmp_code": 0,
}
SURICATA: dict[str, Any] = {
    "timestamp": "2024-03-01T00:01:00.000000+0000",
    "event_type": "flow",
    "src_ip": "10.0.0.7",
    "src_port": 50000,
    "dest_ip": "198.51.100.9",
    "dest_port": 443,
    "proto": "TCP",
    "app_proto": "tls",
    "flow": {
        "pkts_toserver": 4,
        "pkts_toclient": 3,
        "bytes_toserver": 700,
        "bytes_toclient": 400,
        "start": "2024-03-01T02:00:00.125000+0200",
        "end": "2024-03-01T02:00:01.625000+0200",
    },
    "tcp": {"tcp_flags": "1b"},
    "host": "sensor-1",
}
ARGUS_HEADER = (
    "StartTime,Dur,Proto,SrcAddr,Sport,Dir,DstAddr,Dport,State,sTos,dTos,TotPkts,TotBytes,SrcBytes,SrcPkts,Label"
)
ARGUS_LINE = "2024/03/01 00:00:00.125000,1.500000,tcp,10.0.0.7,50000,   ->,198.51.100.9,443,SPA_SPA,0,0,7,1100,700,4,"
VPC_LINE = "2 123456789010 eni-1 10.0.0.7 198.51.100.9 50000 443 6 4 700 1709251200 1709251260 ACCEPT OK"
NFSTREAM_HEADER = (
    "id,expiration_id,src_ip,src_mac,src_oui,src_port,dst_ip,dst_mac,dst_oui,dst_port,protocol,ip_version,vlan_id,"
    "tunnel_id,bidirectional_first_seen_ms,bidirectional_last_seen_ms,bidirectional_duration_ms,bidirectional_packets,"
    "bidirectional_bytes,src2dst_first_seen_ms,src2dst_last_seen_ms,src2dst_duration_ms,src2dst_packets,src2dst_bytes,"
    "dst2src_first_seen_ms,dst2src_last_seen_ms,dst2src_duration_ms,dst2src_packets,dst2src_bytes,application_name,"
    "application_category_name,application_is_guessed,application_confidence,requested_server_name,client_fingerprint,"
    "server_fingerprint,user_agent,content_type"
)
NFSTREAM_LINE = (
    "0,0,10.0.0.7,02:00:00:00:00:01,02:00:00,50000,198.51.100.9,02:00:00:00:00:02,02:00:00,443,6,4,0,0,1709251200125,"
    "1709251201625,1500,7,1100,1709251200125,1709251201625,1500,4,700,1709251200225,1709251201525,1300,3,400,"
    'TLS.Example,Web,0,6,example.com,,,"agent (a, b)",'
)
CIC_SPELLINGS = {
    "long": "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Total Fwd Packet,"
    "Total Bwd packets,Total Length of Fwd Packet,Total Length of Bwd Packet,Flow Bytes/s,Label",
    "short": "Flow ID,Src IP,Src Port,Dst IP,Dst Port,Protocol,Timestamp,Flow Duration,Tot Fwd Pkts,"
    "Tot Bwd Pkts,TotLen Fwd Pkts,TotLen Bwd Pkts,Flow Byts/s,Label",
    "2017": "Flow ID, Source IP, Source Port, Destination IP, Destination Port, Protocol, Timestamp, Flow Duration,"
    " Total Fwd Packets, Total Backward Packets,Total Length of Fwd Packets, Total Length of Bwd Packets,"
    " Fwd Header Length, Fwd Header Length",
    "dotted": "Flow.ID,Source.IP,Source.Port,Destination.IP,Destination.Port,Protocol,Timestamp,Flow.Duration,"
    "Total.Fwd.Packets,Total.Backward.Packets,Total.Length.of.Fwd.Packets,Total.Length.of.Bwd.Packets,"
    "Label,ProtocolName",
}
CIC_LINE = "id,10.0.0.7,50000,198.51.100.9,443,6,01/03/202400:00:00,1500000,4,3,700.0,400,Infinity,GOOGLE"

SHARED = {
    "src_ip": TOKENIZER.token("ip", "10.0.0.7"),
    "dst_ip": "198.51.100.9",
    "src_port": 50000,
    "dst_port": 443,
    "protocol": 6,
}
BOTH_WAYS = SHARED | {
    "src_bytes": 700,
    "src_packets": 4,
    "dst_bytes": 400,
    "dst_packets": 3,
    "is_bidirectional": True,
}
START, END = utc("2024-03-01 00:00:00.125"), utc("2024-03-01 00:00:01.625")


def zeek(*lines: str, path: str = "conn", fields: str = ZEEK_FIELDS) -> str:
    """A Zeek log; blanks in the lines stand for TABs."""
    head = [
        "#separator \\x09",
        "#set_separator\t,",
        "#empty_field\t(empty)",
        "#unset_field\t-",
        f"#path\t{path}",
        "#fields " + fields,
    ]
    return "\n".join([*head[:-1], *(text.replace(" ", "\t") for text in [head[-1], *lines])]) + "\n"


def json_lines(*records: dict[str, Any]) -> str:
    return "".join(json.dumps(record) + "\n" for record in records)


def assert_holds(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert {name: row[name] for name in expected} == expected


def test_zeek_tsv() -> None:
    (row,) = rows(zeek(ZEEK_LINE))
    assert_holds(row, BOTH_WAYS | {"start_time": START, "end_time": END})
    assert_holds(row, {"observed_application": "ssl", "initiator": "src", "source_format": "zeek_tsv"})


def test_zeek_finds_its_columns_by_name_and_keeps_the_node() -> None:
    (row,) = rows(zeek("worker-1 " + ZEEK_LINE, fields="_node_name " + ZEEK_FIELDS))
    assert_holds(row, BOTH_WAYS | {"exporter": "worker-1"})


def test_zeek_unset_values_are_nothing() -> None:
    line = "1709251200.125000 C1 10.0.0.7 8 198.51.100.9 0 icmp - - - - OTH T F 0 - 1 64 0 0 -"
    (row,) = rows(zeek(line))
    assert row["start_time"] == row["end_time"] == START
    assert_holds(row, {"icmp_type": 8, "icmp_code": 0, "src_port": None, "observed_application": None})


def test_zeek_services_are_sorted() -> None:
    (row,) = rows(zeek(ZEEK_LINE.replace(" ssl ", " ssl,HTTP ")))
    assert row["observed_application"] == "http,ssl"


def test_zeek_without_ip_bytes_falls_back_on_payload() -> None:
    (row,) = rows(zeek(ZEEK_LINE.replace(" 4 700 3 400 ", " 4 - 3 - ")))
    assert (row["src_bytes"], row["dst_bytes"]) == (5_000_000, 100)


def test_zeek_unknown_transport_needs_its_number() -> None:
    line = ZEEK_LINE.replace(" tcp ", " unknown_transport ").replace(" 50000 ", " 0 ").replace(" 443 ", " 0 ")
    assert reasons(zeek(line)) == ["not_an_ip_protocol"]
    (row,) = rows(zeek(line + " 47", fields=ZEEK_FIELDS + " ip_proto"))
    assert row["protocol"] == 47


@pytest.mark.parametrize(
    ("address", "columns", "protocol"),
    [
        ("10.0.0.7 3 198.51.100.9 1", "icmp", 1),
        ("fe80::1 134 ff02::1 133", "icmp", 58),
        ("10.0.0.7 3 198.51.100.9 1", "icmp 1", 1),
        ("fe80::1 134 ff02::1 133", "icmp 58", 58),
        ("10.0.0.7 0 198.51.100.9 0", "unknown_transport 89", 89),
        ("fe80::1 0 ff02::5 0", "udp -", 17),
    ],
)
def test_zeek_names_both_families_of_icmp_alike(address: str, columns: str, protocol: int) -> None:
    fields = "ts id.orig_h id.orig_p id.resp_h id.resp_p proto ip_proto"
    (row,) = rows(
        zeek(f"1709251200.1 {address} {columns}", fields=" ".join(fields.split()[: 5 + len(columns.split())]))
    )
    assert row["protocol"] == protocol


def test_the_real_icmp_v6_records_are_router_solicitations(samples: Path) -> None:
    found: list[dict[str, Any]] = []
    for path in sorted((samples / "flows/zeek/2024-04-19").glob("conn.*.log.gz")):
        _, flows, _ = parse_file(path)
        found.extend(row for row in flows.to_pylist() if row["protocol"] == 58)
    assert [row["icmp_type"] for row in found] == [133] * 47
    assert {row["src_port"] for row in found} == {None}


def test_zeek_interim_records_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "open_conn.log"
    path.write_text(zeek(ZEEK_LINE, path="open_conn"))
    scan, flows, counts = parse_file(path)
    assert (scan.status, len(flows), counts.skipped, counts.comment) == ("interim", 0, 1, 6)
    record = {"_path": "open_conn", "ts": 1.0, "id.orig_h": "10.0.0.7", "conn_state": "S1"}
    assert parse(json_lines(record)).counts.skipped == 1


def test_zeek_json_with_epoch_and_iso_times() -> None:
    record = dict(zip(ZEEK_FIELDS.split(), ZEEK_LINE.split(), strict=True))
    numbers = {name: json.loads(text) for name, text in record.items() if text.replace(".", "", 1).isdigit()}
    epoch = {name: value for name, value in (record | numbers).items() if value != "-"}
    for stamp in (epoch["ts"], "2024-03-01T00:00:00.125000Z", 1709251200125, 1709251200125.0):
        (row,) = rows(json_lines(epoch | {"ts": stamp}))
        assert_holds(row, BOTH_WAYS | {"start_time": START, "end_time": END, "initiator": "src"})


@pytest.mark.parametrize(
    "text",
    [
        zeek("1709251200.1 C1 10.0.0.7", path="dns", fields="ts uid id.orig_h"),
        json_lines({"ts": 1.5, "id.orig_h": "10.0.0.7", "query": "example.com", "_path": "dns"}),
    ],
)
def test_other_zeek_logs_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"only (conn\.log|that) holds flows"):
        detect_layout(text.encode(), ANY, "dns.log")


def test_goflow2() -> None:
    (row,) = rows(json_lines(GOFLOW2))
    assert_holds(row, SHARED | {"start_time": START, "end_time": END, "exporter": "192.0.2.1"})
    assert_holds(row, {"src_bytes": 7000, "src_packets": 40, "sampling_rate": 10, "is_bidirectional": False})
    assert_holds(row, {"tcp_flags": 2, "initiator": "src", "dst_mac": None, "source_format": "goflow2"})
    assert row["src_mac"] == TOKENIZER.token("mac", "02:00:00:00:00:01")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"proto": 17}, {"protocol": 17}),
        ({"sampling_rate": 0}, {"sampling_rate": 1, "src_bytes": 700}),
        ({"type": "SFLOW_5"}, {"start_time": utc("2024-03-01 00:00:05"), "end_time": utc("2024-03-01 00:00:05")}),
        ({"time_flow_start_ns": 0}, {"start_time": utc("2024-03-01 00:00:05")}),
        ({"proto": "ICMP", "icmp_type": 3, "icmp_code": 1}, {"icmp_type": 3, "icmp_code": 1, "dst_port": None}),
        ({"proto": "ICMP", "dst_port": 2049}, {"icmp_type": 8, "icmp_code": 1}),
        ({"src_addr": "::ffff:10.0.0.7"}, {"src_ip": TOKENIZER.token("ip", "10.0.0.7"), "is_src_own": True}),
        ({"dst_addr": "2001:DB8:0:0::1"}, {"dst_ip": "2001:db8::1", "is_dst_own": False}),
    ],
)
def test_goflow2_varieties(change: dict[str, Any], expected: dict[str, Any]) -> None:
    (row,) = rows(json_lines(GOFLOW2 | change))
    assert_holds(row, expected)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"etype": "ARP", "proto": "HOPOPT", "src_addr": "10.0.0.7"}, "not_an_ip_protocol"),
        ({"bytes": None}, "missing_field"),
        ({"bytes": "many"}, "unparsable"),
        ({"src_addr": "10.0.0"}, "bad_address"),
        ({"time_flow_end_ns": 1709251100000000000}, "end_before_start"),
        ({"bytes": 2**60}, "counter_overflow"),
        ({"sampling_rate": 2**31}, "unparsable"),
        ({"time_flow_start_ns": None, "time_received_ns": None}, "missing_field"),
    ],
)
def test_goflow2_rejects(change: dict[str, Any], reason: str) -> None:
    assert reasons(json_lines(GOFLOW2, GOFLOW2 | change, GOFLOW2)) == [reason]


def test_suricata() -> None:
    (row,) = rows(json_lines(SURICATA))
    assert_holds(row, BOTH_WAYS | {"start_time": START, "end_time": END, "initiator": "src", "exporter": "sensor-1"})
    assert_holds(row, {"observed_application": "tls", "tcp_flags": 27, "source_format": "suricata"})


def test_suricata_skips_other_events_and_unknown_applications() -> None:
    alert = {"timestamp": SURICATA["timestamp"], "event_type": "alert", "flow": {"start": "x"}, "payload": "QUJD"}
    block = parse(json_lines(alert, SURICATA | {"app_proto": "failed"}, {"event_type": "netflow"}))
    assert (block.counts.kept, block.counts.skipped) == (1, 2)
    assert block.flows["observed_application"].to_pylist() == [None]


def test_argus() -> None:
    (row,) = rows(f"{ARGUS_HEADER}\n{ARGUS_LINE}\n")
    assert_holds(row, BOTH_WAYS | {"start_time": START, "end_time": END, "initiator": "src", "source_format": "argus"})
    (tabbed,) = rows(f"{ARGUS_HEADER}\n{ARGUS_LINE}\n".replace(",", "\t"))
    assert tabbed == row


@pytest.mark.parametrize(("arrow", "initiator"), [("<-", "dst"), ("<->", None), ("  ?>", None), (" <?>", None)])
def test_argus_tells_who_opened_only_where_it_saw_it(arrow: str, initiator: str | None) -> None:
    (row,) = rows(f"{ARGUS_HEADER}\n{ARGUS_LINE.replace('   ->', arrow)}\n")
    assert row["initiator"] == initiator


def test_argus_without_source_packets_shares_them_out_as_the_bytes_went() -> None:
    header, line = ARGUS_HEADER.replace(",SrcPkts", ""), ARGUS_LINE.replace(",700,4,", ",700,")
    (row,) = rows(f"{header}\n{line}\n")
    assert (row["src_packets"], row["dst_packets"]) == (4, 3)
    (row,) = rows(f"{header}\n{line.replace(',1100,700,', ',700,700,')}\n")
    assert (row["src_packets"], row["dst_packets"]) == (7, 0)


@pytest.mark.parametrize(
    ("protocol", "source", "destination", "kind", "code"),
    [("icmp", "0x0403", "0x0000", 3, 4), ("icmp", "0x0008", "0x7208", 8, 0), ("ipv6-icmp", "135", "0", 135, 0)],
)
def test_argus_icmp(protocol: str, source: str, destination: str, kind: int, code: int) -> None:
    line = ARGUS_LINE.replace(",tcp,", f",{protocol},").replace(",50000,", f",{source},")
    (row,) = rows(f"{ARGUS_HEADER}\n{line.replace(',443,', f',{destination},')}\n")
    assert (row["icmp_type"], row["icmp_code"], row["src_port"], row["dst_port"]) == (kind, code, None, None)


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (",tcp,", ",man,", "not_an_ip_protocol"),
        (",tcp,", ",arp,", "not_an_ip_protocol"),
        (",10.0.0.7,", ",02:00:00:00:00:01,", "mac_instead_of_ip"),
        (",1100,700,", ",1100,1101,", "unparsable"),
        (",1.500000,", ",-1.500000,", "negative_duration"),
        ("2024/03/01 00", "1970/01/01 01", "time_out_of_range"),
        (",50000,", ",0xZZ,", "unparsable"),
    ],
)
def test_argus_rejects(old: str, new: str, reason: str) -> None:
    bad = ARGUS_LINE.replace(old, new)
    assert reasons(f"{ARGUS_HEADER}\n{ARGUS_LINE}\n{bad}\n{ARGUS_LINE}\n") == [reason]


def test_aws_vpc_without_and_with_a_header() -> None:
    (row,) = rows(VPC_LINE + "\n")
    assert_holds(row, SHARED | {"start_time": utc("2024-03-01"), "end_time": utc("2024-03-01 00:01:00")})
    assert_holds(row, {"src_bytes": 700, "exporter": "eni-1", "is_bidirectional": False, "source_format": "aws_vpc"})
    header = "tcp-flags srcaddr dstaddr srcport dstport protocol packets bytes start end"
    (own_order,) = rows(f"{header}\n2 10.0.0.7 198.51.100.9 50000 443 6 4 700 1709251200 1709251260\n")
    assert_holds(own_order, SHARED | {"tcp_flags": 2, "initiator": "src", "src_packets": 4})


def test_aws_vpc_skips_rows_without_data() -> None:
    nothing = "2 123456789010 eni-1 - - - - - - - 1709251200 1709251260 - NODATA\n"
    counts = parse(VPC_LINE + "\n" + nothing + nothing.replace("NODATA", "SKIPDATA")).counts
    assert (counts.kept, counts.skipped) == (1, 2)
    assert parse(nothing).counts.skipped == 1


def test_nfstream() -> None:
    (row,) = rows(f"{NFSTREAM_HEADER}\n{NFSTREAM_LINE}\n")
    assert_holds(row, BOTH_WAYS | {"start_time": START, "end_time": END, "initiator": None})
    assert_holds(row, {"observed_application": "tls.example", "dst_mac": TOKENIZER.token("mac", "02:00:00:00:00:02")})
    wide = f"{NFSTREAM_HEADER},bidirectional_min_ps\n{NFSTREAM_LINE},40\n"
    assert rows(wide) == [row]


def test_nfstream_quotes_may_hold_quotes_and_an_open_one_costs_its_line() -> None:
    quoted = NFSTREAM_LINE.replace("(a, b)", '""a"", b')
    opened = NFSTREAM_LINE.replace('b)"', "b)")
    text = "\n".join([NFSTREAM_HEADER, NFSTREAM_LINE, quoted, opened, NFSTREAM_LINE]) + "\n"
    block = parse(text)
    assert (block.counts.kept, block.rejects["line"].to_pylist()) == (3, [4])


@pytest.mark.parametrize("spelling", list(CIC_SPELLINGS))
def test_cicflowmeter_spellings(spelling: str) -> None:
    (row,) = rows(f"{CIC_SPELLINGS[spelling]}\n{CIC_LINE}\n")
    assert_holds(row, BOTH_WAYS | {"start_time": utc("2024-03-01"), "end_time": utc("2024-03-01 00:00:01.5")})
    assert row["observed_application"] == ("google" if spelling == "dotted" else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("26/04/201711:11:17", "2017-04-26 11:11:17"),
        ("26/04/2017 11:11:17", "2017-04-26 11:11:17"),
        ("5/7/2017 8:55", "2017-07-05 08:55:00"),
        ("05/07/2017 03:30:01 PM", "2017-07-05 15:30:01"),
        ("2018-02-14 08:35:00.250000", "2018-02-14 08:35:00.25"),
    ],
)
def test_cicflowmeter_times_are_day_first(text: str, expected: str) -> None:
    (row,) = rows(f"{CIC_SPELLINGS['short']}\n{CIC_LINE.replace('01/03/202400:00:00', text)}\n")
    assert row["start_time"] == utc(expected)


def test_cicflowmeter_negative_durations_are_rejected_and_odd_bytes_are_not() -> None:
    negative = CIC_LINE.replace(",1500000,", ",-1,")
    assert reasons(f"{CIC_SPELLINGS['long']}\n{CIC_LINE}\n{negative}\n") == ["negative_duration"]
    windows = f"{CIC_SPELLINGS['long']}\n".encode() + CIC_LINE.replace("GOOGLE", "Web – x").encode("cp1252") + b"\n"
    assert len(rows(windows)) == 1


def test_missing_columns_are_named() -> None:
    header = CIC_SPELLINGS["short"].replace("Src IP,", "")
    with pytest.raises(InputError, match="looks like cicflowmeter but has no column src_ip"):
        detect_layout(f"{header}\n".encode(), ANY, "flows.csv")


def test_the_settings_format_must_be_known() -> None:
    with pytest.raises(InputError, match="format netflow is not known"):
        detect_layout(b"x\n", SourceSettings(match="*", format="netflow"), "flows.csv")


def test_the_real_zeek_day_sums_to_what_its_columns_say(samples: Path) -> None:
    paths = sorted((samples / "flows/zeek/2024-04-19").glob("conn.*.log.gz"))
    assert len(paths) == 24
    kept = volume = expected_kept = expected_volume = 0
    for path in paths:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        names = next(line for line in lines if line.startswith("#fields")).split("\t")[1:]
        records = [dict(zip(names, line.split("\t"), strict=True)) for line in lines if not line.startswith("#")]
        expected_kept += len(records)
        expected_volume += sum(int(record["orig_ip_bytes"]) + int(record["resp_ip_bytes"]) for record in records)
        _, flows, counts = parse_file(path)
        assert (counts.quarantined, counts.lines) == (0, len(lines))
        kept += len(flows)
        volume += sum(flows["src_bytes"].to_pylist()) + sum(flows["dst_bytes"].to_pylist())
    assert (kept, volume) == (expected_kept, expected_volume)


@pytest.mark.parametrize(
    ("name", "kept", "quarantined", "skipped"),
    [
        ("argus/test2-malicious.binetflow", 6751, 0, 0),
        ("argus/test3-mixed.binetflow", 89, 0, 0),
        ("argus/test5.binetflow", 0, 6725, 0),
        ("suricata/test6-malicious.suricata.json", 3512, 0, 1488),
        ("zeek/conn-all-fields.json.log", 29, 0, 0),
        ("broken/zeek-truncated.log", 58, 1, 0),
        ("broken/zeek-truncated.json.log", 2, 2, 0),
    ],
)
def test_the_other_real_samples(samples: Path, name: str, kept: int, quarantined: int, skipped: int) -> None:
    scan, _, counts = parse_file(samples / "flows" / name)
    assert (counts.kept, counts.quarantined, counts.skipped) == (kept, quarantined, skipped)
    assert counts.lines == scan.lines_read


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken/not-a-log.log", "no format this package reads"),
        ("broken/zeek-truncated-top.log", "#fields line"),
        ("exporters/nfv5.pcap", "packet capture"),
    ],
)
def test_real_files_of_no_known_format_are_told(samples: Path, name: str, message: str) -> None:
    scan, _, _ = parse_file(samples / "flows" / name)
    assert scan.status == "unknown_format"
    assert message in str(scan.message)
    assert scan.chunks == ()
