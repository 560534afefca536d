"""NFStream's CSV: one bidirectional flow a row, the application by nDPI; further statistical columns are left alone.

The source is the sender of the first packet seen, which need not be who opened the connection: nobody says that.
``application_name`` in lower case is the observed application, and null where nDPI found none (``Unknown``).
"""

from typing import Final

import polars as pl

from telflow.ingest.fields import application, draft_of, has_ports, protocols, unknown_protocol
from telflow.ingest.layout import Format, Layout
from telflow.ingest.times import from_millis


def draft(frame: pl.DataFrame, layout: Layout) -> pl.DataFrame:
    """Drafts of NFStream's flows."""
    numbers = protocols(frame["protocol"])
    known = frame.with_columns(numbers.alias("protocol"))
    columns: dict[str, pl.Expr | pl.Series] = {
        "start_time": from_millis("bidirectional_first_seen_ms"),
        "end_time": from_millis("bidirectional_last_seen_ms"),
        "src_ip": pl.col("src_ip"),
        "dst_ip": pl.col("dst_ip"),
        "src_port": pl.when(has_ports()).then(pl.col("src_port")),
        "dst_port": pl.when(has_ports()).then(pl.col("dst_port")),
        "protocol": numbers,
        "src_bytes": pl.col("src2dst_bytes"),
        "src_packets": pl.col("src2dst_packets"),
        "dst_bytes": pl.col("dst2src_bytes"),
        "dst_packets": pl.col("dst2src_packets"),
        "is_bidirectional": pl.lit(value=True),
        "src_mac": pl.col("src_mac"),
        "dst_mac": pl.col("dst_mac"),
        "observed_application": application(frame["application_name"]),
        "reason": unknown_protocol(frame["protocol"], numbers),
    }
    return draft_of(known, columns, layout)


FORMAT: Final = Format(
    fields={
        **dict.fromkeys(("src_ip", "dst_ip", "src_mac", "dst_mac", "protocol", "application_name"), pl.String),
        **dict.fromkeys(("src_port", "dst_port"), pl.Int64),
        **dict.fromkeys(("bidirectional_first_seen_ms", "bidirectional_last_seen_ms"), pl.Int64),
        **dict.fromkeys(("src2dst_packets", "src2dst_bytes", "dst2src_packets", "dst2src_bytes"), pl.Int64),
    },
    required=(
        "src_ip",
        "dst_ip",
        "protocol",
        "bidirectional_first_seen_ms",
        "bidirectional_last_seen_ms",
        "src2dst_packets",
        "src2dst_bytes",
        "dst2src_packets",
        "dst2src_bytes",
    ),
    quote='"',
    escape="\\",
    draft=draft,
)
