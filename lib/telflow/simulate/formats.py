"""Writes synthetic flows as the tools of the field write real ones."""

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from telflow.simulate.catalogue import ESP, GRE, ICMP, TCP, UDP

PROTOCOL_NAMES = {ICMP: "ICMP", TCP: "TCP", UDP: "UDP", GRE: "GRE", ESP: "ESP"}
NFDUMP_COLUMNS = (
    "ts,te,td,sa,da,sp,dp,pr,flg,fwd,stos,ipkt,ibyt,opkt,obyt,in,out,sas,das,smk,dmk,dtos,dir,nh,nhb,svln,dvln,"
    "ismc,odmc,idmc,osmc,mpls1,mpls2,mpls3,mpls4,mpls5,mpls6,mpls7,mpls8,mpls9,mpls10,cl,sl,al,ra,eng,exid,tr"
)
ROUTER = "192.0.2.1"
ZEEK_FIELDS = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port", "id.resp_h": "addr", "id.resp_p": "port",
    "proto": "enum", "service": "string", "duration": "interval", "orig_bytes": "count", "resp_bytes": "count",
    "conn_state": "string", "local_orig": "bool", "local_resp": "bool", "missed_bytes": "count", "history": "string",
    "orig_pkts": "count", "orig_ip_bytes": "count", "resp_pkts": "count", "resp_ip_bytes": "count",
    "tunnel_parents": "set[string]",
}  # fmt: skip
ZEEK_SERVICES = {
    "https": "ssl", "rtsps": "ssl", "http": "http", "domain": "dns", "ssh": "ssh", "ms-wbt-server": "rdp",
    "sip": "sip", "imaps": "ssl", "submission": "smtp", "rtsp": "rtsp", "secure-mqtt": "ssl", "mqtt": "mqtt",
}  # fmt: skip


def write_nfdump(flows: pl.DataFrame, midnight: datetime, path: Path) -> None:
    """Write ``flows`` as ``nfdump -o csv`` 1.7.1 prints them: 48 columns and three summary lines.

    Args:
        flows: columns of ``telflow.simulate.flows.Flows``.
        midnight: start of their UTC day.
        path: file to write.
    """
    seconds = flows.select(at=pl.col("end_ms").max() // 1000).item() if len(flows) else 0
    clock = clock_texts(midnight, int(seconds) + 1)
    is_icmp = pl.col("protocol") == ICMP
    icmp_port = pl.format("{}.{}", pl.col("dst_port") // 256, pl.col("dst_port") % 256)
    port = pl.when(is_icmp).then(icmp_port).otherwise(pl.col("dst_port").cast(pl.String))
    # columns that never change stand together in one text: fewer columns to write
    columns: dict[str, pl.Series | pl.Expr] = {
        "ts": clock.gather(flows["start_ms"] // 1000),
        "te": clock.gather(flows["end_ms"] // 1000),
        "td": (pl.col("end_ms") - pl.col("start_ms")) / 1000,
        "sa": pl.col("src"),
        "da": pl.col("dst"),
        "sp": pl.col("src_port"),
        "dp": port,
        "pr": pl.col("protocol").replace_strict(PROTOCOL_NAMES, return_dtype=pl.String),
        "flg": pl.col("flags"),
        "fwd,stos": pl.lit("0,0"),
        "ipkt": pl.col("src_packets"),
        "ibyt": pl.col("src_bytes"),
        "opkt": pl.col("dst_packets"),
        "obyt": pl.col("dst_bytes"),
        "in to dvln": pl.lit("0,0,0,0,0,0,0,0,0.0.0.0,0.0.0.0,0,0"),
        "ismc": pl.col("src_mac"),
        "odmc": pl.col("dst_mac"),
        "idmc to tr": pl.lit(
            "00:00:00:00:00:00,00:00:00:00:00:00," + "0-0-0," * 10 + "    0.000," * 3 + f"{ROUTER},0/0,1,"
            "1970-01-01 00:00:00.000"
        ),
    }
    with path.open("wb") as file:
        file.write(f"{NFDUMP_COLUMNS}\n".encode("ascii"))
        flows.select(**columns).write_csv(file, include_header=False, quote_style="never", float_precision=3)
        file.write(nfdump_summary(flows).encode("ascii"))


def clock_texts(midnight: datetime, count: int) -> pl.Series:
    """``count`` seconds from ``midnight`` as text: a look-up is faster than formatting each time."""
    until = midnight + timedelta(seconds=count - 1)
    return pl.datetime_range(midnight, until, "1s", eager=True).dt.strftime("%Y-%m-%d %H:%M:%S")


def nfdump_summary(flows: pl.DataFrame) -> str:
    """The three last lines: sums over the file, both directions, averages cut to whole numbers."""
    count = len(flows)
    total, packets = volume(flows), volume(flows, "packets")
    span = flows.select(pl.col("end_ms").max() - pl.col("start_ms").min()).item() if count else 0
    rates = (total * 8000 // span, packets * 1000 // span) if span else (0, 0)
    values = (count, total, packets, *rates, total // packets if packets else 0)
    return f"Summary\nflows,bytes,packets,avg_bps,avg_pps,avg_bpp\n{','.join(map(str, values))}\n"


def volume(flows: pl.DataFrame, unit: str = "bytes") -> int:
    """Bytes (or packets) of ``flows``, both directions."""
    return int(flows.select(pl.col(f"src_{unit}").sum() + pl.col(f"dst_{unit}").sum()).item())


def write_zeek(flows: pl.DataFrame, midnight: datetime, path: Path) -> None:
    """Write ``flows`` as a Zeek conn log, TSV.

    Zeek's own finding is the true service, whatever the port. It logs TCP, UDP and ICMP; the others are left out.
    """
    header = [
        "#separator \\x09", "#set_separator\t,", "#empty_field\t(empty)", "#unset_field\t-", "#path\tconn",
        f"#open\t{midnight:%Y-%m-%d-%H-%M-%S}", "\t".join(["#fields", *ZEEK_FIELDS]),
        "\t".join(["#types", *ZEEK_FIELDS.values()]),
    ]  # fmt: skip
    is_icmp = pl.col("protocol") == ICMP
    names = {ICMP: "icmp", TCP: "tcp", UDP: "udp"}
    epoch_ms = int(midnight.timestamp()) * 1000
    is_syn = pl.col("flags") == "......S."
    has_duration = pl.col("end_ms") > pl.col("start_ms")
    columns = {
        "ts": (pl.col("start_ms") + epoch_ms) / 1000,
        "uid": pl.format("C{}x{}", pl.col("start_ms"), pl.int_range(pl.len())),
        "id.orig_h": pl.col("src"),
        "id.orig_p": pl.when(is_icmp).then(pl.col("dst_port") // 256).otherwise("src_port"),
        "id.resp_h": pl.col("dst"),
        "id.resp_p": pl.when(is_icmp).then(pl.col("dst_port") % 256).otherwise("dst_port"),
        "proto": pl.col("protocol").replace_strict(names, return_dtype=pl.String),
        "service": pl.col("service").replace_strict(ZEEK_SERVICES, default=None, return_dtype=pl.String),
        "duration": pl.when(has_duration).then((pl.col("end_ms") - pl.col("start_ms")) / 1000),
        "orig_bytes": pl.when(has_duration).then(pl.col("src_bytes")),
        "resp_bytes": pl.when(has_duration).then(pl.col("dst_bytes")),
        "conn_state": pl.when(is_syn).then(pl.lit("S0")).otherwise(pl.lit("SF")),
        "local_orig": pl.lit("-"),
        "local_resp": pl.lit("-"),
        "missed_bytes": pl.lit(0),
        "history": pl.when(is_syn).then(pl.lit("S")).otherwise(pl.lit("Dd")),
        "orig_pkts": pl.col("src_packets"),
        "orig_ip_bytes": pl.col("src_bytes"),
        "resp_pkts": pl.col("dst_packets"),
        "resp_ip_bytes": pl.col("dst_bytes"),
        "tunnel_parents": pl.lit("-"),
    }
    with path.open("wb") as file:
        file.write(("\n".join(header) + "\n").encode("ascii"))
        logged = flows.filter(pl.col("protocol").is_in(list(names)))
        logged.select(**columns).write_csv(
            file, include_header=False, quote_style="never", float_precision=3, separator="\t", null_value="-"
        )
        file.write(f"#close\t{midnight + timedelta(days=1):%Y-%m-%d-%H-%M-%S}\n".encode("ascii"))


def write_goflow2(flows: pl.DataFrame, midnight: datetime, path: Path) -> None:
    """Write ``flows`` as GoFlow2 JSON lines: a record each way, since NetFlow v9 tells of one direction."""
    epoch_ns = int(midnight.timestamp()) * 10**9
    there = flows.with_columns(bytes="src_bytes", packets="src_packets")
    back = flows.filter(pl.col("dst_bytes") > 0).select(
        pl.exclude("src", "dst", "src_port", "dst_port"),
        src="dst", dst="src", src_port="dst_port", dst_port="src_port", bytes="dst_bytes", packets="dst_packets",
    )  # fmt: skip
    both = pl.concat([there, back.select(there.columns)]).sort("end_ms", maintain_order=True)
    flag_bits = {"........": 0, "......S.": 2, "...AP.SF": 27, "...APRS.": 30}
    records = both.select(
        type=pl.lit("NETFLOW_V9"),
        time_received_ns=pl.col("end_ms") * 1_000_000 + epoch_ns,
        sequence_num=pl.int_range(pl.len()),
        sampling_rate=pl.lit(1),
        sampler_address=pl.lit(ROUTER),
        time_flow_start_ns=pl.col("start_ms") * 1_000_000 + epoch_ns,
        time_flow_end_ns=pl.col("end_ms") * 1_000_000 + epoch_ns,
        bytes="bytes",
        packets="packets",
        src_addr="src",
        dst_addr="dst",
        etype=pl.when(pl.col("src").str.contains(":", literal=True)).then(pl.lit("IPv6")).otherwise(pl.lit("IPv4")),
        proto=pl.col("protocol").replace_strict(PROTOCOL_NAMES, return_dtype=pl.String),
        src_port="src_port",
        dst_port="dst_port",
        in_if=pl.lit(1),
        out_if=pl.lit(2),
        tcp_flags=pl.col("flags").replace_strict(flag_bits, return_dtype=pl.Int64),
        src_mac="src_mac",
        dst_mac="dst_mac",
    )
    records.write_ndjson(path)
