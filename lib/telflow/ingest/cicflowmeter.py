"""CICFlowMeter's CSV in its four spellings: long, short, that of 2017, and the 87 columns labelled with applications.

Byte columns count payload, not the IP header: volumes are below those of the other formats. Times are local, days go
before months, ``Flow Duration`` is microseconds. ``ProtocolName`` is the observed application; ``Label`` tells of
attacks and is none. The source is the sender of the first packet seen: nobody says who opened the connection.
"""

from typing import Final

import polars as pl

from telflow.ingest.fields import (
    application,
    draft_of,
    first_reason,
    has_ports,
    protocols,
    reason_where,
    unknown_protocol,
)
from telflow.ingest.layout import Format, Layout
from telflow.ingest.record import NOT_A_NUMBER, Reason
from telflow.ingest.times import as_utc, gap_reason, local_times

TIME_FORMATS: Final = (
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y%H:%M:%S",
    "%d/%m/%Y %I:%M:%S %p",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %I:%M %p",
    "%Y-%m-%d %H:%M:%S%.f",
)
SPELLINGS: Final = {
    "src_ip": ("src ip", "source ip", "source.ip", "src.ip"),
    "src_port": ("src port", "source port", "source.port", "src.port"),
    "dst_ip": ("dst ip", "destination ip", "destination.ip", "dst.ip"),
    "dst_port": ("dst port", "destination port", "destination.port", "dst.port"),
    "protocol": ("protocol",),
    "timestamp": ("timestamp",),
    "duration": ("flow duration", "flow.duration"),
    "src_packets": ("total fwd packet", "total fwd packets", "tot fwd pkts", "total.fwd.packets"),
    "dst_packets": ("total bwd packets", "total backward packets", "tot bwd pkts", "total.backward.packets"),
    "src_bytes": (
        "total length of fwd packet",
        "total length of fwd packets",
        "totlen fwd pkts",
        "total.length.of.fwd.packets",
    ),
    "dst_bytes": (
        "total length of bwd packet",
        "total length of bwd packets",
        "totlen bwd pkts",
        "total.length.of.bwd.packets",
    ),
    "application": ("protocolname",),
}


def draft(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of CICFlowMeter's flows."""
    clock = local_times(frame["timestamp"].str.strip_chars(), TIME_FORMATS)
    start = as_utc(clock, layout.zone)
    numbers = protocols(frame["protocol"])
    known = frame.with_columns(start.alias("start_time"), numbers.alias("protocol"))
    length = pl.col("duration").round().cast(pl.Int64, strict=False).cast(pl.Duration("us"))
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": start,
        "end_time": pl.col("start_time") + length,
        "src_ip": pl.col("src_ip").str.strip_chars(),
        "dst_ip": pl.col("dst_ip").str.strip_chars(),
        "src_port": pl.when(has_ports()).then(pl.col("src_port")),
        "dst_port": pl.when(has_ports()).then(pl.col("dst_port")),
        "protocol": numbers,
        **{name: counter(name) for name in ("src_bytes", "src_packets", "dst_bytes", "dst_packets")},
        "is_bidirectional": pl.lit(value=True),
        "observed_application": application(frame["application"]),
        "reason": first_reason(
            unknown_protocol(frame["protocol"], numbers),
            gap_reason(clock, start),
            reason_where((frame["duration"] < 0).fill_null(value=False), Reason.NEGATIVE_DURATION),
        ),
    }
    return draft_of(known, columns, layout)


def counter(name: str) -> pl.Expr:
    """A counter that some versions print with a fraction (``232.0``)."""
    value = pl.col(name)
    whole = value.cast(pl.Int64, strict=False)
    return pl.when(value.is_not_null()).then(whole.fill_null(NOT_A_NUMBER))


COUNTED: Final = ("src_bytes", "src_packets", "dst_bytes", "dst_packets")
FORMAT: Final = Format(
    fields={
        **dict.fromkeys(("src_ip", "dst_ip", "protocol", "timestamp", "application"), pl.String),
        **dict.fromkeys(("src_port", "dst_port"), pl.Int64),
        **dict.fromkeys(("duration", *COUNTED), pl.Float64),
    },
    required=("src_ip", "dst_ip", "protocol", "timestamp", "duration", *COUNTED),
    aliases={spelling: name for name, spellings in SPELLINGS.items() for spelling in spellings},
    quote='"',
    draft=draft,
)
