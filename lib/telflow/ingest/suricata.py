"""Suricata's EVE JSON: the records with ``event_type`` flow; those of any other type are skipped.

The source is the client: Suricata keeps a flow from its client's side (``toserver``). ``app_proto`` is the observed
application, null where it is ``failed`` or ``unknown``. ``host``, the sensor's name, is the exporter.
"""

from typing import Final

import polars as pl

from telflow.ingest.fields import (
    application,
    draft_of,
    flag_mask,
    has_ports,
    is_icmp,
    map_distinct,
    protocols,
    unknown_protocol,
)
from telflow.ingest.layout import Format, Layout
from telflow.ingest.times import offset_times


def draft(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of EVE records."""
    numbers = protocols(frame["proto"])
    masks = {text: flag_mask(f"0x{text}") for text in frame["tcp_flags"].unique().drop_nulls().to_list()}
    known = frame.with_columns(numbers.alias("protocol"))
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": offset_times(frame["start"]),
        "end_time": offset_times(frame["end"]),
        "src_ip": pl.col("src_ip"),
        "dst_ip": pl.col("dest_ip"),
        "src_port": pl.when(has_ports()).then(pl.col("src_port")),
        "dst_port": pl.when(has_ports()).then(pl.col("dest_port")),
        "icmp_type": pl.when(is_icmp()).then(pl.col("icmp_type")),
        "icmp_code": pl.when(is_icmp()).then(pl.col("icmp_code")),
        "protocol": numbers,
        "src_bytes": pl.col("bytes_toserver"),
        "src_packets": pl.col("pkts_toserver"),
        "dst_bytes": pl.col("bytes_toclient"),
        "dst_packets": pl.col("pkts_toclient"),
        "is_bidirectional": pl.lit(value=True),
        "tcp_flags": map_distinct(frame["tcp_flags"], masks),
        "exporter": pl.coalesce("host", pl.lit(layout.exporter, pl.String)),
        "observed_application": application(frame["app_proto"]),
        "opened_by_src": pl.lit(value=True),
        "is_skipped": (pl.col("event_type") != "flow").fill_null(value=False),
        "reason": unknown_protocol(frame["proto"], numbers),
    }
    return draft_of(known, columns, layout)


IN_FLOW: Final = ("start", "end", "pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient")
FORMAT: Final = Format(
    fields={
        **dict.fromkeys(("event_type", "src_ip", "dest_ip", "proto", "app_proto", "host"), pl.String),
        **dict.fromkeys(("start", "end", "tcp_flags"), pl.String),
        **dict.fromkeys(("src_port", "dest_port", "icmp_type", "icmp_code"), pl.Int64),
        **dict.fromkeys(("pkts_toserver", "pkts_toclient", "bytes_toserver", "bytes_toclient"), pl.Int64),
    },
    required=("event_type", "src_ip", "dest_ip", "proto", *IN_FLOW),
    paths={"tcp_flags": ("tcp", "tcp_flags"), **{name: ("flow", name) for name in IN_FLOW}},
    is_json=True,
    draft=draft,
)
