"""AWS VPC flow logs: space-separated, of version 2 without a header, of later versions with one in any order.

Times are epoch seconds of the aggregation interval. ``tcp-flags`` is the union over that interval. Rows whose
``log-status`` is NODATA or SKIPDATA hold no flow and are skipped.
"""

from typing import Final

import polars as pl

from telflow.ingest.fields import draft_of, has_ports, opened_by_src, protocols, unknown_protocol
from telflow.ingest.layout import Format, Layout
from telflow.ingest.times import from_epoch

HEADER_V2: Final = (
    "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status"
)
COLUMNS_V2: Final = tuple(HEADER_V2.split())
CLOUDWATCH: Final = ("delivered-at", "log-stream")  # what CloudWatch's tools put before a record
NO_FLOW: Final = ("NODATA", "SKIPDATA")


def draft(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of flow log records, one direction each."""
    numbers = protocols(frame["protocol"])
    known = frame.with_columns(numbers.alias("protocol"), pl.col("tcp-flags").alias("tcp_flags"))
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": from_epoch(pl.col("start")),
        "end_time": from_epoch(pl.col("end")),
        "src_ip": pl.col("srcaddr"),
        "dst_ip": pl.col("dstaddr"),
        "src_port": pl.when(has_ports()).then(pl.col("srcport")),
        "dst_port": pl.when(has_ports()).then(pl.col("dstport")),
        "protocol": numbers,
        "src_bytes": pl.col("bytes"),
        "src_packets": pl.col("packets"),
        "tcp_flags": pl.col("tcp_flags"),
        "exporter": pl.coalesce("interface-id", pl.lit(layout.exporter, pl.String)),
        "opened_by_src": opened_by_src(pl.lit(value=True), pl.col("packets")),
        "is_skipped": pl.col("log-status").is_in(NO_FLOW).fill_null(value=False),
        "reason": unknown_protocol(frame["protocol"], numbers),
    }
    return draft_of(known, columns, layout)


FORMAT: Final = Format(
    fields={
        **dict.fromkeys(("interface-id", "srcaddr", "dstaddr", "protocol", "log-status"), pl.String),
        **dict.fromkeys(("srcport", "dstport", "packets", "bytes", "tcp-flags"), pl.Int64),
        **dict.fromkeys(("start", "end"), pl.Float64),
    },
    required=("srcaddr", "dstaddr", "protocol", "packets", "bytes", "start", "end"),
    draft=draft,
)
