"""GoFlow2's JSON lines: NetFlow v5 and v9, IPFIX and sFlow as a collector passes them on.

Keys as GoFlow2 v2 formats its FlowMessage. Bytes and packets are as exported: they are scaled by ``sampling_rate``
here; 0 means that the exporter did not say, and then the settings do. An sFlow sample has no duration: it starts and
ends when it was received, as does any record without a start. Where the ICMP keys are 0, NetFlow's habit of writing
type * 256 + code as destination port is followed.
"""

from typing import Final

import polars as pl

from telflow.ingest.fields import (
    draft_of,
    first_reason,
    flags,
    has_ports,
    is_icmp,
    opened_by_src,
    protocols,
    reason_where,
    unknown_protocol,
)
from telflow.ingest.layout import Format, Layout
from telflow.ingest.record import Reason

IP_ETHERTYPES: Final = ("ipv4", "ipv6", "0x800", "0x0800", "0x86dd", "2048", "34525", "0", "")
NANOS: Final = 1000  # nanoseconds in a microsecond


def draft(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of GoFlow2's messages."""
    numbers = protocols(frame["proto"])
    known = frame.with_columns(numbers.alias("protocol"), flags(frame["tcp_flags"]).alias("tcp_flags"))
    is_sample = pl.col("type").str.to_uppercase().str.starts_with("SFLOW").fill_null(value=False)
    is_received = is_sample | (pl.col("time_flow_start_ns").fill_null(0) == 0)
    received, start = from_nanos("time_received_ns"), from_nanos("time_flow_start_ns")
    end = pl.when(pl.col("time_flow_end_ns") != 0).then(from_nanos("time_flow_end_ns")).otherwise(start)
    rate = pl.col("sampling_rate")
    packed = pl.col("dst_port").fill_null(0)
    is_packed = (pl.col("icmp_type").fill_null(0) == 0) & (pl.col("icmp_code").fill_null(0) == 0)
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": pl.when(is_received).then(received).otherwise(start),
        "end_time": pl.when(is_received).then(received).otherwise(end),
        "src_ip": pl.col("src_addr"),
        "dst_ip": pl.col("dst_addr"),
        "src_port": pl.when(has_ports()).then(pl.col("src_port")),
        "dst_port": pl.when(has_ports()).then(pl.col("dst_port")),
        "icmp_type": pl.when(is_icmp()).then(pl.when(is_packed).then(packed // 256).otherwise(pl.col("icmp_type"))),
        "icmp_code": pl.when(is_icmp()).then(pl.when(is_packed).then(packed % 256).otherwise(pl.col("icmp_code"))),
        "protocol": numbers,
        "src_bytes": pl.col("bytes"),
        "src_packets": pl.col("packets"),
        "tcp_flags": pl.col("tcp_flags"),
        "src_mac": pl.col("src_mac"),
        "dst_mac": pl.col("dst_mac"),
        "sampling_rate": pl.when(rate != 0).then(rate).otherwise(pl.lit(layout.sampling_rate)),
        "exporter": pl.coalesce("sampler_address", pl.lit(layout.exporter, pl.String)),
        "opened_by_src": opened_by_src(pl.lit(value=True), pl.col("packets")),
        "reason": first_reason(
            reason_where(is_no_ip(frame["etype"]), Reason.NOT_AN_IP_PROTOCOL),
            unknown_protocol(frame["proto"], numbers),
        ),
    }
    return draft_of(known, columns, layout)


def from_nanos(column: str) -> pl.Expr:
    """Nanoseconds since 1970 as a time, cut to microseconds."""
    return (pl.col(column) // NANOS).cast(pl.Datetime("us"))


def is_no_ip(ethertypes: pl.Series) -> pl.Series:
    """Whether a frame carried no IP, such as ARP."""
    return ~ethertypes.str.to_lowercase().is_in(IP_ETHERTYPES).fill_null(value=True)


FORMAT: Final = Format(
    fields={
        **dict.fromkeys(("type", "sampler_address", "src_addr", "dst_addr", "etype", "proto"), pl.String),
        **dict.fromkeys(("tcp_flags", "src_mac", "dst_mac"), pl.String),
        **dict.fromkeys(("time_received_ns", "time_flow_start_ns", "time_flow_end_ns", "sampling_rate"), pl.Int64),
        **dict.fromkeys(("bytes", "packets", "src_port", "dst_port", "icmp_type", "icmp_code"), pl.Int64),
    },
    required=("src_addr", "dst_addr", "proto", "bytes", "packets"),
    needs_one_of=(("time_flow_start_ns", "time_received_ns"),),
    is_json=True,
    draft=draft,
)
